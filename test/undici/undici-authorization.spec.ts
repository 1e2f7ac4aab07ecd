import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import FormDataOfNode from 'form-data';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import * as undici from 'undici';
import * as undici6 from 'undici6';
import { BoxAuthError, type BoxTokenProvider } from 'nestjs-box-auth';
import { BoxEmulator } from 'nestjs-box-auth/testing';
import { boxAuthInterceptor } from 'nestjs-box-auth/undici';
import { currentActingUser, runInActingContext } from '../../lib/core/acting/acting.context.js';
import { BoxAuth } from '../../lib/box/box-auth.js';
import { deferred } from '../support/deferred.js';
import { FakeRuntime } from '../support/fake-runtime.js';
import { type LoopbackServer, startServer } from '../support/loopback-server.js';
import {
  type Call,
  clients,
  fetches,
  type Opening,
  rows,
  streamOf,
  type UndiciClient,
  requests,
} from '../support/undici-clients.js';

const ALICE = '11111';
const BOB = '22222';
const ME = '/2.0/users/me';
const REPLAY_BUFFER_BYTES = 1024 * 1024;
const INVALID_TOKEN = { 'www-authenticate': 'Bearer realm="Service", error="invalid_token"' };

/** Box, and somebody else. */
let box: BoxEmulator;
let foreign: LoopbackServer;
let auth: BoxAuth;
let provider: BoxTokenProvider;
let config: BoxEmulator['config'] | undefined;
const closing: (() => unknown)[] = [];

beforeEach(async () => {
  box = await BoxEmulator.start(config === undefined ? {} : { config });
  config = box.config;
  foreign = await startServer(({ path }, response) => {
    if (path === '/to-box') response.writeHead(307, { location: `${box.url}${ME}` }).end();
    else response.end('foreign');
  });
  box.route('POST', '/2.0/echo', async (request, response) => response.end(await text(request)));
  box.route('GET', '/2.0/moved', (_, response) => {
    response.writeHead(307, { location: ME }).end();
  });
  box.route('GET', '/2.0/left', (_, response) => {
    response.writeHead(302, { location: `${foreign.url}/there` }).end();
  });
  auth = new BoxAuth({
    credentials: { config: box.config },
    apiUrl: box.url,
    replayBufferBytes: REPLAY_BUFFER_BYTES,
  });
  ({ provider } = auth);
});

afterEach(async () => {
  for (const close of closing.splice(0).toReversed()) await close();
  auth.close();
  await Promise.all([box.stop(), foreign.stop()]);
});

function open(opening: Opening, times?: number): UndiciClient {
  const client = opening(provider, times);
  closing.push(() => client.close());
  return client;
}

const asBob = <T>(work: () => T) => provider.runAs(BOB, work);

/** What a call fails with; of `fetch` the cause. */
async function failureOf(work: Promise<unknown>): Promise<unknown> {
  const error: unknown = await work.then(
    () => new Error('it was expected to fail'),
    (thrown: unknown) => thrown,
  );
  return error instanceof TypeError && error.cause !== undefined ? error.cause : error;
}

async function boxErrorOf(work: Promise<unknown>): Promise<BoxAuthError> {
  const error = await failureOf(work);
  expect(error).toBeInstanceOf(BoxAuthError);
  return error as BoxAuthError;
}

const bearers = () => box.apiRequests.map(({ headers }) => headers['authorization']);

describe.each(rows(clients))('%s', (_, opening) => {
  let client: UndiciClient;
  const call = (path: string, options?: Call) => client.call(`${box.url}${path}`, options);
  beforeEach(() => {
    client = open(opening);
  });

  it('adds a token to a call to Box, and no as-user without an acting user', async () => {
    const { status, text: body } = await call(ME);
    expect(status).toBe(200);
    expect(JSON.parse(body)).toMatchObject({ id: box.serviceAccountId });
    expect(bearers()).toEqual([`Bearer ${provider.peekToken()?.value}`]);
    expect(box.apiRequests[0]?.headers).not.toHaveProperty('as-user');
  });

  it('acts for a user with a header or a token', async () => {
    expect(JSON.parse((await asBob(() => call(ME))).text)).toMatchObject({ id: BOB });
    expect(box.apiRequests[0]?.actingUser).toBe(BOB);
    const { text: body } = await runInActingContext({ user: { id: ALICE, via: 'token' } }, () =>
      call(ME),
    );
    expect(JSON.parse(body)).toMatchObject({ id: ALICE });
    expect(box.apiRequests[1]).toMatchObject({ subject: { type: 'user', id: ALICE } });
    expect(box.apiRequests[1]?.headers).not.toHaveProperty('as-user');
  });

  it('passes calls to other hosts on unchanged, without a token request', async () => {
    const headers = { 'x-mine': '1' };
    expect((await asBob(() => client.call(`${foreign.url}/x`, { headers }))).text).toBe('foreign');
    expect(foreign.arrived[0]?.headers).toMatchObject(headers);
    expect(foreign.arrived[0]?.headers).not.toHaveProperty('authorization');
    expect(foreign.arrived[0]?.headers).not.toHaveProperty('as-user');
    expect(box.requests).toEqual([]);
  });

  it('adds nothing to calls of the token endpoint', async () => {
    await asBob(() => call('/oauth2/token?x', { method: 'POST', body: 'a=b' }));
    expect(box.tokenRequests).toHaveLength(1);
    expect(box.tokenRequests[0]?.headers).not.toHaveProperty('authorization');
    expect(box.tokenRequests[0]?.headers).not.toHaveProperty('as-user');
  });

  it("keeps the caller's own authorization, and adds no acting user to it", async () => {
    const headers = { Authorization: 'Bearer mine' };
    expect((await asBob(() => call(ME, { headers }))).status).toBe(401);
    expect(bearers()).toEqual(['Bearer mine']);
    expect(box.apiRequests[0]?.actingUser).toBeUndefined();
    expect(box.tokenRequests).toEqual([]);
  });

  it("keeps the caller's own as-user", async () => {
    await asBob(() => call(ME, { headers: { 'As-User': ALICE } }));
    expect(box.apiRequests[0]?.actingUser).toBe(ALICE);
  });

  it('keeps headers and body, even if it is composed ten times', async () => {
    const ten = open(opening, 10);
    await call(ME);
    box.revokeAllTokens();
    const response = await asBob(() =>
      ten.call(`${box.url}/2.0/echo`, { method: 'POST', body: 'hello' }),
    );
    expect(response).toEqual({ status: 200, text: 'hello' });
    expect(box.apiRequests.map(({ status }) => status)).toEqual([200, 401, 200]);
    expect(box.apiRequests[2]).toMatchObject({ actingUser: BOB });
    expect(box.mints).toBe(2);
  });

  describe('on a redirect', () => {
    it('to a download, keeps token and acting user at Box', async () => {
      const file = box.addFile({ name: 'plan.txt', content: 'The plan', ownerId: BOB });
      const response = await asBob(() => call(`/2.0/files/${file.id}/content`));
      expect(response).toEqual({ status: 200, text: 'The plan' });
      expect(box.downloadRequests[0]?.headers).not.toHaveProperty('authorization');
      expect(box.downloadRequests[0]?.headers).not.toHaveProperty('as-user');
    });

    it('to another host, keeps both at Box', async () => {
      expect((await asBob(() => call('/2.0/left'))).text).toBe('foreign');
      expect(foreign.arrived[0]?.path).toBe('/there');
      expect(foreign.arrived[0]?.headers).not.toHaveProperty('authorization');
      expect(foreign.arrived[0]?.headers).not.toHaveProperty('as-user');
    });

    it('within Box, forwards both', async () => {
      expect(JSON.parse((await asBob(() => call('/2.0/moved'))).text)).toMatchObject({ id: BOB });
    });

    it('refreshes the token on the way', async () => {
      const file = box.addFile({ name: 'plan.txt', content: 'The plan' });
      await call(ME);
      box.revokeAllTokens();
      expect((await call(`/2.0/files/${file.id}/content`)).text).toBe('The plan');
      expect(box.mints).toBe(2);
    });
  });

  describe('when the token is refused', () => {
    beforeEach(async () => {
      await call(ME);
      box.revokeAllTokens();
      box.clearRequests();
    });

    const echoes = (body: unknown) =>
      call('/2.0/echo', { method: 'POST', headers: { 'x-mine': '1' }, body });

    it('refreshes it and repeats the call once', async () => {
      expect(JSON.parse((await asBob(() => call(ME))).text)).toMatchObject({ id: BOB });
      expect(box.apiRequests).toMatchObject([
        { status: 401, actingUser: BOB },
        { status: 200, actingUser: BOB },
      ]);
      expect(new Set(bearers()).size).toBe(2);
      expect(box.mints).toBe(2);
    });

    it.each([
      ['a string', () => 'hello'],
      ['JSON', () => JSON.stringify({ hello: 'hello' })],
      ['a Buffer', () => Buffer.from('hello')],
      ['an empty string', () => ''],
    ])('sends %s again', async (__, body) => {
      expect(await echoes(body())).toEqual({ status: 200, text: String(body()) });
      expect(box.apiRequests[1]?.headers['x-mine']).toBe('1');
    });

    it('sends FormData again', async () => {
      const form = client.newFormData();
      form.set('field', 'hello');
      const response = await echoes(form);
      expect(response.status).toBe(200);
      expect(response.text).toContain('name="field"\r\n\r\nhello');
      expect(box.apiRequests).toHaveLength(2);
    });

    it('sends a stream again', async () => {
      expect(await echoes(streamOf('hello'))).toEqual({ status: 200, text: 'hello' });
      expect(box.apiRequests).toHaveLength(2);
    });

    it('refreshes it for a long stream, and fails that one call, which cannot be repeated', async () => {
      const long = 'x'.repeat(REPLAY_BUFFER_BYTES + 1);
      const error = await boxErrorOf(echoes(streamOf(long)));
      expect(error).toMatchObject({ code: 'body_not_replayable', retryable: true });
      expect(box.apiRequests).toHaveLength(1);
      expect(await echoes(streamOf('hello'))).toEqual({ status: 200, text: 'hello' });
      expect(box.mints).toBe(2);
    });

    it('takes a 401 without a challenge or a body for a refused token', async () => {
      box.failNext('api', { kind: 'status', status: 401 });
      expect((await call(ME)).status).toBe(200);
    });

    it('returns the response if the new token is refused as well', async () => {
      box.always('api', { kind: 'status', status: 401, headers: INVALID_TOKEN, body: 'no!' });
      expect(await call(ME)).toEqual({ status: 401, text: 'no!' });
      expect(box.apiRequests).toHaveLength(2);
      expect((await boxErrorOf(call(ME))).code).toBe('token_refused_again');
    });

    it('rejects with the reason if no other token is available', async () => {
      box.authorized = false;
      expect((await boxErrorOf(call(ME))).code).toBe('app_not_authorized');
      expect(box.apiRequests).toHaveLength(1);
    });

    it('requests one token for many calls that were refused together', async () => {
      const responses = await Promise.all(Array.from({ length: 200 }, () => call(ME)));
      expect(responses.every(({ status }) => status === 200)).toBe(true);
      expect(box.mints).toBe(2);
    });
  });

  it('stops reading a refusal once the token is refreshed', async () => {
    const cutOff = deferred();
    let requested = 0;
    box.route('GET', '/endless', (_request, response) => {
      requested += 1;
      if (requested > 1) return response.end('at last');
      response.on('close', cutOff.resolve);
      return response.writeHead(401, INVALID_TOKEN).write('no, no');
    });
    expect(await call('/endless')).toEqual({ status: 200, text: 'at last' });
    await cutOff.promise;
  });

  it('ends the wait for another token when the call is aborted', async () => {
    await call(ME);
    box.revokeAllTokens();
    const asked = deferred();
    box.onToken = () => {
      asked.resolve();
      return { kind: 'hang' };
    };
    const controller = new AbortController();
    const failure = failureOf(call(ME, { signal: controller.signal }));
    await asked.promise;
    controller.abort(new Error('the user left'));
    expect(await failure).toMatchObject({ message: 'the user left' });
  });

  it('passes on a 401 that is not about the token, with its whole body', async () => {
    const body = JSON.stringify({ code: 'unauthorized', why: 'x'.repeat(300_000) });
    box.always('api', { kind: 'status', status: 401, body });
    expect(await call(ME)).toEqual({ status: 401, text: body });
    box.always('api', {
      kind: 'status',
      status: 401,
      headers: { 'www-authenticate': 'Bearer error="insufficient_scope"' },
    });
    expect((await call(ME)).status).toBe(401);
    expect(box.apiRequests).toHaveLength(2);
    expect(box.mints).toBe(1);
  });

  it('does not refresh for a 403, nor for an empty response to HEAD', async () => {
    box.always('api', { kind: 'status', status: 403, headers: INVALID_TOKEN, body: 'no!' });
    expect(await call(ME)).toEqual({ status: 403, text: 'no!' });
    box.always('api', { kind: 'status', status: 401 });
    expect((await call(ME, { method: 'HEAD' })).status).toBe(401);
    expect(box.apiRequests).toHaveLength(2);
    expect(box.mints).toBe(1);
  });

  it('ends the wait for a token when the call is aborted', async () => {
    const asked = deferred();
    box.onToken = () => {
      asked.resolve();
      return { kind: 'hang' };
    };
    const controller = new AbortController();
    const failure = failureOf(call(ME, { signal: controller.signal }));
    await asked.promise;
    controller.abort(new Error('the user left'));
    expect(await failure).toMatchObject({ message: 'the user left' });
    expect(box.apiRequests).toEqual([]);
  });

  it('fails with the error of invalid credentials', async () => {
    box.authorized = false;
    expect((await boxErrorOf(call(ME))).code).toBe('app_not_authorized');
    expect(box.apiRequests).toEqual([]);
  });
});

describe.each(rows(fetches))('%s', (_, opening) => {
  const post = async (body: unknown) => {
    const client = open(opening);
    await client.call(box.url + ME);
    box.revokeAllTokens();
    return client.call(`${box.url}/2.0/echo`, { method: 'POST', body });
  };

  it('sends a body of up to replayBufferBytes again', async () => {
    const { text: echo } = await post(Buffer.alloc(REPLAY_BUFFER_BYTES, 'x'));
    expect(echo).toHaveLength(REPLAY_BUFFER_BYTES);
  });

  it('keeps no more than that in memory', async () => {
    const error = await boxErrorOf(post(Buffer.alloc(REPLAY_BUFFER_BYTES + 1)));
    expect(error.code).toBe('body_not_replayable');
  });

  it('treats every hop as a separate call', async () => {
    const { text: body } = await asBob(() => open(opening).call(`${foreign.url}/to-box`));
    expect(JSON.parse(body)).toMatchObject({ id: BOB });
    expect(foreign.arrived[0]?.headers).not.toHaveProperty('authorization');
  });
});

const libraries: [string, typeof undici][] = [
  ['undici 6', undici6 as unknown as typeof undici],
  ['undici 7', undici],
];

describe.each(libraries)('%s', (_, library) => {
  const { redirect, retry } = library.interceptors;
  let agent: undici.Agent;
  beforeEach(() => {
    // One connection: calls of different people share it.
    agent = new library.Agent({ connections: 1 });
    closing.push(() => agent.destroy());
  });
  const send = async (
    url: string,
    options: object = {},
    ...above: undici.Dispatcher.DispatcherComposeInterceptor[]
  ) => {
    const dispatcher = agent.compose(boxAuthInterceptor(provider), ...above);
    const { statusCode, body } = await library.request(url, { ...options, dispatcher });
    return { status: statusCode, text: await body.text() };
  };

  it.each([
    ['a redirect', () => [redirect({ maxRedirections: 5 })]],
    ['a redirect above a retry', () => [retry(), redirect({ maxRedirections: 5 })]],
  ])(
    'acts through %s for the caller, even if another caller opened the connection',
    async (__, above) => {
      await provider.runAs(ALICE, () => send(box.url + ME, {}, ...above()));
      const { text: body } = await asBob(() => send(`${box.url}/2.0/moved`, {}, ...above()));
      expect(JSON.parse(body)).toMatchObject({ id: BOB });
      await send(`${box.url}/2.0/moved`, {}, ...above());
      expect(box.apiRequests.at(-1)?.actingUser).toBeUndefined();
    },
  );

  it('acts for the caller through a retry', async () => {
    const again = () => retry({ minTimeout: 1, maxTimeout: 1 });
    await provider.runAs(ALICE, () => send(box.url + ME, {}, again()));
    box.failNext('api', { kind: 'unavailable' });
    await asBob(() => send(box.url + ME, { method: 'GET' }, again()));
    expect(box.apiRequests.map(({ actingUser }) => actingUser)).toEqual([ALICE, BOB, BOB]);
  });

  it('recognizes Box by its name if dns() is composed before it', async () => {
    const named = box.url.replace('127.0.0.1', 'localhost');
    const own = new BoxAuth({ credentials: { config: box.config }, apiUrl: named });
    closing.push(() => own.close());
    const { dns } = library.interceptors;
    const dispatcher = agent.compose(dns({ dualStack: false }), boxAuthInterceptor(own.provider));
    const { statusCode, body } = await library.request(named + ME, { dispatcher });
    await body.dump();
    expect(statusCode).toBe(200);
  });

  it('requests another token for the next call if the new token was refused, too', async () => {
    const runtime = new FakeRuntime(Date.now());
    const credentials = { config: box.config };
    const own = new BoxAuth({ credentials, apiUrl: box.url, runtime });
    closing.push(() => own.close());
    let refusals = 0;
    box.route('GET', '/refused', async (_request, response) => {
      refusals += 1;
      // Within 10 s of its being minted it would be kept, whatever is said of it.
      if (refusals === 2) await runtime.advance(11_000);
      response.writeHead(401, INVALID_TOKEN).end();
    });
    const dispatcher = agent.compose(boxAuthInterceptor(own.provider));
    const { statusCode } = await library.request(`${box.url}/refused`, { dispatcher });
    expect([statusCode, refusals, box.mints]).toEqual([401, 2, 2]);
    expect(own.provider.peekToken()).toBeUndefined();
  });

  it('adds nothing to a redirect from another host back to Box', async () => {
    await asBob(() => send(`${foreign.url}/to-box`, {}, redirect({ maxRedirections: 5 })));
    expect(box.apiRequests[0]?.headers).not.toHaveProperty('authorization');
    expect(box.apiRequests[0]?.headers).not.toHaveProperty('as-user');
  });

  it.each([
    ['an object', { 'As-User': ALICE, 'x-mine': '1' }],
    ['a flat list', ['As-User', ALICE, 'x-mine', '1']],
  ])(
    "lets a caller's own acting user, in %s, go nowhere else by a redirect",
    async (__, headers) => {
      const own = { headers };
      await send(`${box.url}/2.0/left`, own, redirect({ maxRedirections: 5 }));
      expect(box.apiRequests[0]?.actingUser).toBe(ALICE);
      expect(foreign.arrived[0]?.headers).toMatchObject({ 'x-mine': '1' });
      expect(foreign.arrived[0]?.headers).not.toHaveProperty('as-user');
    },
  );

  it.each([
    ['none', () => null],
    ['an object', () => ({ 'X-Mine': '1', Authorization: undefined })],
    ['an object with lists', () => ({ 'x-mine': ['1'], 'x-other': ['2', '3'] })],
    ['a flat list', () => ['X-Mine', '1', 'x-other', '2']],
    ['Headers', () => new Headers({ 'x-mine': '1' })],
    ['a Map', () => new Map([['x-mine', '1']])],
    ['an iterator', () => new Map([['x-mine', '1']]).entries()],
  ])('adds its headers to those of the call, given as %s', async (form, headers) => {
    expect((await asBob(() => send(box.url + ME, { headers: headers() }))).status).toBe(200);
    expect(box.apiRequests[0]).toMatchObject({ actingUser: BOB });
    if (form !== 'none') expect(box.apiRequests[0]?.headers['x-mine']).toBe('1');
  });

  it.each([
    ['an object', () => ({ AUTHORIZATION: 'Bearer mine' })],
    ['a flat list', () => ['X-Mine', '1', 'Authorization', 'Bearer mine']],
    ['Headers', () => new Headers({ Authorization: 'Bearer mine' })],
    ['a Map', () => new Map([['Authorization', ['Bearer mine']]])],
    ['an iterator', () => new Map([['Authorization', 'Bearer mine']]).entries()],
  ])("detects the caller's own authorization in headers given as %s", async (__, headers) => {
    await send(box.url + ME, { headers: headers() });
    expect(bearers()).toEqual(['Bearer mine']);
    expect(box.tokenRequests).toEqual([]);
  });

  it('calls a function for the body again', async () => {
    await send(box.url + ME);
    box.revokeAllTokens();
    const body: unknown = () => Promise.resolve(streamOf('hello'));
    expect(await send(`${box.url}/2.0/echo`, { method: 'POST', body })).toEqual({
      status: 200,
      text: 'hello',
    });
    expect(box.apiRequests).toHaveLength(3);
  });

  it('calls a function for the body of a call with its own authorization', async () => {
    const headers = { authorization: `Bearer ${(await provider.getToken()).value}` };
    const body: unknown = () => streamOf('hello');
    expect(await send(`${box.url}/2.0/echo`, { method: 'POST', headers, body })).toEqual({
      status: 200,
      text: 'hello',
    });
  });

  it('sends a stream again with its content-length', async () => {
    await send(box.url + ME);
    box.revokeAllTokens();
    const headers = { 'content-length': '5' };
    const options = { method: 'POST', headers, body: streamOf('hello') };
    expect(await send(`${box.url}/2.0/echo`, options)).toEqual({ status: 200, text: 'hello' });
    expect(box.apiRequests).toHaveLength(3);
  });

  it.each([4, 6, 5_000_000])(
    'leaves it to undici to refuse a body of %i bytes with a content-length of 5',
    async (length) => {
      const body = 'x'.repeat(length);
      const options = { method: 'POST', headers: { 'content-length': '5' }, body: streamOf(body) };
      expect(await failureOf(send(`${box.url}/2.0/echo`, options))).toMatchObject({
        code: 'UND_ERR_REQ_CONTENT_LENGTH_MISMATCH',
      });
    },
  );

  it('stops waiting for a body when the call is aborted', async () => {
    const read = deferred();
    const body = new Readable({ read: read.resolve });
    const controller = new AbortController();
    const { signal } = controller;
    const headers = { 'content-length': '5' };
    const failure = failureOf(send(box.url + ME, { method: 'POST', headers, body, signal }));
    await read.promise;
    controller.abort(new Error('the user left'));
    expect(await failure).toMatchObject({ message: 'the user left' });
    expect(body.destroyed).toBe(true);
    expect(box.apiRequests).toEqual([]);
  });

  it('recognizes streams with the tag FormData', async () => {
    await send(box.url + ME);
    box.revokeAllTokens();
    const form = new FormDataOfNode();
    form.append('file', streamOf('hello'), 'a.txt');
    const { text: echo } = await send(`${box.url}/2.0/echo`, { method: 'POST', body: form });
    expect(echo).toContain('filename="a.txt"');
    expect(echo).toContain('hello');
  });

  it('works with a pipeline', async () => {
    const dispatcher = agent.compose(boxAuthInterceptor(provider));
    const pipeline = () =>
      library.pipeline(`${box.url}/2.0/echo`, { method: 'POST', dispatcher }, ({ body }) => body);
    expect(await text(pipeline().end('hello'))).toBe('hello');
    box.revokeAllTokens();
    expect(await text(pipeline().end('hello'))).toBe('hello');
    expect(box.apiRequests).toHaveLength(3);
  });

  it('fails a call whose handler throws at a held response', async () => {
    box.always('api', { kind: 'status', status: 401, body: 'about something else' });
    const dispatcher = agent.compose(boxAuthInterceptor(provider));
    const factory = () => {
      throw new Error('no place for it');
    };
    const call = library.stream(box.url + ME, { method: 'GET', dispatcher }, factory);
    expect(await failureOf(call)).toMatchObject({ message: 'no place for it' });
  });

  it('aborts the response if its handler throws', async () => {
    const cutOff = deferred();
    box.route('GET', '/endless', (_request, response) => {
      response.on('close', cutOff.resolve);
      response.writeHead(401).write('about something else');
    });
    const dispatcher = agent.compose(boxAuthInterceptor(provider));
    const factory = () => {
      throw new Error('no place for it');
    };
    const call = library.stream(`${box.url}/endless`, { method: 'GET', dispatcher }, factory);
    expect(await failureOf(call)).toMatchObject({ message: 'no place for it' });
    await cutOff.promise;
  });

  it('fails a call whose response breaks off while it is held', async () => {
    box.route('GET', '/cut-off', (_request, response) => {
      response.writeHead(401).flushHeaders();
      setImmediate(() => response.destroy());
    });
    expect(await failureOf(send(`${box.url}/cut-off`))).toMatchObject({ code: 'UND_ERR_SOCKET' });
    expect(box.mints).toBe(1);
  });

  it('reads a large response as fast as its reader, without buffering it', async () => {
    const size = 128 * 1024 * 1024;
    let sent = 0;
    let ahead = 0;
    let received = 0;
    box.route('GET', '/2.0/large', (_request, response) => {
      const chunk = Buffer.alloc(64 * 1024);
      function* content() {
        for (; sent < size; sent += chunk.length) yield chunk;
      }
      Readable.from(content()).pipe(response);
    });
    const dispatcher = agent.compose(boxAuthInterceptor(provider));
    const { body } = await library.request(`${box.url}/2.0/large`, { dispatcher });
    for await (const chunk of body) {
      received += (chunk as Buffer).length;
      ahead = Math.max(ahead, sent - received);
      // Slower than the server: it gets four turns for each of ours.
      for (let turn = 0; turn < 4; turn++) await new Promise(setImmediate);
    }
    expect(received).toBe(size);
    expect(ahead).toBeLessThan(size / 4);
  });

  it('fits the types of compose', () => {
    const interceptor = boxAuthInterceptor(provider);
    const seven: undici.Dispatcher.DispatcherComposeInterceptor = interceptor;
    const six: undici6.Dispatcher.DispatcherComposeInterceptor = interceptor;
    expect(seven).toBe(six);
  });

  it('sends nothing if the provider was replaced by a test double', async () => {
    const dispatcher = agent.compose(boxAuthInterceptor({} as BoxTokenProvider));
    const call = library.request(box.url + ME, { dispatcher });
    expect((await boxErrorOf(call)).code).toBe('provider_replaced');
    expect(box.requests).toEqual([]);
  });
});

it('disables the redirects of undici 6, which would forward as-user', async () => {
  for (const agent of [new undici6.Agent(), new undici6.Agent({ maxRedirections: 5 })]) {
    closing.push(() => agent.destroy());
    const dispatcher = agent.compose(boxAuthInterceptor(provider));
    const options = { dispatcher, maxRedirections: 5 };
    const response = await asBob(() => undici6.request(`${box.url}/2.0/left`, options));
    expect(response.statusCode).toBe(302);
    await response.body.dump();
  }
  expect(foreign.arrived).toEqual([]);
});

describe("A caller's own identity", () => {
  it('is not replaced by ours after a redirect to another allowed origin', async () => {
    const second = await startServer((_, response) => response.end('second'));
    closing.push(() => second.stop());
    const first = await startServer((_, response) =>
      response.writeHead(302, { location: `${second.url}/2.0/y` }).end(),
    );
    closing.push(() => first.stop());
    const both = new BoxAuth({
      credentials: { developerToken: 'ours' },
      apiUrl: first.url,
      origins: [second.url],
    }).provider;
    for (const opening of Object.values(requests)) {
      const client = opening(both);
      closing.push(() => client.close());
      await both.runAs(BOB, () =>
        client.call(`${first.url}/2.0/x`, { headers: { authorization: 'Bearer mine' } }),
      );
    }
    expect(second.arrived).toHaveLength(Object.keys(requests).length);
    for (const { headers } of second.arrived) {
      expect(headers).not.toHaveProperty('authorization');
      expect(headers).not.toHaveProperty('as-user');
    }
  });
});

describe('A redirect away from Box and back', () => {
  it('carries none of our headers at its end, even if calls are retried around it', async () => {
    const away = await startServer((_, response) =>
      response.writeHead(302, { location: `${api.url}/2.0/end` }).end(),
    );
    closing.push(() => away.stop());
    const api = await startServer(({ path }, response) =>
      path === '/2.0/end'
        ? response.end('end')
        : response.writeHead(302, { location: `${away.url}/x` }).end(),
    );
    closing.push(() => api.stop());
    const credentials = { developerToken: 'ours' };
    const ours = new BoxAuth({ credentials, apiUrl: api.url }).provider;
    const agent = new undici.Agent();
    closing.push(() => agent.destroy());
    const dispatcher = agent.compose(
      boxAuthInterceptor(ours),
      undici.interceptors.redirect({ maxRedirections: 5 }),
      undici.interceptors.retry(),
    );
    await (await undici.request(`${api.url}/2.0/start`, { dispatcher })).body.dump();
    expect(api.arrived.map(({ path, headers }) => [path, headers.authorization])).toEqual([
      ['/2.0/start', 'Bearer ours'],
      ['/2.0/end', undefined],
    ]);
  });
});

describe('The dispatch of the interceptor', () => {
  type Options = Parameters<undici.Dispatcher['dispatch']>[0];
  const dispatched: {
    readonly options: Options;
    readonly handler: undici.Dispatcher.DispatchHandler;
  }[] = [];
  /** undici rejects a handler without its methods. */
  const reporting = { onError: () => undefined };
  let arrival: ReturnType<typeof deferred>;
  beforeEach(() => {
    dispatched.length = 0;
    arrival = deferred();
  });
  const dispatchTo = (onlyOrigin?: string | null) =>
    boxAuthInterceptor(provider)<Options, undici.Dispatcher.DispatchHandler>((options, handler) => {
      dispatched.push({ options, handler });
      arrival.resolve();
      return false;
    }, onlyOrigin);

  it.each([
    ['for another origin', { origin: 'https://example.com', path: ME, method: 'GET' }],
    ['without an origin', { path: ME, method: 'GET' }],
    ['for what is no origin', { origin: 'nonsense', path: ME, method: 'GET' }],
    ['with an absolute path', { path: `https://api.box.com${ME}`, method: 'GET' }],
    ['with half a path', { origin: 'https://api.box.com', path: '?x', method: 'GET' }],
    ['that is a CONNECT', { path: '/', method: 'CONNECT' }],
    ['that is an upgrade', { path: '/', method: 'GET', upgrade: 'websocket' }],
  ] as const)('hands on a call %s at once, as it is', (name, call) => {
    const options = name === 'without an origin' ? call : { origin: box.url, ...call };
    const handler = { onRequestStart: () => undefined };
    expect(dispatchTo()(options, handler)).toBe(false);
    expect(dispatched).toHaveLength(1);
    expect(dispatched[0]?.options).toBe(options);
    expect(dispatched[0]?.handler).toBe(handler);
    expect(box.requests).toEqual([]);
  });

  it('uses the origin of a dispatcher with a single origin', async () => {
    const call = { origin: box.url, path: ME, method: 'GET' } as const;
    for (const elsewhere of [foreign.url, null]) dispatchTo(elsewhere)(call, reporting);
    expect(dispatched.map(({ options }) => options)).toEqual([call, call]);
    arrival = deferred();
    dispatchTo(box.url)({ path: ME, method: 'GET' }, reporting);
    await arrival.promise;
    expect(dispatched[2]?.options.headers).toHaveProperty('authorization');
  });

  it("does not change the caller's options", async () => {
    const headers = Object.freeze({ 'x-mine': '1' });
    const options = Object.freeze({ origin: box.url, path: ME, method: 'GET', headers } as const);
    expect(dispatchTo()(options, reporting)).toBe(true);
    await arrival.promise;
    expect(dispatched[0]?.options).toMatchObject({ ...options, headers });
    expect(options.headers).toEqual({ 'x-mine': '1' });
  });

  it('forwards the backpressure of a handler', async () => {
    const call = { origin: box.url, path: ME, method: 'GET' } as const;
    dispatchTo()(call, { onConnect: () => undefined, onHeaders: () => false, onData: () => false });
    await arrival.promise;
    const { handler } = dispatched[0] ?? {};
    expect(handler?.onHeaders?.(200, [], () => undefined, 'OK')).toBe(false);
    expect(handler?.onData?.(Buffer.alloc(1))).toBe(false);
  });

  it('repeats a call in the context of its caller, and does not abort a finished response', async () => {
    const users: (string | undefined)[] = [];
    let aborted = 0;
    const dispatch = boxAuthInterceptor(provider)<Options, undici.Dispatcher.DispatchHandler>((
      options,
      handler,
    ) => {
      users.push(currentActingUser()?.id);
      dispatched.push({ options, handler });
      arrival.resolve();
      return true;
    });
    asBob(() =>
      dispatch(
        { origin: box.url, path: ME, method: 'GET' },
        {
          onConnect: () => true,
          onHeaders: () => true,
          onComplete: () => undefined,
          ...reporting,
        },
      ),
    );
    await arrival.promise;
    arrival = deferred();
    const { handler } = dispatched[0] ?? {};
    const refusal = Object.entries(INVALID_TOKEN)
      .flat()
      .map((value) => Buffer.from(value));
    provider.runAs(ALICE, () => {
      handler?.onConnect?.(() => (aborted += 1));
      handler?.onHeaders?.(401, refusal, () => undefined, 'Unauthorized');
      handler?.onComplete?.([]);
    });
    await arrival.promise;
    expect(users).toEqual([BOB, BOB]);
    expect(aborted).toBe(0);
  });

  it('delivers nothing more to a handler that aborted its response', async () => {
    const events: string[] = [];
    const over = deferred();
    let abort: (reason?: Error) => void = () => undefined;
    dispatchTo()(
      { origin: box.url, path: ME, method: 'GET' },
      {
        onConnect: (itsAbort) => (abort = itsAbort),
        onHeaders: () => {
          events.push('headers');
          abort();
          return true;
        },
        onData: () => events.push('data') > 0,
        onError: () => {
          events.push('error');
          setImmediate(over.resolve);
        },
      },
    );
    await arrival.promise;
    const { handler } = dispatched[0] ?? {};
    handler?.onConnect?.(() => handler.onError?.(new Error('given up')));
    handler?.onHeaders?.(401, [], () => undefined, 'Unauthorized');
    handler?.onData?.(Buffer.from('about something else'));
    await over.promise;
    expect(events).toEqual(['headers', 'error']);
  });

  it('takes no option from one with the name __proto__', async () => {
    const call = {
      origin: box.url,
      path: ME,
      method: 'GET',
      ['__proto__']: { reset: true },
    } as const;
    dispatchTo()(call, { onError: () => undefined });
    await arrival.promise;
    expect(Object.getPrototypeOf(dispatched[0]?.options)).toBe(Object.prototype);
  });

  it('passes the same controller on', async () => {
    const call = { origin: box.url, path: ME, method: 'GET' } as const;
    const seen: unknown[] = [];
    dispatchTo()(call, {
      onRequestStart: (controller) => seen.push(controller),
      onResponseStart: (controller) => seen.push(controller),
      onResponseData: (controller) => seen.push(controller),
    });
    await arrival.promise;
    const { handler } = dispatched[0] ?? {};
    const controller = {
      abort: () => undefined,
    } as unknown as undici.Dispatcher.DispatchController;
    handler?.onRequestStart?.(controller, {});
    handler?.onResponseStart?.(controller, 200, {});
    handler?.onResponseData?.(controller, Buffer.alloc(1));
    expect(seen).toEqual([controller, controller, controller]);
  });
});
