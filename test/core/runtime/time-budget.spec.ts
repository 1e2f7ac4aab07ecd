import * as fc from 'fast-check';
import { firstValueFrom, type Observable } from 'rxjs';
import { beforeEach, describe, expect, it } from 'vitest';
import { elapsed, ProcessFrozen, TimeBudget } from '../../../lib/core/runtime/time-budget.js';
import { FakeRuntime } from '../../support/fake-runtime.js';

let runtime: FakeRuntime;
beforeEach(() => {
  runtime = new FakeRuntime();
});

/** What a wait has come to: undefined as long as it lasts. */
function watch(wait: Observable<unknown>): { outcome: unknown } {
  const watched: { outcome: unknown } = { outcome: undefined };
  firstValueFrom(wait).then(
    (value) => (watched.outcome = value),
    (error: unknown) => (watched.outcome = error),
  );
  return watched;
}

const FREEZES = [
  ['stopped', (ms: number) => runtime.freeze(ms)],
  ['suspended with its machine', (ms: number) => runtime.sleep(ms)],
] as const;

describe('A wait', () => {
  it.each([1, 200, 3_333, 10_000])(
    'of %i ms ends after as much, and leaves no timer',
    async (ms) => {
      const wait = watch(elapsed(runtime, ms));
      await runtime.advance(ms - 0.5);
      expect(wait.outcome).toBeUndefined();
      await runtime.advance(0.5);
      expect(wait.outcome).toEqual({ isFrozen: false });
      expect(runtime.timers).toBe(0);
    },
  );

  describe.each(FREEZES)('in a process that is %s', (_, freeze) => {
    it('ends one step after the freeze', async () => {
      const wait = watch(elapsed(runtime, 10_000));
      await runtime.advance(3_500);
      freeze(45_000);
      await runtime.advance(0);
      await runtime.advance(999);
      expect(wait.outcome).toBeUndefined();
      await runtime.advance(501);
      expect(wait.outcome).toEqual({ isFrozen: true });
    });

    it('ends one step after a freeze in its last step', async () => {
      const wait = watch(elapsed(runtime, 200));
      await runtime.advance(199);
      freeze(45_000);
      await runtime.advance(1);
      expect(wait.outcome).toBeUndefined();
      await runtime.advance(50);
      expect(wait.outcome).toEqual({ isFrozen: true });
    });

    it('ends, however often that happens', async () => {
      const wait = watch(elapsed(runtime, 200));
      for (let step = 0; step < 3; step++) {
        freeze(45_000);
        await runtime.advance(50);
      }
      expect(wait.outcome).toEqual({ isFrozen: true });
    });

    it('is frozen by a second, and busy for less', async () => {
      const busy = watch(elapsed(runtime, 400));
      freeze(999);
      await runtime.advance(400);
      expect(busy.outcome).toEqual({ isFrozen: false });
      const frozen = watch(elapsed(runtime, 400));
      freeze(1_100);
      await runtime.advance(400);
      expect(frozen.outcome).toEqual({ isFrozen: true });
    });
  });

  it('is not frozen by a clock that is set back', async () => {
    const wait = watch(elapsed(runtime, 4_000));
    runtime.jump(-45_000);
    await runtime.advance(4_000);
    expect(wait.outcome).toEqual({ isFrozen: false });
  });
});

describe('A time budget', () => {
  const late = (ms: number) => new Error(`late by ${ms} ms`);

  it('ends a wait at its timeout, and at the latest with itself', async () => {
    const budget = new TimeBudget(runtime, 15_000);
    const first = watch(budget.failAfter(10_000, late));
    await runtime.advance(10_000);
    expect(first.outcome).toEqual(late(10_000));
    const second = watch(budget.failAfter(10_000, late));
    await runtime.advance(5_000);
    expect(second.outcome).toEqual(late(5_000));
    expect(budget.leftMs).toBe(0);
    const third = watch(budget.failAfter(10_000, late));
    await runtime.advance(0);
    expect(third.outcome).toEqual(late(0));
  });

  it('is spent by a wait that ends early, for as long as it lasted', async () => {
    const budget = new TimeBudget(runtime, 15_000);
    const wait = budget.failAfter(10_000, late).subscribe();
    await runtime.advance(3_400);
    wait.unsubscribe();
    expect(budget.leftMs).toBe(11_600);
    expect(runtime.timers).toBe(0);
  });

  it('is spent by a pause', () => {
    const budget = new TimeBudget(runtime, 15_000);
    budget.spend(4_000);
    expect(budget.leftMs).toBe(11_000);
  });

  it('asks for another attempt after a freeze, until nothing is left', async () => {
    const budget = new TimeBudget(runtime, 3_000);
    const outcomes: unknown[] = [];
    for (let attempt = 0; attempt < 10; attempt++) {
      const wait = watch(budget.failAfter(10_000, late));
      runtime.freeze(45_000);
      await runtime.advance(2_000);
      outcomes.push(wait.outcome);
    }
    expect(outcomes[0]).toBeInstanceOf(ProcessFrozen);
    expect(outcomes[9]).toMatchObject({ message: expect.stringContaining('late') });
  });

  it.each(FREEZES)('loses no more than a step to each time that the process is %s', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.record({ runMs: fc.nat(3_000), frozenMs: fc.nat(100_000) }), { maxLength: 5 }),
        fc.constantFrom(...FREEZES),
        async (times, [, freeze]) => {
          runtime = new FakeRuntime();
          const budget = new TimeBudget(runtime, 30_000);
          const wait = budget.failAfter(30_000, late).subscribe({ error: () => undefined });
          let ranMs = 0;
          for (const { runMs, frozenMs } of times) {
            await runtime.advance(runMs);
            ranMs += runMs;
            freeze(frozenMs);
          }
          wait.unsubscribe();
          expect(30_000 - budget.leftMs).toBeLessThanOrEqual(ranMs + times.length * 1_000 + 0.001);
        },
      ),
      { numRuns: 50 },
    );
  });
});
