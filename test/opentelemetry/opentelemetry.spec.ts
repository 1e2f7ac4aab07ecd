import { readFileSync } from 'node:fs';
import {
  context,
  type ContextManager,
  type HrTime,
  metrics,
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  trace,
} from '@opentelemetry/api';
import type { DataPoint, Histogram } from '@opentelemetry/sdk-metrics';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { BoxAuthInstrumentation, instrumentBoxAuth } from 'nestjs-box-auth/opentelemetry';
import { BoxEmulator } from 'nestjs-box-auth/testing';
import { BoxAuth } from '../../lib/box/box-auth.js';
import type { BoxAuthOptions } from '../../lib/box/box-auth.options.js';
import { MemoryTokenStore } from '../support/memory-token-store.js';
import { FakeRuntime, settled } from '../support/fake-runtime.js';
import { broken, refuse, ScriptedEndpoint } from '../support/scripted-endpoint.js';
import { points, TelemetrySdk } from '../support/telemetry-sdk.js';
import { ANN, TENANT, TenantBox, tenantApp, unauthorized } from '../support/tenant-box.js';
import { thrownBy } from '../support/thrown.js';

const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string };
const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const START = Date.parse('2026-03-01T12:00:00.250Z');
const ENTERPRISE_ID = '7654321';
const USER_ID = '918273645';
const credentials = {
  clientId: 'q1w2e3r4t5z6u7i8',
  clientSecret: 'q9LmZx3VbN7tRw2KcY8pDf5GhJ4sAe6U',
  enterpriseId: ENTERPRISE_ID,
};

let runtime: FakeRuntime;
let endpoint: ScriptedEndpoint;
let sdk: TelemetrySdk;
let stop: () => void;
beforeEach(() => {
  runtime = new FakeRuntime(START);
  runtime.randomValue = 0;
  endpoint = new ScriptedEndpoint(runtime);
  sdk = new TelemetrySdk();
  stop = instrumentBoxAuth(sdk);
});
afterEach(async () => {
  stop();
  await sdk.end();
});

function start(options: Partial<BoxAuthOptions> = {}, name?: string): BoxAuth {
  return new BoxAuth({ credentials, fetch: endpoint.fetch, runtime, ...options }, { name });
}

/** An answer that takes so long. */
const slow = (ms: number) => async (request: Parameters<typeof endpoint.grant>[0]) => {
  await new Promise<void>((resolve) => {
    runtime.schedule(resolve, ms);
  });
  return endpoint.grant(request);
};

const ofBox = { 'box.token.issuer': 'Box' };
const ofEnterprise = { ...ofBox, 'box.token.subject_type': 'enterprise' };
const minted = { ...ofEnterprise, 'box.token.kind': 'mint', 'box.token.outcome': 'minted' };

describe('A span', () => {
  it('has the duration and the outcome of the token request', async () => {
    const box = start({}, 'hr');
    endpoint.script(slow(1_500));
    const asked = box.provider.getToken();
    await runtime.advance(1_500);
    await asked;
    const [span] = sdk.spans;
    expect(sdk.spans).toHaveLength(1);
    expect(span).toMatchObject({
      name: 'box.token.mint',
      kind: SpanKind.CLIENT,
      status: { code: SpanStatusCode.UNSET },
      instrumentationScope: { name: 'nestjs-box-auth', version },
      attributes: {
        ...minted,
        'box.token.app': 'hr',
        'box.token.usable_for_ms': 60 * MINUTE - 1_500 - 5 * SECOND,
      },
    });
    expect(span && epochMs(span.startTime)).toBe(START);
    expect(span && epochMs(span.endTime)).toBe(START + 1_500);
    expect(Object.keys(span?.attributes ?? {}).toSorted()).toEqual([
      'box.token.app',
      'box.token.issuer',
      'box.token.kind',
      'box.token.outcome',
      'box.token.subject_type',
      'box.token.usable_for_ms',
    ]);
  });

  it('has no attributes for an unknown name, subject or lifetime', async () => {
    endpoint.lifetimeS = undefined;
    await start().provider.getToken();
    const failing = start({ credentials: () => Promise.reject(new Error('no vault')) });
    await thrownBy(() => failing.provider.getToken());
    expect(sdk.spans.map(({ attributes }) => attributes)).toEqual([
      minted,
      {
        ...ofBox,
        'box.token.kind': 'mint',
        'box.token.outcome': 'failed',
        'box.token.usable_for_ms': 0,
        'error.type': 'credentials_unavailable',
      },
    ]);
  });

  it.each([
    [
      'refused',
      () => refuse(endpoint, 400, 'unauthorized_client', 'This app is not authorized'),
      { 'error.type': 'app_not_authorized', 'http.response.status_code': 400 },
      /^app_not_authorized: Ask an admin/,
    ],
    [
      'never answered',
      () => broken('ECONNRESET'),
      { 'error.type': 'network' },
      /^network: The connection was closed/,
    ],
  ])(
    'of a token request that was %s is an error with a hint',
    async (_, trouble, attributes, message) => {
      endpoint.otherwise = trouble();
      await thrownBy(() => start({ tokenEndpoint: { attempts: 1 } }).provider.getToken());
      expect(sdk.spans).toMatchObject([
        {
          kind: SpanKind.CLIENT,
          status: { code: SpanStatusCode.ERROR, message: expect.stringMatching(message) as string },
        },
      ]);
      expect(sdk.spans[0]?.attributes).toEqual({
        ...minted,
        'box.token.outcome': 'failed',
        'box.token.usable_for_ms': 0,
        ...attributes,
      });
    },
  );

  it('is internal if another process had the token', async () => {
    const store = new MemoryTokenStore(runtime);
    await start({ store }).provider.getToken();
    await start({ store }).provider.getToken();
    expect(
      sdk.spans.map(({ kind, attributes }) => [kind, attributes['box.token.outcome']]),
    ).toEqual([
      [SpanKind.CLIENT, 'minted'],
      [SpanKind.INTERNAL, 'shared'],
    ]);
  });

  it('is named after its kind: mint, renewal, forced renewal', async () => {
    const box = start();
    box.provider.invalidate(await box.provider.getToken());
    await box.provider.getToken();
    await runtime.advance(50 * MINUTE);
    await box.provider.getToken();
    await settled();
    expect(sdk.spans.map(({ name }) => name)).toEqual([
      'box.token.mint',
      'box.token.forced-renewal',
      'box.token.renewal',
    ]);
  });

  it('has its own trace, because all callers share the token', async () => {
    const parent = trace.setSpan(
      ROOT_CONTEXT,
      sdk.tracerProvider.getTracer('app').startSpan('call'),
    );
    // Finds the caller's span wherever it is asked for.
    const manager: ContextManager = {
      active: () => parent,
      with: (_, work, self, ...given) => work.apply(self, given),
      bind: (_, target) => target,
      enable: () => manager,
      disable: () => manager,
    };
    context.setGlobalContextManager(manager);
    try {
      await start().provider.getToken();
      expect(sdk.spans).toHaveLength(1);
      expect(sdk.spans[0]?.parentSpanContext).toBeUndefined();
    } finally {
      context.disable();
    }
  });
});

describe('A metric', () => {
  it('counts token requests by outcome', async () => {
    const box = start({ tokenEndpoint: { attempts: 1 } }, 'hr');
    await box.provider.getToken();
    await box.provider.getToken({ subject: { type: 'user', id: USER_ID } });
    await box.provider.getToken({ subject: { type: 'user', id: '2' } });
    endpoint.otherwise = refuse(endpoint, 503, 'unavailable', 'Unavailable');
    await runtime.advance(50 * MINUTE);
    await box.provider.getToken();
    await settled();
    const mints = await sdk.metric('box.token.mints');
    expect(mints.descriptor.unit).toBe('{mint}');
    const hr = { ...minted, 'box.token.app': 'hr' };
    expect(points(mints)).toEqual([
      [hr, 1],
      [{ ...hr, 'box.token.subject_type': 'user' }, 2],
      [
        {
          ...hr,
          'box.token.kind': 'renewal',
          'box.token.outcome': 'failed',
          'error.type': 'unavailable',
        },
        1,
      ],
    ]);
  });

  it('measures the duration of token requests in seconds', async () => {
    const box = start();
    endpoint.script(slow(1_500));
    const asked = box.provider.getToken();
    await runtime.advance(1_500);
    await asked;
    const duration = await sdk.metric('box.token.mint.duration');
    expect(await sdk.scopes()).toMatchObject([{ name: 'nestjs-box-auth', version }]);
    expect(duration.descriptor.unit).toBe('s');
    const [point] = duration.dataPoints as DataPoint<Histogram>[];
    expect(point?.attributes).toEqual(minted);
    expect(point?.value).toMatchObject({ count: 1, sum: 1.5 });
    const { boundaries = [], counts = [] } = point?.value.buckets ?? {};
    expect(boundaries[counts.indexOf(1)]).toBe(2.5);
    expect(boundaries.at(-1)).toBe(30);
  });

  it('counts the calls that got the old token', async () => {
    const box = start({ tokenEndpoint: { attempts: 1 } });
    await box.provider.getToken();
    endpoint.otherwise = refuse(endpoint, 503, 'unavailable', 'Unavailable');
    await runtime.advance(59 * MINUTE);
    await Promise.all([box.provider.getToken(), box.provider.getToken()]);
    const stale = await sdk.metric('box.token.stale_served');
    expect(stale.descriptor.unit).toBe('{call}');
    expect(points(stale)).toEqual([[ofBox, 2]]);
  });

  it("shows how many seconds the issuer's clock is ahead", async () => {
    const box = start();
    for (const [id, skewMs, seconds] of [
      ['1', 5 * MINUTE, 300.25],
      ['2', -MINUTE, -59.75],
    ] as const) {
      endpoint.skewMs = skewMs;
      await box.provider.getToken({ subject: { type: 'user', id } });
      const offset = await sdk.metric('box.token.clock_offset');
      expect(offset.descriptor.unit).toBe('s');
      expect(points(offset)).toEqual([[ofBox, seconds]]);
    }
  });

  it('shows whether the store is available', async () => {
    const store = new MemoryTokenStore(runtime);
    const claim = store.claim.bind(store);
    const box = start({ store }, 'hr');
    store.claim = () => Promise.reject(new Error('away'));
    await Promise.all([box.provider.getToken(), runtime.advance(SECOND)]);
    const hr = { ...ofBox, 'box.token.app': 'hr' };
    expect(points(await sdk.metric('box.token.store_available'))).toEqual([[hr, 0]]);
    store.claim = claim;
    await runtime.advance(MINUTE);
    await box.provider.getToken({ subject: { type: 'user', id: '2' } });
    expect(points(await sdk.metric('box.token.store_available'))).toEqual([[hr, 1]]);
  });
});

describe('A tenant', () => {
  let api: TenantBox;
  let box: BoxAuth;
  beforeEach(() => {
    api = new TenantBox();
    box = tenantApp(api, { runtime });
  });
  afterEach(() => box.close());

  const ofTenant = { 'box.enterprise.id': TENANT };

  it('is named by the spans and counts of its token requests, also of its users', async () => {
    await box.provider.getToken();
    await box.provider.runFor({ enterprise: TENANT }, async () => {
      await box.provider.getToken();
      await box.provider.getToken({ subject: { type: 'user', id: ANN } });
    });
    const ofUser = { ...minted, ...ofTenant, 'box.token.subject_type': 'user' };
    expect(sdk.spans.map(({ attributes }) => attributes)).toMatchObject([
      minted,
      { ...minted, ...ofTenant },
      ofUser,
    ]);
    expect(sdk.spans[0]?.attributes).not.toHaveProperty('box.enterprise.id');
    expect(points(await sdk.metric('box.token.mints'))).toEqual([
      [minted, 1],
      [{ ...minted, ...ofTenant }, 1],
      [ofUser, 1],
    ]);
    expect(JSON.stringify([sdk.spans.map(({ attributes }) => attributes)])).not.toContain(ANN);
  });

  it('is counted once if it has not authorized the app, until it gets a token', async () => {
    api.onToken = (subject) => (subject === `enterprise:${TENANT}` ? unauthorized() : undefined);
    const call = () => box.provider.getToken({ subject: { type: 'enterprise', id: TENANT } });
    for (let time = 0; time < 3; time++) {
      await thrownBy(call);
      await runtime.advance(MINUTE);
    }
    const counted = await sdk.metric('box.tenant.unauthorized');
    expect(counted.descriptor.unit).toBe('{tenant}');
    expect(points(counted)).toEqual([[{ ...ofBox, ...ofTenant }, 1]]);
    api.clear();
    box.provider.invalidate(await call());
    api.onToken = unauthorized;
    await thrownBy(call);
    expect(points(await sdk.metric('box.tenant.unauthorized'))).toEqual([
      [{ ...ofBox, ...ofTenant }, 2],
    ]);
  });
});

describe('Telemetry', () => {
  it('contains nothing private in spans and points, whatever happens', async () => {
    const emulator = await BoxEmulator.start();
    const { boxAppSettings, enterpriseID } = emulator.config;
    const issued: string[] = [];
    const fetchAndRemember: typeof fetch = async (...request) => {
      const response = await fetch(...request);
      const { access_token: token } = (await response.clone().json()) as { access_token?: string };
      if (token !== undefined) issued.push(token);
      return response;
    };
    emulator.addUser({ id: USER_ID, name: 'Carol', login: 'carol@example.com' });
    emulator.clockSkewMs = 5 * MINUTE;
    const box = new BoxAuth({
      credentials: { config: emulator.config },
      apiUrl: emulator.url,
      fetch: fetchAndRemember,
      tokenEndpoint: { attempts: 1 },
    });
    const subject = { type: 'user', id: USER_ID } as const;
    const own = await box.provider.getToken();
    box.provider.invalidate(await box.provider.getToken({ subject }));
    const user = await box.provider.getToken({ subject });
    emulator.failNext('token', {
      kind: 'refuse',
      error: 'invalid_grant',
      errorDescription: `Please check the 'sub' claim: ${USER_ID} of ${enterpriseID}`,
    });
    box.provider.flush();
    await thrownBy(() => box.provider.getToken({ subject }));
    emulator.authorized = false;
    await thrownBy(() => box.provider.getToken());
    box.close();
    await emulator.stop();

    expect(issued).toHaveLength(3);
    const shown = JSON.stringify([
      sdk.spans.map(({ name, attributes, status, events }) => [name, attributes, status, events]),
      await sdk.metrics(),
    ]);
    expect(sdk.spans).toHaveLength(5);
    expect(shown).toContain('box.token.clock_offset');
    expect(shown).toContain('subject_refused');
    for (const secret of [
      ...issued,
      own.fingerprint,
      user.fingerprint,
      USER_ID,
      enterpriseID,
      emulator.serviceAccountId,
      boxAppSettings.clientID,
      boxAppSettings.clientSecret,
      boxAppSettings.appAuth.publicKeyID,
      boxAppSettings.appAuth.passphrase,
    ]) {
      expect(secret).not.toBe('');
      expect(shown).not.toContain(secret);
    }
  });
});

describe('instrumentBoxAuth', () => {
  it('stops when the returned function is called', async () => {
    stop();
    await start().provider.getToken();
    expect(sdk.spans).toEqual([]);
    expect(await sdk.metrics()).toEqual([]);
  });

  it('uses the global providers by default', async () => {
    const globally = new TelemetrySdk();
    trace.setGlobalTracerProvider(globally.tracerProvider);
    metrics.setGlobalMeterProvider(globally.meterProvider);
    const stopGlobal = instrumentBoxAuth();
    try {
      await start().provider.getToken();
      expect(globally.spans).toHaveLength(1);
      expect(points(await globally.metric('box.token.mints'))).toEqual([[minted, 1]]);
    } finally {
      stopGlobal();
      trace.disable();
      metrics.disable();
      await globally.end();
    }
  });
});

describe('BoxAuthInstrumentation', () => {
  let other: TelemetrySdk;
  beforeEach(() => {
    stop();
    other = new TelemetrySdk();
  });
  afterEach(() => other.end());

  it('starts by itself, and switches to the providers that it gets', async () => {
    const instrumentation = new BoxAuthInstrumentation();
    instrumentation.setTracerProvider(other.tracerProvider);
    instrumentation.setMeterProvider(other.meterProvider);
    instrumentation.enable();
    await start().provider.getToken();
    expect(other.spans).toHaveLength(1);
    expect(points(await other.metric('box.token.mints'))).toEqual([[minted, 1]]);
    instrumentation.disable();
    await start().provider.getToken();
    expect(other.spans).toHaveLength(1);
  });

  it('waits until it is enabled with `enabled: false`', async () => {
    const instrumentation = new BoxAuthInstrumentation({ enabled: false });
    expect(instrumentation.getConfig()).toEqual({ enabled: false });
    instrumentation.setTracerProvider(other.tracerProvider);
    instrumentation.setMeterProvider(other.meterProvider);
    await start().provider.getToken();
    expect(other.spans).toEqual([]);
    instrumentation.enable();
    await start().provider.getToken();
    expect(other.spans).toHaveLength(1);
    instrumentation.disable();
  });

  it('reports that it is enabled, so that registering it does not enable it again', () => {
    const instrumentation = new BoxAuthInstrumentation();
    expect(instrumentation.getConfig()).toEqual({ enabled: true });
    expect(instrumentation.instrumentationName).toBe('nestjs-box-auth');
    expect(instrumentation.instrumentationVersion).toBe(version);
    instrumentation.disable();
  });
});

function epochMs([seconds, nanoseconds]: HrTime): number {
  return seconds * 1_000 + nanoseconds / 1e6;
}
