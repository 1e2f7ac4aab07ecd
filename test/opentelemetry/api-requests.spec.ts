import { AsyncLocalStorage } from 'node:async_hooks';
import {
  type Context,
  context,
  type ContextManager,
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  trace,
} from '@opentelemetry/api';
import type { DataPoint, Histogram } from '@opentelemetry/sdk-metrics';
import type { ReadableSpan } from '@opentelemetry/sdk-trace-base';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { BoxAuthInstrumentation, instrumentBoxAuth } from 'nestjs-box-auth/opentelemetry';
import { BoxEmulator } from 'nestjs-box-auth/testing';
import { runInActingContext } from '../../lib/core/acting/acting.context.js';
import { BoxAuth } from '../../lib/box/box-auth.js';
import { type BoxGetter, boxGetters } from '../support/box-clients.js';
import { foundSecrets } from '../support/found-secrets.js';
import { points, TelemetrySdk } from '../support/telemetry-sdk.js';
import { ANN, TENANT, TenantBox, tenantApp } from '../support/tenant-box.js';

const BOB = '918273645';
const { 'global fetch on undici 6': _6, 'global fetch on undici 7': _7, ...clients } = boxGetters;

let config: BoxEmulator['config'];
let emulator: BoxEmulator;
let box: BoxAuth;
let sdk: TelemetrySdk;
let stop: () => void;

beforeAll(async () => {
  emulator = await BoxEmulator.start();
  ({ config } = emulator);
  await emulator.stop();
  context.setGlobalContextManager(new StorageContextManager());
});
afterAll(() => context.disable());
beforeEach(async () => {
  emulator = await BoxEmulator.start({ config });
  emulator.addUser({ id: BOB, name: 'Bob', login: 'bob@example.com' });
  box = new BoxAuth(
    { credentials: { config }, apiUrl: emulator.url, tokenEndpoint: { attempts: 1 } },
    { name: 'hr' },
  );
  sdk = new TelemetrySdk();
  stop = instrumentBoxAuth({ ...sdk.providers, apiRequests: true });
});
afterEach(async () => {
  stop();
  box.close();
  await emulator.stop();
  await sdk.end();
});

const me = () => `${emulator.url}/2.0/users/me?fields=login`;
const requestSpans = () => sdk.spans.filter(({ name }) => !name.startsWith('box.token.'));
const ofApp = { 'box.token.issuer': 'Box', 'box.token.app': 'hr' };
const ofRequest = () => ({
  ...ofApp,
  'box.api.acting': 'app',
  'http.request.method': 'GET',
  'server.address': '127.0.0.1',
  'server.port': Number(new URL(emulator.url).port),
});

describe.each(Object.entries(clients))('A request of %s', (_, open) => {
  let client: BoxGetter;
  beforeEach(() => {
    client = open(box);
  });
  afterEach(() => client.close?.());

  it('is a span in the trace of its caller, whichever call opened the connection', async () => {
    const app = sdk.tracerProvider.getTracer('app');
    const callers = ['first', 'second'].map((name) => app.startSpan(name));
    for (const caller of callers) {
      await context.with(trace.setSpan(ROOT_CONTEXT, caller), () => client.get(me()));
    }
    await client.get(me());
    expect(requestSpans().map(({ parentSpanContext }) => parentSpanContext?.spanId)).toEqual([
      ...callers.map((caller) => caller.spanContext().spanId),
      undefined,
    ]);
    const [span] = requestSpans();
    expect(span).toMatchObject({
      name: 'GET',
      kind: SpanKind.CLIENT,
      status: { code: SpanStatusCode.UNSET },
    });
    expect(span?.attributes).toEqual({ ...ofRequest(), 'http.response.status_code': 200 });
  });

  it('that is repeated with a new token has a second span', async () => {
    await box.provider.getToken();
    emulator.revokeAllTokens();
    await client.get(me());
    expect(requestSpans().map(({ attributes, status }) => [attributes, status.code])).toEqual([
      [
        { ...ofRequest(), 'http.response.status_code': 401, 'error.type': '401' },
        SpanStatusCode.ERROR,
      ],
      [
        { ...ofRequest(), 'http.response.status_code': 200, 'http.request.resend_count': 1 },
        SpanStatusCode.UNSET,
      ],
    ]);
  });

  it('is counted by class of status, 429 separately, and measured in seconds', async () => {
    await client.get(me());
    for (const status of [404, 503]) {
      emulator.failNext('api', { kind: 'status', status });
      await client.get(me());
    }
    emulator.failNext('api', { kind: 'rate-limit', retryAfter: 30 }, 2);
    await client.get(me());
    await client.get(me());
    emulator.failNext('api', { kind: 'reset' });
    await client.get(me()).catch(() => undefined);

    const requests = await sdk.metric('box.api.requests');
    expect(requests.descriptor.unit).toBe('{request}');
    const ofClass = (name: string) => ({
      ...ofApp,
      'box.api.acting': 'app',
      'box.api.status_class': name,
    });
    expect(points(requests)).toEqual([
      [ofClass('2xx'), 1],
      [ofClass('4xx'), 1],
      [ofClass('5xx'), 1],
      [ofClass('429'), 2],
      [ofClass('none'), 1],
    ]);

    const duration = await sdk.metric('box.api.request.duration');
    expect(duration.descriptor.unit).toBe('s');
    const measured = duration.dataPoints as DataPoint<Histogram>[];
    expect(measured.map(({ attributes, value }) => [attributes, value.count])).toEqual([
      [{ ...ofRequest(), 'http.response.status_code': 200 }, 1],
      ...[404, 503, 429].map((status) => [
        { ...ofRequest(), 'http.response.status_code': status, 'error.type': String(status) },
        status === 429 ? 2 : 1,
      ]),
      [
        {
          ...ofRequest(),
          'error.type': expect.stringMatching(/^(?:ECONNRESET|UND_ERR_SOCKET)$/) as string,
        },
        1,
      ],
    ]);
    for (const { value } of measured) {
      expect(value.sum).toBeGreaterThan(0);
      expect(value.sum).toBeLessThan(60);
      expect(value.buckets.boundaries.at(-1)).toBe(60);
    }
  });

  it('shows no id, no token and no part of the URL, whatever happens', async () => {
    const secret = `${BOB}0123456789`;
    const url = `${emulator.url}/2.0/files/${secret}?x=${secret}`;
    const token = await box.provider.getToken({ subject: { type: 'user', id: BOB } });
    for (const via of ['header', 'token'] as const) {
      await runInActingContext({ user: { id: BOB, via } }, () => client.get(url));
    }
    emulator.revokeAllTokens();
    await client.get(url);
    emulator.failNext('api', { kind: 'redirect', location: `${emulator.url}/2.0/users/${BOB}` });
    await client.get(url);
    emulator.failNext('api', { kind: 'reset' });
    await client.get(url).catch(() => undefined);

    expect(requestSpans()).toHaveLength(7);
    const secrets = [BOB, token.value, token.fingerprint, '/2.0', 'http:', 'Bearer', 'x='];
    const own = [config.enterpriseID, config.boxAppSettings.clientID, emulator.serviceAccountId];
    const shown = [sdk.spans.map(exported), await sdk.metrics()];
    expect(foundSecrets(shown, [...secrets, ...own])).toEqual([]);
  });
});

describe('A request for a tenant', () => {
  it('has its enterprise in the span and the histogram, and not in the counter', async () => {
    const api = new TenantBox();
    const app = tenantApp(api);
    const ofTenant = { 'box.enterprise.id': TENANT, 'box.api.acting': 'header' };
    await app.provider.runFor({ enterprise: TENANT, user: ANN }, () => app.fetch('/2.0/users/me'));
    await app.fetch('/2.0/users/me');
    app.close();
    const [first, second] = requestSpans();
    expect(first?.attributes).toMatchObject(ofTenant);
    expect(second?.attributes).not.toHaveProperty('box.enterprise.id');
    const duration = await sdk.metric('box.api.request.duration');
    expect(duration.dataPoints.map(({ attributes }) => attributes['box.enterprise.id'])).toEqual([
      TENANT,
      undefined,
    ]);
    const requests = await sdk.metric('box.api.requests');
    for (const { attributes } of requests.dataPoints) {
      expect(attributes).not.toHaveProperty('box.enterprise.id');
    }
    expect(JSON.stringify([first?.attributes, await sdk.metrics()])).not.toContain(`"${ANN}"`);
  });
});

describe('Repeated requests', () => {
  it('have a resend count, and are counted by the result that they repeat', async () => {
    const retrying = new BoxAuth(
      {
        credentials: { config },
        apiUrl: emulator.url,
        apiRetries: { maxDelayMs: 1 }, // the backoff ends at once
      },
      { name: 'hr' },
    );
    emulator.failNext('api', { kind: 'status', status: 503 }, 2);
    emulator.failNext('api', { kind: 'reset' });
    await retrying.fetch('/2.0/users/me');
    retrying.close();

    const counts = requestSpans().map(({ attributes }) => attributes['http.request.resend_count']);
    expect(counts).toEqual([undefined, 1, 2, 3]);
    const because = (reason: string) => ({
      ...ofApp,
      'box.api.acting': 'app',
      'box.api.retry_reason': reason,
    });
    const retries = await sdk.metric('box.api.retries');
    expect(retries.descriptor.unit).toBe('{request}');
    expect(points(retries)).toEqual([
      [because('5xx'), 2],
      [because('none'), 1],
    ]);
    const wait = await sdk.metric('box.api.retry.wait');
    expect(wait.descriptor.unit).toBe('s');
    const measured = wait.dataPoints as DataPoint<Histogram>[];
    expect(measured.map(({ attributes, value }) => [attributes, value.count])).toEqual([
      [because('5xx'), 2],
      [because('none'), 1],
    ]);
    for (const { value } of measured) {
      expect(value.sum).toBeLessThan(10);
      expect(value.buckets.boundaries.at(-1)).toBe(300);
    }
  });
});

describe('A method', () => {
  it.each([
    ['DELETE', 'DELETE', 'DELETE'],
    ['PURGE', '_OTHER', 'HTTP'],
  ])('%s is recorded as %s, in a span named %s', async (method, recorded, name) => {
    await box.fetch('/2.0/users/me', { method });
    expect(requestSpans()).toMatchObject([
      { name, attributes: { 'http.request.method': recorded } },
    ]);
  });
});

describe('Requests to the API are recorded', () => {
  it('only on request, and until the returned function is called', async () => {
    stop();
    const tokensOnly = instrumentBoxAuth(sdk.providers);
    await box.fetch('/2.0/users/me');
    tokensOnly();
    expect(sdk.spans.map(({ name }) => name)).toEqual(['box.token.mint']);
  });

  it('by a BoxAuthInstrumentation with `apiRequests`', async () => {
    stop();
    const instrumentation = new BoxAuthInstrumentation({ apiRequests: true });
    instrumentation.setTracerProvider(sdk.tracerProvider);
    await box.fetch('/2.0/users/me');
    instrumentation.setConfig({});
    instrumentation.disable();
    instrumentation.enable();
    await box.fetch('/2.0/users/me');
    instrumentation.disable();
    expect(requestSpans()).toHaveLength(1);
  });
});

/** Everything of a span that an exporter sends. */
function exported(span: ReadableSpan): unknown {
  const { name, attributes, status, events, links, instrumentationScope } = span;
  return { name, attributes, status, events, links, instrumentationScope };
}

/** The context manager that Node apps use, without its package. */
class StorageContextManager implements ContextManager {
  readonly #storage = new AsyncLocalStorage<Context>();

  active(): Context {
    return this.#storage.getStore() ?? ROOT_CONTEXT;
  }

  with<Given extends unknown[], Work extends (...given: Given) => ReturnType<Work>>(
    active: Context,
    work: Work,
    self?: ThisParameterType<Work>,
    ...given: Given
  ): ReturnType<Work> {
    return this.#storage.run(active, () => work.apply(self, given));
  }

  bind<T>(_: Context, target: T): T {
    return target;
  }

  enable(): this {
    return this;
  }

  disable(): this {
    this.#storage.disable();
    return this;
  }
}
