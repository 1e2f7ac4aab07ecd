import { RedisTokenStore } from 'nestjs-box-auth/redis';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { type ConnectedClient, connectors } from '../support/redis-clients.js';
import { describeWithRedis, RedisServer } from '../support/redis-server.js';
import { callsAt, commands, id, refusalsOf, request, secret } from './store-commands.js';

/** The client says by itself when its connection is gone and when it is there again. */
function heard({ events }: ConnectedClient, ...names: string[]): Promise<void> {
  return new Promise((resolve) => {
    for (const name of names) events.once(name, () => resolve());
  });
}

describeWithRedis.each(Object.entries(connectors))('Without a server, %s', (_, connect) => {
  let server: RedisServer;
  let connected: ConnectedClient;
  let store: RedisTokenStore;

  beforeEach(async () => {
    server = await RedisServer.start();
    connected = await connect(server.port);
    store = new RedisTokenStore({ client: connected.client, secret });
    await store.claim('warm', request);
  });

  afterEach(async () => {
    connected.close();
    await server.stop();
  });

  it('queues no command: it rejects at once until there is a connection', async () => {
    const isGone = heard(connected, 'close', 'reconnecting');
    await server.kill();
    await isGone;
    for (const refusal of await refusalsOf(store)) {
      expect(refusal).toMatchObject({ code: 'store_unavailable', retryable: true });
      expect(refusal.message).toContain('not connected');
    }
    const isBack = heard(connected, 'ready');
    await server.restart();
    await isBack;
    const { evalsha, eval: evals } = await callsAt(server);
    expect([evalsha, evals]).toEqual([undefined, undefined]);
    expect((await store.claim(id, request)).state).toBe('claimed');
  });

  it('waits for a server that does not reply, and gets the reply when it does', async () => {
    server.pause();
    const answers = Object.values(commands).map((command) => command(store));
    server.resume();
    const [claim] = await Promise.all(answers);
    expect(claim).toMatchObject({ state: 'claimed' });
  });

  it('rejects, without an unhandled error, when the server dies without a reply', async () => {
    const lost = await connect(server.port, { reconnects: false });
    const own = new RedisTokenStore({ client: lost.client, secret });
    server.pause();
    const outcomes = Promise.allSettled(Object.values(commands).map((command) => command(own)));
    await server.kill();
    for (const outcome of await outcomes) {
      expect(outcome).toMatchObject({ status: 'rejected', reason: { code: 'store_unavailable' } });
    }
  });
});
