import { RedisWebhookDeliveries } from 'nestjs-box-auth/redis';
import { webhookDeliveriesConformance } from 'nestjs-box-auth/testing';
import { createClient } from 'redis';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { clusterConnectors, type ConnectedClient, connectors } from '../support/redis-clients.js';
import { describeWithRedis, RedisClusterServers, RedisServer } from '../support/redis-server.js';
import { thrownBy } from '../support/thrown.js';

const DAY = 24 * 3_600_000;

async function connect(name: string, port: number): Promise<ConnectedClient> {
  const connected = await connectors[name]?.(port, { reconnects: false });
  if (connected === undefined) throw new Error(`No client is called ${name}.`);
  return connected;
}

describeWithRedis('RedisWebhookDeliveries conforms', () => {
  let server: RedisServer;

  beforeAll(async () => {
    server = await RedisServer.start();
  });

  afterAll(() => server.stop());

  describe.each(Object.entries(connectors))('by %s', (_, connectTo) => {
    let connected: ConnectedClient;

    beforeAll(async () => {
      connected = await connectTo(server.port);
    });

    afterAll(() => connected.close());

    const cases = webhookDeliveriesConformance({
      create: () => Promise.resolve(new RedisWebhookDeliveries({ client: connected.client })),
      advance: (ms) => server.advance(ms),
    });
    it.each(cases)('$name', async ({ run }) => {
      await expect(run()).resolves.toBeUndefined();
    });
  });
});

describeWithRedis('RedisWebhookDeliveries on a cluster conforms', () => {
  let cluster: RedisClusterServers;

  beforeAll(async () => {
    cluster = await RedisClusterServers.start(3);
  });

  afterAll(() => cluster.stop());

  describe.each(Object.entries(clusterConnectors))('by %s', (_, connectTo) => {
    let connected: ConnectedClient;

    beforeAll(async () => {
      connected = await connectTo(cluster.addresses);
    });

    afterAll(() => connected.close());

    const cases = webhookDeliveriesConformance({
      create: () => Promise.resolve(new RedisWebhookDeliveries({ client: connected.client })),
      advance: (ms) => cluster.advance(ms),
    });
    it.each(cases)('$name', async ({ run }) => {
      await expect(run()).resolves.toBeUndefined();
    });
  });
});

describeWithRedis('RedisWebhookDeliveries', () => {
  let server: RedisServer;
  let connected: ConnectedClient;

  beforeAll(async () => {
    server = await RedisServer.start();
    connected = await connect('ioredis 5', server.port);
  });

  afterAll(async () => {
    connected.close();
    await server.stop();
  });

  it('keeps a hash of the event for its time, and nothing else', async () => {
    const deliveries = new RedisWebhookDeliveries({ client: connected.client, prefix: 'app' });
    await deliveries.claim('event-4711', { owner: 'first', leaseMs: 1_000.5 });
    await deliveries.complete('event-4711', DAY);
    const [entry, ...others] = await server.dump();
    expect(others).toEqual([]);
    expect(entry).toMatchObject({
      key: expect.stringMatching(/^app:webhook:[\w-]{43}$/) as unknown,
      value: 'handled',
    });
    expect(entry?.ttlMs).toBeGreaterThan(DAY - 60_000);
    expect(entry?.ttlMs).toBeLessThanOrEqual(DAY);
  });

  it('rejects while Redis is down', async () => {
    const lost = await RedisServer.start();
    const { client, close } = await connect('redis 5', lost.port);
    const deliveries = new RedisWebhookDeliveries({ client });
    await deliveries.claim('event', { owner: 'first', leaseMs: 1_000 });
    await lost.stop();
    const refusals = [
      await thrownBy(() => deliveries.claim('event', { owner: 'first', leaseMs: 1_000 })),
      await thrownBy(() => deliveries.complete('event', DAY)),
      await thrownBy(() => deliveries.release('event', 'first')),
    ];
    for (const refusal of refusals) {
      expect(refusal).toMatchObject({ code: 'store_unavailable', retryable: true });
    }
    try {
      close();
    } catch {
      // The connection is lost already.
    }
  });
});

describe('The options of RedisWebhookDeliveries', () => {
  it.each([
    ['client', { client: {} }],
    ['prefix', { client: createClient(), prefix: '{app}' }],
  ])('are checked: %s', async (name, options) => {
    const error = await thrownBy(() => new RedisWebhookDeliveries(options as never));
    expect(error.code).toBe('option_invalid');
    expect(error.message).toContain(`option ${name} of RedisWebhookDeliveries`);
  });
});
