import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { TokenLife, type Behavior } from './token-life.model.js';

/** One step of a history. The model itself checks the expectations. */
class Step implements fc.AsyncCommand<object, TokenLife> {
  constructor(
    private readonly name: string,
    private readonly execute: (life: TokenLife) => void | Promise<void>,
  ) {}

  check = (): boolean => true;
  run = async (_: object, life: TokenLife): Promise<void> => {
    await this.execute(life);
    life.verify();
  };
  toString = (): string => this.name;
}

const tenants = fc.constantFrom('enterprise:1', 'enterprise:2', 'enterprise:3');
const subjects = fc.oneof(tenants, fc.constantFrom('user:1', 'user:2'));
const behaviors = fc.constantFrom<Behavior>(
  'grants',
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
  // Ages at which the lifetimes below change: the refresh window, the wait margin, the expiry.
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

const request = fc
  .record({
    subject: subjects,
    callers: fc.integer({ min: 1, max: 5 }),
    abort: fc.boolean(),
    minValidityMs: fc.constantFrom(0, 0, 0, 1_800_000),
  })
  .map(
    ({ subject, callers, abort, minValidityMs }) =>
      new Step(
        `request(${subject} ×${callers}${abort ? ', all but one abort' : ''}${minValidityMs > 0 ? ', long validity' : ''})`,
        (life) => life.request(subject, callers, minValidityMs, abort),
      ),
  );

const advance = times.map((ms) => new Step(`advance(${ms})`, (life) => life.advance(ms)));

/** Most steps request a token or let time pass. */
const steps = [
  request,
  request,
  request,
  request,
  advance,
  advance,
  advance,
  behaviors.map(
    (behavior) =>
      new Step(`endpoint(${behavior})`, (life) => {
        life.behavior = behavior;
      }),
  ),
  fc.constant(
    new Step('endpoint(grants)', (life) => {
      life.behavior = 'grants';
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
  tenants.map((tenant) => new Step(`flush(${tenant})`, (life) => life.flushTenant(tenant))),
  tenants.map((tenant) => new Step(`remove(${tenant})`, (life) => life.remove(tenant))),
  tenants.map((tenant) => new Step(`authorize(${tenant})`, (life) => life.authorize(tenant))),
  fc.tuple(tenants, fc.integer({ min: 25_000, max: 70_000 })).map(
    ([tenant, ms]) =>
      new Step(`removed for 2 * ${ms} (${tenant})`, async (life) => {
        life.remove(tenant);
        for (let time = 0; time < 2; time++) {
          await life.request(tenant, 1, 0, false);
          await life.advance(ms);
        }
        await life.request(tenant, 1, 0, false);
        life.authorize(tenant);
      }),
  ),
  tenants.map(
    (tenant) =>
      new Step(`authorize and flush(${tenant})`, async (life) => {
        life.authorize(tenant);
        await life.flushTenant(tenant);
        await life.request(tenant, 1, 0, false);
      }),
  ),
];

it('Tokens meet all expectations in any history', async () => {
  let requests = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.commands(steps, { maxCommands: 60, size: 'max' }),
      fc.double({ min: 0, max: 0.999, noNaN: true }),
      async (commands, random) => {
        const life = new TokenLife();
        life.runtime.randomValue = random;
        await fc.asyncModelRun(() => ({ model: {}, real: life }), commands);
        await life.end();
        requests += life.endpoint.received.length;
      },
    ),
    { numRuns: 1_000 },
  );
  expect(requests).toBeGreaterThan(3_000);
}, 120_000);
