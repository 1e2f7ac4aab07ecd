import { deepEqual, ok } from 'node:assert/strict';
import type { Locator } from 'playwright-core';
import { vi } from 'vitest';
import type { LoadState } from '../../sample-app/src/load/load.js';
import type { TokenState } from '../../sample-app/src/tokens/token-states.js';
import type { Visitor } from './portal-visitor.js';

/** A loaded machine is no reason to fail. */
export const patience = { timeout: 30_000, interval: 100 };

/** The calls after a fault that must succeed: more than one of each kind. */
const MIN_CALLS = 12;

interface TabStop {
  readonly name: string;
  readonly hasOutline: boolean;
}

/** The focused control; undefined at the end of the page. */
const FOCUSED = `(() => {
  const { activeElement: focused } = document;
  if (focused === document.body) return undefined;
  const label = focused.closest('label');
  const { outlineStyle, outlineWidth } = getComputedStyle(label ?? focused);
  return {
    name: (label ?? focused).textContent.trim(),
    hasOutline: outlineStyle === 'solid' && outlineWidth === '3px',
  };
})()`;

/** A person who uses the page with the keyboard. */
export class PageVisitor {
  constructor(readonly visitor: Visitor) {}

  /** The section with the load and the faults. */
  get section(): Locator {
    return this.region('Break Box under load');
  }

  region(name: string): Locator {
    return this.visitor.page.getByRole('region', { name, exact: true });
  }

  button(name: string): Locator {
    return this.visitor.page.getByRole('button', { name, exact: true });
  }

  press(name: string): Promise<void> {
    return this.visitor.press('button', name);
  }

  content(): Promise<string> {
    return this.visitor.page.content();
  }

  /** Waits for the message of the load. */
  says(text: string | RegExp): Promise<void> {
    return this.section.locator('#load-message').filter({ hasText: text }).waitFor();
  }

  async count(name: string): Promise<number> {
    const group = this.section.locator('.counts > div').filter({ hasText: name });
    return Number((await group.locator('dd').textContent())?.replaceAll(',', ''));
  }

  /** Waits until a count reaches a number. */
  async counts(name: string, minimum: number): Promise<void> {
    await vi.waitFor(async () => ok((await this.count(name)) >= minimum), patience);
  }

  /** Waits for an event since the latest fault. */
  async event(text: string | RegExp): Promise<void> {
    await vi.waitFor(async () => {
      const events = await this.#eventsSinceFault();
      ok(typeof text === 'string' ? events.includes(text) : text.test(events), events);
    }, patience);
  }

  /** Waits until calls of each kind have succeeded since the fault of that button, and none has failed. */
  async survives(fault: string): Promise<void> {
    const sentence = new RegExp(
      `^Since “(.*)”: (\\d+) calls?, (\\d+) failed, \\d+ token requests?\\.$`,
    );
    const read = async () => {
      const [, title, calls, failures] =
        sentence.exec((await this.section.locator('#since').textContent()) ?? '') ?? [];
      const reason = await this.section.locator('#latest-failure').textContent();
      return { title, hasEnough: Number(calls) >= MIN_CALLS, failures, reason };
    };
    const survived = { title: fault, hasEnough: true, failures: '0', reason: '' };
    await vi.waitFor(async () => deepEqual(await read(), survived), patience);
  }

  /** Starts the load, and waits until there is a token for each tenant and user. Returns their fingerprints. */
  async warmUp(): Promise<readonly string[]> {
    const { isRunning } = (await this.api('/api/load')) as LoadState;
    if (!isRunning) await this.press('Start the load');
    await this.button('Stop the load').waitFor();
    await vi.waitFor(async () => {
      const missing = (await this.#tokens()).filter(({ status }) => status !== 'valid');
      deepEqual(missing, []);
    }, patience);
    return this.fingerprints();
  }

  /** The fingerprints of all tokens. */
  async fingerprints(): Promise<readonly string[]> {
    return (await this.#tokens()).map(({ fingerprint = '' }) => fingerprint);
  }

  /** Calls the portal as the page does. */
  async api(path: string, method = 'GET', headers: Record<string, string> = {}): Promise<unknown> {
    const { page } = this.visitor;
    const url = new URL(path, page.url()).href;
    const response = await page.request.fetch(url, {
      method,
      headers: { accept: 'application/json', ...headers },
    });
    ok(response.ok());
    return response.json();
  }

  async inboxOf(user: string): Promise<string> {
    const url = new URL('/api/folders/0/items', this.visitor.page.url()).href;
    const response = await this.visitor.page.request.get(url, { headers: { 'x-demo-user': user } });
    const { entries } = (await response.json()) as {
      readonly entries: readonly { readonly id: string; readonly name: string }[];
    };
    return entries.find(({ name }) => name === 'Inbox')?.id ?? '';
  }

  /** Records the values of the progress bar. Returns a function that reads them. */
  async watchProgress(): Promise<() => Promise<readonly number[]>> {
    await this.visitor.page.evaluate(`{
      const bar = document.querySelector('progress');
      window.shares = [];
      new MutationObserver(() => window.shares.push(bar.value)).observe(bar, { attributes: true });
    }`);
    return () => this.visitor.page.evaluate<readonly number[]>('window.shares');
  }

  /** Moves the focus with the tab key through the whole page. Returns the controls in order. */
  async tabStops(): Promise<readonly TabStop[]> {
    const { page } = this.visitor;
    const stops: TabStop[] = [];
    for (;;) {
      await page.keyboard.press('Tab');
      const stop = await page.evaluate<TabStop | undefined>(FOCUSED);
      if (stop === undefined) return stops;
      stops.push(stop);
    }
  }

  /** The rules of accessibility that the page violates, by axe-core. */
  async violations(axe: string): Promise<readonly unknown[]> {
    const { page } = this.visitor;
    await page.evaluate(axe);
    return page.evaluate<readonly unknown[]>(`axe
      .run({ resultTypes: ['violations'] })
      .then(({ violations }) => violations.map(({ id, nodes }) => [id, nodes.map(({ html }) => html)]))`);
  }

  /** The width of the page, and the controls that are not completely in it. */
  async extent(): Promise<{ readonly scrollWidth: number; readonly outside: readonly string[] }> {
    return this.visitor.page.evaluate(`({
      scrollWidth: document.documentElement.scrollWidth,
      outside: [...document.querySelectorAll('button, a, li, section')]
        .filter((item) => {
          const { left, right } = item.getBoundingClientRect();
          return left < 0 || right > innerWidth;
        })
        .map(({ outerHTML }) => outerHTML),
    })`);
  }

  /** The red, green and blue parts of the background. */
  async background(): Promise<readonly number[]> {
    const color = await this.visitor.page.evaluate<string>(
      'getComputedStyle(document.body).backgroundColor',
    );
    return [...color.matchAll(/\d+/g)].map(Number);
  }

  async #tokens(): Promise<readonly TokenState[]> {
    const tokens = (await this.api('/api/tokens')) as readonly TokenState[];
    return tokens.filter(({ holder }) => holder !== 'connection');
  }

  /** The newest events first, down to the latest fault. */
  #eventsSinceFault(): Promise<string> {
    return this.visitor.page.evaluate(`(() => {
      const rows = [...document.querySelectorAll('#events li')];
      const latest = rows.findIndex((row) => row.querySelector('.fault') !== null);
      const isLatest = (row, at) => latest === -1 || at <= latest;
      return rows.filter(isLatest).map((row) => row.textContent).join('\\n');
    })()`);
  }
}
