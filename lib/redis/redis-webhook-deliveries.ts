import * as v from 'valibot';
import type { WebhookClaim, WebhookDeliveries } from '../box/webhooks/webhook-deliveries.js';
import { fingerprint } from '../core/errors/secret.js';
import type { RedisClient } from './redis-clients.js';
import { DEFAULT_PREFIX, RedisCommands, unexpectedReply } from './redis-commands.js';
import { redisScript } from './redis-script.js';

/** Options of a {@link RedisWebhookDeliveries}. */
export interface RedisWebhookDeliveriesOptions {
  /**
   * A client of ioredis 5 or 6 (`Redis`, `Cluster`) or of redis 5 or 6 (`createClient`, `createSentinel`, `createCluster`).
   * Connect it, listen to its `'error'` events and close it yourself.
   */
  readonly client: RedisClient;
  /** The prefix of all keys in Redis, without braces. Default `nestjs-box-auth`. */
  readonly prefix?: string | undefined;
}

/** The value of an event that was handled. The value of a lease is `lease:` and its owner. */
const HANDLED = 'handled';

/** ARGV: the value of the lease, leaseMs. */
const claimScript = redisScript(`
local value = redis.call('GET', KEYS[1])
if value == '${HANDLED}' then return { 'handled' } end
if value and value ~= ARGV[1] then return { 'leased' } end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return { 'claimed' }
`);

/** ARGV: keepMs. */
const completeScript = redisScript(`
redis.call('SET', KEYS[1], '${HANDLED}', 'PX', ARGV[1])
return { 'done' }
`);

/** ARGV: the value of the lease. */
const releaseScript = redisScript(`
if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end
return { 'done' }
`);

const claimReply = v.tuple([v.picklist(['claimed', 'leased', 'handled'])]);

/**
 * Remembers handled webhook events of all processes in Redis or Valkey, including clusters. While Redis is unavailable, webhooks
 * get a 503, and Box delivers them again.
 *
 * Keys are a hash of the event, and values contain no data of it. An ACL user needs EVAL, EVALSHA, GET, SET and DEL on `prefix:*`.
 *
 * @throws BoxAuthError `option_invalid` from the constructor; the methods reject with `store_unavailable`
 *
 * @example
 * ```ts
 * import { Module } from '@nestjs/common';
 * import { Redis } from 'ioredis';
 * import { RedisWebhookDeliveries } from 'nestjs-box-auth/redis';
 * import { BoxWebhooksModule } from 'nestjs-box-auth/webhooks';
 *
 * const client = new Redis(process.env.REDIS_URL ?? 'redis://localhost:6379');
 * client.on('error', (error) => console.warn(error.message));
 *
 * @Module({
 *   imports: [BoxWebhooksModule.forRoot({ deliveries: new RedisWebhookDeliveries({ client }) })],
 * })
 * export class AppModule {}
 * ```
 */
export class RedisWebhookDeliveries implements WebhookDeliveries {
  readonly #commands: RedisCommands;

  constructor({ client, prefix = DEFAULT_PREFIX }: RedisWebhookDeliveriesOptions) {
    this.#commands = new RedisCommands('RedisWebhookDeliveries', client, prefix);
  }

  /** See `WebhookDeliveries`. */
  async claim(
    event: string,
    { owner, leaseMs }: { readonly owner: string; readonly leaseMs: number },
  ): Promise<WebhookClaim> {
    const args = [leaseOf(owner), milliseconds(leaseMs)];
    const reply = v.safeParse(claimReply, await this.#run(claimScript, event, args));
    if (!reply.success) throw unexpectedReply();
    return reply.output[0];
  }

  /** See `WebhookDeliveries`. */
  async complete(event: string, keepMs: number): Promise<void> {
    await this.#run(completeScript, event, [milliseconds(keepMs)]);
  }

  /** See `WebhookDeliveries`. */
  async release(event: string, owner: string): Promise<void> {
    await this.#run(releaseScript, event, [leaseOf(owner)]);
  }

  #run(script: typeof claimScript, event: string, args: readonly string[]) {
    const key = `${this.#commands.prefix}:webhook:${fingerprint(event)}`;
    return this.#commands.run(script, [key], args);
  }
}

function leaseOf(owner: string): string {
  return `lease:${owner}`;
}

function milliseconds(ms: number): string {
  return Math.ceil(Math.max(ms, 1)).toFixed(0);
}
