import { Redis } from 'ioredis';
import { type Claim, type StoredToken } from 'nestjs-box-auth';
import { RedisTokenStore } from 'nestjs-box-auth/redis';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { describeWithRedis, type Dumped, RedisServer } from '../support/redis-server.js';

const OLD = 'the old secret, 0123456789abcdef0123456789abcdef';
const NEW = 'the new secret, fedcba9876543210fedcba9876543210';
const OTHER = 'another secret, 00112233445566778899aabbccddeeff';

function flipped(text: string, index: number, bit: number): string {
  const letter = String.fromCharCode(text.charCodeAt(index) ^ (1 << bit));
  return text.slice(0, index) + letter + text.slice(index + 1);
}

describeWithRedis('A token in Redis', () => {
  const id = 'https://api.box.com client-0815 enterprise:4711';
  const token: StoredToken = {
    value: 'T9cE5asGnuyYCCqIZFoWjFHvNbvVqHjl',
    lifetimeMs: 3_600_000,
    expiresAt: 1_767_225_600_000,
    scopes: ['root_readwrite'],
  };
  const request = { owner: 'owner', leaseMs: 60_000, newerThan: 0 };
  let server: RedisServer;
  let client: Redis;

  beforeAll(async () => {
    server = await RedisServer.start();
    client = new Redis(server.url, { lazyConnect: true });
    await client.connect();
  });

  afterAll(async () => {
    client.disconnect();
    await server.stop();
  });

  beforeEach(() => server.flush());

  const storeWith = (...secret: string[]) => new RedisTokenStore({ client, secret });

  async function publish(store: RedisTokenStore, value = token, identity = id): Promise<void> {
    const claim = await store.claim(identity, request);
    if (claim.state !== 'claimed') throw new Error(claim.state);
    await store.publish(identity, claim.fence, value, 1_000);
  }

  /** The one value under a key that ends so. */
  async function stored(ending: string): Promise<Dumped> {
    const [dumped, ...others] = (await server.dump()).filter(({ key }) => key.endsWith(ending));
    if (dumped === undefined || others.length > 0) throw new Error(`not one key ${ending}`);
    return dumped;
  }

  /** What a new process is told when somebody has put `value` where the token was. */
  async function claimOf(key: string, value: string, ttlMs = 3_000_000): Promise<Claim> {
    await server.flush();
    await client.set(key, value, 'PX', ttlMs);
    const store = storeWith(OLD);
    const claim = await store.claim(id, request);
    expect(store.unreadable).toBe(claim.state === 'token' ? 0 : 1);
    return claim;
  }

  it('reveals no id, token, scope, reason or secret', async () => {
    const store = storeWith(OLD);
    await publish(store);
    const before = await server.dump();
    const { fence } = (await store.claim(id, request)) as Claim & { state: 'token' };
    await store.claim(id, { ...request, newerThan: fence });
    await store.fail(id, 'owner', 60_000, 'client-0815 was refused');
    await store.claim('another client-0815', request);
    const dumped = await server.dump();
    expect(dumped.map(({ key }) => key.replace(/\{.*\}/, '{}')).toSorted()).toEqual(
      ['fence', 'fence', 'lease', 'pause', 'token'].map((kind) => `nestjs-box-auth:{}:${kind}`),
    );
    const seen = JSON.stringify([before, dumped]);
    const decoded = dumped
      .flatMap(({ value }) => value.split(':'))
      .map((part) => Buffer.from(part, 'base64url').toString('latin1'))
      .join();
    for (const hidden of ['0815', '4711', 'api.box', 'T9cE5as', 'root_read', 'refused', 'secret']) {
      expect(seen).not.toContain(hidden);
      expect(decoded).not.toContain(hidden);
    }
    expect(Object.keys(store)).toEqual([]);
  });

  it('expires with its key: every key has a TTL', async () => {
    const store = storeWith(OLD);
    await publish(store);
    const { fence } = (await store.claim(id, request)) as Claim & { state: 'token' };
    await store.claim(id, { ...request, newerThan: fence });
    await store.fail(id, 'owner', 10 ** 9, 'for too long');
    await store.claim('another', request);
    const longest = { token: 3_599_000, lease: 60_000, pause: 600_000, fence: 3_600_000 };
    for (const { key, ttlMs } of await server.dump()) {
      const kind = key.slice(key.lastIndexOf(':') + 1) as keyof typeof longest;
      expect(ttlMs, key).toBeGreaterThan(0);
      expect(ttlMs, key).toBeLessThanOrEqual(longest[kind]);
    }
  });

  it('counts as missing if any byte has changed, and is replaced', async () => {
    await publish(storeWith(OLD));
    const { key, value } = await stored(':token');
    expect((await claimOf(key, value)).state).toBe('token');
    for (let index = 0; index < value.length; index++) {
      for (const bit of [0, 3]) {
        expect((await claimOf(key, flipped(value, index, bit))).state).toBe('claimed');
      }
    }
  });

  it('counts as missing if it is truncated or foreign', async () => {
    await publish(storeWith(OLD));
    const { key, value } = await stored(':token');
    const [layout, fence, life, sealed] = value.split(':');
    const others = ['x', '::::', '1:1:1:', `2:${fence}:${life}:${sealed}`, 'ü'.repeat(50)];
    for (let length = 0; length < value.length; length++) others.push(value.slice(0, length));
    others.push(
      `${layout}:${fence}0:${life}:${sealed}`,
      `${layout}:0${fence}:${life}:${sealed}`,
      `${layout}:${'9'.repeat(15)}:${life}:${sealed}`,
      `${layout}:${'9'.repeat(400)}:${life}:${sealed}`,
      `${layout}:${fence}:${'9'.repeat(400)}:${sealed}`,
    );
    for (const other of others) expect((await claimOf(key, other)).state, other).toBe('claimed');
  });

  it('counts as missing if its fence or lifetime has changed', async () => {
    await publish(storeWith(OLD));
    const { key, value } = await stored(':token');
    const [layout, fence, life, sealed] = value.split(':');
    const later = [layout, Number(fence) + 1, life, sealed].join(':');
    const longer = [layout, fence, Number(life) * 2, sealed].join(':');
    for (const changed of [later, longer]) {
      expect((await claimOf(key, changed)).state).toBe('claimed');
    }
  });

  it('counts as missing if its TTL exceeds its lifetime, or it has none', async () => {
    await publish(storeWith(OLD));
    const { key, value } = await stored(':token');
    expect((await claimOf(key, value, 3_600_000)).state).toBe('token');
    expect((await claimOf(key, value, 3_700_000)).state).toBe('claimed');
    await server.flush();
    await client.set(key, value);
    expect((await storeWith(OLD).claim(id, request)).state).toBe('claimed');
  });

  it('counts as missing under the key of another subject', async () => {
    await publish(storeWith(OLD));
    const { key, value } = await stored(':token');
    await server.flush();
    await publish(storeWith(OLD), token, 'another');
    const other = await stored(':token');
    expect(other.key).not.toBe(key);
    expect((await claimOf(key, other.value)).state).toBe('claimed');
    expect((await claimOf(key, value)).state).toBe('token');
  });

  it('counts as missing if it was encrypted with another secret, and is replaced', async () => {
    const [theirs, ours] = [storeWith(OTHER, OLD), storeWith(OLD)];
    await publish(theirs);
    expect((await ours.claim(id, request)).state).toBe('claimed');
    expect(ours.unreadable).toBe(1);
    await publish(ours, { ...token, value: 'ours' });
    expect(await theirs.claim(id, request)).toMatchObject({ token: { value: 'ours' } });
  });

  it('can be replaced whatever the stored fence is', async () => {
    await publish(storeWith(OLD));
    const { key, value } = await stored(':token');
    const [layout, , life, sealed] = value.split(':');
    await claimOf(key, [layout, '9'.repeat(15), life, sealed].join(':'));
    for (const name of [key.replace('token', 'fence'), key.replace('token', 'lease')]) {
      await client.set(name, `${'9'.repeat(300)}:owner`, 'PX', 60_000);
    }
    const store = storeWith(OLD);
    const states: string[] = [];
    for (let round = 0; round < 3; round++) {
      const claim = await store.claim(id, request);
      states.push(claim.state);
      if (claim.state === 'claimed') await store.publish(id, claim.fence, token, 0);
    }
    expect(states.at(-1)).toBe('token');
  });

  it('stays shared while the secret is rotated; the last step costs one token request', async () => {
    const [old, both, fresh] = [storeWith(OLD), storeWith(NEW, OLD), storeWith(NEW)];
    await publish(old);
    expect((await both.claim(id, request)).state).toBe('token');
    await server.flush();
    await publish(both);
    expect((await storeWith(NEW, OLD).claim(id, request)).state).toBe('token');
    await publish(old, { ...token, value: 'by one that is not deployed anew' });
    expect((await both.claim(id, request)).state).toBe('token');
    await publish(fresh);
    expect((await fresh.claim(id, request)).state).toBe('token');
    expect([old.unreadable, both.unreadable, fresh.unreadable]).toEqual([1, 0, 0]);
  });

  it('that failed elsewhere pauses this process, even if the reason cannot be decrypted', async () => {
    const store = storeWith(OTHER, OLD);
    await store.claim(id, request);
    await store.fail(id, 'owner', 60_000, 'a reason');
    expect(await store.claim(id, request)).toMatchObject({ reason: 'a reason' });
    const other = storeWith(OLD);
    expect(await other.claim(id, request)).toMatchObject({
      state: 'paused',
      reason: 'the reason cannot be decrypted here.',
    });
    expect(other.unreadable).toBe(1);
    const { key, value } = await stored(':pause');
    await client.set(key, value, 'PX', 700_000);
    expect((await other.claim(id, request)).state).toBe('claimed');
  });
});
