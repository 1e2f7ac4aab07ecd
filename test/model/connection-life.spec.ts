import fc from 'fast-check';
import { expect, it } from 'vitest';
import { FakeRuntime, settled } from '../support/fake-runtime.js';
import { ModelFleet, type Outcome } from './connection-life.model.js';

const PROCESSES = 3;
const RUNS = Number(process.env['MODEL_RUNS'] ?? 1_000);

type Step = readonly [name: string, run: (fleet: ModelFleet) => Promise<void> | void];

const index = fc.nat(11);

const call = index.map((at): Step => [`call ${at}`, (fleet) => fleet.call(at)]);
const execute = (...outcomes: Outcome[]) =>
  fc
    .tuple(index, fc.constantFrom<Outcome>('ok', 'ok', 'ok', 'ok', ...outcomes))
    .map(([at, how]): Step => [`execute ${at} ${how}`, (fleet) => fleet.execute(at, how)]);
const advance = fc
  .constantFrom(100, 1_000, 6_000)
  .map((ms): Step => [`advance ${ms}`, (fleet) => fleet.runtime.advance(ms)]);
const jump = fc
  .constantFrom(-3_600_000, -60_000, 60_000, 3_600_000)
  .map((ms): Step => [`jump ${ms}`, (fleet) => fleet.runtime.jump(ms)]);
const freeze = fc
  .constantFrom(30_000, 3_500_000)
  .map((ms): Step => [`freeze ${ms}`, (fleet) => fleet.runtime.freeze(ms)]);
const rekey = fc.constant<Step>(['rekey', (fleet) => fleet.rekey()]);
const reconnect = fc.constant<Step>(['reconnect', (fleet) => fleet.reconnect()]);
const restart = index.map((at): Step => [`restart ${at}`, (fleet) => fleet.restart(at)]);

function steps(executed: fc.Arbitrary<Step>, ...others: readonly fc.Arbitrary<Step>[]) {
  const step = fc.oneof(
    { weight: 10, arbitrary: executed },
    { weight: 4, arbitrary: call },
    { weight: 2, arbitrary: advance },
    { weight: 2, arbitrary: freeze },
    ...[jump, rekey, reconnect, ...others].map((arbitrary) => ({ weight: 1, arbitrary })),
  );
  return fc.array(step, { minLength: 1, maxLength: 80, size: 'max' });
}

async function holdsFor(history: fc.Arbitrary<Step[]>, hasGrace: boolean): Promise<void> {
  await fc.assert(
    fc.asyncProperty(history, async (taken) => {
      const fleet = new ModelFleet(new FakeRuntime(), PROCESSES, hasGrace);
      await fleet.connect();
      for (const [, run] of taken) {
        await run(fleet);
        await settled();
      }
      const names = taken.map(([name]) => name).join(', ');
      expect(await fleet.isUsable(), names).toBe(true);
      expect(fleet.violations, names).toEqual([]);
    }),
    { numRuns: RUNS },
  );
}

it('No crash, race, outage or clock loses a connection', { timeout: 600_000 }, async () => {
  const failures = ['failsBefore', 'failsAfter', 'crashesBefore', 'crashesAfter'] as const;
  await holdsFor(steps(execute(...failures), restart), true);
});

it('Without grace, no race, outage or clock loses a connection', { timeout: 600_000 }, async () => {
  await holdsFor(steps(execute('failsBefore', 'failsAfter')), false);
});
