import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  Agent,
  cacheStores,
  type Dispatcher,
  fetch as undiciFetch,
  interceptors,
  request,
} from 'undici';
import { BoxAuthError } from 'nestjs-box-auth';
import { BoxEmulator } from 'nestjs-box-auth/testing';
import { boxAuthInterceptor } from 'nestjs-box-auth/undici';
import { BoxAuth } from '../../lib/box/box-auth.js';
import { isDeduplicating } from '../../lib/undici/wrap-handler.js';

const ALICE = '11111';
const BOB = '22222';
const ME = '/2.0/me-cacheable';

/** Each of them lets a shared cache store the response to a request with `authorization` (RFC 9111 section 3.5). */
const STORABLE = [
  'public, max-age=3600',
  's-maxage=3600',
  'max-age=3600, must-revalidate',
  'public, max-age=3600, immutable',
] as const;

let box: BoxEmulator;
let auth: BoxAuth;
let agent: Agent;
let cacheControl: string;
beforeEach(async () => {
  box = await BoxEmulator.start();
  box.route('GET', ME, (message, response) => {
    response.setHeader('cache-control', cacheControl).setHeader('etag', '"same"');
    response.end(String(message.headers['as-user'] ?? 'service account'));
  });
  auth = new BoxAuth({ credentials: { config: box.config }, apiUrl: box.url });
  agent = new Agent();
});
afterEach(async () => {
  auth.close();
  await agent.destroy();
  await box.stop();
});

type Read = () => Promise<string>;

const byRequest =
  (dispatcher: Dispatcher): Read =>
  async () => {
    const { body } = await request(`${box.url}${ME}`, { dispatcher });
    return body.text();
  };

/** One after the other, then all at once. */
async function served(read: Read): Promise<readonly string[]> {
  const asAlice = () => auth.provider.runAs(ALICE, read);
  const asBob = () => auth.provider.runAs(BOB, read);
  const inTurn = [await asAlice(), await asBob(), await read(), await asAlice()];
  return [...inTurn, ...(await Promise.all([asAlice(), asBob(), read(), asAlice()]))];
}

const IN_TURN = [ALICE, BOB, 'service account', ALICE];
const sentCacheControl = () => box.apiRequests.map(({ headers }) => headers['cache-control']);
const EACH_ITS_OWN = [...IN_TURN, ...IN_TURN];
const ours = () => boxAuthInterceptor(auth.provider);
const redirect = () => interceptors.redirect({ maxRedirections: 5 });
const cacheOf = (type: 'shared' | 'private') => () =>
  interceptors.cache({ type, cacheByDefault: 3600, store: new cacheStores.MemoryCacheStore() });
const shared = cacheOf('shared');
const own = cacheOf('private');

describe.each(STORABLE)('A response with %s', (value) => {
  beforeEach(() => {
    cacheControl = value;
  });

  it.each([
    ['a shared cache below', () => agent.compose(shared(), ours(), redirect())],
    ['a private cache below', () => agent.compose(own(), ours(), redirect())],
    ['a shared cache around', () => agent.compose(ours(), shared(), redirect())],
    ['a private cache around', () => agent.compose(ours(), redirect(), own())],
    ['a cache around a retry', () => agent.compose(ours(), interceptors.retry(), shared())],
    ['caches on both sides', () => agent.compose(own(), ours(), shared())],
    [
      'what is deduplicated and cached below',
      () => agent.compose(shared(), interceptors.deduplicate(), ours()),
    ],
  ])('reaches only the user that it is for, with %s', async (_, compose) => {
    expect(await served(byRequest(compose()))).toEqual(EACH_ITS_OWN);
  });

  it('reaches only the user that it is for, with fetch of undici', async () => {
    const dispatcher = agent.compose(shared(), ours());
    const read = async () => (await undiciFetch(`${box.url}${ME}`, { dispatcher })).text();
    expect(await served(read)).toEqual(EACH_ITS_OWN);
  });

  it('reaches only the user that it is for, with BoxFetch over a caching dispatcher', async () => {
    const dispatcher = agent.compose(own(), interceptors.deduplicate());
    const send = ((url: URL, init: object) =>
      undiciFetch(url, { ...init, dispatcher })) as unknown as typeof fetch;
    auth.close();
    auth = new BoxAuth({ credentials: { config: box.config }, apiUrl: box.url, fetch: send });
    expect(await served(async () => (await auth.fetch(ME)).text())).toEqual(EACH_ITS_OWN);
  });
});

describe('The cache-control of a caller', () => {
  beforeEach(() => {
    cacheControl = 'public, max-age=3600';
  });

  it.each([
    ['an object', { 'Cache-Control': 'max-age=60' }],
    ['a list', ['cache-control', 'max-age=60']],
    ['an iterator', new Map([['Cache-Control', 'max-age=60']]).entries()],
  ])('is sent with no-store, from %s of headers', async (_, headers) => {
    const { body } = await request(`${box.url}${ME}`, {
      headers: headers as Record<string, string>,
      dispatcher: agent.compose(shared(), ours()),
    });
    await body.dump();
    expect(sentCacheControl()).toEqual(['max-age=60, no-store']);
  });

  it('gets no-store added by BoxFetch', async () => {
    await auth.fetch(ME, { headers: { 'Cache-Control': 'max-age=60' } });
    expect(sentCacheControl()).toEqual(['max-age=60, no-store']);
  });

  it('is unchanged if the caller has its own authorization', async () => {
    const { value } = await auth.provider.getToken();
    const headers = { authorization: `Bearer ${value}`, 'cache-control': 'max-age=60' };
    await auth.fetch(ME, { headers });
    const { body } = await request(`${box.url}${ME}`, {
      headers,
      dispatcher: agent.compose(ours()),
    });
    await body.dump();
    expect(sentCacheControl()).toEqual(['max-age=60', 'max-age=60']);
  });
});

describe('deduplicate() composed after the interceptor', () => {
  const wrongOrders = {
    'right after': () => agent.compose(ours(), interceptors.deduplicate()),
    'after a redirect': () => agent.compose(ours(), redirect(), interceptors.deduplicate()),
    'after a retry': () => agent.compose(ours(), interceptors.retry(), interceptors.deduplicate()),
  };

  it.each(Object.entries(wrongOrders))('fails the call, %s', async (_, compose) => {
    const read = byRequest(compose());
    const calls = [ALICE, BOB].map((id) => auth.provider.runAs(id, read));
    for (const { reason } of (await Promise.allSettled(calls)) as PromiseRejectedResult[]) {
      expect(reason).toBeInstanceOf(BoxAuthError);
      expect(reason).toMatchObject({ code: 'option_invalid' });
      expect((reason as BoxAuthError).message).toContain('deduplicate()');
    }
    expect(box.apiRequests).toEqual([]);
  });

  it('does not affect calls to other hosts', async () => {
    const other = await BoxEmulator.start();
    other.route('GET', '/open', (_, response) => response.end('open'));
    const { body } = await request(`${other.url}/open`, {
      dispatcher: wrongOrders['right after'](),
    });
    expect(await body.text()).toBe('open');
    await other.stop();
  });

  it('does not loop forever with a handler that wraps itself', async () => {
    const handler: Record<string, unknown> = { onRequestStart: () => undefined };
    handler['handler'] = handler;
    expect(isDeduplicating(handler)).toBe(false);
  });
});
