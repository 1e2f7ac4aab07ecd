import fc from 'fast-check';
import { createCluster } from 'redis';
import { createCluster as createCluster6 } from 'redis6';
import { RedisTokenStore } from 'nestjs-box-auth/redis';
import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest';
import { slotOf } from '../../lib/redis/redis-clients.js';
import { clusterConnectors } from '../support/redis-clients.js';
import { describeWithRedis, RedisClusterServers } from '../support/redis-server.js';
import { thrownBy } from '../support/thrown.js';

const secret = 'a secret of at least thirty-two characters';
const request = { owner: 'owner', leaseMs: 60_000, newerThan: 0 };
const identities = Array.from({ length: 60 }, (_, index) => `identity ${index}`);

describeWithRedis('On a cluster', () => {
  let cluster: RedisClusterServers;

  beforeAll(async () => {
    cluster = await RedisClusterServers.start(3);
  });

  afterAll(() => cluster.stop());

  it('slotOf returns the slot that Redis reports', async () => {
    const key = fc.string({ unit: 'grapheme', minLength: 1 }).filter((text) => !/[{}]/.test(text));
    await fc.assert(
      fc.asyncProperty(key, key, async (prefix, name) => {
        for (const whole of [name, `${prefix}:{${name}}:token`]) {
          expect(slotOf(whole)).toBe(await cluster.nodes[0]?.command('CLUSTER', 'KEYSLOT', whole));
        }
      }),
    );
  });

  it.each(Object.entries(clusterConnectors))(
    '%s: subjects are on all nodes',
    async (_, connect) => {
      await cluster.flush();
      const { client, close } = await connect(cluster.addresses);
      const store = new RedisTokenStore({ client, secret });
      const states = identities.map(async (id) => (await store.claim(id, request)).state);
      expect(new Set(await Promise.all(states))).toEqual(new Set(['claimed']));
      for (const node of cluster.nodes) expect((await node.dump()).length).toBeGreaterThan(0);
      expect(await cluster.dump()).toHaveLength(2 * identities.length);
      close();
    },
  );
});

describeWithRedis.each([
  ['redis 5', createCluster as unknown as typeof createCluster6],
  ['redis 6', createCluster6],
])('On a cluster that loses a node, with %s', (_, create) => {
  it('subjects on that node fail at once, and all others are served', async () => {
    const cluster = await RedisClusterServers.start(3);
    onTestFinished(() => cluster.stop());
    const client = create({ rootNodes: cluster.addresses.map((socket) => ({ socket })) });
    client.on('error', () => undefined);
    await client.connect();
    const store = new RedisTokenStore({ client, secret });
    for (const id of identities) await store.claim(id, request);
    const lost = cluster.nodes[1];
    const known = client.masters.find(({ port }) => port === lost?.port)?.client;
    const isLost = new Promise((resolve) => {
      known?.once('reconnecting', resolve);
    });
    await lost?.kill();
    await isLost;
    const outcomes = await Promise.allSettled(identities.map((id) => store.claim(id, request)));
    const refused = identities.filter((__, index) => outcomes[index]?.status === 'rejected');
    expect(refused.length).toBeGreaterThan(0);
    expect(refused.length).toBeLessThan(identities.length);
    for (const id of refused) {
      const refusal = await thrownBy(() => store.claim(id, request));
      expect(refusal.message).toContain('not connected');
    }
    client.destroy();
    const closed = await thrownBy(() => store.claim('identity 0', request));
    expect(closed.message).toContain('not connected');
  });
});
