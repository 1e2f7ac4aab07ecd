import { beforeEach, describe, expect, it } from 'vitest';
import type { AuthEvent, StoreEvent } from '../../../lib/core/events/auth-events.js';
import { StoreFailure, StoreGuard } from '../../../lib/core/tokens/store-guard.js';
import type { Claim } from '../../../lib/core/tokens/token-store.js';
import { FakeRuntime } from '../../support/fake-runtime.js';
import { MemoryTokenStore } from '../../support/memory-token-store.js';

type Command = () => Promise<Claim>;

let runtime: FakeRuntime;
let events: StoreEvent[];
let guard: StoreGuard;
/** What the store does with the next claims. */
let command: Command;
/** How many claims reached the store. */
let received: number;
beforeEach(() => {
  runtime = new FakeRuntime();
  runtime.randomValue = 1; // the longest rest
  events = [];
  received = 0;
  const store = Object.assign(new MemoryTokenStore(runtime), {
    claim: () => {
      received += 1;
      return command();
    },
  });
  guard = new StoreGuard(store, runtime, (event: AuthEvent) => {
    if (event.kind === 'store') events.push(event);
  });
});

const request = { owner: 'owner', leaseMs: 1_000, newerThan: 0 };
/** The result of a claim after `waitMs`, and whether the claim reached the store. */
async function outcomeOf(claim: Command, waitMs = 0) {
  const before = received;
  command = claim;
  const result = guard.claim('an app', request).catch((error: unknown) => error);
  await runtime.advance(waitMs);
  return { result: await result, isSent: received > before };
}

const gone = new Error('connect ECONNREFUSED');
const leased = { state: 'leased' } as const;
const claimed = { state: 'claimed', fence: 7 } as const;
const succeed = () => Promise.resolve(leased);
const fail = () => Promise.reject(gone);
const hang = () => new Promise<never>(() => undefined);

describe('A working store', () => {
  it('receives commands, and no event is emitted', async () => {
    expect(await outcomeOf(succeed)).toEqual({ result: leased, isSent: true });
    expect(await outcomeOf(succeed)).toEqual({ result: leased, isSent: true });
    expect(events).toEqual([]);
    expect(runtime.timers).toBe(0);
  });

  it('may take just less than 200 ms', async () => {
    const slow = (ms: number) => () =>
      new Promise<Claim>((resolve) => void runtime.schedule(() => resolve(claimed), ms));
    expect((await outcomeOf(slow(199), 199)).result).toEqual(claimed);
    expect((await outcomeOf(slow(300), 200)).result).toBeInstanceOf(StoreFailure);
  });
});

describe('An aborted caller', () => {
  it('sends no command', async () => {
    command = succeed;
    const claim = guard.claim('an app', request, AbortSignal.abort('gone'));
    await expect(claim).rejects.toBe('gone');
    expect(received).toBe(0);
  });

  it('stops waiting at once, and the store does not count as failed', async () => {
    command = hang;
    const controller = new AbortController();
    const claim = guard.claim('an app', request, controller.signal);
    controller.abort('gone');
    await expect(claim).rejects.toBe('gone');
    await runtime.advance(10_000);
    expect(events).toEqual([]);
    expect(runtime.timers).toBe(0);
    expect((await outcomeOf(succeed)).isSent).toBe(true);
  });
});

describe('A failing store', () => {
  it.each([
    ['rejects', fail],
    [
      'throws',
      () => {
        throw gone;
      },
    ],
  ])('that %s causes a StoreFailure with its reason', async (_, claim) => {
    const { result } = await outcomeOf(claim);
    expect(result).toBeInstanceOf(StoreFailure);
    expect(result).toMatchObject({ message: 'A command of the store failed.', cause: gone });
  });

  it('that does not respond causes a StoreFailure with the time limit', async () => {
    const { result } = await outcomeOf(hang, 200);
    expect(result).toBeInstanceOf(StoreFailure);
    expect(result).toMatchObject({ cause: { message: expect.stringContaining('200 ms') } });
  });

  it('receives no command for a while, and callers do not wait for it', async () => {
    await outcomeOf(fail);
    await runtime.advance(999);
    const { result, isSent } = await outcomeOf(succeed);
    expect(isSent).toBe(false);
    expect(result).toBeInstanceOf(StoreFailure);
    expect(result).toMatchObject({ message: expect.stringContaining('failed a moment ago') });
    await runtime.advance(1);
    expect((await outcomeOf(succeed)).result).toEqual(leased);
  });

  it.each([
    ['at most', 1, [1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000]],
    ['at least', 0, [500, 1_000, 2_000, 4_000, 8_000, 15_000, 15_000]],
    ['on average', 0.5, [750, 1_500, 3_000, 6_000, 12_000, 22_500, 22_500]],
  ])('rests longer after each further failure, %s', async (_, random, rests) => {
    runtime.randomValue = random;
    for (const rest of rests) {
      expect((await outcomeOf(fail)).isSent).toBe(true);
      await runtime.advance(rest - 1);
      expect((await outcomeOf(fail)).isSent).toBe(false);
      await runtime.advance(1);
    }
  });

  it('rests for a short time again after it recovered', async () => {
    for (const rest of [1_000, 2_000, 4_000]) {
      await outcomeOf(fail);
      await runtime.advance(rest);
    }
    await outcomeOf(succeed);
    await outcomeOf(fail);
    await runtime.advance(1_000);
    expect((await outcomeOf(succeed)).isSent).toBe(true);
  });

  it('emits one event with the reason, and one when it recovers', async () => {
    const failWithSecret = () =>
      Promise.reject(new Error('redis://user:pass-word@redis.example is away'));
    for (let time = 0; time < 5; time++) {
      await outcomeOf(failWithSecret);
      await runtime.advance(60_000);
    }
    expect(events).toHaveLength(1);
    expect(events[0]?.state).toBe('away');
    expect(events[0]?.cause?.message).toContain('redis.example is away');
    expect(events[0]?.cause?.message).not.toContain('pass-word');
    await outcomeOf(succeed);
    await outcomeOf(succeed);
    expect(events.slice(1)).toEqual([{ kind: 'store', state: 'back' }]);
    await outcomeOf(fail);
    expect(events.map(({ state }) => state)).toEqual(['away', 'back', 'away']);
  });

  it('does not fail the caller of a command that needs no result', async () => {
    const rejecting = Object.assign(new MemoryTokenStore(runtime), {
      publish: fail,
      fail,
      claim: fail,
    });
    guard = new StoreGuard(rejecting, runtime, (event) => void events.push(event as StoreEvent));
    guard.publish('an app', 7, { value: 'a', lifetimeMs: 1, expiresAt: 1 }, 0);
    guard.fail('an app', 'owner', 0, '');
    guard.extendLease('an app', request);
    await runtime.advance(0);
    expect(events.map(({ state }) => state)).toEqual(['away']);
  });
});
