import { createReadStream } from 'node:fs';
import { appendFile, mkdtemp, rm, writeFile } from 'node:fs/promises';
import type { ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable, Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import axios, { AxiosHeaders, type InternalAxiosRequestConfig } from 'axios';
import * as undici from 'undici';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { boxAuthInterceptor } from 'nestjs-box-auth/undici';
import { attachToAxios } from '../../lib/axios/axios-authorization.js';
import { BoxAuth } from '../../lib/box/box-auth.js';
import { runInActingContext } from '../../lib/core/acting/acting.context.js';
import { boxGetters } from '../support/box-clients.js';
import type { FakeRuntime } from '../support/fake-runtime.js';
import { type LoopbackServer, startServer } from '../support/loopback-server.js';
import { type RetryingClient, retryingClients } from '../support/retrying-clients.js';
import { ScriptedEndpoint } from '../support/scripted-endpoint.js';
import { SkippingRuntime } from '../support/skipping-runtime.js';

const REPLAY_BUFFER_BYTES = 1_000;

type Reply = (response: ServerResponse) => unknown;

let api: LoopbackServer;
let runtime: SkippingRuntime;
let box: BoxAuth;
let script: Reply[];
const closing: (() => unknown)[] = [];

beforeEach(async () => {
  script = [];
  api = await startServer((_request, response) => (script.shift() ?? status(200))(response));
  runtime = new SkippingRuntime();
  const endpoint = new ScriptedEndpoint(runtime as unknown as FakeRuntime);
  box = new BoxAuth({
    credentials: { clientId: 'client', clientSecret: 'secret', enterpriseId: '1' },
    apiUrl: api.url,
    runtime,
    apiRetries: true,
    replayBufferBytes: REPLAY_BUFFER_BYTES,
    fetch: (input, init) =>
      String(input).endsWith('/oauth2/token') ? endpoint.fetch(input, init) : fetch(input, init),
  });
});
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
  box.close();
  await api.stop();
});

const status =
  (code: number, headers: Record<string, string> = {}): Reply =>
  (response) =>
    response.writeHead(code, headers).end('{}');
const silence: Reply = () => undefined;
const url = () => `${api.url}/2.0/files/1`;

describe.each(Object.entries(retryingClients))('A stream that %s sends', (name, open) => {
  let client: RetryingClient;
  beforeEach(() => {
    client = open(box);
    closing.push(() => client.close?.());
  });

  const duplex = { duplex: 'half' };
  const put = (body: unknown) => client.call(url(), { method: 'PUT', body, ...duplex });

  it('is sent again from its beginning', async () => {
    script = [status(503), status(429, { 'retry-after': '1' })];
    expect((await put(Readable.from([Buffer.from('hello '), Buffer.from('world')]))).status).toBe(
      200,
    );
    expect(api.arrived.map(({ body }) => body)).toEqual(Array(3).fill('hello world'));
  });

  it('is not sent again if it is longer than the buffer: the caller gets the response', async () => {
    script = [status(503)];
    const chunks = Array.from({ length: 20 }, () => Buffer.alloc(100));
    expect(await put(Readable.from(chunks))).toEqual({ status: 503, text: '{}' });
    expect(api.arrived).toHaveLength(1);
    expect(runtime.waits).toEqual([]);
  });

  it('of a file is opened again, unless the file has changed', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'retries-'));
    const path = join(folder, 'file');
    await writeFile(path, 'x'.repeat(5_000));
    script = [status(503)];
    // `fetch` turns a stream of Node into another one.
    if (!name.includes('fetch')) {
      expect((await put(createReadStream(path))).status).toBe(200);
      expect(api.arrived.map(({ body }) => body.length)).toEqual([5_000, 5_000]);
    }
    script = [
      (response) => {
        void appendFile(path, 'more').then(() => response.writeHead(503).end('{}'));
      },
    ];
    expect((await put(createReadStream(path))).status).toBe(503);
    await rm(folder, { recursive: true });
  });
});

describe('A call of axios', () => {
  const http = (options: object = {}) => {
    const instance = axios.create({ adapter: 'http', ...options });
    attachToAxios(instance, box.policy, box.fetch);
    return instance;
  };

  it('has the same config after repetitions', async () => {
    const configs: InternalAxiosRequestConfig[] = [];
    const instance = http();
    instance.interceptors.request.use((config) => {
      configs.push(config);
      return config;
    });
    const data = { name: 'a' };
    const headers = { 'x-mine': '1' };
    const given = { method: 'PUT', url: url(), data, headers, maxRedirects: 3 };
    const before = structuredClone(given);
    script = [status(503), status(429)];
    const response = await instance.request(given);
    expect(response.status).toBe(200);
    expect(given).toEqual(before);
    expect(response.config.data).toBe('{"name":"a"}');
    expect(response.config.maxRedirects).toBe(3);
    expect(AxiosHeaders.from(response.config.headers).has('authorization')).toBe(false);
    expect(configs).toHaveLength(1);
  });

  it('is repeated after its timeout, which does not end the wait', async () => {
    script = [silence, status(429, { 'retry-after': '30' })];
    const response = await http({ timeout: 100 }).get(url());
    expect(response.status).toBe(200);
    expect(api.arrived).toHaveLength(3);
  });

  it('with POST is not repeated after its timeout', async () => {
    script = [silence];
    const failed = http({ timeout: 100 }).post(url(), 'hello');
    expect(await failed.catch((error: unknown) => error)).toMatchObject({ code: 'ECONNABORTED' });
    expect(api.arrived).toHaveLength(1);
  });

  it('fails with the error of its cancel token during the wait', async () => {
    runtime.pause();
    script = [status(503)];
    const source = axios.CancelToken.source();
    const failed = http().get(url(), { cancelToken: source.token });
    await expect.poll(() => [api.arrived.length, runtime.timers]).toEqual([1, 2]);
    source.cancel('the user left');
    expect(await failed.catch((error: unknown) => error)).toMatchObject({
      code: 'ERR_CANCELED',
      message: 'the user left',
    });
    expect(runtime.timers).toBe(0);
  });

  it('with POST is not repeated after a redirect: the first request has worked', async () => {
    script = [status(303, { location: '/2.0/files/2' }), status(429)];
    const failed = http().post(url(), 'hello');
    expect(await failed.catch((error: unknown) => error)).toMatchObject({ status: 429 });
    expect(api.arrived.map(({ method }) => method)).toEqual(['POST', 'GET']);
  });

  it('with GET is repeated from its first address after a redirect', async () => {
    script = [status(302, { location: '/2.0/files/2' }), status(503)];
    expect((await http().get(url())).status).toBe(200);
    expect(api.arrived.map(({ path }) => path)).toEqual([
      '/2.0/files/1',
      '/2.0/files/2',
      '/2.0/files/1',
    ]);
  });
});

describe('A call of BoxFetch', () => {
  it('repeats only the hop of a redirect that failed', async () => {
    script = [status(303, { location: '/2.0/files/2' }), status(503), status(429)];
    expect((await box.fetch(url(), { method: 'POST', body: 'hello' })).status).toBe(200);
    expect(api.arrived.map(({ method }) => method)).toEqual(['POST', 'GET', 'GET', 'GET']);
  });

  it('shares the attempts among its hops', async () => {
    const again = status(302, { location: '/2.0/files/2' });
    script = [status(503), status(503), again, status(503), status(503), status(503)];
    expect((await box.fetch(url())).status).toBe(503);
    expect(api.arrived).toHaveLength(6);
  });

  it('with its own token is not repeated', async () => {
    script = [status(503)];
    const response = await box.fetch(url(), { headers: { authorization: 'Bearer mine' } });
    expect(response.status).toBe(503);
  });

  it('calls the function that returns its body for each attempt', async () => {
    script = [status(503)];
    let calls = 0;
    await box.fetch(url(), { method: 'PUT', body: () => `body ${++calls}` });
    expect(api.arrived.map(({ body }) => body)).toEqual(['body 1', 'body 2']);
  });

  it('waits only for the limits of its own user', async () => {
    const as = (id: string) =>
      runInActingContext({ user: { id, via: 'header' } }, () => box.fetch(url()));
    script = [status(429, { 'retry-after': '30' })];
    await as('1');
    expect(runtime.waits).toEqual([30_600]);
    await as('2');
    await box.fetch(url(), { headers: { 'as-user': '3' } });
    expect(runtime.waits).toHaveLength(1);
    await box.fetch(url(), { headers: { 'as-user': '1' } });
    expect(runtime.waits).toHaveLength(2);
  });
});

describe('A call of undici', () => {
  const agent = (options: undici.Agent.Options = {}) => {
    const dispatcher = new undici.Agent(options);
    closing.push(() => dispatcher.destroy());
    return dispatcher.compose(boxAuthInterceptor(box.provider));
  };

  it('is repeated after its headersTimeout', async () => {
    script = [silence];
    const { statusCode, body } = await undici.request(url(), {
      dispatcher: agent(),
      headersTimeout: 50,
    });
    await body.dump();
    expect(statusCode).toBe(200);
    expect(api.arrived).toHaveLength(2);
  });

  it('with pipeline is repeated', async () => {
    script = [status(503), (response) => response.end('the content')];
    const received: Buffer[] = [];
    await pipeline(
      Readable.from([Buffer.from('hello')]),
      undici.pipeline(url(), { method: 'PUT', dispatcher: agent() }, ({ body }) => body),
      new Writable({
        write(chunk: Buffer, _, done) {
          received.push(chunk);
          done();
        },
      }),
    );
    expect(Buffer.concat(received).toString()).toBe('the content');
    expect(api.arrived.map(({ body }) => body)).toEqual(['hello', 'hello']);
  });

  it('with pipeline ends its wait when the stream is destroyed', async () => {
    runtime.pause();
    script = [status(503)];
    const stream = undici.pipeline(
      url(),
      { method: 'PUT', dispatcher: agent() },
      ({ body }) => body,
    );
    stream.on('error', () => undefined);
    stream.end('hello');
    await expect.poll(() => [api.arrived.length, runtime.timers]).toEqual([1, 2]);
    stream.destroy(new Error('enough'));
    await expect.poll(() => runtime.timers).toBe(0);
  });

  it('works below retry(), which sees only the last result', async () => {
    const dispatcher = agent().compose(undici.interceptors.retry({ maxRetries: 3 }));
    script = [status(503), status(502)];
    const { statusCode, body } = await undici.request(url(), { dispatcher });
    await body.dump();
    expect(statusCode).toBe(200);
    expect(api.arrived).toHaveLength(3);
  });
});

it('The SDK keeps its own retries', async () => {
  script = [status(503)];
  await boxGetters['the SDK']?.(box).get(url());
  expect(api.arrived).toHaveLength(1);
});
