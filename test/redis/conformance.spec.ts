import { RedisTokenStore } from 'nestjs-box-auth/redis';
import { tokenStoreConformance } from 'nestjs-box-auth/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { clusterConnectors, type ConnectedClient, connectors } from '../support/redis-clients.js';
import { describeWithRedis, RedisClusterServers, RedisServer } from '../support/redis-server.js';

const secret = 'a secret of at least thirty-two characters';

describeWithRedis('A RedisTokenStore conforms', () => {
  let server: RedisServer;

  beforeAll(async () => {
    server = await RedisServer.start();
  });

  afterAll(() => server.stop());

  describe.each(Object.entries(connectors))('by %s', (_, connect) => {
    let connected: ConnectedClient;

    beforeAll(async () => {
      connected = await connect(server.port);
    });

    afterAll(() => connected.close());

    const cases = tokenStoreConformance({
      create: () => Promise.resolve(new RedisTokenStore({ client: connected.client, secret })),
      advance: (ms) => server.advance(ms),
      reset: () => server.flush(),
    });
    it.each(cases)('$name', async ({ run }) => {
      await expect(run()).resolves.toBeUndefined();
    });
  });
});

describeWithRedis('A RedisTokenStore on a cluster conforms', () => {
  let cluster: RedisClusterServers;

  beforeAll(async () => {
    cluster = await RedisClusterServers.start(3);
  });

  afterAll(() => cluster.stop());

  describe.each(Object.entries(clusterConnectors))('by %s', (_, connect) => {
    let connected: ConnectedClient;

    beforeAll(async () => {
      connected = await connect(cluster.addresses);
    });

    afterAll(() => connected.close());

    const cases = tokenStoreConformance({
      create: () => Promise.resolve(new RedisTokenStore({ client: connected.client, secret })),
      advance: (ms) => cluster.advance(ms),
      reset: () => cluster.flush(),
    });
    it.each(cases)('$name', async ({ run }) => {
      await expect(run()).resolves.toBeUndefined();
    });
  });
});
