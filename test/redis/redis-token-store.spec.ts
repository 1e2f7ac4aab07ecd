import { Redis } from 'ioredis';
import { createClient, RESP_TYPES } from 'redis';
import { type RedisClient, RedisTokenStore } from 'nestjs-box-auth/redis';
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { BoxAuth } from '../../lib/box/box-auth.js';
import { FakeRuntime } from '../support/fake-runtime.js';
import { type ConnectedClient, connectors } from '../support/redis-clients.js';
import { describeWithRedis, RedisServer } from '../support/redis-server.js';
import { ScriptedEndpoint } from '../support/scripted-endpoint.js';
import { thrownBy } from '../support/thrown.js';
import {
  callsAt,
  commands,
  fenceOf,
  id,
  refusalsOf,
  request,
  secret,
  token,
} from './store-commands.js';

describeWithRedis.each(Object.entries(connectors))('A RedisTokenStore by %s', (_, connect) => {
  let server: RedisServer;
  let connected: ConnectedClient;
  let store: RedisTokenStore;

  beforeAll(async () => {
    server = await RedisServer.start();
    connected = await connect(server.port);
  });

  afterAll(async () => {
    connected.close();
    await server.stop();
  });

  beforeEach(async () => {
    await server.flush();
    await server.command('CONFIG', 'RESETSTAT');
    store = new RedisTokenStore({ client: connected.client, secret });
  });

  it('sends each script once, and only its hash from then on', async () => {
    await server.command('SCRIPT', 'FLUSH');
    await server.command('CONFIG', 'RESETSTAT');
    for (let round = 0; round < 3; round++) {
      for (const command of Object.values(commands)) await command(store);
    }
    expect(await callsAt(server)).toMatchObject({ eval: 5, evalsha: 15 });
    await server.command('SCRIPT', 'FLUSH');
    expect((await store.claim('another', request)).state).toBe('claimed');
  });

  it('sends only script commands to Redis', async () => {
    for (const command of Object.values(commands)) await command(store);
    const known = ['eval', 'evalsha', 'get', 'set', 'del', 'pttl', 'time'];
    const ours = ['config|resetstat', 'info', 'flushall', 'script|flush'];
    expect(Object.keys(await callsAt(server)).filter((name) => !ours.includes(name))).toEqual(
      expect.arrayContaining(['evalsha']),
    );
    for (const name of Object.keys(await callsAt(server)))
      expect([...known, ...ours]).toContain(name);
  });

  it('leaves the client open, and adds no listener to it', async () => {
    const { client, events } = connected;
    const listeners = () => events.eventNames().map((name) => [name, events.listenerCount(name)]);
    const before = listeners();
    const own = new RedisTokenStore({ client, secret });
    for (const command of Object.values(commands)) await command(own);
    expect(listeners()).toEqual(before);
    expect(await store.claim(id, request)).toBeDefined();
  });

  it('uses only keys with its prefix', async () => {
    await new RedisTokenStore({ client: connected.client, secret, prefix: 'app:1' }).claim(
      id,
      request,
    );
    const keys = (await server.dump()).map(({ key }) => key);
    expect(keys).toHaveLength(2);
    for (const key of keys) expect(key).toMatch(/^app:1:\{[\w-]{43}\}:(lease|fence)$/);
    expect((await store.claim(id, request)).state).toBe('claimed');
  });

  it('treats a key of another type as missing', async () => {
    const fence = await fenceOf(store);
    await store.publish(id, fence, token, 0);
    const key = (await server.dump()).find((one) => one.key.endsWith(':token'))?.key ?? '';
    await server.flush();
    for (const kind of ['token', 'lease', 'pause', 'fence']) {
      await server.command('RPUSH', key.replace(/token$/, kind), 'an element');
    }
    for (const command of Object.values(commands)) await command(store);
    expect(store.unreadable).toBe(1);
    await server.advance(60_000);
    const next = await fenceOf(store, { ...request, owner: 'next', newerThan: fence + 1 });
    expect(next).toBeGreaterThan(fence + 1);
    await store.publish(id, next, token, 0);
    expect((await store.claim(id, request)).state).toBe('token');
  });

  it('keeps a fence that is ahead of the clock of Redis', async () => {
    const ahead = Date.now() + 10 ** 9;
    expect(await fenceOf(store, { ...request, newerThan: ahead })).toBe(ahead + 1);
    await server.advance(60_000);
    expect(await fenceOf(store, { ...request, owner: 'another' })).toBe(ahead + 2);
  });

  it('counts the age of a token from its claim, even if publishing is delayed', async () => {
    const fence = await fenceOf(store);
    await server.command('CLIENT', 'PAUSE', 100);
    await store.publish(id, fence, token, 0);
    const claim = await store.claim(id, request);
    expect((claim as { ageMs: number }).ageMs).toBeGreaterThanOrEqual(100);
  });

  it('stores no token whose claim is older than its lifetime, whatever its reported age is', async () => {
    const hourAgo = Date.now() - 61 * 60_000;
    await store.publish(id, hourAgo, { ...token, lifetimeMs: 3_600_000 }, 100);
    expect((await store.claim(id, request)).state).toBe('claimed');
  });

  it('accepts fractions in age, lifetime and pause', async () => {
    const fence = await fenceOf(store);
    await store.publish(id, fence, { ...token, lifetimeMs: 3_599_999.5 }, 1_000.25);
    const claim = await store.claim(id, request);
    expect(claim).toMatchObject({ state: 'token', token: { lifetimeMs: 3_599_999.5 } });
    expect((claim as { ageMs: number }).ageMs).toBeGreaterThanOrEqual(1_001);
    await store.claim(id, { owner: 'owner', leaseMs: 1_500.5, newerThan: fence });
    await store.fail(id, 'owner', 1_234.5, '');
    const paused = await store.claim(id, { ...request, newerThan: fence });
    expect(paused).toMatchObject({ state: 'paused', reason: '' });
  });

  it('rejects writes on a read-only replica, but reads there', async () => {
    await store.publish(id, await fenceOf(store), token, 0);
    await server.command('REPLICAOF', '127.0.0.1', 1);
    try {
      expect((await store.claim(id, request)).state).toBe('token');
      const refusal = await thrownBy(() => store.claim('another', request));
      expect(refusal).toMatchObject({ code: 'store_unavailable', retryable: true });
      expect(refusal.message).toContain('READONLY');
      expect((await thrownBy(() => store.publish(id, 10 ** 14, token, 0))).message).toContain(
        'READONLY',
      );
    } finally {
      await server.command('REPLICAOF', 'NO', 'ONE');
    }
    expect((await store.claim('another', request)).state).toBe('claimed');
  });

  it('rejects when Redis has no memory left, and leaves nothing half done', async () => {
    const fence = await fenceOf(store);
    const before = await server.dump();
    await server.command('CONFIG', 'SET', 'maxmemory', 1);
    try {
      for (const work of [
        () => store.publish(id, fence, token, 0),
        () => store.fail(id, 'owner', 1_000, 'reason'),
        () => store.claim('another', request),
      ]) {
        const refusal = await thrownBy(work);
        expect(refusal.code).toBe('store_unavailable');
        expect(refusal.message).toContain('OOM');
      }
    } finally {
      await server.command('CONFIG', 'SET', 'maxmemory', 0);
    }
    const values = (dumped: typeof before) => dumped.map(({ key, value }) => [key, value]);
    expect(values(await server.dump())).toEqual(values(before));
    await store.publish(id, fence, token, 0);
    expect((await store.claim(id, request)).state).toBe('token');
  });

  it('reveals no secret in its errors', async () => {
    await server.command('REPLICAOF', '127.0.0.1', 1);
    try {
      const refusals = await refusalsOf(store, ['claim', 'publish']);
      for (const refusal of refusals) {
        const shown = [refusal.message, JSON.stringify(refusal), String(refusal.cause)].join();
        expect(shown).not.toMatch(/0815|4711|thirty-two|:token/);
      }
    } finally {
      await server.command('REPLICAOF', 'NO', 'ONE');
    }
  });
});

describeWithRedis('However a client is set up', () => {
  let server: RedisServer;

  beforeAll(async () => {
    server = await RedisServer.start();
  });

  afterAll(() => server.stop());

  async function statesWith(client: RedisClient): Promise<string[]> {
    await server.flush();
    const store = new RedisTokenStore({ client, secret });
    const fence = await fenceOf(store);
    const other = await store.claim(id, { ...request, owner: 'other' });
    await store.publish(id, fence, token, 0);
    const given = await store.claim(id, request);
    await store.invalidate(id, fence);
    const next = await fenceOf(store);
    await store.fail(id, 'owner', 60_000, 'reason');
    const paused = await store.claim(id, request);
    return [other.state, given.state, next > fence ? 'newer' : 'older', paused.state];
  }

  const states = ['leased', 'token', 'newer', 'paused'];

  it.each([
    ['numbers as strings', { stringNumbers: true }],
    ['a prefix for every key', { keyPrefix: 'mine:' }],
    ['automatic pipelines', { enableAutoPipelining: true }],
  ])('ioredis: %s', async (_, options) => {
    const client = new Redis(server.port, { ...options, lazyConnect: true });
    await client.connect();
    expect(await statesWith(client)).toEqual(states);
    client.disconnect();
  });

  it.each([2, 3] as const)('redis: RESP%i, with Buffers for strings', async (RESP) => {
    const plain = createClient({ socket: { port: server.port }, RESP });
    await plain.connect();
    const mapped = plain.withTypeMapping({ [RESP_TYPES.BLOB_STRING]: Buffer });
    expect(await statesWith(mapped)).toEqual(states);
    plain.destroy();
  });

  it('needs only the documented ACL rights, and rejects with fewer', async () => {
    await server.flush();
    const rights = ['eval', 'evalsha', 'get', 'set', 'del', 'pttl', 'time'];
    const rules = [
      'on',
      'nopass',
      '~nestjs-box-auth:*',
      '-@all',
      ...rights.map((name) => `+${name}`),
    ];
    await server.command('ACL', 'SETUSER', 'app', ...rules);
    const client = new Redis(server.port, {
      username: 'app',
      password: 'any',
      enableReadyCheck: false,
      disableClientInfo: true,
      lazyConnect: true,
    });
    await client.connect();
    const store = new RedisTokenStore({ client, secret });
    for (const command of Object.values(commands)) await command(store);
    for (const right of ['get', 'set', 'time']) {
      await server.command('ACL', 'SETUSER', 'app', `-${right}`);
      const refusal = await thrownBy(() => store.claim('another', request));
      expect(refusal.code, right).toBe('store_unavailable');
      await server.command('ACL', 'SETUSER', 'app', `+${right}`);
    }
    expect(store.unreadable).toBe(0);
    expect((await store.claim('another', request)).state).toBe('claimed');
    client.disconnect();
  });

  it('rejects an unexpected reply', async () => {
    for (const reply of [null, 'OK', [], ['token'], ['claimed', '0', 'x'], ['else', '0']]) {
      const evalsha = () => Promise.resolve(reply);
      const store = new RedisTokenStore({
        client: { status: 'ready', evalsha, eval: evalsha },
        secret,
      });
      expect(await thrownBy(() => store.claim(id, request))).toMatchObject({
        code: 'store_unavailable',
      });
    }
  });
});

describe('A failed command', () => {
  it('is sent again only if Redis does not know the script', async () => {
    const sent: string[] = [];
    const rejecting = (name: string, error: unknown) => () => {
      sent.push(name);
      return Promise.reject(error);
    };
    for (const error of [new Error('ERR NOSCRIPT'), new Error('BUSY'), 'NOSCRIPT', undefined]) {
      const evalsha = rejecting('evalsha', error);
      const client = { status: 'ready', evalsha, eval: rejecting('eval', error) };
      const store = new RedisTokenStore({ client, secret });
      expect((await thrownBy(() => store.claim(id, request))).code).toBe('store_unavailable');
    }
    expect(sent).toEqual(Array.from({ length: 4 }, () => 'evalsha'));
  });
});

describeWithRedis('Two apps with one Redis', () => {
  it('share one token request', async () => {
    const server = await RedisServer.start();
    onTestFinished(() => server.stop());
    const client = new Redis(server.port, { lazyConnect: true });
    onTestFinished(() => client.disconnect());
    await client.connect();
    for (const command of Object.values(commands)) {
      await command(new RedisTokenStore({ client, secret }));
    }
    const runtime = new FakeRuntime();
    const endpoint = new ScriptedEndpoint(runtime);
    const credentials = { clientId: 'client', clientSecret: 'secret', enterpriseId: '1' };
    const start = () => {
      const store = new RedisTokenStore({ client, secret });
      return new BoxAuth({ credentials, fetch: endpoint.fetch, runtime, store }).provider;
    };
    const first = await start().getToken();
    // The store learns of the first behind its caller's back, but before it is asked by the second: it knows the scripts.
    const second = await start().getToken();
    expect([second.value, endpoint.received.length]).toEqual([first.value, 1]);
  });
});
