import { Agent } from 'node:http';
import { Readable } from 'node:stream';
import { inspect } from 'node:util';
import axios, { AxiosError } from 'axios';
import FormDataOfNode from 'form-data';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { runInActingContext } from '../../lib/core/acting/acting.context.js';
import { BoxAuth } from '../../lib/box/box-auth.js';
import { attachToAxios } from '../../lib/axios/axios-authorization.js';
import { FakeRuntime } from '../support/fake-runtime.js';
import { type LoopbackServer, startServer } from '../support/loopback-server.js';
import { ScriptedEndpoint } from '../support/scripted-endpoint.js';
import { thrownBy } from '../support/thrown.js';

/** Two real servers: `api` is Box, `foreign` is somebody else. The token endpoint is scripted. */
let api: LoopbackServer;
let foreign: LoopbackServer;
let endpoint: ScriptedEndpoint;
let box: BoxAuth;
let refusedTokens: Set<string>;
let refusal: { readonly headers: Record<string, string>; readonly body: string };

const REPLAY_BUFFER_BYTES = 1_000;
const CHALLENGE =
  'Bearer realm="Service", error="invalid_token", error_description="The access token provided is invalid."';

beforeEach(async () => {
  refusedTokens = new Set();
  refusal = { headers: { 'www-authenticate': CHALLENGE }, body: '' };
  foreign = await startServer(({ path }, response) => {
    if (path.startsWith('/back')) response.writeHead(302, { location: `${api.url}/2.0/end` }).end();
    else response.end('foreign');
  });
  api = await startServer(({ path, headers, method }, response) => {
    const [, status, to] = /^\/redirect\/(\d+)\/(\w+)/.exec(path) ?? [];
    if (refusedTokens.has(headers.authorization ?? ''))
      response.writeHead(401, refusal.headers).end(refusal.body);
    else if (path === '/403') response.writeHead(403, { 'www-authenticate': CHALLENGE }).end();
    else if (path === '/silent-401') response.writeHead(401).end();
    else if (path === '/json-401')
      response
        .writeHead(401, { 'content-type': 'application/json' })
        .end('{"code":"unauthorized"}');
    else if (status !== undefined)
      response
        .writeHead(Number(status), {
          location: to === 'self' ? '/2.0/end' : `${foreign.url}/${to ?? ''}`,
        })
        .end();
    else response.setHeader('content-type', 'text/plain').end(`${method} ${path}`);
  });
  const runtime = new FakeRuntime();
  endpoint = new ScriptedEndpoint(runtime);
  const send: typeof fetch = (input, init) =>
    String(input).endsWith('/oauth2/token') ? endpoint.fetch(input, init) : fetch(input, init);
  box = new BoxAuth({
    credentials: { clientId: 'client', clientSecret: 'secret', enterpriseId: '1' },
    apiUrl: api.url,
    replayBufferBytes: REPLAY_BUFFER_BYTES,
    fetch: send,
    runtime,
  });
});

afterEach(async () => {
  box.close();
  await Promise.all([api.stop(), foreign.stop()]);
});

interface Call {
  readonly method?: string;
  readonly headers?: Record<string, string>;
  readonly body?: unknown;
}

type Client = (
  url: string,
  call?: Call,
) => Promise<{ readonly status: number; readonly text: string }>;

const viaFetch: Client = async (url, { body, ...call } = {}) => {
  const init = body === undefined ? call : { ...call, body, duplex: 'half' };
  const response = await box.fetch(url, init as RequestInit);
  return { status: response.status, text: await response.text() };
};

const viaAxios =
  (defaults: object): Client =>
  async (url, { method = 'GET', headers = {}, body } = {}) => {
    const instance = axios.create({
      validateStatus: () => true,
      responseType: 'text',
      ...defaults,
    });
    attachToAxios(instance, box.policy, box.fetch);
    const response = await instance.request<string>({ url, method, headers, data: body });
    return { status: response.status, text: response.data };
  };

const clients: [string, Client][] = [
  ['BoxFetch', viaFetch],
  ['axios', viaAxios({})],
  [
    'axios that throws',
    async (url, call) => {
      try {
        return await viaAxios({ validateStatus: null, transitional: {} })(url, call);
      } catch (error) {
        if (error instanceof AxiosError && error.response !== undefined) {
          return { status: error.response.status, text: String(error.response.data) };
        }
        throw error;
      }
    },
  ],
  ['axios on its fetch adapter', viaAxios({ adapter: 'fetch' })],
  ['axios on its fetch adapter, from a list', viaAxios({ adapter: ['xhr', 'Fetch'] })],
  ['axios on its fetch adapter, as it is', viaAxios({ adapter: axios.getAdapter('fetch') })],
];

const bearer = (n: number) => `Bearer token-${n}-for-1`;
const asBob = <T>(work: () => T) =>
  runInActingContext({ user: { id: '22222', via: 'header' } }, work);

describe.each(clients)('%s', (_, call) => {
  it('adds a token to a call to Box, and no as-user without an acting user', async () => {
    expect(await call(`${api.url}/2.0/users/me`)).toEqual({
      status: 200,
      text: 'GET /2.0/users/me',
    });
    expect(api.arrived[0]?.headers.authorization).toBe(bearer(1));
    expect(api.arrived[0]?.headers).not.toHaveProperty('as-user');
  });

  it('adds the acting user to a call', async () => {
    await asBob(() => call(`${api.url}/2.0/users/me`));
    expect(api.arrived[0]?.headers).toMatchObject({ authorization: bearer(1), 'as-user': '22222' });
  });

  it('uses an access token of the user in token mode', async () => {
    await runInActingContext({ user: { id: '22222', via: 'token' } }, () =>
      call(`${api.url}/2.0/users/me`),
    );
    expect(api.arrived[0]?.headers.authorization).toBe('Bearer token-1-for-22222');
    expect(api.arrived[0]?.headers).not.toHaveProperty('as-user');
    expect(endpoint.received[0]?.form.get('box_subject_type')).toBe('user');
  });

  it('passes calls to other hosts on unchanged', async () => {
    await asBob(() => call(`${foreign.url}/x`, { headers: { 'x-mine': '1' } }));
    expect(foreign.arrived[0]?.headers).not.toHaveProperty('authorization');
    expect(foreign.arrived[0]?.headers).not.toHaveProperty('as-user');
    expect(foreign.arrived[0]?.headers).toMatchObject({ 'x-mine': '1' });
    expect(endpoint.received).toEqual([]);
  });

  it.each([
    '/oauth2/token',
    '/oauth2/revoke',
    '/oauth2//token',
    '/OAUTH2/Token',
    '/x/../oauth2/token',
    '/oauth2/%74oken',
    '/oauth2/token/',
    '/oauth2/token?x=1',
  ])('adds nothing to calls of the token endpoint: %s', async (path) => {
    await asBob(() =>
      call(`${api.url}${path}`, { method: 'POST', body: 'a=b', headers: { 'x-raw': '1' } }),
    );
    const seen = [
      ...api.arrived,
      ...endpoint.received.map(({ init }) => ({
        headers: Object.fromEntries(new Headers(init.headers)),
      })),
    ];
    for (const { headers } of seen) {
      expect(headers).not.toHaveProperty('authorization');
      expect(headers).not.toHaveProperty('as-user');
    }
  });

  it("keeps the caller's own authorization, and adds no acting user to it", async () => {
    await asBob(() => call(`${api.url}/2.0/x`, { headers: { Authorization: 'Bearer mine' } }));
    expect(api.arrived[0]?.headers.authorization).toBe('Bearer mine');
    expect(api.arrived[0]?.headers).not.toHaveProperty('as-user');
    expect(endpoint.received).toEqual([]);
  });

  it("keeps the caller's own as-user", async () => {
    await asBob(() => call(`${api.url}/2.0/x`, { headers: { 'As-User': '7' } }));
    expect(api.arrived[0]?.headers).toMatchObject({ authorization: bearer(1), 'as-user': '7' });
  });

  describe('on a redirect', () => {
    it.each([301, 302, 303, 307, 308])(
      'with %i to another origin, keeps token and acting user to itself',
      async (status) => {
        expect((await asBob(() => call(`${api.url}/redirect/${status}/there`))).text).toBe(
          'foreign',
        );
        expect(foreign.arrived[0]?.headers).not.toHaveProperty('authorization');
        expect(foreign.arrived[0]?.headers).not.toHaveProperty('as-user');
      },
    );

    it("keeps the caller's own headers at Box, too", async () => {
      await call(`${api.url}/redirect/302/there`, {
        headers: { Authorization: 'Bearer mine', 'as-user': '7' },
      });
      expect(foreign.arrived[0]?.headers).not.toHaveProperty('authorization');
      expect(foreign.arrived[0]?.headers).not.toHaveProperty('as-user');
    });

    it('that leads back to Box from another host, adds nothing', async () => {
      expect((await asBob(() => call(`${api.url}/redirect/302/back`))).text).toBe('GET /2.0/end');
      expect(api.arrived.at(-1)?.path).toBe('/2.0/end');
      expect(api.arrived.at(-1)?.headers).not.toHaveProperty('authorization');
      expect(api.arrived.at(-1)?.headers).not.toHaveProperty('as-user');
    });

    it('within Box, keeps both', async () => {
      expect((await asBob(() => call(`${api.url}/redirect/307/self`))).text).toBe('GET /2.0/end');
      expect(api.arrived.at(-1)?.headers).toMatchObject({
        authorization: bearer(1),
        'as-user': '22222',
      });
    });

    it('turns a POST into a GET without a body for 302, as usual', async () => {
      await call(`${api.url}/redirect/302/self`, { method: 'POST', body: 'hello' });
      expect(api.arrived.at(-1)).toMatchObject({ method: 'GET', body: '' });
    });

    it('sends a POST again for 307', async () => {
      await call(`${api.url}/redirect/307/self`, { method: 'POST', body: 'hello' });
      expect(api.arrived.at(-1)).toMatchObject({ method: 'POST', body: 'hello' });
    });
  });

  describe('when the token is refused', () => {
    beforeEach(() => refusedTokens.add(bearer(1)));

    it('refreshes it and repeats the call once', async () => {
      expect(
        await asBob(() => call(`${api.url}/2.0/x`, { method: 'POST', body: 'hello' })),
      ).toMatchObject({ status: 200 });
      expect(
        api.arrived.map(({ headers, body }) => [headers.authorization, headers['as-user'], body]),
      ).toEqual([
        [bearer(1), '22222', 'hello'],
        [bearer(2), '22222', 'hello'],
      ]);
    });

    it('refreshes it for a 401 without a challenge or a body, too', async () => {
      refusal = { headers: {}, body: '' };
      expect(await call(`${api.url}/2.0/x`)).toMatchObject({ status: 200 });
    });

    it('returns the response if the new token is refused as well', async () => {
      refusedTokens.add(bearer(2));
      expect(await call(`${api.url}/2.0/x`)).toMatchObject({ status: 401 });
      expect(api.arrived).toHaveLength(2);
      expect(endpoint.received).toHaveLength(2);
      const error = await thrownBy(() => call(`${api.url}/2.0/x`));
      expect(error.code).toBe('token_refused_again');
      expect(endpoint.received).toHaveLength(2);
    });

    it('rejects with the reason if no other token is available', async () => {
      endpoint.script(endpoint.grant, () =>
        endpoint.json(400, { error: 'unauthorized_client', error_description: '' }),
      );
      expect((await thrownBy(() => call(`${api.url}/2.0/x`))).code).toBe('app_not_authorized');
    });

    it('sends a stream again', async () => {
      expect(
        await call(`${api.url}/2.0/x`, { method: 'POST', body: streamOf('hello') }),
      ).toMatchObject({ status: 200 });
      expect(api.arrived.map(({ body }) => body)).toEqual(['hello', 'hello']);
    });

    it('calls a function for the body again', async () => {
      const body = () => streamOf('x'.repeat(REPLAY_BUFFER_BYTES + 1));
      expect(await call(`${api.url}/2.0/x`, { method: 'POST', body })).toMatchObject({
        status: 200,
      });
      expect(api.arrived[1]?.body).toHaveLength(REPLAY_BUFFER_BYTES + 1);
    });

    it('refreshes it for a long stream, and fails that one call, which cannot be repeated', async () => {
      const long = 'x'.repeat(REPLAY_BUFFER_BYTES + 1);
      const error = await thrownBy(() =>
        call(`${api.url}/2.0/x`, { method: 'POST', body: streamOf(long) }),
      );
      expect(error).toMatchObject({ code: 'body_not_replayable', status: 401, retryable: true });
      expect(
        await call(`${api.url}/2.0/x`, { method: 'POST', body: streamOf('hello') }),
      ).toMatchObject({ status: 200 });
      expect(api.arrived.at(-1)).toMatchObject({
        body: 'hello',
        headers: { authorization: bearer(2) },
      });
      expect(endpoint.received).toHaveLength(2);
    });

    it('requests one token for many calls that were refused together', async () => {
      const statuses = await Promise.all(
        Array.from({ length: 50 }, () => call(`${api.url}/2.0/x`)),
      );
      expect(statuses.every(({ status }) => status === 200)).toBe(true);
      expect(endpoint.received).toHaveLength(2);
    });
  });

  it('does not refresh for a 403, nor for a 401 with another error', async () => {
    expect((await call(`${api.url}/403`)).status).toBe(403);
    expect(await call(`${api.url}/json-401`)).toEqual({
      status: 401,
      text: '{"code":"unauthorized"}',
    });
    expect(api.arrived).toHaveLength(2);
    expect(endpoint.received).toHaveLength(1);
  });

  it('does not take an empty response to HEAD for a refused token', async () => {
    refusedTokens.add(bearer(1));
    refusal = { headers: { 'content-type': 'application/json' }, body: '' };
    expect((await call(`${api.url}/2.0/x`, { method: 'HEAD' })).status).toBe(401);
    expect(endpoint.received).toHaveLength(1);
  });

  it('keeps serving other calls after one odd response refused the token twice', async () => {
    await call(`${api.url}/silent-401`);
    expect((await call(`${api.url}/2.0/x`)).status).toBe(200);
    expect((await thrownBy(() => call(`${api.url}/silent-401`))).code).toBe('token_refused_again');
    expect((await call(`${api.url}/2.0/x`)).status).toBe(200);
    expect(endpoint.received).toHaveLength(2);
  });

  it.each([
    'Bearer error="insufficient_scope"',
    'Bearer realm="Service", error="invalid_request", error_description="The access token was not found."',
  ])('refreshes no token for a 401 with %s', async (challenge) => {
    refusedTokens.add(bearer(1));
    refusal = { headers: { 'www-authenticate': challenge }, body: '' };
    expect((await call(`${api.url}/2.0/x`)).status).toBe(401);
    expect(endpoint.received).toHaveLength(1);
  });
});

function streamOf(text: string): Readable {
  return Readable.from([Buffer.from(text)]);
}

describe('BoxFetch', () => {
  it('resolves an address without a host against apiUrl', async () => {
    expect(await viaFetch('/2.0/users/me')).toMatchObject({ status: 200 });
    expect(await viaFetch('2.0/users/me')).toMatchObject({ status: 200 });
    expect(api.arrived.map(({ path }) => path)).toEqual(['/2.0/users/me', '/2.0/users/me']);
  });

  it('resolves an address below the path of apiUrl', async () => {
    const own = new BoxAuth({ credentials: { developerToken: 't' }, apiUrl: `${api.url}/proxy` });
    await own.fetch('/2.0/users/me');
    expect(api.arrived[0]).toMatchObject({
      path: '/proxy/2.0/users/me',
      headers: { authorization: 'Bearer t' },
    });
    await expect(own.fetch('//evil.example/')).rejects.toThrow(TypeError);
  });

  it('keeps the fields of a Request that init leaves undefined', async () => {
    const controller = new AbortController();
    const request = new Request(`${api.url}/a`, { method: 'PUT', signal: controller.signal });
    controller.abort(new Error('gone'));
    // @ts-expect-error -- what a caller without exactOptionalPropertyTypes may write
    await expect(box.fetch(request, { signal: undefined, method: undefined })).rejects.toThrow(
      'gone',
    );
  });

  it('follows no redirect to what is not http, and reads an unescaped one as UTF-8', async () => {
    const odd = await startServer(({ path }, response) => {
      if (path === '/data') response.writeHead(302, { location: 'data:text/plain,hello' }).end();
      else if (path === '/é')
        response.writeHead(302, { location: Buffer.from('/é').toString('latin1') }).end();
      else if (path === '/start')
        response.writeHead(302, { location: Buffer.from('/ü').toString('latin1') }).end();
      else response.end(path);
    });
    const own = new BoxAuth({ credentials: { developerToken: 't' }, apiUrl: odd.url });
    await expect(own.fetch('/data')).rejects.toThrow('fetch failed');
    expect(await (await own.fetch('/start')).text()).toBe('/%C3%BC');
    await odd.stop();
  });

  it('accepts a Request as init', async () => {
    const init = new Request(`${api.url}/2.0/x`, { method: 'DELETE', headers: { 'as-user': '7' } });
    await box.fetch(`${api.url}/2.0/y`, init);
    expect(api.arrived[0]).toMatchObject({ method: 'DELETE', path: '/2.0/y' });
    expect(api.arrived[0]?.headers).toMatchObject({ 'as-user': '7' });
  });

  it('accepts a URL and a Request', async () => {
    await box.fetch(new URL(`${api.url}/a`));
    await box.fetch(
      new Request(`${api.url}/b`, { method: 'PUT', headers: { 'x-mine': '1' }, body: 'hello' }),
    );
    expect(api.arrived).toMatchObject([
      { method: 'GET', path: '/a', headers: { authorization: bearer(1) } },
      {
        method: 'PUT',
        path: '/b',
        body: 'hello',
        headers: { authorization: bearer(1), 'x-mine': '1' },
      },
    ]);
  });

  it('marks a redirected response, and follows no redirect in manual mode', async () => {
    expect((await box.fetch(`${api.url}/redirect/302/self`)).redirected).toBe(true);
    expect((await box.fetch(`${api.url}/2.0/x`)).redirected).toBe(false);
    expect((await box.fetch(`${api.url}/redirect/302/there`, { redirect: 'manual' })).status).toBe(
      302,
    );
    await expect(box.fetch(`${api.url}/redirect/302/there`, { redirect: 'error' })).rejects.toThrow(
      'fetch failed',
    );
    expect(foreign.arrived).toEqual([]);
  });

  it('stops following an endless redirect', async () => {
    const loop = await startServer((_, response) =>
      response.writeHead(302, { location: '/' }).end(),
    );
    const own = new BoxAuth({ credentials: { developerToken: 't' }, apiUrl: loop.url });
    await expect(own.fetch('/')).rejects.toThrow('fetch failed');
    expect(loop.arrived).toHaveLength(21);
    await loop.stop();
  });

  it.each([
    ['URLSearchParams', () => new URLSearchParams({ a: 'b' })],
    [
      'FormData',
      () => {
        const form = new FormData();
        form.set('a', 'b');
        return form;
      },
    ],
    ['a Blob', () => new Blob(['hello'])],
    ['an ArrayBuffer', () => new TextEncoder().encode('hello').buffer],
    ['a Buffer', () => Buffer.from('hello')],
  ])('sends %s again after a refused token', async (_, body) => {
    refusedTokens.add(bearer(1));
    expect(await viaFetch(`${api.url}/2.0/x`, { method: 'POST', body: body() })).toMatchObject({
      status: 200,
    });
    expect(api.arrived).toHaveLength(2);
  });

  it('ends the wait for a token when the call is aborted', async () => {
    endpoint.otherwise = () => new Promise(() => undefined);
    const controller = new AbortController();
    const work = box.fetch(`${api.url}/2.0/x`, { signal: controller.signal });
    controller.abort(new Error('the user left'));
    await expect(work).rejects.toThrow('the user left');
  });
});

describe('An axios instance', () => {
  const attached = (defaults: object = {}) => {
    const instance = axios.create({ baseURL: api.url, ...defaults });
    attachToAxios(instance, box.policy, box.fetch);
    return instance;
  };

  it('rejects a second Box app', async () => {
    const instance = axios.create();
    attachToAxios(instance, box.policy, box.fetch);
    const other = new BoxAuth({ credentials: { developerToken: 'x' }, apiUrl: foreign.url });
    const error = await thrownBy(() => attachToAxios(instance, other.policy, other.fetch));
    expect(error.code).toBe('option_invalid');
  });

  it('shows no token in a response that is still being read', async () => {
    const instance = axios.create();
    attachToAxios(instance, box.policy, box.fetch);
    for (const maxRedirects of [undefined, 0]) {
      const config = {
        responseType: 'stream' as const,
        ...(maxRedirects === 0 && { maxRedirects }),
      };
      const response = await instance.get<Readable>(`${api.url}/2.0/x`, config);
      expect(inspect(response, { depth: 12 })).not.toContain('token-1-for-1');
      response.data.destroy();
    }
  });

  it('stays unchanged when it is attached twice', async () => {
    const instance = attached();
    attachToAxios(instance, box.policy, box.fetch);
    refusedTokens.add(bearer(1));
    refusedTokens.add(bearer(2));
    await expect(instance.get('/2.0/x')).rejects.toMatchObject({ status: 401 });
    expect(api.arrived).toHaveLength(2);
  });

  it('shows no token in an error, in a response, nor in the config of either', async () => {
    const instance = attached();
    const everything = (value: unknown) =>
      inspect(value, { depth: Infinity, showHidden: true, getters: true });
    const error: unknown = await instance.get('/403').catch((thrown: unknown) => thrown);
    const response = await instance.get('/2.0/x');
    expect(error).toBeInstanceOf(AxiosError);
    for (const text of [everything(error), everything(response), JSON.stringify(error)]) {
      expect(text).not.toContain('token-1');
    }
    expect(response.request).toMatchObject({ method: 'GET', path: '/2.0/x' });
  });

  it('shows no token in a stream, nor in the error that it ends with', async () => {
    const response = await attached({ responseType: 'stream' }).get<Readable>('/2.0/x', {
      maxContentLength: 1,
    });
    expect(inspect(response, { depth: 6 })).not.toContain('token-1');
    const error: unknown = await response.data.toArray().catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(AxiosError);
    expect(inspect(error, { depth: Infinity })).not.toContain('token-1');
  });

  it('frees the connection of a refused stream before it repeats the call', async () => {
    refusedTokens.add(bearer(1));
    refusal = { ...refusal, body: 'x'.repeat(100_000) };
    const httpAgent = new Agent({ keepAlive: true, maxSockets: 1 });
    const { data } = await attached({ responseType: 'stream', httpAgent }).get<Readable>('/2.0/x');
    expect(Buffer.concat(await data.toArray()).toString()).toBe('GET /2.0/x');
    httpAgent.destroy();
  });

  it('adds no token if an interceptor removes the base URL and the call leads to another host', async () => {
    const instance = attached({ allowAbsoluteUrls: false });
    instance.interceptors.request.use((config) => {
      delete config.baseURL;
      return config;
    });
    await instance.get(`${foreign.url}/x`);
    expect(foreign.arrived[0]?.headers).not.toHaveProperty('authorization');
  });

  it('gets a new token when the app retries with the config of an error', async () => {
    const instance = attached();
    const error: unknown = await instance.get('/403').catch((thrown: unknown) => thrown);
    if (!(error instanceof AxiosError) || error.config === undefined) throw new Error('no config');
    box.provider.flush();
    await instance.request({ ...error.config, url: '/2.0/x' });
    expect(api.arrived.at(-1)?.headers.authorization).toBe(bearer(2));
  });

  it("runs the app's interceptors once, and its beforeRedirect", async () => {
    const instance = attached();
    let ran = 0;
    let redirects = 0;
    instance.interceptors.request.use((config) => {
      ran += 1;
      return config;
    });
    refusedTokens.add(bearer(1));
    await instance.get('/redirect/302/self', {
      beforeRedirect: () => {
        redirects += 1;
      },
    });
    expect([ran, redirects]).toEqual([1, 1]);
  });

  describe('with a form of form-data', () => {
    const form = (content: string) => {
      const data = new FormDataOfNode();
      data.append('name', 'a.txt');
      data.append('file', Buffer.from(content), 'a.txt');
      return data;
    };
    beforeEach(() => refusedTokens.add(bearer(1)));

    it('sends it again, with the same headers', async () => {
      const data = form('hello');
      const { 'content-type': type } = data.getHeaders();
      const length = String(data.getLengthSync());
      expect((await attached().post('/up', data)).status).toBe(200);
      expect(api.arrived).toMatchObject([
        { headers: { 'content-type': type, 'content-length': length } },
        { headers: { 'content-type': type, 'content-length': length } },
      ]);
      expect(api.arrived[0]?.body).toContain('hello');
      expect(api.arrived[1]?.body).toBe(api.arrived[0]?.body);
    });

    it('calls the function that returns it again', async () => {
      const long = 'x'.repeat(REPLAY_BUFFER_BYTES);
      expect((await attached().post('/up', () => form(long))).status).toBe(200);
      expect(api.arrived[1]?.body).toContain(long);
      expect(api.arrived[1]?.headers['content-length']).toBe(String(form(long).getLengthSync()));
    });

    it('fails the call if it is too long', async () => {
      const upload = () => attached().post('/up', form('x'.repeat(REPLAY_BUFFER_BYTES)));
      expect((await thrownBy(upload)).code).toBe('body_not_replayable');
      expect((await upload()).status).toBe(200);
    });
  });

  it('leaves a relative address without a base to axios', async () => {
    const instance = axios.create({
      adapter: (config) =>
        Promise.resolve({ data: 'x', status: 200, statusText: '', headers: {}, config }),
    });
    attachToAxios(instance, box.policy, box.fetch);
    const response = await instance.get('/2.0/x');
    expect(response.config.headers.has('authorization')).toBe(false);
  });
});

describe('getHeaders', () => {
  it('returns both headers for Box', async () => {
    expect(await asBob(() => box.provider.getHeaders(`${api.url}/2.0/x`))).toEqual({
      authorization: bearer(1),
      'as-user': '22222',
    });
    expect(
      await box.provider.getHeaders(new URL('https://upload.box.com/api/2.0/files/content')),
    ).toEqual({ authorization: bearer(1) });
  });

  it.each(['https://evil.example/', 'https://api.box.com/oauth2/token', '/2.0/x', 'nonsense', ''])(
    'refuses %j',
    async (url) => {
      expect((await thrownBy(() => box.provider.getHeaders(url))).code).toBe('origin_not_allowed');
      expect(endpoint.received).toEqual([]);
    },
  );
});
