import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { TokenLife, type Weather } from './token-life.model.js';

/** One thing that happens. The model is the life itself: it knows what must hold. */
class Step implements fc.AsyncCommand<object, TokenLife> {
  constructor(
    private readonly name: string,
    private readonly happen: (life: TokenLife) => void | Promise<void>,
  ) {}

  check = (): boolean => true;
  run = async (_: object, life: TokenLife): Promise<void> => {
    await this.happen(life);
    life.verify();
  };
  toString = (): string => this.name;
}

const subjects = fc.constantFrom('enterprise:1', 'user:1', 'user:2');
const weathers = fc.constantFrom<Weather>(
  'fine',
  'slow',
  'unavailable',
  'limited',
  'reset',
  'silent',
  'refusing',
);
const times = fc.oneof(
  fc.integer({ min: 1, max: 3_000 }),
  fc.integer({ min: 3_000, max: 70_000 }),
  fc.integer({ min: 60_000, max: 3_700_000 }),
  // The turns of the lives below: where renewal begins, where callers wait, where a token ends.
  fc.constantFrom(
    23_000,
    26_000,
    231_000,
    245_000,
    296_000,
    2_860_000,
    3_005_000,
    3_545_000,
    3_596_000,
  ),
);

const ask = fc
  .record({
    subject: subjects,
    callers: fc.integer({ min: 1, max: 5 }),
    abort: fc.boolean(),
    minValidityMs: fc.constantFrom(0, 0, 0, 1_800_000),
  })
  .map(
    ({ subject, callers, abort, minValidityMs }) =>
      new Step(
        `ask(${subject} ×${callers}${abort ? ', all but one give up' : ''}${minValidityMs > 0 ? ', for long' : ''})`,
        (life) => life.ask(subject, callers, minValidityMs, abort),
      ),
  );

const advance = times.map((ms) => new Step(`advance(${ms})`, (life) => life.advance(ms)));

/** Asking and waiting are the most of a life. */
const steps = [
  ask,
  ask,
  ask,
  ask,
  advance,
  advance,
  advance,
  weathers.map(
    (weather) =>
      new Step(`weather(${weather})`, (life) => {
        life.weather = weather;
      }),
  ),
  fc.constant(
    new Step('weather(fine)', (life) => {
      life.weather = 'fine';
    }),
  ),
  fc
    .integer({ min: 0, max: 6 })
    .map((ago) => new Step(`refuse(${ago} ago)`, (life) => life.refuse(ago))),
  fc
    .integer({ min: -7_200_000, max: 7_200_000 })
    .map((ms) => new Step(`jump(${ms})`, (life) => life.setClock(ms))),
  fc.constant(new Step('synchronize', (life) => life.synchronize())),
  fc
    .integer({ min: 1, max: 7_200_000 })
    .map((ms) => new Step(`sleep(${ms})`, (life) => life.freeze('sleep', ms))),
  fc
    .integer({ min: 1, max: 100_000 })
    .map((ms) => new Step(`freeze(${ms})`, (life) => life.freeze('freeze', ms))),
  fc
    .constantFrom(0, 0, 30_000, -50_000, 600_000, -3_600_000)
    .map((ms) => new Step(`gateway(${ms} ms ahead)`, (life) => life.gateway(ms))),
  fc.constantFrom(30, 300, 3600, 4123).map(
    (s) =>
      new Step(`lifetime(${s} s)`, (life) => {
        life.lifetimeS = s;
      }),
  ),
  fc.constant(new Step('rotate', (life) => life.rotate())),
  fc.constant(new Step('flush', (life) => life.flush())),
];

it('A token’s life keeps its promises through any history', async () => {
  let asked = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.commands(steps, { maxCommands: 60, size: 'max' }),
      fc.double({ min: 0, max: 0.999, noNaN: true }),
      async (commands, random) => {
        const life = new TokenLife();
        life.runtime.randomValue = random;
        await fc.asyncModelRun(() => ({ model: {}, real: life }), commands);
        await life.end();
        asked += life.endpoint.received.length;
      },
    ),
    { numRuns: 1_000 },
  );
  expect(asked).toBeGreaterThan(3_000);
}, 120_000);
