import { once } from 'node:events';
import { setTimeout } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { RedisTokenStore } from 'nestjs-box-auth/redis';

const MAX_WAIT_MS = 1_000;

/** Connects to Redis, and returns a store that uses it. */
export async function redisStore(url: string, secret: string) {
  const client = new Redis(url, { maxRetriesPerRequest: 1, autoResendUnfulfilledCommands: false });
  // The module logs an outage.
  client.on('error', () => undefined);
  const store = new RedisTokenStore({ client, secret, prefix: 'document-portal' });
  await Promise.race([once(client, 'ready'), setTimeout(MAX_WAIT_MS)]).catch(() => undefined);
  return { store, close: () => client.disconnect() };
}
