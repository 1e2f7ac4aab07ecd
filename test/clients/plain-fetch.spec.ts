import axios from 'axios';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { attachToAxios } from '../../lib/axios/axios-authorization.js';
import { BoxAuth } from '../../lib/box/box-auth.js';
import { type LoopbackServer, startServer } from '../support/loopback-server.js';

/** A server that responds with what it received. A path such as /307 redirects. */
let server: LoopbackServer;
let box: BoxAuth;
beforeEach(async () => {
  server = await startServer(({ path, method, headers, body }, response) => {
    const status = Number(path.slice(1));
    if (status >= 300) return response.writeHead(status, { location: '/end' }).end();
    const shown = {
      method,
      path,
      length: headers['content-length'],
      encoding: headers['transfer-encoding'],
      type: headers['content-type'],
      mine: headers['x-mine'],
      body,
    };
    return response.end(JSON.stringify(shown).replaceAll(/-+formdata-undici-\d+/g, 'the boundary'));
  });
  box = new BoxAuth({ credentials: { developerToken: 't' }, apiUrl: server.url });
});
afterEach(async () => {
  box.close();
  await server.stop();
});

type Arguments = readonly [input: Request | string, init?: RequestInit];

/** How a call ends: its response, or its error, and whether the body of its Request is used. */
async function outcomeOf(send: typeof fetch, [input, init]: Arguments): Promise<object> {
  const end = await send(input, init).then(
    async (response) => ({
      status: response.status,
      url: response.url,
      redirected: response.redirected,
      type: response.type,
      text: await response.text(),
    }),
    (error: unknown) => describeError(error),
  );
  return { ...end, bodyUsed: input instanceof Request && input.bodyUsed };
}

function describeError(error: unknown): object {
  if (!(error instanceof Error)) return { error };
  const { name, message, cause } = error;
  return { name, message, ...(cause instanceof Error && { cause: describeError(cause) }) };
}

const form = () => {
  const data = new FormData();
  data.set('name', 'a.txt');
  data.set('file', new Blob(['hello']), 'a.txt');
  return data;
};
const bodies: Record<string, () => RequestInit['body']> = {
  'no body': () => undefined,
  null: () => null,
  'an empty string': () => '',
  'a string': () => 'hello',
  URLSearchParams: () => new URLSearchParams({ a: 'b' }),
  FormData: form,
  'a Blob': () => new Blob(['hello'], { type: 'text/plain' }),
};

/** Each call is made by both, with arguments of its own. */
const inputs: Record<string, (url: string) => Arguments> = {
  'a GET': (url) => [url],
  'a Request without a body': (url) => [new Request(url, { headers: { 'x-mine': '1' } })],
  'a used Request with another body': (url) => {
    const request = new Request(url, { method: 'POST', body: 'x' });
    void request.text();
    return [request, { body: 'y' }];
  },
  'a body for a GET': (url) => [url, { body: 'x' }],
  'a body for the GET of a Request': (url) => [new Request(url), { body: 'x' }],
  'an unknown redirect mode': (url) => [url, { redirect: 'sometimes' as 'follow' }],
  'a locked stream': (url) => {
    const body = new Blob(['x']).stream();
    body.getReader();
    return [url, { method: 'POST', body, duplex: 'half' }];
  },
  'init over the fields of a Request': (url) => [
    new Request(url, { method: 'POST', body: 'x', headers: { 'x-mine': '1' } }),
    { method: 'PUT', body: 'other', headers: { 'x-mine': '2', 'content-type': 'text/mine' } },
  ],
  'null as the body of init': (url) => [
    new Request(url, { method: 'POST', body: 'x' }),
    { body: null },
  ],
  'an invalid header': (url) => [url, { headers: { 'x-mine': 'a\nb' } }],
  'an invalid method': (url) => [url, { method: 'A B' }],
  'a signal that is aborted': (url) => [
    new Request(url, { method: 'POST', body: 'x' }),
    { signal: AbortSignal.abort(new Error('the user left')) },
  ],
  'a Request with a signal that is aborted': (url) => [
    new Request(url, { method: 'POST', body: 'x', signal: AbortSignal.abort() }),
  ],
  'a stream that fails': (url) => {
    const body = new ReadableStream({
      pull: (controller) => controller.error(new Error('broken')),
    });
    return [url, { method: 'POST', body, duplex: 'half' }];
  },
  'a Request with a stream that fails': (url) => {
    const body = new ReadableStream({
      pull: (controller) => controller.error(new Error('broken')),
    });
    return [new Request(url, { method: 'POST', body, duplex: 'half' })];
  },
  'a stream of strings': (url) => {
    const body = ReadableStream.from<unknown>(['text']) as ReadableStream<Uint8Array>;
    return [url, { method: 'POST', body, duplex: 'half' }];
  },
  'a Request with a stream of strings': (url) => {
    const body = ReadableStream.from<unknown>(['text']) as ReadableStream<Uint8Array>;
    return [new Request(url, { method: 'POST', body, duplex: 'half' })];
  },
};

describe('BoxFetch ends as fetch does', () => {
  /** The outcomes of both for the same arguments. */
  const compare = async (create: (url: string) => Arguments, path: string) => ({
    expected: await outcomeOf(fetch, create(server.url + path)),
    received: await outcomeOf(box.fetch, create(server.url + path)),
  });

  describe.each(Object.entries(bodies))('for %s', (_, body) => {
    const rows = ['/end', '/301', '/302', '/303', '/307', '/308'].flatMap((path) =>
      ['POST', 'PUT'].map((method) => [method, path] as const),
    );
    it.each(rows)('in a %s at %s', async (method, path) => {
      const init = () => ({ method, body: body() ?? null });
      const direct = await compare((url) => [url, init()], path);
      expect(direct.received).toEqual(direct.expected);
      const inRequest = await compare((url) => [new Request(url, init())], path);
      expect(inRequest.received).toEqual(inRequest.expected);
    });

    it.each(['manual', 'error'] as const)('and redirect: %s', async (redirect) => {
      const init = () => ({ method: 'POST', body: body() ?? null, redirect });
      const direct = await compare((url) => [url, init()], '/307');
      expect(direct.received).toEqual(direct.expected);
      const inRequest = await compare((url) => [new Request(url, init())], '/307');
      expect(inRequest.received).toEqual(inRequest.expected);
    });
  });

  it.each(Object.entries(inputs))('for %s', async (_, create) => {
    const { expected, received } = await compare(create, '/end');
    expect(received).toEqual(expected);
  });
});

it('BoxFetch rejects a Request that was used, as fetch does', async () => {
  const request = new Request(server.url, { method: 'POST', body: 'x' });
  await request.text();
  await expect(fetch(request)).rejects.toThrow(TypeError);
  await expect(box.fetch(request)).rejects.toThrow(TypeError);
  expect(server.arrived).toEqual([]);
});

it.each(['/301', '/307'])(
  'BoxFetch sends a Buffer again at %s, which fetch of Node 20 does not',
  async (path) => {
    const response = await box.fetch(path, { method: 'PUT', body: Buffer.from('hello') });
    expect(await response.json()).toMatchObject({ method: 'PUT', body: 'hello', length: '5' });
  },
);

describe('A stream', () => {
  const stream = (path: string): [string, RequestInit] => [
    server.url + path,
    { method: 'POST', body: new Blob(['hello']).stream(), duplex: 'half' },
  ];

  it('follows a 303 with a GET, as with fetch', async () => {
    const expected = await outcomeOf(fetch, stream('/303'));
    expect(expected).toMatchObject({ status: 200, redirected: true });
    expect(await outcomeOf(box.fetch, stream('/303'))).toEqual(expected);
  });

  it.each(['/301', '/302', '/307', '/308'])(
    'follows no other redirect, as with fetch: %s',
    async (path) => {
      await expect(fetch(...stream(path))).rejects.toThrow('fetch failed');
      await expect(box.fetch(...stream(path))).rejects.toThrow('fetch failed');
      expect(server.arrived.map((request) => request.path)).toEqual([path, path]);
    },
  );
});

describe('The content-length of the caller', () => {
  const values: Record<string, () => RequestInit['body']> = {
    'a string': () => '12345',
    'a string of more bytes than letters': () => '€45',
    'a Buffer': () => Buffer.from('12345'),
    URLSearchParams: () => new URLSearchParams({ abc: '5' }),
    'a Blob': () => new Blob(['12345']),
  };
  const streams: typeof values = { 'a stream': () => new Blob(['12345']).stream() };
  const init = (length: string, body: RequestInit['body']): RequestInit => {
    const headers = { 'content-length': length };
    return { method: 'POST', headers, body: body ?? null, duplex: 'half' };
  };
  const mismatch = { cause: { code: 'UND_ERR_REQ_CONTENT_LENGTH_MISMATCH' } };

  // With such a body, `fetch` rejects a Request, and never settles without one.
  it.each(Object.entries({ ...values, ...streams }))('is too small for %s', async (_, body) => {
    for (const length of ['0', '4', '4, 4']) {
      const request = () => new Request(`${server.url}/end`, init(length, body()));
      await expect(fetch(request())).rejects.toMatchObject(mismatch);
      await expect(box.fetch(request())).rejects.toMatchObject(mismatch);
      await expect(box.fetch('/end', init(length, body()))).rejects.toMatchObject(mismatch);
    }
    expect(server.arrived).toEqual([]);
  });

  it('is too small for axios with its fetch adapter', async () => {
    const axiosOverFetch = axios.create({ baseURL: server.url, adapter: 'fetch' });
    const send = () => axiosOverFetch.post('/end', '12345', { headers: { 'content-length': '4' } });
    await expect(send()).rejects.toMatchObject(mismatch);
    attachToAxios(axiosOverFetch, box.policy, box.fetch);
    await expect(send()).rejects.toMatchObject(mismatch);
  });

  it.each(
    Object.entries({ ...values, ...streams }).flatMap(([name, body]) =>
      ['5', '6', 'five'].map((length) => [length, name, body] as const),
    ),
  )('%s ends a call with %s as with fetch', async (length, _, body) => {
    for (const path of ['/end', '/303']) {
      const request = () => new Request(server.url + path, init(length, body()));
      const expected = await outcomeOf(fetch, [request()]);
      expect(await outcomeOf(box.fetch, [request()])).toEqual(expected);
      const direct: Arguments = [server.url + path, init(length, body())];
      expect(await outcomeOf(box.fetch, direct)).toEqual({ ...expected, bodyUsed: false });
    }
  });
});
