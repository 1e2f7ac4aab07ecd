import { lastValueFrom } from 'rxjs';
import { beforeEach, describe, expect, it } from 'vitest';
import type { AuthEvent, StoreEvent } from '../../../lib/core/events/auth-events.js';
import { StoreFailure, StoreGuard } from '../../../lib/core/tokens/store-guard.js';
import { FakeRuntime } from '../../support/fake-runtime.js';

let runtime: FakeRuntime;
let events: StoreEvent[];
let guard: StoreGuard;
beforeEach(() => {
  runtime = new FakeRuntime();
  runtime.randomValue = 1; // the longest rest
  events = [];
  guard = new StoreGuard(runtime, (event: AuthEvent) => {
    if (event.kind === 'store') events.push(event);
  });
});

const gone = new Error('connect ECONNREFUSED');
let asked = 0;
/** What comes of a command, and whether the store was asked at all. */
async function outcomeOf(command: () => Promise<string>, waitMs = 0) {
  const before = asked;
  const counted = () => {
    asked += 1;
    return command();
  };
  const result = lastValueFrom(guard.ask(counted, String)).catch((error: unknown) => error);
  await runtime.advance(waitMs);
  return { result: await result, isAsked: asked > before };
}
const works = () => Promise.resolve('an answer');
const fails = () => Promise.reject(gone);
const hangs = () => new Promise<string>(() => undefined);

describe('A store that answers', () => {
  it('is asked, and nothing is told of it', async () => {
    expect(await outcomeOf(works)).toEqual({ result: 'an answer', isAsked: true });
    expect(await outcomeOf(works)).toEqual({ result: 'an answer', isAsked: true });
    expect(events).toEqual([]);
    expect(runtime.timers).toBe(0);
  });

  it('is asked by nobody who does not listen', () => {
    const before = asked;
    guard.ask(() => {
      asked += 1;
      return works();
    }, String);
    expect(asked).toBe(before);
  });

  it('may take just less than 200 ms', async () => {
    const slow = (ms: number) => () =>
      new Promise<string>((resolve) => void runtime.schedule(() => resolve('late'), ms));
    expect((await outcomeOf(slow(199), 199)).result).toBe('late');
    expect((await outcomeOf(slow(300), 200)).result).toBeInstanceOf(StoreFailure);
  });
});

describe('A store that fails', () => {
  it.each([
    ['rejects', fails],
    [
      'throws',
      () => {
        throw gone;
      },
    ],
  ])('as it %s, gives a StoreFailure that has its reason', async (_, command) => {
    const { result } = await outcomeOf(command);
    expect(result).toBeInstanceOf(StoreFailure);
    expect(result).toMatchObject({ message: 'a command failed', cause: gone });
  });

  it('as it does not answer, says for how long it was waited', async () => {
    const { result } = await outcomeOf(hangs, 200);
    expect(result).toBeInstanceOf(StoreFailure);
    expect(result).toMatchObject({ cause: { message: expect.stringContaining('200 ms') } });
  });

  it('is left alone for a while: nobody waits for it, and who asks reads that', async () => {
    await outcomeOf(fails);
    await runtime.advance(999);
    const { result, isAsked } = await outcomeOf(works);
    expect(isAsked).toBe(false);
    expect(result).toBeInstanceOf(StoreFailure);
    expect(result).toMatchObject({ message: expect.stringContaining('left alone') });
    await runtime.advance(1);
    expect((await outcomeOf(works)).result).toBe('an answer');
  });

  it.each([
    ['at most', 1, [1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000]],
    ['at least', 0, [500, 1_000, 2_000, 4_000, 8_000, 15_000, 15_000]],
    ['by chance', 0.5, [750, 1_500, 3_000, 6_000, 12_000, 22_500, 22_500]],
  ])('again and again is left alone longer each time, %s', async (_, random, rests) => {
    runtime.randomValue = random;
    for (const rest of rests) {
      expect((await outcomeOf(fails)).isAsked).toBe(true);
      await runtime.advance(rest - 1);
      expect((await outcomeOf(fails)).isAsked).toBe(false);
      await runtime.advance(1);
    }
  });

  it('and comes back begins anew with short rests', async () => {
    for (const rest of [1_000, 2_000, 4_000]) {
      await outcomeOf(fails);
      await runtime.advance(rest);
    }
    await outcomeOf(works);
    await outcomeOf(fails);
    await runtime.advance(1_000);
    expect((await outcomeOf(works)).isAsked).toBe(true);
  });

  it('is told of once, with the reason; and once when it is back', async () => {
    const secret = () => Promise.reject(new Error('redis://user:pass-word@redis.example is away'));
    for (let time = 0; time < 5; time++) {
      await outcomeOf(secret);
      await runtime.advance(60_000);
    }
    expect(events).toHaveLength(1);
    expect(events[0]?.state).toBe('away');
    expect(events[0]?.cause?.message).toContain('redis.example is away');
    expect(events[0]?.cause?.message).not.toContain('pass-word');
    await outcomeOf(works);
    await outcomeOf(works);
    expect(events.slice(1)).toEqual([{ kind: 'store', state: 'back' }]);
    await outcomeOf(fails);
    expect(events.map(({ state }) => state)).toEqual(['away', 'back', 'away']);
  });
});
