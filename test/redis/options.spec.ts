import { inspect } from 'node:util';
import { Cluster, Redis } from 'ioredis';
import { Cluster as Cluster6, Redis as Redis6 } from 'ioredis6';
import { createClient, createClientPool, createCluster, createSentinel, RESP_TYPES } from 'redis';
import {
  createClient as createClient6,
  createCluster as createCluster6,
  createSentinel as createSentinel6,
} from 'redis6';
import type { TokenStore } from 'nestjs-box-auth';
import { RedisTokenStore } from 'nestjs-box-auth/redis';
import { afterAll, describe, expect, it } from 'vitest';
import { thrownBy } from '../support/thrown.js';

const secret = 'a secret of at least thirty-two characters';
const offline = { lazyConnect: true } as const;
const rootNodes = [{ url: 'redis://127.0.0.1:1' }];
const sentinel = { name: 'main', sentinelRootNodes: [{ host: '127.0.0.1', port: 1 }] };

describe('Every supported client', () => {
  const clusters = [
    new Cluster([{ port: 1 }], offline),
    new Cluster6([{ port: 1 }], offline),
  ] as const;
  afterAll(() => clusters.forEach((cluster) => cluster.disconnect()));

  // That this compiles is half of the test: each is assignable as its package types it.
  const stores: Readonly<Record<string, TokenStore>> = {
    'ioredis 5': new RedisTokenStore({ client: new Redis(offline), secret }),
    'ioredis 6': new RedisTokenStore({ client: new Redis6(offline), secret }),
    'ioredis 5, cluster': new RedisTokenStore({ client: clusters[0], secret }),
    'ioredis 6, cluster': new RedisTokenStore({ client: clusters[1], secret }),
    'redis 5': new RedisTokenStore({ client: createClient(), secret }),
    'redis 5, RESP3': new RedisTokenStore({ client: createClient({ RESP: 3 }), secret }),
    'redis 5, buffers': new RedisTokenStore({
      client: createClient().withTypeMapping({ [RESP_TYPES.BLOB_STRING]: Buffer }),
      secret,
    }),
    'redis 5, cluster': new RedisTokenStore({ client: createCluster({ rootNodes }), secret }),
    'redis 5, sentinel': new RedisTokenStore({ client: createSentinel(sentinel), secret }),
    'redis 6': new RedisTokenStore({ client: createClient6(), secret }),
    'redis 6, cluster': new RedisTokenStore({ client: createCluster6({ rootNodes }), secret }),
    'redis 6, sentinel': new RedisTokenStore({ client: createSentinel6(sentinel), secret }),
  };

  it.each(Object.entries(stores))(
    'makes the store reject while it is not connected: %s',
    async (_, store) => {
      const request = { owner: 'owner', leaseMs: 1_000, newerThan: 0 };
      const token = { value: 'token', lifetimeMs: 1_000, expiresAt: 0 };
      const refusals = [
        await thrownBy(() => store.claim('identity', request)),
        await thrownBy(() => store.publish('identity', 1, token, 0)),
        await thrownBy(() => store.invalidate('identity', 1)),
        await thrownBy(() => store.fail('identity', 'owner', 1_000, 'reason')),
      ];
      for (const refusal of refusals) {
        expect(refusal).toMatchObject({ code: 'store_unavailable', retryable: true });
        expect(refusal).toMatchObject({ message: expect.stringContaining('not connected') });
      }
    },
  );
});

describe('RedisTokenStore', () => {
  const client = createClient();

  async function refusalOf(options: Record<string, unknown>): Promise<string> {
    const refusal = await thrownBy(() => new RedisTokenStore({ client, secret, ...options }));
    expect(refusal).toMatchObject({ code: 'option_invalid' });
    return String(refusal);
  }

  it.each([
    ['nothing', undefined],
    ['an address', 'redis://localhost'],
    ['an empty object', {}],
    ['null', null],
    ['a client of another package', { get: () => undefined, evalsha: () => undefined }],
    ['a pool of connections', createClientPool()],
    ['a stub without commands', { status: 'ready' }],
  ])('rejects an invalid client: %s', async (_, other) => {
    expect(await refusalOf({ client: other })).toContain('option client');
  });

  it.each([
    ['nothing', undefined],
    ['31 characters', 'x'.repeat(31)],
    ['an empty list', []],
    ['a list with a short one', [secret, 'x'.repeat(31)]],
    ['a list with a short one first', ['x'.repeat(31), secret]],
    ['a number', 10 ** 40],
    ['bytes', Buffer.from(secret)],
  ])('rejects an invalid secret without showing it: %s', async (_, other) => {
    const refusal = await refusalOf({ secret: other });
    expect(refusal).toContain('option secret');
    expect(refusal).not.toContain('xxxx');
  });

  it.each([
    ['braces', 'app{1}'],
    ['nothing', ''],
    ['a number', 7],
  ])('rejects an invalid prefix: %s', async (_, prefix) => {
    expect(await refusalOf({ prefix })).toContain('option prefix');
  });

  it('does not compile without a client or a secret', () => {
    // @ts-expect-error -- no client
    const withoutClient = (): unknown => new RedisTokenStore({ client: {}, secret });
    // @ts-expect-error -- no secret
    const withoutSecret = (): unknown => new RedisTokenStore({ client });
    expect([withoutClient, withoutSecret].map((make) => make.length)).toEqual([0, 0]);
  });
});

it('RedisTokenStore accepts secrets of 32 characters and does not show them', () => {
  const secrets = ['x'.repeat(32), 'y'.repeat(32)];
  const store = new RedisTokenStore({ client: createClient(), secret: secrets, prefix: 'app:1' });
  expect(inspect(store, { depth: 9, showHidden: true })).not.toMatch(/xxx|yyy/);
  expect(JSON.stringify(store)).toBe('{}');
});
