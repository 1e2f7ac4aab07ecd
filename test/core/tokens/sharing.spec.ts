import { beforeEach, describe, expect, it } from 'vitest';
import { BoxAuthError } from 'nestjs-box-auth';
import type { Subject } from '../../../lib/core/credentials/subject.js';
import { AccessToken } from '../../../lib/core/token-endpoint/access-token.js';
import type { MintedToken } from '../../../lib/core/token-endpoint/token-attempts.js';
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
import { delay } from '../../../lib/core/runtime/after.js';
import { FakeRuntime, settled } from '../../support/fake-runtime.js';

// What one process says to the store, and makes of what the store says. The whole fleet is in shared-tokens.spec.ts.

const HOUR = 3_600_000;
const subject: Subject = { type: 'user', id: '1' };

/** Answers claims as it is told, and writes down what it hears. */
class ScriptedStore implements TokenStore {
  readonly claims: (ClaimRequest & { readonly at: number })[] = [];
  readonly published: { fence: number; token: StoredToken; ageMs: number }[] = [];
  readonly failed: { owner: string; pauseMs: number; reason: string }[] = [];
  readonly invalidated: number[] = [];
  /** Instead of an answer. */
  trouble: Error | undefined;
  readonly #answers: Claim[];

  constructor(
    private readonly clock: FakeRuntime,
    ...answers: Claim[]
  ) {
    this.#answers = answers;
  }

  claim(_: string, request: ClaimRequest): Promise<Claim> {
    this.claims.push({ ...request, at: this.clock.monotonic() });
    if (this.trouble !== undefined) return Promise.reject(this.trouble);
    const next = this.#answers.length > 1 ? this.#answers.shift() : this.#answers[0];
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
/** How often the token endpoint was asked. */
let mints: number;
/** What it answers. */
let minting: (granted: MintedToken, signal: AbortSignal) => Promise<MintedToken>;
let refusalsForgotten: number;
beforeEach(() => {
  runtime = new FakeRuntime();
  store = new ScriptedStore(runtime);
  mints = 0;
  minting = (granted) => Promise.resolve(granted);
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
    return minting({ token, lifetimeMs: HOUR, requestedAt, isShared: false }, signal);
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

/** What comes of a mint after `ms`; undefined if nothing has. */
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

describe('A process that shall mint', () => {
  it('publishes what it got, as old as it is, and holds nothing after that', async () => {
    minting = (mint) => delay(runtime, 300).then(() => mint);
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

  it('keeps its lease while that lasts: the same owner, three times in its length', async () => {
    minting = never;
    await mintOf(shared(), 1_600);
    const [first, ...further] = store.claims;
    expect(first).toMatchObject({ leaseMs: 1_500, newerThan: 0, at: 1_000 });
    expect(further.map(({ at }) => at)).toEqual([1_500, 2_000, 2_500]);
    // It does not want what came meanwhile: it has asked Box already.
    for (const claim of further) {
      expect(claim).toMatchObject({ owner: first?.owner, leaseMs: 1_500, newerThan: 7 });
    }
  });

  it.each([
    ['its own pause', { retryAfterMs: 120_000 }, 120_000],
    ['a pause of a second, at least', { retryAfterMs: 10 }, 1_000],
    ['a pause of a second, if none is known', {}, 1_000],
    ['no pause, if its credentials are what is wrong', { retryable: false }, 0],
    ['no pause, if Box did not answer', { status: undefined, retryAfterMs: 5_000 }, 0],
  ])('and fails tells the others why, with %s', async (_, details, pauseMs) => {
    minting = () => refused(details);
    const outcome = await mintOf(shared());
    expect(outcome).toMatchObject({ code: 'rate_limited' });
    const [{ owner } = {}] = store.claims;
    expect(store.failed).toEqual([{ owner, pauseMs, reason: 'Box says: slow down.' }]);
    expect(store.published).toEqual([]);
    expect(runtime.timers).toBe(0);
  });

  it('and fails by a bug tells the others nothing of it, and does not hold them up', async () => {
    const bug = new TypeError('a secret may be in here');
    minting = () => Promise.reject(bug);
    expect(await mintOf(shared())).toBe(bug);
    expect(store.failed).toMatchObject([{ pauseMs: 0, reason: '' }]);
  });

  it('and is given up makes room at once', async () => {
    minting = (_, signal) => untilAborted(signal, never());
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

describe('A process that waits for another', () => {
  it.each([
    ['on average', 0.5, [50, 100, 200, 250, 250]],
    ['at most', 1, [75, 150, 300, 375, 375]],
    ['at least', 0, [25, 50, 100, 125, 125]],
  ])('looks in less and less often, %s', async (_, random, pauses) => {
    runtime.randomValue = random;
    store = new ScriptedStore(runtime, { state: 'leased' });
    await mintOf(shared(), 1_400);
    const at = store.claims.map((claim) => claim.at);
    const between = at.slice(1).map((time, index) => time - (at[index] ?? 0));
    expect(between.slice(0, 5)).toEqual(pauses);
    expect(new Set(store.claims.map(({ owner }) => owner)).size).toBe(1);
    expect(mints).toBe(0);
  });

  it('mints after half a minute all the same', async () => {
    store = new ScriptedStore(runtime, { state: 'leased' });
    await mintOf(shared(), 29_900);
    expect(mints).toBe(0);
    await runtime.advance(400);
    expect(mints).toBe(1);
  });

  it('is told why another got no token, when to ask again, and that nobody has to', async () => {
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
  it('is taken with all that is known of it, as old as the store says', async () => {
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
    ['longer than the one that is there', HOUR, HOUR - 1, true],
    ['just as long', HOUR, HOUR, false],
    ['less long', HOUR - 1, HOUR, false],
    ['nobody knows how long, where that was known', undefined, HOUR, true],
    ['for a known time, where nobody knew', HOUR, undefined, true],
    ['nobody knows how long, as the one that is there', undefined, undefined, false],
  ])('that lives %s is a renewal of it: taken or not', async (_, theirs, ours, isTaken) => {
    const at = (ms: number | undefined) => (ms === undefined ? undefined : runtime.now() + ms);
    store = new ScriptedStore(runtime, found(stored({ expiresAt: at(theirs) })), {
      state: 'claimed',
      fence: 8,
    });
    const outcome = await mintOf(shared(), 0, { current: tokenOf('current', at(ours)) });
    expect(valueOf(outcome)).toBe(isTaken ? 'from-the-store' : 'minted 1');
    // What will not do is not offered again.
    expect(store.claims.map(({ newerThan }) => newerThan)).toEqual(isTaken ? [0] : [0, 7]);
  });

  it.each([
    ['is the one that was refused', 'refused', 0],
    ['is at the end of its life', 'another', HOUR - 5_000],
  ])('is not taken if it %s', async (_, value, ageMs) => {
    const there = found(stored({ value }), 7, ageMs);
    store = new ScriptedStore(runtime, there, { state: 'claimed', fence: 8 });
    const outcome = await mintOf(shared(), 0, { refused: tokenOf('refused', undefined) });
    expect(valueOf(outcome)).toBe('minted 1');
    expect(store.published).toMatchObject([{ fence: 8 }]);
  });

  it('of before a flush is not taken any more; one of after it is', async () => {
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
      const store_ = new ScriptedStore(runtime, found(stored(), 7, ageMs), claimed);
      store.claim = (identity, request) => store_.claim(identity, request);
      expect(valueOf(await mintOf(tokens))).toBe(value);
    }
  });

  it('that is refused is forgotten there, and a newer one is asked for', async () => {
    store = new ScriptedStore(runtime, found(stored()), { state: 'claimed', fence: 8 });
    const tokens = shared();
    const { token } = (await mintOf(tokens)) as MintedToken;
    const next = await mintOf(tokens, 0, { refused: token });
    expect(valueOf(next)).toBe('minted 1');
    expect(store.invalidated).toEqual([7]);
    expect(store.claims.at(-1)?.newerThan).toBe(7);
    // So is one that this process has minted itself.
    await mintOf(tokens, 0, { refused: (next as MintedToken).token });
    expect(store.invalidated).toEqual([7, 8]);
    // And one that is revoked; but not what never was there.
    tokens.unshare((next as MintedToken).token);
    tokens.unshare(tokenOf('of somebody else', undefined));
    await settled();
    expect(store.invalidated).toEqual([7, 8, 8]);
  });
});

describe('Without the store', () => {
  it.each([
    [0, 0],
    [0.5, 250],
    [0.999, 499.5],
  ])('a process mints after a moment of its own: %d makes %d ms', async (random, delayMs) => {
    runtime.randomValue = random;
    store.trouble = new Error('ECONNREFUSED');
    if (delayMs > 0) expect(await mintOf(shared(), delayMs - 1)).toBeUndefined();
    expect(mints).toBe(0);
    const outcome = await mintOf(shared(), delayMs);
    expect(valueOf(outcome)).toMatch(/^minted/);
  });

  it('a process mints, too, when what the store says makes no sense', async () => {
    store = new ScriptedStore(runtime, { state: 'asleep' } as unknown as Claim);
    expect(valueOf(await mintOf(shared(), 500))).toBe('minted 1');
  });

  it('a process that shall not is told why, and what can be done', async () => {
    store.trouble = new Error('connect ECONNREFUSED');
    const error = (await mintOf(shared('closed'), 1_000)) as BoxAuthError;
    expect(error).toMatchObject({ code: 'store_unavailable', retryable: true });
    expect(error.message).toContain('token store is unavailable');
    expect(error.hint).toMatch(/Redis.*onStoreFailure/);
    expect(error.docs).toContain('redis.io');
    expect(error.cause).toMatchObject({ message: 'connect ECONNREFUSED' });
    expect(mints).toBe(0);
  });

  it('what the token endpoint says is still what counts', async () => {
    minting = () => refused({ code: 'client_invalid', retryable: false });
    expect(await mintOf(shared('closed'))).toMatchObject({ code: 'client_invalid' });
  });

  it('nothing is lost for a token that is not to be shared', async () => {
    expect(valueOf(await mintOf(shared('closed', 'none')))).toBe('minted 1');
  });
});
