/* oxlint-disable vitest/no-standalone-expect -- the model contains the expectations, and the test runs it */
import * as fc from 'fast-check';
import type { AccessToken } from 'nestjs-box-auth';
import { expect, it } from 'vitest';
import { BoxAuth } from '../../lib/box/box-auth.js';
import { MemoryTokenStore } from '../support/memory-token-store.js';
import { FakeRuntime, settled } from '../support/fake-runtime.js';
import { type Received, ScriptedEndpoint } from '../support/scripted-endpoint.js';

const ME = 'https://api.box.com/2.0/users/me';
const FORCED_MS = 10_000;

interface Granted {
  readonly wall: number;
  readonly monotonic: number;
  isRevoked: boolean;
}

/** Two processes that share a store, a Box that responds at once, and revocations by Box and by the processes. */
class SharedTokenModel {
  readonly runtime = new FakeRuntime();
  readonly endpoint = new ScriptedEndpoint(this.runtime);
  readonly #store = new MemoryTokenStore(this.runtime);
  readonly #granted = new Map<string, Granted>();
  readonly #processes = [this.#process(), this.#process()] as const;
  refusedAgain = 0;

  constructor() {
    this.endpoint.otherwise = (request) => this.#respond(request);
  }

  /** A process calls Box. */
  async call(which: 0 | 1): Promise<void> {
    const process = this.#processes[which];
    const before = process.provider.peekToken();
    let outcome: unknown;
    process.fetch(ME).then(
      ({ status }) => (outcome = status),
      (error: unknown) => (outcome = error),
    );
    await settled();
    if (outcome === 200) return;
    if (outcome === 401) {
      expect(before, 'a new token was refused').toBeDefined();
      expect(process.provider.peekToken(), 'a refused token was kept').not.toBe(before);
      return;
    }
    expect(outcome).toMatchObject({ code: 'token_refused_again' });
    this.refusedAgain += 1;
    const held = this.#grantOf(process.provider.peekToken());
    expect(this.#ageMs(held), 'a refused token is kept for too long').toBeLessThan(FORCED_MS);
    const all = [...this.#granted.values()];
    const newer = all.slice(all.indexOf(held) + 1).filter(({ isRevoked }) => !isRevoked);
    expect(newer, 'the store has a newer token').toEqual([]);
  }

  /** A process revokes its token at Box and in the store. */
  async revoke(which: 0 | 1): Promise<void> {
    const { provider } = this.#processes[which];
    if (provider.peekToken() === undefined) return;
    await provider.revoke();
    await settled();
  }

  /** Box revokes all tokens without a notice. */
  revokeAll(): void {
    for (const granted of this.#granted.values()) granted.isRevoked = true;
  }

  close(): void {
    for (const process of this.#processes) process.close();
  }

  #process(): BoxAuth {
    return new BoxAuth({
      credentials: { clientId: 'client', clientSecret: 'client-secret', enterpriseId: '1' },
      runtime: this.runtime,
      store: this.#store,
      fetch: (input, init) => this.#box(String(input), init),
    });
  }

  async #box(url: string, init: RequestInit | undefined): Promise<Response> {
    if (url !== ME) return await this.endpoint.fetch(url, init);
    const bearer = new Headers(init?.headers).get('authorization')?.replace('Bearer ', '') ?? '';
    return this.#granted.get(bearer)?.isRevoked === false
      ? new Response('{}')
      : new Response(null, {
          status: 401,
          headers: { 'www-authenticate': 'Bearer error="invalid_token"' },
        });
  }

  #respond(request: Received): Response {
    if (request.url.endsWith('/revoke')) {
      const granted = this.#granted.get(request.form.get('token') ?? '');
      if (granted !== undefined) granted.isRevoked = true;
      return new Response();
    }
    const value = `token-${String(this.#granted.size)}`;
    const now = { wall: this.runtime.now(), monotonic: this.runtime.monotonic() };
    this.#granted.set(value, { ...now, isRevoked: false });
    return this.endpoint.json(200, { access_token: value, expires_in: 3600 });
  }

  #grantOf(token: AccessToken | undefined): Granted {
    const granted = this.#granted.get(token?.value ?? '');
    if (granted === undefined) throw new Error('this token was never granted');
    return granted;
  }

  #ageMs({ wall, monotonic }: Granted): number {
    return Math.max(this.runtime.now() - wall, this.runtime.monotonic() - monotonic);
  }
}

class Step implements fc.AsyncCommand<object, SharedTokenModel> {
  constructor(
    private readonly name: string,
    private readonly execute: (model: SharedTokenModel) => void | Promise<void>,
  ) {}

  check = (): boolean => true;
  run = async (_: object, model: SharedTokenModel): Promise<void> => this.execute(model);
  toString = (): string => this.name;
}

const processes = fc.constantFrom<0 | 1>(0, 1);
const call = processes.map((which) => new Step(`call(${which})`, (model) => model.call(which)));
const steps = [
  call,
  call,
  call,
  processes.map((which) => new Step(`revoke(${which})`, (model) => model.revoke(which))),
  fc.constant(new Step('revokeAll', (model) => model.revokeAll())),
  fc
    .oneof(fc.integer({ min: 1, max: 12_000 }), fc.integer({ min: 1, max: 3_700_000 }))
    .map((ms) => new Step(`advance(${ms})`, (model) => model.runtime.advance(ms))),
  fc
    .integer({ min: 1, max: 100_000 })
    .map((ms) => new Step(`freeze(${ms})`, (model) => model.runtime.freeze(ms))),
];

it('A refused token is replaced whenever another process has a newer one', async () => {
  let refusedAgain = 0;
  await fc.assert(
    fc.asyncProperty(fc.commands(steps, { maxCommands: 30, size: 'max' }), async (commands) => {
      const model = new SharedTokenModel();
      await fc.asyncModelRun(() => ({ model: {}, real: model }), commands);
      refusedAgain += model.refusedAgain;
      model.close();
    }),
    { numRuns: 1_000 },
  );
  expect(refusedAgain).toBeGreaterThan(10);
}, 120_000);
