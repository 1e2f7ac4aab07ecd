import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { beforeEach, describe, expect, it } from 'vitest';
import { BoxAuth } from '../../../lib/box/box-auth.js';
import { FakeRuntime } from '../../support/fake-runtime.js';
import { ScriptedEndpoint } from '../../support/scripted-endpoint.js';
import { thrownBy } from '../../support/thrown.js';

/** One request, as it left. */
interface Sent {
  readonly input: unknown;
  readonly url: string;
  readonly method: string | undefined;
  readonly headers: Headers;
  readonly body: unknown;
  readonly redirect: string | undefined;
}

/** Nothing leaves the process: what Box says is scripted, then it says `ok`. */
let sent: Sent[];
let responses: Response[];
let endpoint: ScriptedEndpoint;
let box: BoxAuth;
beforeEach(() => {
  sent = [];
  responses = [];
  const runtime = new FakeRuntime();
  endpoint = new ScriptedEndpoint(runtime);
  box = new BoxAuth({
    credentials: { clientId: 'client', clientSecret: 'secret', enterpriseId: '1' },
    runtime,
    fetch: async (input, init) => {
      const url = input instanceof Request ? input.url : String(input);
      if (url.endsWith('/oauth2/token')) return endpoint.fetch(input, init);
      const { method, headers, body, redirect } = init ?? {};
      if (body instanceof Object && Symbol.asyncIterator in body) await buffer(body);
      sent.push({ input, url, method, headers: new Headers(headers), body, redirect });
      return responses.shift() ?? new Response('ok');
    },
  });
});

const ME = 'https://api.box.com/2.0/users/me';
const UPLOAD = 'https://upload.box.com/api/2.0/files/content';
const redirectTo = (location: string, status = 302) =>
  new Response(null, { status, headers: { location } });
const refusal = () =>
  new Response('{}', {
    status: 401,
    headers: { 'www-authenticate': 'Bearer error="invalid_token"' },
  });
const authorizations = () => sent.map(({ headers }) => headers.get('authorization'));
const streaming = (): RequestInit =>
  ({ method: 'POST', body: Readable.from(['hello']), duplex: 'half' }) as unknown as RequestInit;

describe('A call of BoxFetch', () => {
  it('with an invalid address is passed to fetch, which reports the error', async () => {
    await box.fetch('//', { headers: { 'x-mine': '1' } });
    expect(sent).toMatchObject([{ input: '//' }]);
    expect(authorizations()).toEqual([null]);
  });

  it('without a host goes to the path below apiUrl', async () => {
    await box.fetch('2.0/users/me?fields=id');
    expect(sent[0]?.url).toBe(`${ME}?fields=id`);
  });

  it('with its own authorization gets no token, and its caller gets the 401', async () => {
    responses.push(refusal());
    const response = await box.fetch(ME, { headers: { authorization: 'Bearer mine' } });
    expect(response.status).toBe(401);
    expect(authorizations()).toEqual(['Bearer mine']);
    expect(endpoint.received).toEqual([]);
  });
});

describe('The redirect mode of a request', () => {
  it.each([
    ['is manual: every hop is checked', {}, 'manual'],
    ['is manual for a body that can be sent again', { method: 'POST', body: 'hello' }, 'manual'],
    ['is manual for a stream', streaming(), 'manual'],
    ['stays error if the caller chose that', { redirect: 'error' }, 'error'],
    ['stays manual if the caller chose that', { ...streaming(), redirect: 'manual' }, 'manual'],
  ] as [string, RequestInit, string][])('%s', async (_, init, redirect) => {
    await box.fetch(ME, init);
    expect(sent).toMatchObject([{ redirect }]);
  });
});

describe('A 401 without a body', () => {
  it('refuses the token, which is refreshed', async () => {
    responses.push(new Response(null, { status: 401 }));
    expect(await (await box.fetch(ME)).text()).toBe('ok');
    expect(authorizations()).toEqual(['Bearer token-1-for-1', 'Bearer token-2-for-1']);
  });

  it('does not refuse the token in response to HEAD', async () => {
    responses.push(new Response(null, { status: 401 }));
    expect((await box.fetch(ME, { method: 'head' })).status).toBe(401);
    expect(sent).toHaveLength(1);
  });
});

describe('A 401 with a body and no challenge', () => {
  it('goes to the caller with its whole body', async () => {
    responses.push(new Response('not you', { status: 401 }));
    expect(await (await box.fetch(ME)).text()).toBe('not you');
    expect(sent).toHaveLength(1);
  });
});

describe('A redirect', () => {
  it('within Box forwards the token to another host of Box', async () => {
    responses.push(redirectTo(UPLOAD));
    const response = await box.fetch(ME);
    expect(response.redirected).toBe(true);
    expect(await response.text()).toBe('ok');
    expect(authorizations()).toEqual(['Bearer token-1-for-1', 'Bearer token-1-for-1']);
  });

  it('within an origin forwards the caller’s own authorization', async () => {
    responses.push(redirectTo('/2.0/users/1'));
    await box.fetch(ME, { headers: { authorization: 'Bearer mine', 'as-user': '7' } });
    expect(authorizations()).toEqual(['Bearer mine', 'Bearer mine']);
    expect(sent[1]?.headers.get('as-user')).toBe('7');
  });

  it('to another host of Box does not replace the caller’s own authorization', async () => {
    responses.push(redirectTo(UPLOAD), redirectTo(ME));
    await box.fetch(ME, { headers: { authorization: 'Bearer mine' } });
    expect(authorizations()).toEqual(['Bearer mine', null, null]);
    expect(endpoint.received).toEqual([]);
  });

  it('may lead to a 401: the new token goes to the redirect target', async () => {
    responses.push(redirectTo('/2.0/users/1'), refusal());
    expect((await box.fetch(ME)).status).toBe(200);
    expect(sent.map(({ url }) => new URL(url).pathname)).toEqual([
      '/2.0/users/me',
      '/2.0/users/1',
      '/2.0/users/1',
    ]);
  });

  it('may follow a 401, but one call never refreshes twice', async () => {
    responses.push(refusal(), redirectTo('/2.0/users/1'), refusal());
    expect((await box.fetch(ME)).status).toBe(401);
    expect(authorizations()).toEqual([
      'Bearer token-1-for-1',
      'Bearer token-2-for-1',
      'Bearer token-2-for-1',
    ]);
    expect(endpoint.received).toHaveLength(2);
  });

  it('cannot be followed with a stream, which is consumed', async () => {
    responses.push(redirectTo('/2.0/next', 307));
    const outcome: unknown = await box.fetch(ME, streaming()).catch((error: unknown) => error);
    expect(outcome).toBeInstanceOf(TypeError);
    expect(outcome).toMatchObject({
      message: 'fetch failed',
      cause: { message: expect.stringContaining('stream cannot follow') },
    });
    expect(sent).toHaveLength(1);
  });

  it('loop fails after twenty hops, as in fetch, with the reason', async () => {
    responses.push(...Array.from({ length: 30 }, () => redirectTo('/2.0/again')));
    const outcome: unknown = await box.fetch(ME).catch((error: unknown) => error);
    expect(outcome).toBeInstanceOf(TypeError);
    expect(outcome).toMatchObject({
      message: 'fetch failed',
      cause: { message: expect.stringContaining('redirect count') },
    });
    expect(sent).toHaveLength(21);
  });

  it('has its body canceled, so that it holds no connection', async () => {
    const canceled: string[] = [];
    const body = new ReadableStream({ cancel: () => void canceled.push('redirect') });
    responses.push(new Response(body, { status: 302, headers: { location: '/2.0/next' } }));
    await box.fetch(ME);
    expect(canceled).toEqual(['redirect']);
  });
});

describe('A refused token', () => {
  it('has its response body canceled before the call is repeated', async () => {
    const canceled: string[] = [];
    const body = new ReadableStream({ cancel: () => void canceled.push('refusal') });
    const headers = { 'www-authenticate': 'Bearer error="invalid_token"' };
    responses.push(new Response(body, { status: 401, headers }));
    expect((await box.fetch(ME)).status).toBe(200);
    expect(canceled).toEqual(['refusal']);
  });

  it('fails a call with a stream that is not kept, after the token is refreshed', async () => {
    responses.push(refusal());
    const body = (async function* () {
      yield Buffer.alloc(8 * 1024 * 1024 + 1);
    })();
    const error = await thrownBy(() => box.fetch(ME, { method: 'POST', body }));
    expect(error.code).toBe('body_not_replayable');
    expect(sent).toHaveLength(1);
    expect(endpoint.received).toHaveLength(2);
  });
});
