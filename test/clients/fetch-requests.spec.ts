import { Readable } from 'node:stream';
import * as undici from 'undici';
import * as undici6 from 'undici6';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { BoxAuth } from '../../lib/box/box-auth.js';
import { deferred } from '../support/deferred.js';
import { FakeRuntime, settled } from '../support/fake-runtime.js';
import { type LoopbackServer, startServer } from '../support/loopback-server.js';
import { ScriptedEndpoint, silence } from '../support/scripted-endpoint.js';
import { thrownBy } from '../support/thrown.js';

const REPLAY_BUFFER_BYTES = 1_000;
const LONG = 'x'.repeat(REPLAY_BUFFER_BYTES + 1);
const CHALLENGE = { 'www-authenticate': 'Bearer error="invalid_token"' };

/** At /refusing it refuses the first token. A path such as /307 redirects. */
let server: LoopbackServer;
let endpoint: ScriptedEndpoint;
let box: BoxAuth;
const closing: (() => unknown)[] = [];
beforeEach(async () => {
  server = await startServer(({ path, headers, body }, response) => {
    if (path === '/silent') return;
    const status = Number(path.slice(1));
    if (path === '/refusing' && headers.authorization === 'Bearer token-1-for-1') {
      response.writeHead(401, CHALLENGE).end();
    } else if (status >= 300) response.writeHead(status, { location: '/end' }).end();
    else response.end(body);
  });
  const runtime = new FakeRuntime();
  endpoint = new ScriptedEndpoint(runtime);
  // The global fetch, which makes the calls, and only the token requests are scripted.
  vi.stubGlobal('fetch', scripting(fetch));
  box = new BoxAuth({
    credentials: { clientId: 'client', clientSecret: 'secret', enterpriseId: '1' },
    apiUrl: server.url,
    replayBufferBytes: REPLAY_BUFFER_BYTES,
    runtime,
  });
});
afterEach(async () => {
  vi.unstubAllGlobals();
  for (const close of closing.splice(0)) await close();
  box.close();
  await server.stop();
});

function scripting(send: typeof fetch): typeof fetch {
  return (input, init) =>
    typeof input === 'string' && input.endsWith('/oauth2/token')
      ? endpoint.fetch(input, init)
      : send(input, init);
}

const form = () => {
  const data = new FormData();
  data.set('file', new Blob(['hello']), 'a.txt');
  return data;
};

describe('A Request', () => {
  it.each<[string, () => RequestInit['body'], string]>([
    ['a string', () => 'hello', 'hello'],
    ['a Buffer', () => Buffer.from('hello'), 'hello'],
    ['URLSearchParams', () => new URLSearchParams({ a: 'b' }), 'a=b'],
    ['a Blob', () => new Blob(['hello']), 'hello'],
    ['FormData', form, 'hello'],
    ['a stream', () => new Blob(['hello']).stream(), 'hello'],
  ])('with %s is sent again after a 401 and a 307, with its length', async (_, body, content) => {
    const request = (path: string) =>
      new Request(server.url + path, { method: 'POST', body: body() ?? null, duplex: 'half' });
    expect(await (await box.fetch(request('/307'))).text()).toContain(content);
    expect(await (await box.fetch(request('/refusing'))).text()).toContain(content);
    expect(server.arrived).toHaveLength(4);
    for (const { headers, body: sent } of server.arrived) {
      expect(headers['content-length']).toBe(String(sent.length));
      expect(headers).not.toHaveProperty('transfer-encoding');
    }
  });

  it('with more than replayBufferBytes is sent once, as a stream', async () => {
    const request = (path: string) =>
      new Request(server.url + path, { method: 'POST', body: LONG });
    expect(await (await box.fetch(request('/end'))).text()).toBe(LONG);
    expect(server.arrived[0]?.headers).toMatchObject({ 'transfer-encoding': 'chunked' });
    expect((await thrownBy(() => box.fetch(request('/refusing')))).code).toBe(
      'body_not_replayable',
    );
  });
});

describe('The dispatcher', () => {
  /** Counts the requests of a dispatcher. */
  function counted(library: typeof undici) {
    const agent = new library.Agent();
    closing.push(() => agent.close());
    const paths: string[] = [];
    const dispatcher = agent.compose((dispatch) => (options, handler) => {
      paths.push(options.path);
      return dispatch(options, handler);
    });
    return { paths, dispatcher };
  }
  const six = undici6 as unknown as typeof undici;

  it('of init makes the call, its redirects and its replay', async () => {
    const { paths, dispatcher } = counted(six);
    const init = { method: 'POST', body: 'x', dispatcher } as unknown as RequestInit;
    await box.fetch('/307', init);
    await box.fetch(new Request(`${server.url}/refusing`), init);
    expect(paths).toEqual(['/307', '/end', '/refusing', '/refusing']);
  });

  it('of a Request makes the call, its redirects and its replay', async () => {
    const { paths, dispatcher } = counted(six);
    const init = { method: 'POST', body: 'x', dispatcher } as unknown as RequestInit;
    await box.fetch(new Request(`${server.url}/307`, init));
    await box.fetch(new Request(`${server.url}/refusing`, init));
    // Node 24 and later hide the dispatcher, so that only fetch can use it.
    const isHidden = Number.parseInt(process.versions['undici'] ?? '') > 6;
    expect(paths).toEqual(['/307', ...(isHidden ? [] : ['/end']), '/refusing', '/refusing']);
  });

  it('of a Request that hides it makes the call and its replay', async () => {
    vi.stubGlobal('fetch', scripting(undici.fetch as unknown as typeof fetch));
    vi.stubGlobal('Request', undici.Request);
    const { paths, dispatcher } = counted(undici);
    const init = { method: 'POST', body: 'x', dispatcher };
    await box.fetch(new undici.Request(`${server.url}/refusing`, init));
    expect(paths).toEqual(['/refusing', '/refusing']);
  });

  it('may belong to another fetch than that of the Request', async () => {
    const own = new BoxAuth({
      credentials: { developerToken: 't' },
      apiUrl: server.url,
      fetch: undici.fetch as unknown as typeof fetch,
    });
    const request = new Request(`${server.url}/end`, { method: 'POST', body: 'hello' });
    expect(await (await own.fetch(request)).text()).toBe('hello');
  });
});

describe('An abort', () => {
  const reason = new Error('the user left');
  const streams: Record<string, (canceled: () => void) => ReadableStream | Readable> = {
    'of the web': (cancel) => new ReadableStream({ cancel }),
    'of Node': (canceled) =>
      new Readable({
        read: () => undefined,
        destroy: (_, done) => {
          canceled();
          done(null);
        },
      }),
  };
  const calls: Record<
    string,
    (body: ReadableStream | Readable, signal: AbortSignal, path: string) => Promise<unknown>
  > = {
    init: (body, signal, path) => box.fetch(path, { method: 'POST', body, signal }),
    'a Request': (body, signal, path) =>
      box.fetch(
        new Request(server.url + path, {
          method: 'POST',
          body: body as ReadableStream,
          signal,
          duplex: 'half',
        }),
      ),
  };
  // `fetch` itself does not end a stream of Node in a Request while that is read.
  const rows = Object.entries(streams).flatMap(([kind, create]) =>
    Object.entries(calls)
      .filter(([name]) => kind === 'of the web' || name === 'init')
      .map(([name, call]) => [kind, name, create, call] as const),
  );

  it.each(rows)('ends a stream %s in %s while it is sent', async (_, __, create, call) => {
    const canceled = deferred();
    const controller = new AbortController();
    const outcome = call(create(canceled.resolve), controller.signal, '/silent');
    await settled();
    controller.abort(reason);
    await expect(outcome).rejects.toThrow('the user left');
    await canceled.promise;
  });

  it.each(rows)('ends a stream %s in %s before the token arrives', async (_, __, create, call) => {
    endpoint.otherwise = silence;
    const canceled = deferred();
    const controller = new AbortController();
    const outcome = call(create(canceled.resolve), controller.signal, '/end');
    await settled();
    controller.abort(reason);
    await expect(outcome).rejects.toThrow('the user left');
    await canceled.promise;
    expect(server.arrived).toEqual([]);
  });

  it.each(rows)('that happened already ends a stream %s in %s', async (_, __, create, call) => {
    const canceled = deferred();
    const signal = AbortSignal.abort(reason);
    await expect(call(create(canceled.resolve), signal, '/end')).rejects.toThrow('the user left');
    await canceled.promise;
    expect(server.arrived).toEqual([]);
  });
});

it('A stream ends if there is no token', async () => {
  endpoint.otherwise = () =>
    endpoint.json(400, { error: 'unauthorized_client', error_description: '' });
  const canceled = deferred();
  const body = new ReadableStream({ cancel: canceled.resolve });
  const error = await thrownBy(() => box.fetch('/end', { method: 'POST', body }));
  expect(error.code).toBe('app_not_authorized');
  await canceled.promise;
});

it('A field with the name __proto__ has no effect, as with fetch', async () => {
  const init = JSON.parse('{ "__proto__": { "method": "DELETE" } }') as RequestInit;
  await box.fetch('/end', init);
  await fetch(`${server.url}/end`, init);
  expect(server.arrived.map(({ method }) => method)).toEqual(['GET', 'GET']);
});

it('A function is called for a call to another host, too', async () => {
  const other = await startServer(({ body }, response) => response.end(body));
  closing.push(() => other.stop());
  const response = await box.fetch(other.url, {
    method: 'POST',
    body: () => Promise.resolve(Readable.from([Buffer.from('hello')])),
  });
  expect(await response.text()).toBe('hello');
});
