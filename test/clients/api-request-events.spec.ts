import { AsyncLocalStorage } from 'node:async_hooks';
import { inspect } from 'node:util';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type ApiRequestEvent, type AuthEventSource, onAuthEvent } from 'nestjs-box-auth';
import { BoxEmulator } from 'nestjs-box-auth/testing';
import { runInActingContext } from '../../lib/core/acting/acting.context.js';
import { BoxAuth } from '../../lib/box/box-auth.js';
import { type BoxGetter, boxGetters } from '../support/box-clients.js';
import { foundSecrets } from '../support/found-secrets.js';
import { type LoopbackServer, startServer } from '../support/loopback-server.js';

const BOB = '918273645';
let config: BoxEmulator['config'];
let emulator: BoxEmulator;
let foreign: LoopbackServer;
let box: BoxAuth;
let heard: (ApiRequestEvent & AuthEventSource)[];
let stop: () => void;

beforeAll(async () => {
  emulator = await BoxEmulator.start();
  ({ config } = emulator);
  await emulator.stop();
  foreign = await startServer((_, response) => response.end('{}'));
});
afterAll(() => foreign.stop());
beforeEach(async () => {
  emulator = await BoxEmulator.start({ config });
  emulator.addUser({ id: BOB, name: 'Bob', login: 'bob@example.com' });
  box = new BoxAuth(
    { credentials: { config }, apiUrl: emulator.url, tokenEndpoint: { attempts: 1 } },
    { name: 'hr' },
  );
  heard = [];
  stop = onAuthEvent('api-request', (event) => heard.push(event));
});
afterEach(async () => {
  stop();
  box.close();
  await emulator.stop();
});

const asBob = <T>(via: 'header' | 'token', call: () => T) =>
  runInActingContext({ user: { id: BOB, via } }, call);
const me = () => `${emulator.url}/2.0/users/me?fields=login`;

describe.each(Object.entries(boxGetters))('An api-request event of %s', (_, open) => {
  let client: BoxGetter;
  beforeEach(() => {
    client = open(box);
  });
  afterEach(() => client.close?.());

  it('has the request, its time and its status', async () => {
    const before = Date.now();
    await client.get(me());
    expect(heard).toEqual([
      {
        kind: 'api-request',
        issuer: 'Box',
        app: 'hr',
        method: 'GET',
        host: '127.0.0.1',
        port: Number(new URL(emulator.url).port),
        acting: 'app',
        attempt: 1,
        waitedMs: expect.any(Number) as number,
        startedAt: expect.any(Number) as number,
        durationMs: expect.any(Number) as number,
        status: 200,
      },
    ]);
    const [event] = heard;
    expect(event?.startedAt).toBeGreaterThanOrEqual(before);
    expect(event?.startedAt).toBeLessThanOrEqual(Date.now());
    expect(event?.durationMs).toBeGreaterThan(0);
    expect(event?.waitedMs).toBeGreaterThan(0);
  });

  it('counts the repetition with a new token', async () => {
    await box.provider.getToken();
    emulator.revokeAllTokens();
    await client.get(me());
    expect(heard.map(({ attempt, status }) => [attempt, status])).toEqual([
      [1, 401],
      [2, 200],
    ]);
  });

  it('has how the request names its acting user', async () => {
    await asBob('header', () => client.get(me()));
    await asBob('token', () => client.get(me()));
    await client.get(me(), { headers: { 'as-user': BOB } });
    expect(heard.map(({ acting }) => acting)).toEqual(['header', 'token', 'header']);
  });

  it('has the status of an error response', async () => {
    for (const status of [404, 503] as const) {
      emulator.failNext('api', { kind: 'status', status });
      await client.get(me());
    }
    emulator.failNext('api', { kind: 'rate-limit', retryAfter: 30 });
    await client.get(me());
    expect(heard.map(({ status }) => status)).toEqual([404, 503, 429]);
  });

  it('has the code of the error if no response came', async () => {
    emulator.failNext('api', { kind: 'reset' });
    expect(await client.get(me()).catch(() => 'failed')).toBe('failed');
    expect(heard).toHaveLength(1);
    expect(heard[0]?.errorType).toMatch(/^(?:ECONNRESET|UND_ERR_SOCKET)$/);
    expect(heard[0]).not.toHaveProperty('status');
  });

  it('is emitted once for a call that its caller aborts', async () => {
    emulator.failNext('api', { kind: 'hang' });
    const caller = new AbortController();
    const call = client.get(me(), { signal: caller.signal }).catch(() => 'aborted');
    await expect.poll(() => emulator.apiRequests.length).toBe(1);
    caller.abort();
    expect(await call).toBe('aborted');
    await expect.poll(() => heard.length).toBe(1);
    expect(heard[0]?.errorType).toMatch(/^(?:AbortError|ERR_CANCELED|UND_ERR_ABORTED)$/);
  });

  it('is emitted for a redirect, and for its target only if that gets the token', async () => {
    await box.provider.getToken();
    const redirect = (location: string) => emulator.failNext('api', { kind: 'redirect', location });
    redirect(`${emulator.url}/2.0/folders/0`);
    await client.get(me());
    redirect(`${foreign.url}/files/1`);
    await client.get(me());
    expect(heard.map(({ status }) => status)).toEqual([302, 200, 302]);
    expect(heard.every(({ attempt }) => attempt === 1)).toBe(true);
  });

  it('is not emitted for other hosts, nor for a caller with its own authorization', async () => {
    await client.get(`${foreign.url}/x`);
    await client.get(me(), { headers: { authorization: 'Bearer mine' } }).catch(() => undefined);
    expect(heard).toEqual([]);
  });

  it('is emitted in the context of the caller', async () => {
    const storage = new AsyncLocalStorage<string>();
    const contexts: unknown[] = [];
    const stopContexts = onAuthEvent('api-request', () => contexts.push(storage.getStore()));
    try {
      for (const caller of ['first', 'second']) {
        // The second call uses the connection of the first.
        await storage.run(caller, () => client.get(me()));
      }
      expect(contexts).toEqual(['first', 'second']);
    } finally {
      stopContexts();
    }
  });

  it('contains no token, no id and no part of the path', async () => {
    const secret = `${BOB}0123456789`;
    const url = `${emulator.url}/2.0/files/${secret}?x=${secret}`;
    const token = await box.provider.getToken({ subject: { type: 'user', id: BOB } });
    await asBob('header', () => client.get(url));
    await asBob('token', () => client.get(url));
    const caller = new AbortController();
    emulator.failNext('api', { kind: 'hang' });
    const given = client.get(url, { signal: caller.signal }).catch(() => undefined);
    await expect.poll(() => emulator.apiRequests.length).toBe(3);
    caller.abort(Object.assign(new Error(secret), { code: secret, name: `E${secret}` }));
    await given;
    await expect.poll(() => heard.length).toBe(3);
    const secrets = [BOB, token.value, token.fingerprint, config.enterpriseID, '/2.0', 'Bearer'];
    expect(foundSecrets(heard, secrets)).toEqual([]);
    expect(inspect(heard, { depth: Infinity, showHidden: true })).not.toContain(BOB);
  });
});

describe('Without a listener', () => {
  it.each(Object.entries(boxGetters))('a call of %s has no report', async (_, open) => {
    stop();
    const authorization = await box.policy.authorize(new Headers());
    expect(authorization?.report).toBeUndefined();
    const client = open(box);
    await client.get(me());
    await client.close?.();
    expect(heard).toEqual([]);
  });
});

describe('A call that both BoxFetch and boxAuthInterceptor see', () => {
  it('emits one event', async () => {
    const client = boxGetters['global fetch on undici 7']?.(box);
    await box.fetch(me());
    await client?.close?.();
    expect(heard).toHaveLength(1);
  });
});
