import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type INestApplication, Logger, type Type } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { TerminusModule } from '@nestjs/terminus';
import {
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
  AggregationTemporality,
  type ViewOptions,
} from '@opentelemetry/sdk-metrics';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { BoxAuthModule, BoxFetch, BoxTokenProvider } from 'nestjs-box-auth';
import { instrumentBoxAuth } from 'nestjs-box-auth/opentelemetry';
import { BoxHealthIndicator } from 'nestjs-box-auth/terminus';
import { BoxEmulator } from 'nestjs-box-auth/testing';
import { exampleIn, run } from './example.js';

const PAGE = 'docs/tenants.md';
const OPERATING = 'docs/operating-tenants.md';
/** The enterprise of the credentials. */
const OWN = '1234567';
const GLOBEX = '7654321';
const HOOLI = '8765432';
const STRANGERS = '9999999';
const ALICE = '11111';
const CAROL = '33333';
const DAVE = '44444';

let config: BoxEmulator['config'] | undefined;
let box: BoxEmulator;
const open = new Set<() => unknown>();

beforeEach(async () => {
  config ??= await configOf(OWN);
  box = await BoxEmulator.start({
    config,
    enterprises: [
      { id: GLOBEX, users: [{ id: CAROL, name: 'Carol', login: 'carol@globex.example' }] },
      { id: HOOLI, users: [{ id: DAVE, name: 'Dave', login: 'dave@hooli.example' }] },
      { id: STRANGERS },
    ],
  });
  vi.stubEnv('PORT', '0');
  vi.stubEnv('BOX_CONFIG', JSON.stringify(box.config));
  vi.stubEnv('BOX_API_URL', box.url);
  vi.stubEnv('BOX_CLIENT_ID', 'the-client-id');
});
afterEach(async () => {
  await Promise.all([...open].map((close) => close()));
  open.clear();
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
  await box.stop();
});

async function configOf(enterpriseID: string): Promise<BoxEmulator['config']> {
  await using emulator = await BoxEmulator.start();
  return { ...emulator.config, enterpriseID };
}

/** The enterprise and the acting user of each call of the API. */
function calls(): readonly (readonly unknown[])[] {
  return box.apiRequests.map(({ enterprise, actingUser }) => [enterprise, actingUser]);
}

async function compiled(...imports: readonly unknown[]): Promise<INestApplication> {
  const module = await Test.createTestingModule({ imports: imports as Type[] }).compile();
  const app = module.createNestApplication({ logger: false });
  open.add(() => app.close());
  return app;
}

interface Row {
  readonly boxId: string;
  readonly enterpriseId: string;
}

interface Portal {
  readonly app: INestApplication;
  readonly get: (path: string, user?: Row) => Promise<{ status: number; body: unknown }>;
}

/** The app of the section about handlers. The test signs users in. */
async function portal(...imports: readonly unknown[]): Promise<Portal> {
  const { AppModule } = await run(exampleIn(PAGE, 'class FoldersController'));
  const app = await compiled(AppModule, ...imports);
  let signedIn: Row | undefined;
  app.use((request: object, _: unknown, next: () => void) => {
    Object.assign(request, { user: signedIn });
    next();
  });
  await app.listen(0, '127.0.0.1');
  const url = await app.getUrl();
  const get = async (path: string, user?: Row) => {
    signedIn = user;
    const response = await fetch(url + path);
    return { status: response.status, body: await response.json() };
  };
  return { app, get };
}

async function withBox(options = {}): Promise<[BoxTokenProvider, BoxFetch, INestApplication]> {
  const app = await compiled(BoxAuthModule.forRoot(options));
  await app.init();
  return [app.get(BoxTokenProvider), app.get(BoxFetch), app];
}

describe('The page about tenants', () => {
  it('has a handler that calls Box for the tenant of the signed-in user', async () => {
    const { get } = await portal();
    const carol = { boxId: CAROL, enterpriseId: GLOBEX };
    expect(await get('/folders', carol)).toMatchObject({ status: 200, body: { total_count: 2 } });
    expect(await get('/folders/service-account', carol)).toMatchObject({
      body: { enterprise: GLOBEX, account: { id: box.serviceAccountIdOf(GLOBEX) } },
    });
    await get('/folders', { boxId: DAVE, enterpriseId: HOOLI });
    expect(calls()).toEqual([
      [GLOBEX, CAROL],
      [GLOBEX, undefined],
      [HOOLI, DAVE],
    ]);
  });

  it.each([
    ['no enterprise', undefined],
    ['an enterprise that is not a tenant', { boxId: ALICE, enterpriseId: STRANGERS }],
    ['the enterprise of the credentials', { boxId: ALICE, enterpriseId: OWN }],
  ])('lets no request with %s reach Box', async (_, user) => {
    const { get } = await portal();
    expect((await get('/folders', user)).status).toBe(500);
    expect(box.requests).toEqual([]);
  });

  it('relies on Box to reject a user of another tenant', async () => {
    const { get } = await portal();
    const { body } = await get('/folders', { boxId: DAVE, enterpriseId: GLOBEX });
    expect(body).toMatchObject({ status: 403 });
  });

  it('looks tenants up with a function, and requires one', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'box-tenants-'));
    open.add(() => rmSync(folder, { recursive: true }));
    const file = join(folder, 'config.json');
    writeFileSync(file, JSON.stringify(box.config));
    vi.stubEnv('BOX_CONFIG_FILE', file);
    const { AppModule } = await run(exampleIn(PAGE, 'class Customers', 'forRootAsync'));
    const app = await compiled(AppModule);
    await app.init();
    const [provider, fetchBox] = [app.get(BoxTokenProvider), app.get(BoxFetch)];
    const me = () => fetchBox('/2.0/users/me');

    const response = await provider.runFor({ enterprise: GLOBEX }, me);
    expect(await response.json()).toMatchObject({ id: box.serviceAccountIdOf(GLOBEX) });
    await expect(me()).rejects.toMatchObject({ code: 'enterprise_missing' });
    const subject = { type: 'enterprise', id: STRANGERS } as const;
    for (const refused of [
      () => provider.runFor({ enterprise: STRANGERS }, me),
      () => provider.getToken({ subject }),
    ]) {
      await expect(refused()).rejects.toMatchObject({ code: 'enterprise_not_allowed' });
    }
    expect(calls()).toEqual([[GLOBEX, undefined]]);
  });

  it('has a job that survives the tenants that fail', async () => {
    const warned = vi.spyOn(Logger.prototype, 'warn').mockReturnValue();
    const { NightlyReport } = await run(exampleIn(PAGE, 'class NightlyReport'));
    const [provider, fetchBox] = await withBox({ tenants: [GLOBEX, HOOLI] });
    box.deauthorize(HOOLI);
    const Report = NightlyReport as new (...args: unknown[]) => {
      run(ids: string[]): Promise<number>;
    };
    expect(await new Report(provider, fetchBox).run([HOOLI, STRANGERS, GLOBEX])).toBe(1);
    const lines = warned.mock.calls.map(([line]) => String(line));
    expect(lines).toContain(`No report for enterprise ${HOOLI}: app_not_authorized`);
    expect(lines).toContain(`No report for enterprise ${STRANGERS}: enterprise_not_allowed`);
    expect(calls()).toEqual([[GLOBEX, undefined]]);
  });

  it('has an Express app that calls Box for the tenant of the session', async () => {
    vi.spyOn(console, 'warn').mockReturnValue();
    const { server, close } = await run(exampleIn(PAGE, 'enterprise: (req)'));
    open.add(close as () => void);
    open.add(() => (server as Server).close());
    if (!(server as Server).listening) await once(server as Server, 'listening');
    const url = `http://127.0.0.1:${((server as Server).address() as AddressInfo).port}/me`;
    for (const [cookie, id] of [
      ['session=of-alice', ALICE],
      ['session=of-carol', CAROL],
    ] as const) {
      const response = await fetch(url, { headers: { cookie } });
      expect(await response.json()).toMatchObject({ id });
    }
    expect(calls()).toEqual([
      [OWN, ALICE],
      [GLOBEX, CAROL],
    ]);
    expect((await fetch(url, { headers: { 'x-enterprise': GLOBEX } })).status).toBe(401);
    expect(calls()).toHaveLength(2);
  });

  it('tells a tenant without the app what its admin has to do, until that has happened', async () => {
    const { TenantFilterModule } = await run(exampleIn(OPERATING, 'class TenantFilter'));
    const { app, get } = await portal(TenantFilterModule);
    const [carol, dave] = [
      { boxId: CAROL, enterpriseId: GLOBEX },
      { boxId: DAVE, enterpriseId: HOOLI },
    ];
    box.deauthorize(GLOBEX);

    const { status, body } = await get('/folders', carol);
    expect([status, body]).toEqual([
      403,
      {
        statusCode: 403,
        error: 'box_not_authorized',
        message: expect.stringContaining('the client id the-client-id') as unknown,
      },
    ]);
    expect((await get('/folders', dave)).status).toBe(200);
    expect(await get('/folders', { boxId: ALICE, enterpriseId: STRANGERS })).toMatchObject({
      status: 403,
      body: { error: 'Forbidden' },
    });

    box.authorize(GLOBEX);
    const requestsBefore = box.tokenRequests.length;
    expect((await get('/folders', carol)).status).toBe(403);
    expect(box.tokenRequests).toHaveLength(requestsBefore);
    app.get(BoxTokenProvider).flush({ enterprise: GLOBEX });
    expect((await get('/folders', carol)).status).toBe(200);
    expect((await get('/folders', dave)).status).toBe(200);
    expect(box.tokenRequests).toHaveLength(requestsBefore + 1);
  });

  it('marks a tenant once when Box refuses it', async () => {
    const { watchTenants } = await run(exampleIn(OPERATING, 'watchTenants'));
    const mark = vi.fn<(...marked: string[]) => void>();
    open.add((watchTenants as (listener: typeof mark) => () => void)(mark));
    const [provider] = await withBox({ tenants: [GLOBEX, HOOLI] });
    box.deauthorize(HOOLI);
    for (const enterprise of [HOOLI, GLOBEX, HOOLI]) {
      await provider.runFor({ enterprise }, () => provider.getToken()).catch(() => undefined);
    }
    expect(mark.mock.calls).toEqual([[HOOLI, 'app_not_authorized']]);
  });

  it('drops the tenant from the metrics of token requests only', async () => {
    const { views } = await run(exampleIn(OPERATING, 'createDenyListAttributesProcessor'));
    const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
    const reader = new PeriodicExportingMetricReader({ exporter });
    const meterProvider = new MeterProvider({ readers: [reader], views: views as ViewOptions[] });
    open.add(() => meterProvider.shutdown());
    open.add(instrumentBoxAuth({ meterProvider, apiRequests: true }));
    const [provider, fetchBox] = await withBox({ tenants: [GLOBEX, HOOLI] });
    box.deauthorize(HOOLI);
    for (const enterprise of [GLOBEX, HOOLI]) {
      await provider.runFor({ enterprise }, () => fetchBox('/2.0/users/me')).catch(() => undefined);
    }
    await reader.forceFlush();
    const tenants = new Map<string, readonly unknown[]>();
    for (const { scopeMetrics } of exporter.getMetrics()) {
      for (const { descriptor, dataPoints } of scopeMetrics.flatMap(({ metrics }) => metrics)) {
        const ids = dataPoints.map(({ attributes }) => attributes['box.enterprise.id']);
        tenants.set(descriptor.name, ids);
      }
    }
    expect(tenants.get('box.tenant.unauthorized')).toEqual([HOOLI]);
    for (const name of ['box.token.mints', 'box.token.mint.duration', 'box.api.request.duration']) {
      expect(
        tenants.get(name)?.filter((id) => id !== undefined),
        name,
      ).toEqual([]);
    }
  });

  it('checks the health of a tenant', async () => {
    const { TenantHealthController } = await run(
      exampleIn(OPERATING, 'class TenantHealthController'),
    );
    const module = await Test.createTestingModule({
      imports: [TerminusModule, BoxAuthModule.forRoot({ tenants: [GLOBEX, HOOLI] })],
      controllers: [TenantHealthController as Type],
      providers: [BoxHealthIndicator],
    }).compile();
    const app = module.createNestApplication({ logger: false });
    open.add(() => app.close());
    await app.listen(0, '127.0.0.1');
    box.deauthorize(HOOLI);
    const health = async (enterprise: string) => {
      const response = await fetch(`${await app.getUrl()}/tenants/${enterprise}/health`);
      return [response.status, await response.json()];
    };
    expect(await health(GLOBEX)).toMatchObject([200, { details: { box: { status: 'up' } } }]);
    const down = (code: string) => [503, { details: { box: { status: 'down', code } } }];
    expect(await health(HOOLI)).toMatchObject(down('app_not_authorized'));
    expect(await health(STRANGERS)).toMatchObject(down('enterprise_not_allowed'));
  });
});
