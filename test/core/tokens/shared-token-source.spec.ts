import { beforeEach, describe, expect, it } from 'vitest';
import { BoxAuthError } from 'nestjs-box-auth';
import type { Subject } from '../../../lib/core/credentials/subject.js';
import { AccessToken, type MintedToken } from '../../../lib/core/token-endpoint/access-token.js';

import { renewalDefaults } from '../../../lib/core/tokens/renewal.options.js';
import {
  type OnStoreFailure,
  SharedTokenSource,
} from '../../../lib/core/tokens/shared-token-source.js';
import type {
  Claim,
  ClaimRequest,
  StoredToken,
  TokenStore,
} from '../../../lib/core/tokens/token-store.js';
import { untilAborted } from '../../../lib/core/runtime/abort.js';
import { delay } from '../../../lib/core/runtime/delay.js';
import { FakeRuntime, settled } from '../../support/fake-runtime.js';

// The dialogue of one process with its store. Whole fleets are in shared-fleet.spec.ts.

const HOUR = 3_600_000;
const subject: Subject = { type: 'user', id: '1' };

/** Returns scripted claims, and records all commands. */
class ScriptedStore implements TokenStore {
  readonly claims: (ClaimRequest & { readonly at: number })[] = [];
  readonly published: { fence: number; token: StoredToken; ageMs: number }[] = [];
  readonly failed: { owner: string; pauseMs: number; reason: string }[] = [];
  readonly invalidated: number[] = [];
  /** The error of each claim, if it is set. */
  failure: Error | undefined;
  readonly #scripted: Claim[];

  constructor(
    private readonly clock: FakeRuntime,
    ...claims: Claim[]
  ) {
    this.#scripted = claims;
  }

  claim(_: string, request: ClaimRequest): Promise<Claim> {
    this.claims.push({ ...request, at: this.clock.monotonic() });
    if (this.failure !== undefined) return Promise.reject(this.failure);
    const next = this.#scripted.length > 1 ? this.#scripted.shift() : this.#scripted[0];
    return Promise.resolve(next ?? { state: 'claimed', fence: 7 });
  }
  publish(_: string, fence: number, token: StoredToken, ageMs: number): Promise<void> {
    this.published.push({ fence, token, ageMs });
    return Promise.resolve();
  }
  invalidate(_: string, fence: number): Promise<void> {
    this.invalidated.push(fence);
    return Promise.resolve();
  }
  fail(_: string, owner: string, pauseMs: number, reason: string): Promise<void> {
    this.failed.push({ owner, pauseMs, reason });
    return Promise.resolve();
  }
}

let runtime: FakeRuntime;
let store: ScriptedStore;
/** How many token requests were sent. */
let mints: number;
/** The response to a token request. */
let respond: (granted: MintedToken, signal: AbortSignal) => Promise<MintedToken>;
let refusalsForgotten: number;
beforeEach(() => {
  runtime = new FakeRuntime();
  store = new ScriptedStore(runtime);
  mints = 0;
  respond = (granted) => Promise.resolve(granted);
  refusalsForgotten = 0;
});

const never = () => new Promise<never>(() => undefined);
const tokenOf = (value: string, expiresAt: number | undefined) =>
  new AccessToken(value, { subject, expiresAt });
const stored = (more: Partial<StoredToken> = {}): StoredToken => ({
  value: 'from-the-store',
  lifetimeMs: HOUR,
  expiresAt: runtime.now() + HOUR,
  scopes: ['root_readwrite'],
  ...more,
});
const found = (token: StoredToken, fence = 7, ageMs = 0): Claim => ({
  state: 'token',
  token,
  fence,
  ageMs,
});

function shared(onStoreFailure: OnStoreFailure = 'open', identity: 'an app' | 'none' = 'an app') {
  const mint = (signal = new AbortController().signal) => {
    mints += 1;
    const requestedAt = { wall: runtime.now(), monotonic: runtime.monotonic() };
    const token = tokenOf(`minted ${mints}`, runtime.now() + HOUR);
    return respond({ token, lifetimeMs: HOUR, requestedAt, isShared: false }, signal);
  };
  return new SharedTokenSource(
    {
      defaultSubject: subject,
      prepare: () =>
        Promise.resolve({ identity: identity === 'none' ? undefined : identity, subject, mint }),
      forgetRefusals: () => {
        refusalsForgotten += 1;
      },
      appIdentity: undefined,
      onPause: () => undefined,
      pause: () => undefined,
    },
    store,
    onStoreFailure,
    renewalDefaults,
    runtime,
    () => undefined,
  );
}

/** The result of `mint` after `ms`, or undefined while it is pending. */
async function mintOf(tokens: SharedTokenSource, ms = 0, known = {}): Promise<unknown> {
  let outcome: unknown;
  void tokens.mint(subject, known, new AbortController().signal).then(
    (mint) => (outcome = mint),
    (error: unknown) => (outcome = error),
  );
  await runtime.advance(ms);
  return outcome;
}
const valueOf = (outcome: unknown) => (outcome as MintedToken | undefined)?.token.value;

const refused = (details: object = {}) =>
  Promise.reject(
    new BoxAuthError({
      code: 'rate_limited',
      message: 'Box says: slow down.',
      hint: 'Wait.',
      docs: 'https://example.com/',
      retryable: true,
      status: 429,
      ...details,
    }),
  );

describe('A process with the lease', () => {
  it('publishes its token with the age, and leaves no timer', async () => {
    respond = (mint) => delay(runtime, 300).then(() => mint);
    const tokens = shared();
    const mint = (await mintOf(tokens, 1_000)) as MintedToken;
    expect(mint.token.value).toBe('minted 1');
    const { value, expiresAt, scopes } = mint.token;
    expect(store.published).toEqual([
      { fence: 7, token: { value, expiresAt, scopes, lifetimeMs: HOUR }, ageMs: 300 },
    ]);
    expect(store.failed).toEqual([]);
    expect(runtime.timers).toBe(0);
  });

  it('extends its lease every third of the lease time during the request', async () => {
    respond = never;
    await mintOf(shared(), 1_600);
    const [first, ...further] = store.claims;
    expect(first).toMatchObject({ leaseMs: 1_500, newerThan: 0, at: 1_000 });
    expect(further.map(({ at }) => at)).toEqual([1_500, 2_000, 2_500]);
    // It accepts no older token meanwhile: its own request is on the way.
    for (const claim of further) {
      expect(claim).toMatchObject({ owner: first?.owner, leaseMs: 1_500, newerThan: 7 });
    }
  });

  it.each([
    ['the pause of the response', { retryAfterMs: 120_000 }, 120_000],
    ['a pause of at least a second', { retryAfterMs: 10 }, 1_000],
    ['a pause of a second, if the response names none', {}, 1_000],
    ['no pause, if its credentials were refused', { retryable: false }, 0],
    ['no pause, if Box sent no response', { status: undefined, retryAfterMs: 5_000 }, 0],
  ])('shares the reason of its failure, with %s', async (_, details, pauseMs) => {
    respond = () => refused(details);
    const outcome = await mintOf(shared());
    expect(outcome).toMatchObject({ code: 'rate_limited' });
    const [{ owner } = {}] = store.claims;
    expect(store.failed).toEqual([{ owner, pauseMs, reason: 'Box says: slow down.' }]);
    expect(store.published).toEqual([]);
    expect(runtime.timers).toBe(0);
  });

  it('shares no unexpected error, and releases its lease', async () => {
    const bug = new TypeError('a secret may be in here');
    respond = () => Promise.reject(bug);
    expect(await mintOf(shared())).toBe(bug);
    expect(store.failed).toMatchObject([{ pauseMs: 0, reason: '' }]);
  });

  it('releases its lease at once when its request is aborted', async () => {
    respond = (_, signal) => untilAborted(signal, never());
    const controller = new AbortController();
    const wait = shared().mint(subject, {}, controller.signal);
    await settled();
    controller.abort('given up');
    await expect(wait).rejects.toBe('given up');
    await settled();
    expect(store.failed).toMatchObject([{ pauseMs: 0, reason: '' }]);
    expect(runtime.timers).toBe(0);
  });
});

describe('A process that waits for another process', () => {
  it.each([
    ['on average', 0.5, [50, 100, 200, 250, 250]],
    ['at most', 1, [75, 150, 300, 375, 375]],
    ['at least', 0, [25, 50, 100, 125, 125]],
  ])('looks up the token less and less often, %s', async (_, random, pauses) => {
    runtime.randomValue = random;
    store = new ScriptedStore(runtime, { state: 'leased' });
    await mintOf(shared(), 1_400);
    const at = store.claims.map((claim) => claim.at);
    const between = at.slice(1).map((time, index) => time - (at[index] ?? 0));
    expect(between.slice(0, 5)).toEqual(pauses);
    expect(new Set(store.claims.map(({ owner }) => owner)).size).toBe(1);
    expect(mints).toBe(0);
  });

  it('requests its own token after half a minute', async () => {
    store = new ScriptedStore(runtime, { state: 'leased' });
    await mintOf(shared(), 29_900);
    expect(mints).toBe(0);
    await runtime.advance(400);
    expect(mints).toBe(1);
  });

  it('rejects with the reason of the other process, and when the request is retried', async () => {
    store = new ScriptedStore(runtime, { state: 'paused', forMs: 4_000, reason: 'Slow down.' });
    const error = (await mintOf(shared())) as BoxAuthError;
    expect(error).toMatchObject({ code: 'unavailable', retryable: true, retryAfterMs: 4_000 });
    expect(error.message).toMatch(/[Aa]nother process.*Slow down\.$/);
    expect(error.hint).toContain('retried automatically');
    expect(error.docs).toContain('rfc6585');
    expect(mints).toBe(0);
  });
});

describe('A token in the store', () => {
  it('is taken with all its properties and the age that the store states', async () => {
    store = new ScriptedStore(runtime, found(stored(), 7, 5_000));
    const mint = (await mintOf(shared())) as MintedToken;
    expect(mint.token).toMatchObject({ subject, scopes: ['root_readwrite'] });
    expect(mint.token.value).toBe('from-the-store');
    expect(mint.token.expiresAt).toBe(runtime.now() + HOUR);
    expect(mint.lifetimeMs).toBe(HOUR);
    expect(mint.requestedAt).toEqual({
      wall: runtime.now() - 5_000,
      monotonic: runtime.monotonic() - 5_000,
    });
    expect(mints).toBe(0);
  });

  it.each([
    ['longer than the current one', HOUR, HOUR - 1, true],
    ['just as long', HOUR, HOUR, false],
    ['less long', HOUR - 1, HOUR, false],
    ['for an unknown time, unlike the current one', undefined, HOUR, true],
    ['for a known time, unlike the current one', HOUR, undefined, true],
    ['for an unknown time, like the current one', undefined, undefined, false],
  ])('that lives %s is taken only if it may live longer', async (_, theirs, ours, isTaken) => {
    const at = (ms: number | undefined) => (ms === undefined ? undefined : runtime.now() + ms);
    store = new ScriptedStore(runtime, found(stored({ expiresAt: at(theirs) })), {
      state: 'claimed',
      fence: 8,
    });
    const outcome = await mintOf(shared(), 0, { current: tokenOf('current', at(ours)) });
    expect(valueOf(outcome)).toBe(isTaken ? 'from-the-store' : 'minted 1');
    // The store must not return the same token again.
    expect(store.claims.map(({ newerThan }) => newerThan)).toEqual(isTaken ? [0] : [0, 7]);
  });

  it.each([
    ['was refused', 'refused', 0],
    ['is about to expire', 'another', HOUR - 5_000],
  ])('is not taken if it %s', async (_, value, ageMs) => {
    const there = found(stored({ value }), 7, ageMs);
    store = new ScriptedStore(runtime, there, { state: 'claimed', fence: 8 });
    const outcome = await mintOf(shared(), 0, { refused: tokenOf('refused', undefined) });
    expect(valueOf(outcome)).toBe('minted 1');
    expect(store.published).toMatchObject([{ fence: 8 }]);
  });

  it('is not taken if it is older than a flush', async () => {
    const tokens = shared();
    await runtime.advance(10_000);
    tokens.forgetRefusals();
    expect(refusalsForgotten).toBe(1);
    await runtime.advance(1_000);
    const claimed: Claim = { state: 'claimed', fence: 8 };
    for (const [ageMs, value] of [
      [1_001, 'minted 1'],
      [1_000, 'minted 2'],
      [999, 'from-the-store'],
    ] as const) {
      const scripted = new ScriptedStore(runtime, found(stored(), 7, ageMs), claimed);
      store.claim = (identity, request) => scripted.claim(identity, request);
      expect(valueOf(await mintOf(tokens))).toBe(value);
    }
  });

  it('is invalidated when it is refused, and only a newer one is accepted', async () => {
    store = new ScriptedStore(runtime, found(stored()), { state: 'claimed', fence: 8 });
    const tokens = shared();
    const { token } = (await mintOf(tokens)) as MintedToken;
    const next = await mintOf(tokens, 0, { refused: token });
    expect(valueOf(next)).toBe('minted 1');
    expect(store.invalidated).toEqual([7]);
    expect(store.claims.at(-1)?.newerThan).toBe(7);
    // The same goes for a token that this process requested itself.
    await mintOf(tokens, 0, { refused: (next as MintedToken).token });
    expect(store.invalidated).toEqual([7, 8]);
    // And for a revoked token, but not for a token that was never in the store.
    tokens.unshare((next as MintedToken).token);
    tokens.unshare(tokenOf('unknown to the store', undefined));
    await settled();
    expect(store.invalidated).toEqual([7, 8, 8]);
  });
});

describe('Without the store', () => {
  it.each([
    [0, 0],
    [0.5, 250],
    [0.999, 499.5],
  ])(
    'a process sends its request after a random delay: %d makes %d ms',
    async (random, delayMs) => {
      runtime.randomValue = random;
      store.failure = new Error('ECONNREFUSED');
      if (delayMs > 0) expect(await mintOf(shared(), delayMs - 1)).toBeUndefined();
      expect(mints).toBe(0);
      const outcome = await mintOf(shared(), delayMs);
      expect(valueOf(outcome)).toMatch(/^minted/);
    },
  );

  it('a process also sends its request after an invalid claim', async () => {
    store = new ScriptedStore(runtime, { state: 'asleep' } as unknown as Claim);
    expect(valueOf(await mintOf(shared(), 500))).toBe('minted 1');
  });

  it('a process fails with the reason and a hint, if onStoreFailure is closed', async () => {
    store.failure = new Error('connect ECONNREFUSED');
    const error = (await mintOf(shared('closed'), 1_000)) as BoxAuthError;
    expect(error).toMatchObject({ code: 'store_unavailable', retryable: true });
    expect(error.message).toContain('token store is unavailable');
    expect(error.hint).toMatch(/Redis.*onStoreFailure/);
    expect(error.docs).toContain('redis.io');
    expect(error.cause).toMatchObject({ message: 'connect ECONNREFUSED' });
    expect(mints).toBe(0);
  });

  it('an error of the token endpoint is not replaced by the error of the store', async () => {
    respond = () => refused({ code: 'client_invalid', retryable: false });
    expect(await mintOf(shared('closed'))).toMatchObject({ code: 'client_invalid' });
  });

  it('a token that is never shared is requested as usual', async () => {
    expect(valueOf(await mintOf(shared('closed', 'none')))).toBe('minted 1');
  });
});
