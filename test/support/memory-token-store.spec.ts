import { beforeEach, describe, expect, it } from 'vitest';
import { tokenStoreConformance } from 'nestjs-box-auth/testing';
import { MemoryTokenStore } from './memory-token-store.js';
import { FakeRuntime } from './fake-runtime.js';

const LEASE_MS = 1_000;
const LIFETIME_MS = 60_000;
const ID = 'an app';
const TOKEN = { value: 'the-token', lifetimeMs: LIFETIME_MS, expiresAt: undefined };

let runtime: FakeRuntime;
let store: MemoryTokenStore;
beforeEach(() => {
  runtime = new FakeRuntime();
  store = new MemoryTokenStore(runtime);
});
const claim = (owner: string, newerThan = 0) =>
  store.claim(ID, { owner, leaseMs: LEASE_MS, newerThan });
/** The fence of a claim, which must be granted. */
const fenceOf = async (owner: string, newerThan = 0): Promise<number> => {
  const claimed = await claim(owner, newerThan);
  if (claimed.state !== 'claimed') throw new Error(`${owner} received: ${claimed.state}`);
  return claimed.fence;
};

describe('The memory token store', () => {
  const cases = tokenStoreConformance({
    create: () => Promise.resolve(store),
    advance: (ms) => runtime.advance(ms),
    reset: () => {
      store = new MemoryTokenStore(runtime);
      return Promise.resolve();
    },
  });
  it.each(cases)('passes the conformance suite: $name', async ({ run }) => {
    await expect(run()).resolves.toBeUndefined();
  });
});

describe('The memory token store, to the millisecond', () => {
  it('keeps a lease until it expires', async () => {
    await claim('first');
    await runtime.advance(LEASE_MS - 1);
    expect(await claim('second')).toEqual({ state: 'leased' });
    await runtime.advance(1);
    expect((await claim('second')).state).toBe('claimed');
  });

  it('keeps a token until it expires, and adds to its age', async () => {
    const fence = await fenceOf('first');
    await store.publish(ID, fence, TOKEN, 500);
    expect(await claim('second')).toEqual({ state: 'token', token: TOKEN, fence, ageMs: 500 });
    await runtime.advance(LIFETIME_MS - 501);
    expect(await claim('second')).toMatchObject({ state: 'token', ageMs: LIFETIME_MS - 1 });
    await runtime.advance(1);
    expect((await claim('second')).state).toBe('claimed');
  });

  it('keeps a pause until it ends, and returns the rest of it', async () => {
    await claim('first');
    await store.fail(ID, 'first', 5_000, 'slow down');
    await runtime.advance(4_999);
    expect(await claim('second')).toEqual({ state: 'paused', forMs: 1, reason: 'slow down' });
    await runtime.advance(1);
    expect((await claim('second')).state).toBe('claimed');
  });

  it('begins no pause of 0 ms', async () => {
    await claim('first');
    await store.fail(ID, 'first', 0, 'shut down');
    expect((await claim('first')).state).toBe('claimed');
  });
});

describe('A fence of the memory token store', () => {
  it('is above the clock, the previous fence and the fence of the claimant', async () => {
    const now = runtime.now();
    const first = await fenceOf('first');
    expect(first).toBe(now);
    await store.fail(ID, 'first', 0, '');
    expect(await fenceOf('second')).toBe(now + 1);
    await store.fail(ID, 'second', 0, '');
    expect(await fenceOf('third', now + 50)).toBe(now + 51);
  });

  it('is an integer, even if the clock is not', async () => {
    runtime.jump(0.75);
    expect(Number.isInteger(await fenceOf('first'))).toBe(true);
  });

  it('of a published token is remembered, even if no claim preceded it', async () => {
    const ahead = runtime.now() + 1_000;
    await store.publish(ID, ahead, TOKEN, 0);
    await store.invalidate(ID, ahead);
    expect(await fenceOf('first')).toBe(ahead + 1);
  });

  it('that equals the fence of the token replaces or invalidates it', async () => {
    const fence = await fenceOf('first');
    await store.publish(ID, fence, TOKEN, 0);
    await store.publish(ID, fence, { ...TOKEN, value: 'again' }, 0);
    expect(await claim('second')).toMatchObject({ token: { value: 'again' } });
    await store.invalidate(ID, fence - 1);
    expect((await claim('second')).state).toBe('token');
    await store.invalidate(ID, fence);
    expect((await claim('second')).state).toBe('claimed');
  });
});
