import * as fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import { type AgeClock, ageClockOf, CoarseAgeClock } from '../../../lib/core/runtime/age-clock.js';
import { systemRuntime } from '../../../lib/core/runtime/runtime.js';
import { FakeRuntime } from '../../support/fake-runtime.js';

let runtime: FakeRuntime;
beforeEach(() => {
  runtime = new FakeRuntime();
});
const now = () => ({ wall: runtime.now(), monotonic: runtime.monotonic() });

describe.each<[string, () => AgeClock]>([
  ['exactly', () => ageClockOf(runtime)],
  ['sparingly', () => new CoarseAgeClock(runtime)],
])('An age that is read %s', (_, clock) => {
  it('is the elapsed time', async () => {
    const ages = clock();
    const since = now();
    expect(ages.ageMs(since)).toBe(0);
    await runtime.advance(10);
    expect(ages.ageMs(since)).toBe(10);
    await runtime.advance(3_600_000);
    expect(ages.ageMs(since)).toBe(3_600_010);
  });

  it('counts the sleep of a machine, whose monotonic clock stands still', () => {
    const ages = clock();
    const since = now();
    ages.ageMs(since);
    runtime.sleep(3_600_000);
    expect(ages.ageMs(since)).toBe(3_600_000);
  });

  it('includes the time that a wall clock was set back', async () => {
    const ages = clock();
    const since = now();
    ages.ageMs(since);
    await runtime.advance(3_600_000);
    ages.ageMs(since);
    runtime.jump(-3_600_100);
    expect(ages.ageMs(since)).toBe(3_600_000);
    await runtime.advance(5);
    expect(ages.ageMs(since)).toBe(3_600_005);
  });

  it('is never less than by the wall clock', () => {
    const ages = clock();
    const since = now();
    ages.ageMs(since);
    runtime.jump(7_200_000);
    expect(ages.ageMs(since)).toBe(7_200_000);
  });
});

describe('The age of a coarse clock', () => {
  it('does not read the monotonic clock for 50 ms', () => {
    const reads = { wall: 1_000, monotonic: 0, times: 0 };
    const ages = new CoarseAgeClock({
      now: () => reads.wall,
      monotonic: () => {
        reads.times += 1;
        return reads.monotonic;
      },
    });
    const since = { wall: 1_000, monotonic: 0 };
    const timesAt = (wall: number) => {
      reads.wall = wall;
      ages.ageMs(since);
      return reads.times;
    };
    expect([1_000, 1_001, 1_049, 1_050, 1_099, 1_098, 1_049].map(timesAt)).toEqual([
      1, 1, 1, 2, 2, 2, 3,
    ]);
  });

  it('equals the exact age, except for 50 ms after the clock was set back to the last reading', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(
          fc.record({
            kind: fc.constantFrom('advance', 'jump', 'sleep'),
            ms: fc.integer({ min: 0, max: 5_000 }),
          }),
        ),
        async (steps) => {
          runtime = new FakeRuntime();
          const exact = ageClockOf(runtime);
          const sparing = new CoarseAgeClock(runtime);
          const since = now();
          for (const { kind, ms } of steps) {
            if (kind === 'advance') await runtime.advance(ms);
            else if (kind === 'sleep') runtime.sleep(ms);
            else runtime.jump(-ms);
            sparing.ageMs(since);
            runtime.sleep(50);
            expect(sparing.ageMs(since)).toBe(exact.ageMs(since));
          }
        },
      ),
    );
  });

  it('increases in the end even if the wall clock stands still', () => {
    let monotonic = 0;
    const ages = new CoarseAgeClock({ now: () => 1_000, monotonic: () => monotonic });
    const since = { wall: 1_000, monotonic: 0 };
    ages.ageMs(since);
    monotonic = 7_200_000;
    const seen = new Set(Array.from({ length: 10_001 }, () => ages.ageMs(since)));
    expect([...seen]).toEqual([0, 7_200_000]);
  });

  it('is used for the system runtime only', () => {
    expect(ageClockOf(systemRuntime)).toBeInstanceOf(CoarseAgeClock);
    expect(ageClockOf(systemRuntime)).toBe(ageClockOf(systemRuntime));
    expect(ageClockOf({ ...systemRuntime })).not.toBeInstanceOf(CoarseAgeClock);
  });
});
