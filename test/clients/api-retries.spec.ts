import type { ServerResponse } from 'node:http';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type ApiRequestEvent, onAuthEvent } from 'nestjs-box-auth';
import { BoxAuth } from '../../lib/box/box-auth.js';
import { type RetryingClient, retryingClients } from '../support/retrying-clients.js';
import { type Arrived, type LoopbackServer, startServer } from '../support/loopback-server.js';
import { ScriptedEndpoint } from '../support/scripted-endpoint.js';
import { SkippingRuntime } from '../support/skipping-runtime.js';
import type { FakeRuntime } from '../support/fake-runtime.js';

type Reply = (response: ServerResponse, request: Arrived) => unknown;

let api: LoopbackServer;
let sockets: Set<unknown>;
let runtime: SkippingRuntime;
let box: BoxAuth;
let script: Reply[];
let client: RetryingClient;

beforeEach(async () => {
  script = [];
  sockets = new Set();
  api = await startServer((request, response) => {
    sockets.add(response.socket);
    (script.shift() ?? json(200, { ok: true }))(response, request);
  });
  runtime = new SkippingRuntime();
});
afterEach(async () => {
  await client.close?.();
  box.close();
  await api.stop();
});

type ApiRetries = ConstructorParameters<typeof BoxAuth>[0]['apiRetries'];

function start(open: (app: BoxAuth) => RetryingClient, apiRetries: ApiRetries = true): void {
  const endpoint = new ScriptedEndpoint(runtime as unknown as FakeRuntime);
  box = new BoxAuth({
    credentials: { clientId: 'client', clientSecret: 'secret', enterpriseId: '1' },
    apiUrl: api.url,
    runtime,
    apiRetries,
    replayBufferBytes: 1_000,
    fetch: (input, init) =>
      String(input).endsWith('/oauth2/token') ? endpoint.fetch(input, init) : fetch(input, init),
  });
  client = open(box);
}

const json =
  (status: number, body: object, headers: Record<string, string> = {}): Reply =>
  (response) =>
    response
      .writeHead(status, { 'content-type': 'application/json', ...headers })
      .end(JSON.stringify(body));
const limited = (retryAfter?: string): Reply =>
  json(
    429,
    { code: 'rate_limit_exceeded' },
    retryAfter === undefined ? {} : { 'retry-after': retryAfter },
  );
const reset: Reply = (response) => response.socket?.resetAndDestroy();
const conflict = (code: string): Reply => json(409, { type: 'error', status: 409, code });
const refusal: Reply = (response) =>
  response.writeHead(401, { 'www-authenticate': 'Bearer error="invalid_token"' }).end();

const ITEM = '/2.0/files/of-alice';

describe.each(Object.entries(retryingClients))('A call of %s', (_, open) => {
  const call = (method = 'GET', options: object = {}) =>
    client.call(`${api.url}${ITEM}`, { method, ...options });

  it.each(['GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE'])('repeats %s after a 503', async (method) => {
    start(open);
    script = [json(503, {}), json(500, {})];
    expect((await call(method)).status).toBe(200);
    expect(api.arrived.map((request) => request.method)).toEqual([method, method, method]);
    expect(runtime.waits).toEqual([600, 1_200]);
  });

  it('waits for Retry-After and jitter, and uses the connection again', async () => {
    start(open);
    script = [json(503, {}, { 'retry-after': '7' })];
    expect((await call()).status).toBe(200);
    expect(runtime.waits).toEqual([7_600]);
    expect(sockets.size).toBe(1);
  });

  it.each(['GET', 'POST', 'PATCH'])('repeats %s after a 429', async (method) => {
    start(open);
    script = [limited('30')];
    const body = method === 'GET' ? {} : { body: 'hello' };
    expect((await call(method, body)).status).toBe(200);
    expect(api.arrived).toHaveLength(2);
    expect(api.arrived[1]?.body).toBe(method === 'GET' ? '' : 'hello');
    expect(runtime.waits).toEqual([30_600]);
  });

  it('backs off after a 429 without Retry-After', async () => {
    start(open);
    script = [limited(), limited()];
    expect((await call()).status).toBe(200);
    expect(runtime.waits).toEqual([1_200, 1_800]);
  });

  it('repeats a GET after a reset', async () => {
    start(open);
    script = [reset];
    expect(await call()).toEqual({ status: 200, text: '{"ok":true}' });
    expect(runtime.waits).toEqual([600]);
  });

  it.each([
    ['a 500', json(500, {}), 500],
    ['a 503 with Retry-After', json(503, {}, { 'retry-after': '1' }), 503],
  ])('does not repeat a POST after %s', async (_title, reply, status) => {
    start(open);
    script = [reply];
    expect((await call('POST', { body: 'hello' })).status).toBe(status);
    expect(api.arrived).toHaveLength(1);
  });

  it('does not repeat a POST after a reset', async () => {
    start(open);
    script = [reset];
    expect(await call('POST', { body: 'hello' }).catch(() => 'failed')).toBe('failed');
    expect(api.arrived).toHaveLength(1);
  });

  it('repeats a POST after a 500 with retryPosts', async () => {
    start(open, { retryPosts: true });
    script = [json(500, {}), reset];
    expect((await call('POST', { body: 'hello' })).status).toBe(200);
    expect(api.arrived).toHaveLength(3);
  });

  it.each(['name_temporarily_reserved', 'operation_blocked_temporary'])(
    'repeats a POST after the conflict %s',
    async (code) => {
      start(open);
      script = [conflict(code)];
      expect((await call('POST', { body: 'hello' })).status).toBe(200);
      expect(api.arrived).toHaveLength(2);
      expect(sockets.size).toBe(1);
    },
  );

  it('gives another conflict to the caller with its whole body', async () => {
    start(open);
    script = [conflict('item_name_in_use')];
    expect(await call('PUT')).toEqual({
      status: 409,
      text: '{"type":"error","status":409,"code":"item_name_in_use"}',
    });
    expect(api.arrived).toHaveLength(1);
  });

  it('gives a long conflict to the caller with its whole body', async () => {
    start(open);
    const text = JSON.stringify({ code: 'name_temporarily_reserved', long: 'x'.repeat(300_000) });
    script = [(response) => response.writeHead(409).end(text)];
    const received = await call('PUT');
    expect(received.status).toBe(409);
    expect(received.text === text).toBe(true);
  });

  it.each([501, 505, 507])('does not repeat a GET after %s, which is permanent', async (status) => {
    start(open);
    script = [json(status, {})];
    expect((await call()).status).toBe(status);
    expect(api.arrived).toHaveLength(1);
  });

  it('gives a response with a longer Retry-After to the caller at once', async () => {
    start(open, { maxDelayMs: 5_000 });
    script = [limited('6')];
    expect(await call()).toEqual({ status: 429, text: '{"code":"rate_limit_exceeded"}' });
    expect(runtime.waits).toEqual([]);
  });

  it('takes at most five requests, with the one after a refused token', async () => {
    start(open);
    script = [json(502, {}), refusal, json(502, {}), json(502, {}), json(504, {})];
    expect((await call()).status).toBe(504);
    expect(api.arrived).toHaveLength(5);
    expect(new Set(api.arrived.map(({ headers }) => headers.authorization)).size).toBe(2);
  });

  it('is not repeated more than the option allows', async () => {
    start(open, { attempts: 2 });
    script = [json(502, {}), refusal];
    expect((await call()).status).toBe(401);
    expect(api.arrived).toHaveLength(2);
  });

  it('is not repeated by default', async () => {
    start(open, false);
    script = [json(503, {})];
    expect((await call()).status).toBe(503);
    expect(api.arrived).toHaveLength(1);
    expect(box.fetchWithoutRetries).toBe(box.fetch);
  });

  it('waits while its user is rate limited', async () => {
    start(open);
    script = [limited('30')];
    const results = await Promise.all([call(), call()]);
    expect(results.map(({ status }) => status)).toEqual([200, 200]);
    expect(api.arrived).toHaveLength(3);
    await call();
    expect(api.arrived).toHaveLength(4);
    expect(runtime.waits.length).toBeGreaterThan(0);
  });

  it('reads a response that it discards, also a long one', async () => {
    start(open);
    script = [(response) => response.writeHead(503).end('x'.repeat(10_000_000))];
    expect((await call()).status).toBe(200);
    expect(api.arrived).toHaveLength(2);
  });

  it('emits an event for each request, with the result of the previous one', async () => {
    start(open);
    const heard: ApiRequestEvent[] = [];
    const stop = onAuthEvent('api-request', (event) => heard.push(event));
    script = [limited('30'), reset, refusal];
    await call();
    stop();
    expect(heard.map(({ attempt, status }) => [attempt, status])).toEqual([
      [1, 429],
      [2, undefined],
      [3, 401],
      [4, 200],
    ]);
    expect(heard.map(({ repeatedAfter }) => repeatedAfter)).toEqual([
      undefined,
      429,
      heard[1]?.errorType,
      401,
    ]);
    expect(heard[1]?.waitedMs).toBe(30_600);
    expect(JSON.stringify(heard)).not.toContain('of-alice');
  });

  it('leaves no timer and no listener when it is aborted during the wait', async () => {
    start(open);
    runtime.pause();
    script = [limited('30')];
    const caller = new AbortController();
    const failed = call('GET', { signal: caller.signal }).catch((error: unknown) => error);
    await expect.poll(() => [api.arrived.length, runtime.timers]).toEqual([1, 2]);
    caller.abort(new Error('the user left'));
    expect(await failed).toBeInstanceOf(Error);
    await expect.poll(() => runtime.timers).toBe(0);
    expect(api.arrived).toHaveLength(1);
  });

  it('fails with the code closed when the app is closed during the wait', async () => {
    start(open);
    runtime.pause();
    script = [json(503, {})];
    const failed = call().catch((error: unknown) => error);
    await expect.poll(() => [api.arrived.length, runtime.timers]).toEqual([1, 2]);
    box.close();
    const error = await failed;
    const reason = error instanceof TypeError ? error.cause : error;
    expect(reason).toMatchObject({ code: 'closed' });
    expect(runtime.timers).toBe(0);
  });
});
