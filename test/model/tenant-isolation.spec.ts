import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import {
  type AppIndex,
  type Call,
  type Frame,
  type Means,
  type Program,
  STRANGER,
  TenantIsolation,
  TENANTS,
  USERS,
} from './tenant-isolation.model.js';

const apps = fc.constantFrom<AppIndex>(0, 1, 2);
const tenants = fc.constantFrom(...TENANTS);
const enterprises = fc.oneof({ weight: 6, arbitrary: tenants }, fc.constant(STRANGER));
const users = fc.constantFrom(...USERS);
const via = fc.constantFrom<'header' | 'token'>('header', 'token');

/** An enterprise and one of its users, or one of another. */
const usersOf = (enterprise: string) =>
  fc.oneof({ weight: 2, arbitrary: fc.constantFrom(`${enterprise}01`, `${enterprise}02`) }, users);

const frames: fc.Arbitrary<Frame> = enterprises.chain((enterprise) =>
  fc.oneof(
    fc.record(
      {
        by: fc.constant('request' as const),
        enterprise: fc.constant(enterprise),
        user: fc.record({ id: usersOf(enterprise), via }),
      },
      { requiredKeys: ['by'] },
    ),
    fc.record(
      {
        by: fc.constant('runFor' as const),
        app: apps,
        enterprise: fc.constant(enterprise),
        user: usersOf(enterprise),
      },
      { requiredKeys: ['by', 'app', 'enterprise'] },
    ),
    fc.record({ by: fc.constant('runAs' as const), app: apps, user: usersOf(enterprise) }),
  ),
);

const means: fc.Arbitrary<Means> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc
      .constantFrom(
        ...(['fetch', 'fetch', 'getHeaders', 'getToken', 'downscope', 'peekToken'] as const),
      )
      .map((by) => ({ by })),
  },
  users.map((user) => ({ by: 'userToken' as const, user })),
  enterprises.map((enterprise) => ({ by: 'namedToken' as const, enterprise })),
);

const calls: fc.Arbitrary<Call> = fc.record({ app: apps, means, yields: fc.nat(3) });

const { program: programs } = fc.letrec<{ program: Program; part: Program[number] }>((tie) => ({
  program: fc.array(tie('part'), { minLength: 1, maxLength: 3, depthIdentifier: 'program' }),
  part: fc.oneof(
    { depthIdentifier: 'program', maxDepth: 3 },
    calls,
    fc.record({ frame: frames, inside: tie('program') }),
  ),
}));

/** A step of a history, with the name that a counterexample shows. */
class Step {
  constructor(
    private readonly name: string,
    readonly execute: (model: TenantIsolation) => void | Promise<void>,
  ) {}

  toString = (): string => this.name;
}

const step = (name: string, execute: Step['execute']): Step => new Step(name, execute);
const toggle = (set: Set<string>, value: string) => void (set.delete(value) || set.add(value));
const forTenant = (
  name: string,
  execute: (model: TenantIsolation, tenant: string) => void | Promise<void>,
) => tenants.map((tenant) => step(`${name}(${tenant})`, (model) => execute(model, tenant)));

const steps: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 12,
    arbitrary: fc
      .array(programs, { minLength: 1, maxLength: 6 })
      .map((all) => step(`run ${JSON.stringify(all)}`, (model) => model.run(all))),
  },
  {
    weight: 3,
    arbitrary: fc
      .oneof(fc.integer({ min: 1, max: 40_000 }), fc.integer({ min: 60_000, max: 3_700_000 }))
      .map((ms) => step(`advance(${ms})`, (model) => model.advance(ms))),
  },
  { weight: 3, arbitrary: forTenant('remove', (model, tenant) => model.remove(tenant)) },
  forTenant('authorize', (model, tenant) => model.authorize(tenant)),
  forTenant('recover', (model, tenant) => model.recover(tenant)),
  fc
    .tuple(tenants, fc.constantFrom(10_000, 40_000, 80_000))
    .map(([tenant, ms]) =>
      step(`remove(${tenant}, ${ms})`, (model) => model.removeFor(tenant, ms)),
    ),
  forTenant('revoke', (model, tenant) => model.revoke(tenant)),
  forTenant('flush', (model, tenant) => model.flush(tenant)),
  forTenant('unlist', (model, tenant) => model.list(tenant, false)),
  forTenant('list', (model, tenant) => model.list(tenant, true)),
  forTenant('toggle unavailable', ({ box }, tenant) => toggle(box.unavailable, tenant)),
  forTenant('toggle slow', ({ box }, tenant) => toggle(box.slow, tenant)),
  users.map((user) => step(`toggle refused(${user})`, ({ box }) => toggle(box.refusedUsers, user))),
  fc
    .constantFrom('one', 'other')
    .map((client) =>
      step(`toggle refused(${client})`, ({ box }) => toggle(box.refusedClients, client)),
    ),
  fc
    .tuple(fc.constantFrom('one', 'other'), fc.constantFrom(5_000, 60_000))
    .map(([client, ms]) => step(`limit(${client}, ${ms})`, (model) => model.limit(client, ms))),
  fc.constant(step('flush', (model) => model.flushAll())),
);

const settings = fc.record({
  tenants: fc.constantFrom<'list' | 'function'>('list', 'function'),
  removal: fc.constantFrom<'unauthorized_client' | 'invalid_grant'>(
    'unauthorized_client',
    'invalid_grant',
  ),
  sharesTokens: fc.boolean(),
  maxSubjects: fc.constantFrom(2, 100),
  random: fc.double({ min: 0, max: 0.999, noNaN: true }),
});

it('Each call carries the identity of its own tenant and user, and waits for no failure of others', async () => {
  let succeeded = 0;
  await fc.assert(
    fc.asyncProperty(
      settings,
      fc.array(steps, { minLength: 1, maxLength: 25, size: 'max' }),
      async (setting, history) => {
        const model = new TenantIsolation(setting);
        for (const { execute } of history) await execute(model);
        await model.end();
        succeeded += model.succeeded;
      },
    ),
    { numRuns: 200 },
  );
  expect(succeeded).toBeGreaterThan(1_000);
}, 120_000);
