import { BoxConnections, type BoxConnectionsOptions } from 'nestjs-box-auth/connections';
import { BoxEmulator } from 'nestjs-box-auth/testing';
import { MemoryConnectionVault } from '../../lib/testing/connection-vault/memory-connection-vault.js';
import { FakeRuntime, settled } from './fake-runtime.js';

export const ALICE = '11111';
export const BOB = '22222';
export const VAULT_SECRET = 'a secret of the vault, 0123456789abcdef';
export const REDIRECT_URI = 'http://localhost:3000/box/callback';
export const DAY_MS = 86_400_000;

/** Who begins a sign-in, in which browser. */
export interface Person {
  readonly owner: string;
  readonly binding: string;
  readonly label?: string;
}

export const ann: Person = { owner: 'ann', binding: 'the session of ann' };

/** An emulated Box, a vault, and processes of an app that people connect their accounts to. */
export class ConnectedBox {
  readonly vault: MemoryConnectionVault;
  /** The first process. */
  readonly connections: BoxConnections;
  readonly #opened: BoxConnections[] = [];
  #requestsInFlight = 0;

  static async start(): Promise<ConnectedBox> {
    const runtime = new FakeRuntime();
    const emulator = await BoxEmulator.start({ redirectUris: [REDIRECT_URI], now: runtime.now });
    return new ConnectedBox(emulator, runtime);
  }

  private constructor(
    readonly emulator: BoxEmulator,
    readonly runtime: FakeRuntime,
  ) {
    this.vault = new MemoryConnectionVault(runtime);
    this.connections = this.open();
  }

  /** Starts another process of the same app. */
  open(changes: Partial<BoxConnectionsOptions> = {}): BoxConnections {
    const { clientId, clientSecret, redirectUri } = this.emulator.oauthApp;
    const created = new BoxConnections({
      clientId,
      clientSecret,
      redirectUri,
      secret: VAULT_SECRET,
      vault: this.vault,
      apiUrl: this.emulator.url,
      runtime: this.runtime,
      fetch: (input, init) => this.#send(input, init),
      ...changes,
    });
    this.#opened.push(created);
    return created;
  }

  /** Begins a sign-in, and lets `userId` consent. Returns the address that Box redirects to. */
  async consent(person: Person = ann, userId = ALICE): Promise<string> {
    return this.emulator.consent(await this.connections.authorizationUrl(person), { userId });
  }

  async connect(person: Person = ann, userId = ALICE) {
    return this.connections.complete({ ...person, query: await this.consent(person, userId) });
  }

  /** Moves time on, but not while a request is on its way, until `work` has settled. Returns its result. */
  async advanceUntil<T>(work: Promise<T>): Promise<T> {
    const settling = new AbortController();
    const settle = () => settling.abort();
    work.then(settle, settle);
    while (!settling.signal.aborted) {
      await settled();
      if (this.#requestsInFlight === 0) await this.runtime.advance(100);
    }
    return work;
  }

  async #send(...[input, init]: Parameters<typeof fetch>): Promise<Response> {
    this.#requestsInFlight += 1;
    try {
      const response = await fetch(input, init);
      const body = await response.arrayBuffer();
      return new Response(body.byteLength === 0 ? null : body, response);
    } finally {
      this.#requestsInFlight -= 1;
    }
  }

  async stop(): Promise<void> {
    await this.emulator.stop();
    await this.advanceUntil(Promise.all(this.#opened.map((each) => each.close())));
  }
}

/** The id of the user that Box sees in a call for `owner`. */
export async function whoAmI(
  connections: BoxConnections,
  owner = 'ann',
  label?: string,
): Promise<string> {
  const call = () => connections.fetch('/2.0/users/me');
  const response = await connections.runAs(owner, call, label);
  const { id } = (await response.json()) as { readonly id?: string };
  return id ?? `status ${response.status}`;
}

/** The code of the error that `work` rejects with, or 'resolved'. */
export function outcome(work: Promise<unknown>): Promise<unknown> {
  return work.then(
    () => 'resolved',
    (error: { readonly code?: unknown }) => error.code ?? error,
  );
}
