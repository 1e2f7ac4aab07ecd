import { createServer, type ServerHttp2Session } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { inspect } from 'node:util';
import { gzipSync } from 'node:zlib';
import axios, {
  type AxiosAdapter,
  AxiosError,
  AxiosHeaders,
  type AxiosResponse,
  type InternalAxiosRequestConfig,
} from 'axios';
import { beforeEach, describe, expect, it } from 'vitest';
import { BoxAuth } from '../../lib/box/box-auth.js';
import { attachToAxios } from '../../lib/axios/axios-authorization.js';
import { deferred } from '../support/deferred.js';
import { FakeRuntime } from '../support/fake-runtime.js';
import { startServer } from '../support/loopback-server.js';
import { ScriptedEndpoint } from '../support/scripted-endpoint.js';
import { thrownBy } from '../support/thrown.js';

type Config = InternalAxiosRequestConfig;
interface ScriptedResponse {
  readonly status?: number;
  readonly headers?: Record<string, string>;
  readonly data?: unknown;
}

const REPLAY_BUFFER_BYTES = 1_000;

/** The adapter of the app replaces the network: it returns the scripted responses, then status 200. */
let sent: { readonly url: string; readonly authorization: unknown; readonly data: unknown }[];
let responses: (
  ScriptedResponse | ((config: Config) => ScriptedResponse | Promise<ScriptedResponse>)
)[];
let runtime: FakeRuntime;
let endpoint: ScriptedEndpoint;
let box: BoxAuth;
beforeEach(() => {
  sent = [];
  responses = [];
  runtime = new FakeRuntime();
  endpoint = new ScriptedEndpoint(runtime);
  box = new BoxAuth({
    credentials: { clientId: 'client', clientSecret: 'secret', enterpriseId: '1' },
    fetch: endpoint.fetch,
    replayBufferBytes: REPLAY_BUFFER_BYTES,
    runtime,
  });
});

const adapter: AxiosAdapter = async (config) => {
  const { url = '', data } = config;
  sent.push({ url, authorization: config.headers.get('authorization'), data });
  const next = responses.shift() ?? {};
  const scripted = typeof next === 'function' ? await next(config) : next;
  const { status = 200, headers = {}, data: body } = scripted;
  const response: AxiosResponse = { status, statusText: '', headers, data: body, config };
  if (status < 400) return response;
  throw new AxiosError(`status ${status}`, AxiosError.ERR_BAD_REQUEST, config, null, response);
};
const attached = (defaults: object = { adapter }) => {
  const instance = axios.create(defaults);
  attachToAxios(instance, box.policy, box.fetch);
  return instance;
};
const ME = 'https://api.box.com/2.0/users/me';
const refusal = {
  status: 401,
  headers: { 'www-authenticate': 'Bearer error="invalid_token"' },
  data: 'not you',
};
const authorizations = () => sent.map(({ authorization }) => authorization);
const ONE_AND_TWO = ['Bearer token-1-for-1', 'Bearer token-2-for-1'];
const thrown = (work: Promise<unknown>) => work.catch((error: unknown) => error);

describe('An axios instance', () => {
  it('attaches only once', () => {
    const instance = attached();
    attachToAxios(instance, box.policy, box.fetch);
    let interceptors = 0;
    // axios does not declare it.
    const { request } = instance.interceptors as unknown as {
      request: { forEach(visit: () => void): void };
    };
    request.forEach(() => {
      interceptors += 1;
    });
    expect(interceptors).toBe(1);
  });

  it('passes on a call with its own authorization, even if it is refused', async () => {
    responses.push(refusal);
    const error = await thrown(attached().get(ME, { headers: { authorization: 'Bearer mine' } }));
    expect(error).toMatchObject({ status: 401 });
    expect(authorizations()).toEqual(['Bearer mine']);
    expect(endpoint.received).toEqual([]);
  });

  it('passes an address without a host to the adapter', async () => {
    await attached().get('/2.0/users/me');
    expect(sent).toMatchObject([{ url: '/2.0/users/me' }]);
    expect(authorizations()).toEqual([undefined]);
  });

  it('fails a call without a response like axios, and does not take it for a refused token', async () => {
    responses.push((config) => {
      throw new AxiosError('socket hang up', 'ECONNRESET', config);
    });
    const error = await thrown(attached().get(ME));
    expect(error).toBeInstanceOf(AxiosError);
    expect(error).toMatchObject({ code: 'ECONNRESET' });
    expect(endpoint.received).toHaveLength(1);
  });

  it('passes on errors that are not from axios, whatever they contain', async () => {
    const request = { path: '/of somebody else' };
    const error = Object.assign(new Error('mine'), { request, response: refusal });
    responses.push(() => {
      throw error;
    });
    expect(await thrown(attached().get(ME))).toBe(error);
    expect(error.request).toBe(request);
    expect(sent).toHaveLength(1);
  });
});

describe('An interceptor of the app that rejects a call before ours', () => {
  const blocked = () => {
    throw new Error('blocked');
  };
  it.each([
    [
      'rethrows',
      async (error: unknown) => {
        throw error;
      },
    ],
    ['only looks at the error', () => undefined],
    ['has no such handler', undefined],
  ])('keeps the call from being sent, even if it is synchronous and %s', async (_, rejected) => {
    const instance = attached();
    instance.interceptors.request.use(blocked, rejected, { synchronous: true });
    expect(await thrown(instance.post(ME, { name: 'confidential' }))).toMatchObject({
      message: 'blocked',
    });
    expect(sent).toEqual([]);
  });
});

describe('A refused token with axios', () => {
  it('is refreshed for a body that can be sent again', async () => {
    const bodies = [null, undefined, 'hello', Buffer.from('hello'), { a: 1 }, new FormData()];
    for (const data of bodies) {
      sent = [];
      responses = [refusal];
      expect((await attached().post(ME, data)).status, inspect(data)).toBe(200);
      expect(sent).toHaveLength(2);
      expect(sent[1]?.data).toEqual(sent[0]?.data);
      await runtime.advance(20_000);
    }
  });

  describe.each([
    ['of Node', (content: string) => Readable.from([content])],
    ['of the web', (content: string) => new Blob([content]).stream()],
  ])('and a body that is a stream %s', (_, streamOf) => {
    const bodies: string[] = [];
    const read = async ({ data }: Config) => {
      bodies.push(await text(data as Readable));
      return bodies.length === 1 ? refusal : {};
    };
    beforeEach(() => {
      bodies.length = 0;
      responses.push(read, read);
    });

    it('sends it again', async () => {
      expect((await attached().post(ME, streamOf('hello'))).status).toBe(200);
      expect(bodies).toEqual(['hello', 'hello']);
      expect(authorizations()).toEqual(ONE_AND_TWO);
    });

    it('fails the call if it is too long', async () => {
      const long = 'x'.repeat(REPLAY_BUFFER_BYTES + 1);
      const error = await thrownBy(() => attached().post(ME, streamOf(long)));
      expect(error.code).toBe('body_not_replayable');
      expect(sent).toHaveLength(1);
    });

    it('shows the caller’s own stream in the config of the response', async () => {
      const data = streamOf('hello');
      expect((await attached().post(ME, data)).config.data).toBe(data);
    });
  });

  it.each([
    ['nothing', undefined],
    ['null', null],
    ['an empty string', ''],
    ['an empty Buffer', Buffer.alloc(0)],
    ['empty bytes', new Uint8Array()],
  ])('is detected in a 401 with %s as its body', async (_, data) => {
    responses.push({ status: 401, data });
    expect((await attached().get(ME)).status).toBe(200);
    expect(authorizations()).toEqual(ONE_AND_TWO);
  });

  it.each([
    ['text', 'not you'],
    ['an object', {}],
    ['a Buffer', Buffer.from('not you')],
    ['bytes', new Uint8Array(1)],
  ])('is not detected in a 401 with %s as its body', async (_, data) => {
    responses.push({ status: 401, data });
    expect(await thrown(attached().get(ME))).toMatchObject({ status: 401, response: { data } });
    expect(endpoint.received).toHaveLength(1);
  });

  it('is detected in a stream of length 0 without reading it', async () => {
    const closed = deferred();
    const data = new Readable({ read: () => undefined }).on('close', closed.resolve);
    responses.push({ status: 401, data, headers: { 'content-length': '0' } });
    expect((await attached().get(ME)).status).toBe(200);
    await closed.promise;
  });

  it('is not detected in a stream of another length', async () => {
    const data = new Readable({ read: () => undefined });
    responses.push({ status: 401, data, headers: { 'content-length': '7' } });
    expect(await thrown(attached().get(ME))).toMatchObject({ status: 401 });
    expect(data.destroyed).toBe(false);
  });

  it('is not detected in a response to HEAD', async () => {
    responses.push({ status: 401, headers: { 'content-length': '0' } });
    expect(await thrown(attached().head(ME))).toMatchObject({ status: 401 });
    expect(sent).toHaveLength(1);
  });

  it.each([
    ['stays for other calls if the second response succeeds, however late', 200, ONE_AND_TWO[1]],
    ['is forgotten if the second response is a late refusal', 401, 'Bearer token-3-for-1'],
  ])('is replaced by a token that %s', async (_, status, next) => {
    responses.push(refusal, async () => {
      await runtime.advance(20_000);
      return status === 401 ? refusal : {};
    });
    await thrown(attached().get(ME));
    await attached().get(ME);
    expect(authorizations()).toEqual([...ONE_AND_TWO, next]);
  });
});

describe('A redirect that an adapter follows', () => {
  /** The headers that it sends next, after one hop to each of `urls`. */
  const headersAfter = async (
    urls: string[],
    config: object = {},
  ): Promise<Record<string, unknown>> => {
    const headers: Record<string, unknown> = {};
    responses.push((final) => {
      // As follow-redirects has them: of the last request, in the case that somebody wrote.
      Object.assign(headers, final.headers.toJSON());
      for (const href of urls) {
        final.beforeRedirect?.({ href, headers }, { headers: {}, statusCode: 302 }, {
          headers: {},
        } as never);
      }
      return {};
    });
    const asBob = () => attached().get(ME, { headers: { 'X-Mine': '1' }, ...config });
    await box.provider.runAs('22222', asBob);
    return Object.fromEntries(
      Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]),
    );
  };
  const both = { authorization: ONE_AND_TWO[0], 'as-user': '22222' };

  it('within Box keeps our headers and those of the app', async () => {
    expect(await headersAfter([`${ME}?again`])).toMatchObject({ ...both, 'x-mine': '1' });
  });

  it('away from Box keeps only the headers of the app, and never gets ours back', async () => {
    for (const urls of [['https://evil.example/'], ['https://evil.example/', ME]]) {
      const headers = await headersAfter(urls);
      expect(headers).toMatchObject({ 'x-mine': '1' });
      expect(headers).not.toHaveProperty('authorization');
      expect(headers).not.toHaveProperty('as-user');
    }
  });

  it('calls the beforeRedirect of the app', async () => {
    const seen: unknown[] = [];
    const beforeRedirect = ({ href }: Record<string, unknown>) => void seen.push(href);
    await headersAfter([`${ME}?1`, `${ME}?2`], { beforeRedirect });
    expect(seen).toEqual([`${ME}?1`, `${ME}?2`]);
  });

  it('works without headers in its options', async () => {
    responses.push((final) => {
      final.beforeRedirect?.({ href: ME }, { headers: {}, statusCode: 302 }, {} as never);
      return { data: 'there' };
    });
    expect((await attached().get<string>(ME)).data).toBe('there');
  });
});

describe('The redirects of a call', () => {
  const stream = () => Readable.from(['hello']);

  it.each([
    ['are up to axios', undefined, 'hello', undefined],
    ['are none for a stream, so that axios keeps no copy of it', undefined, stream(), 0],
    ['are as many as the app says', 3, 'hello', 3],
    ['are as many as the app says for a stream, too', 3, stream(), 3],
  ])('%s', async (_, wanted, body, most) => {
    let seen: unknown;
    responses.push((config) => {
      seen = config.maxRedirects;
      return {};
    });
    const options = wanted === undefined ? {} : { maxRedirects: wanted };
    const { config } = await attached().post(ME, body, options);
    expect(seen).toBe(most);
    // The config that comes back is as the app wrote it.
    expect(config.maxRedirects).toBe(wanted);
  });
});

describe('The response of a request over real HTTP', () => {
  it('contains the URL it came from and no token, neither there nor in a stream', async () => {
    const server = await startServer(({ path }, response) => {
      if (path === '/start') response.writeHead(302, { location: '/end' }).end();
      else response.end('there');
    });
    box = new BoxAuth({ credentials: { developerToken: 'the-token' }, apiUrl: server.url });
    const instance = attached({ baseURL: server.url });
    const { request } = await instance.get<string>('/start');
    expect(request).toMatchObject({
      method: 'GET',
      protocol: 'http:',
      path: '/end',
      res: { responseUrl: `${server.url}/end` },
    });

    const { data } = await instance.get<Readable>('/end', {
      responseType: 'stream',
      maxRedirects: 0,
    });
    expect(Object.keys(data)).not.toContain('req');
    expect(Buffer.concat(await data.toArray()).toString()).toBe('there');
    expect(server.arrived.at(-1)?.headers.authorization).toBe('Bearer the-token');
    await server.stop();
  });

  it.each([
    ['a stream', {}],
    ['a stream that was compressed', { 'content-encoding': 'gzip' }],
  ])('shows no token in %s, not even in hidden properties', async (_, headers) => {
    const server = await startServer((_request, response) => {
      const body = 'content-encoding' in headers ? gzipSync('there') : 'there';
      response.writeHead(200, headers).end(body);
    });
    box = new BoxAuth({ credentials: { developerToken: 'the-token' }, apiUrl: server.url });
    const response = await attached({ baseURL: server.url }).get<Readable>('/', {
      responseType: 'stream',
    });
    const whole = { showHidden: true, depth: 12, maxArrayLength: null };
    expect(inspect(response, whole)).not.toContain('the-token');
    expect(Buffer.concat(await response.data.toArray()).toString()).toBe('there');
    expect(inspect(response, whole)).not.toContain('the-token');
    expect(server.arrived[0]?.headers.authorization).toBe('Bearer the-token');
    await server.stop();
  });

  it('shows no token in a stream of HTTP/2', async () => {
    const seen: unknown[] = [];
    const server = createServer((request, response) => {
      seen.push(request.headers.authorization);
      response.end('there');
    });
    const sessions: ServerHttp2Session[] = [];
    server.on('session', (session) => sessions.push(session));
    await new Promise<void>((resolve) => {
      server.listen(0, '127.0.0.1', resolve);
    });
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    box = new BoxAuth({ credentials: { developerToken: 'the-token' }, apiUrl: url });
    const response = await attached({ baseURL: url }).get<Readable>('/', {
      httpVersion: 2,
      maxRedirects: 0,
      responseType: 'stream',
    });
    const whole = { showHidden: true, depth: 12, customInspect: false };
    expect(inspect(response.data, whole)).not.toContain('the-token');
    expect(Buffer.concat(await response.data.toArray()).toString()).toBe('there');
    expect(seen).toEqual(['Bearer the-token']);
    for (const session of sessions) session.destroy();
    await new Promise((resolve) => {
      server.close(resolve);
    });
  });

  it('passes on other events and errors of a stream unchanged', async () => {
    const data = new Readable({ read: () => undefined });
    responses.push({ data });
    await attached().get(ME, { responseType: 'stream' });
    const failure = Object.assign(new Error('mine'), { request: { path: '/x' } });
    const seen = new Promise((resolve) => {
      data.once('error', resolve);
    });
    data.destroy(failure);
    expect(await seen).toBe(failure);
    expect(failure.request).toEqual({ path: '/x' });
  });
});

it('AxiosHeaders of a returned config contain no token', async () => {
  const { config } = await attached().get(ME);
  expect(config.headers).toBeInstanceOf(AxiosHeaders);
  expect(config.headers.has('authorization')).toBe(false);
});
