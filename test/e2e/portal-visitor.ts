import type {
  Browser,
  BrowserContext,
  BrowserContextOptions,
  Page,
  Response,
} from 'playwright-core';
import { onTestFinished } from 'vitest';

export const CALLBACK = '/box/callback';

/** A person with a browser of their own, who uses the keyboard only. */
export class Visitor {
  /** Errors of scripts and messages in the console, such as violations of the content security policy. */
  readonly errors: string[] = [];

  static async arrive(
    browser: Browser,
    portal: string,
    options: BrowserContextOptions = {},
  ): Promise<Visitor> {
    const context = await browser.newContext(options);
    onTestFinished(() => context.close());
    const visitor = new Visitor(context, await context.newPage());
    await visitor.page.goto(portal);
    return visitor;
  }

  private constructor(
    private readonly context: BrowserContext,
    readonly page: Page,
  ) {
    context.on('weberror', (error) => this.errors.push(String(error.error())));
    context.on('console', (message) => {
      const { pathname } = new URL(message.location().url, 'about:blank');
      const [, status] = /the server responded with a status of (\d+)/.exec(message.text()) ?? [];
      if (message.type() === 'error' || message.type() === 'warning')
        this.errors.push(status === undefined ? message.text() : `${status} of ${pathname}`);
    });
  }

  async signIn(name: string): Promise<void> {
    await this.press('button', name);
  }

  async connect(): Promise<void> {
    await this.press('link', 'Connect your Box');
    await this.page.getByRole('heading', { name: 'Grant access to Box' }).waitFor();
  }

  async choose(name: string): Promise<void> {
    await this.page.getByRole('radio', { name: new RegExp(`^${name} `) }).press('Space');
  }

  async press(role: 'button' | 'link', name: string): Promise<void> {
    await this.page.getByRole(role, { name, exact: true }).press('Enter');
  }

  /** Does something that leads to the callback. Returns the response of the portal. */
  async atCallback(act: () => Promise<unknown>): Promise<Response> {
    const isCallback = (response: Response) => new URL(response.url()).pathname === CALLBACK;
    const [response] = await Promise.all([this.page.waitForResponse(isCallback), act()]);
    await response.finished();
    return response;
  }

  /** Consents on the page of Box. Returns the address that Box redirects to. */
  async consentWithoutReturning(userId: string): Promise<string> {
    const form = { decision: 'grant', user_id: userId };
    const response = await this.context.request.post(this.page.url(), { form, maxRedirects: 0 });
    return response.headers()['location'] ?? '';
  }

  /** The text of the section about the own account, as soon as it has loaded. */
  async section(): Promise<string> {
    const status = this.#section.getByText(/^(?:Connected as|No account|Open the portal)/);
    await status.waitFor();
    return (await status.textContent()) ?? '';
  }

  async files(): Promise<readonly string[]> {
    return this.#section.getByRole('listitem').allTextContents();
  }

  /** The text of the page with this heading, as soon as it has loaded. */
  async textBelow(heading: string): Promise<string> {
    await this.page.getByRole('heading', { name: heading }).waitFor();
    return (await this.page.locator('body').textContent()) ?? '';
  }

  async focused(): Promise<string> {
    return (await this.page.locator(':focus').textContent()) ?? '';
  }

  get #section() {
    return this.page.getByRole('region', { name: 'Your own Box account' });
  }
}
