import * as fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import {
  afterRunningTime,
  ProcessFrozen,
  TimeBudget,
} from '../../../lib/core/runtime/time-budget.js';
import { deferred } from '../../support/deferred.js';
import { FakeRuntime } from '../../support/fake-runtime.js';

let runtime: FakeRuntime;
beforeEach(() => {
  runtime = new FakeRuntime();
});

interface Watched {
  /** Undefined until the wait ends. */
  outcome: unknown;
  readonly cancel: () => void;
}

/** Starts a wait that reports its end to the function that it is given. */
function watch(start: (end: (outcome: unknown) => void) => () => void): Watched {
  const watched: Watched = { outcome: undefined, cancel: () => cancel() };
  const cancel = start((outcome) => (watched.outcome = outcome));
  return watched;
}

const wait = (ms: number) =>
  watch((end) => afterRunningTime(runtime, ms, (isFrozen) => end({ isFrozen })));

const FREEZES = [
  ['stopped', (ms: number) => runtime.freeze(ms)],
  ['suspended with its machine', (ms: number) => runtime.sleep(ms)],
] as const;

describe('A wait', () => {
  it.each([1, 200, 3_333, 10_000])(
    'of %i ms ends after that time and leaves no timer',
    async (ms) => {
      const waiting = wait(ms);
      await runtime.advance(ms - 0.5);
      expect(waiting.outcome).toBeUndefined();
      await runtime.advance(0.5);
      expect(waiting.outcome).toEqual({ isFrozen: false });
      expect(runtime.timers).toBe(0);
    },
  );

  describe.each(FREEZES)('in a process that is %s', (_, freeze) => {
    it('ends one step after the freeze', async () => {
      const waiting = wait(10_000);
      await runtime.advance(3_500);
      freeze(45_000);
      await runtime.advance(0);
      await runtime.advance(999);
      expect(waiting.outcome).toBeUndefined();
      await runtime.advance(501);
      expect(waiting.outcome).toEqual({ isFrozen: true });
    });

    it('ends one step after a freeze in its last step', async () => {
      const waiting = wait(200);
      await runtime.advance(199);
      freeze(45_000);
      await runtime.advance(1);
      expect(waiting.outcome).toBeUndefined();
      await runtime.advance(50);
      expect(waiting.outcome).toEqual({ isFrozen: true });
    });

    it('ends after any number of freezes', async () => {
      const waiting = wait(200);
      for (let step = 0; step < 3; step++) {
        freeze(45_000);
        await runtime.advance(50);
      }
      expect(waiting.outcome).toEqual({ isFrozen: true });
    });

    it('counts as frozen from a second on, and as busy below', async () => {
      const busy = wait(400);
      freeze(999);
      await runtime.advance(400);
      expect(busy.outcome).toEqual({ isFrozen: false });
      const frozen = wait(400);
      freeze(1_100);
      await runtime.advance(400);
      expect(frozen.outcome).toEqual({ isFrozen: true });
    });
  });

  it('does not count as frozen if the clock is set back', async () => {
    const waiting = wait(4_000);
    runtime.jump(-45_000);
    await runtime.advance(4_000);
    expect(waiting.outcome).toEqual({ isFrozen: false });
  });
});

describe('A time budget', () => {
  const late = (ms: number) => new Error(`late by ${ms} ms`);
  const limit = (budget: TimeBudget, timeoutMs: number) =>
    watch((end) => budget.failAfter(timeoutMs, late, end));

  it('ends a wait at its timeout, or when nothing is left', async () => {
    const budget = new TimeBudget(runtime, 15_000);
    const first = limit(budget, 10_000);
    await runtime.advance(10_000);
    expect(first.outcome).toEqual(late(10_000));
    const second = limit(budget, 10_000);
    await runtime.advance(5_000);
    expect(second.outcome).toEqual(late(5_000));
    expect(budget.leftMs).toBe(0);
    const third = limit(budget, 10_000);
    await runtime.advance(0);
    expect(third.outcome).toEqual(late(0));
  });

  it('is reduced by the duration of a wait that ends early', async () => {
    const budget = new TimeBudget(runtime, 15_000);
    const waiting = limit(budget, 10_000);
    await runtime.advance(3_400);
    waiting.cancel();
    expect(budget.leftMs).toBe(11_600);
    expect(runtime.timers).toBe(0);
  });

  it('is reduced by a pause', () => {
    const budget = new TimeBudget(runtime, 15_000);
    budget.spend(4_000);
    expect(budget.leftMs).toBe(11_000);
  });

  it('allows another attempt after a freeze, until nothing is left', async () => {
    const budget = new TimeBudget(runtime, 3_000);
    const outcomes: unknown[] = [];
    for (let attempt = 0; attempt < 10; attempt++) {
      const waiting = limit(budget, 10_000);
      runtime.freeze(45_000);
      await runtime.advance(2_000);
      outcomes.push(waiting.outcome);
    }
    expect(outcomes[0]).toBeInstanceOf(ProcessFrozen);
    expect(outcomes[9]).toMatchObject({ message: expect.stringContaining('late') });
  });

  it.each(FREEZES)('loses at most one step each time that the process is %s', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.record({ runMs: fc.nat(3_000), frozenMs: fc.nat(100_000) }), { maxLength: 5 }),
        fc.constantFrom(...FREEZES),
        async (times, [, freeze]) => {
          runtime = new FakeRuntime();
          const budget = new TimeBudget(runtime, 30_000);
          const waiting = limit(budget, 30_000);
          let ranMs = 0;
          for (const { runMs, frozenMs } of times) {
            await runtime.advance(runMs);
            ranMs += runMs;
            freeze(frozenMs);
          }
          waiting.cancel();
          expect(30_000 - budget.leftMs).toBeLessThanOrEqual(ranMs + times.length * 1_000 + 0.001);
        },
      ),
      { numRuns: 50 },
    );
  });
});

describe('A task with a time limit', () => {
  const late = (ms: number) => new Error(`late by ${ms} ms`);
  /** Runs a task that ends when the test says so. */
  function run(signal?: AbortSignal) {
    const budget = new TimeBudget(runtime, 15_000);
    const task = deferred();
    const ended = { signal: undefined as AbortSignal | undefined };
    const result = budget.run(
      10_000,
      late,
      (taskSignal) => {
        ended.signal = taskSignal;
        return task.promise.then(() => 'done');
      },
      signal,
    );
    result.catch(() => undefined);
    return { budget, task, result, ended };
  }

  it('has its result, and its signal is not aborted', async () => {
    const { budget, task, result, ended } = run();
    await runtime.advance(2_000);
    task.resolve();
    await expect(result).resolves.toBe('done');
    expect(ended.signal?.aborted).toBe(false);
    expect(budget.leftMs).toBe(13_000);
    expect(runtime.timers).toBe(0);
  });

  it('has its error', async () => {
    const { task, result } = run();
    task.reject(new TypeError('no'));
    await expect(result).rejects.toThrow('no');
    expect(runtime.timers).toBe(0);
  });

  it('is aborted when the time is over, and its later error is ignored', async () => {
    const { task, result, ended } = run();
    await runtime.advance(10_000);
    await expect(result).rejects.toEqual(late(10_000));
    expect(ended.signal?.aborted).toBe(true);
    task.reject(new Error('too late'));
    await runtime.advance(0);
    expect(runtime.timers).toBe(0);
  });

  it('is aborted with its caller', async () => {
    const caller = new AbortController();
    const { result, ended } = run(caller.signal);
    caller.abort('the user left');
    await expect(result).rejects.toBe('the user left');
    expect(ended.signal?.aborted).toBe(true);
    expect(runtime.timers).toBe(0);
  });

  it('is not started for a caller that has aborted', async () => {
    const { result, ended } = run(AbortSignal.abort('gone'));
    await expect(result).rejects.toBe('gone');
    expect(ended.signal).toBeUndefined();
    expect(runtime.timers).toBe(0);
  });
});
