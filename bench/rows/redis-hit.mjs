import { perCall } from '../measure/per-call.mjs';

const IDENTITY = 'bench';
const LIFETIME_MS = 3_600_000;

/** @typedef {() => Promise<unknown>} Hit */

/** @type {Record<string, (client: import('ioredis').Redis) => Promise<Hit>>} */
const hits = {
  async 'a GET'(client) {
    await client.set('bench', 'x'.repeat(200));
    return () => client.get('bench');
  },
  async ours(client) {
    const { RedisTokenStore } = await import('nestjs-box-auth/redis');
    const store = new RedisTokenStore({ client, secret: 'bench'.repeat(8) });
    const claimToken = () =>
      store.claim(IDENTITY, { owner: 'bench', leaseMs: 10_000, newerThan: 0 });
    const claim = await claimToken();
    if (claim.state === 'claimed') {
      const token = { value: 'x'.repeat(32), lifetimeMs: LIFETIME_MS, expiresAt: undefined };
      await store.publish(IDENTITY, claim.fence, token, 0);
    }
    return async () => {
      const { state } = await claimToken();
      if (state !== 'token') throw new Error(`unexpected claim state ${state}`);
    };
  },
};

/** @type {import('../row.js').Row} */
export const row = {
  title: 'A token found in Redis: asked for, got, opened; one at a time',
  subjects: Object.keys(hits),
  units: { time: 'us' },
  nodeFlags: ['--expose-gc'],
  targets: [{ subject: 'ours', figure: 'time', over: 'a GET', atMost: 1.5 }],
  isMissing: ({ redisUrl }) => (redisUrl === undefined ? 'there is no redis-server' : undefined),
  async measure(subject, stage) {
    const { Redis } = await import('ioredis');
    const client = new Redis(stage.redisUrl ?? '');
    await client.ping(); // the store uses only connected clients
    const hit = await hits[subject]?.(client);
    if (hit === undefined) throw new Error('unknown subject');
    await hit();
    const { ns } = await perCall(hit, stage);
    client.disconnect();
    return { time: ns / 1000 };
  },
};
