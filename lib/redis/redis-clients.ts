import type { RedisScript } from './redis-script.js';

/** The methods that the store uses of a client of ioredis 5 or 6: `Redis` or `Cluster`. */
export interface IoredisClient {
  readonly status: string;
  /** Runs a script that Redis has cached. */
  evalsha(sha1: string, numberOfKeys: number, ...keysAndArgs: string[]): Promise<unknown>;
  /** Runs a script. */
  eval(script: string, numberOfKeys: number, ...keysAndArgs: string[]): Promise<unknown>;
}

/** The keys and arguments of a script for node-redis. */
export interface NodeRedisEvalOptions {
  keys: string[];
  arguments: string[];
}

interface NodeRedisScripting {
  /** Runs a script that Redis has cached. */
  evalSha(sha1: string, options: NodeRedisEvalOptions): Promise<unknown>;
  /** Runs a script. */
  eval(script: string, options: NodeRedisEvalOptions): Promise<unknown>;
}

/** The methods that the store uses of a client of redis 5 or 6, from `createClient` or `createSentinel`. */
export interface NodeRedisClient extends NodeRedisScripting {
  readonly isReady: boolean;
}

/** The methods that the store uses of a client of redis 5 or 6, from `createCluster`. */
export interface NodeRedisCluster extends NodeRedisScripting {
  readonly isOpen: boolean;
  readonly slots: readonly (
    { readonly master: { readonly client?: { readonly isReady: boolean } | undefined } } | undefined
  )[];
}

/** A Redis client. The app connects and closes it. */
export type RedisClient = IoredisClient | NodeRedisClient | NodeRedisCluster;

/** The same interface for every Redis client. */
export interface RedisPort {
  /** Whether the client would send a command for `key` now, instead of queueing it until it is connected. */
  isReady(key: string): boolean;
  /** Runs a script and returns its reply. */
  run(script: RedisScript, keys: readonly string[], args: readonly string[]): Promise<unknown>;
}

/** Returns undefined for an unknown client. Recognizes clients by their shape, so that no Redis package is imported. */
export function redisPort(client: unknown): RedisPort | undefined {
  if (isIoredis(client)) return ioredisPort(client);
  if (isNodeRedis(client)) return nodeRedisPort(client);
  return undefined;
}

function ioredisPort(client: IoredisClient): RedisPort {
  return {
    isReady: () => client.status === 'ready',
    run: ({ sha1, source }, keys, args) =>
      bySha(
        () => client.evalsha(sha1, keys.length, ...keys, ...args),
        () => client.eval(source, keys.length, ...keys, ...args),
      ),
  };
}

function nodeRedisPort(client: NodeRedisClient | NodeRedisCluster): RedisPort {
  return {
    isReady: (key) => ('slots' in client ? isSlotReady(client, key) : client.isReady),
    run: ({ sha1, source }, keys, args) =>
      bySha(
        () => client.evalSha(sha1, { keys: [...keys], arguments: [...args] }),
        () => client.eval(source, { keys: [...keys], arguments: [...args] }),
      ),
  };
}

/** Sends the source if Redis does not know the hash: after a restart, a failover or a flush of its scripts. */
async function bySha(
  evalSha: () => Promise<unknown>,
  evalSource: () => Promise<unknown>,
): Promise<unknown> {
  try {
    return await evalSha();
  } catch (error) {
    if (!isNoScript(error)) throw error;
    return await evalSource();
  }
}

function isNoScript(error: unknown): boolean {
  return has(error, 'message', 'string') && String(error.message).startsWith('NOSCRIPT');
}

/** A cluster is open (in redis 6: `isReady`) once it knows its nodes, but the node of the key may still be unavailable. */
function isSlotReady(cluster: NodeRedisCluster, key: string): boolean {
  const shard = cluster.slots[slotOf(key)];
  if (!cluster.isOpen || shard === undefined) return false;
  // With `minimizeConnections` a node has no client until its first command opens the connection.
  return shard.master.client?.isReady ?? true;
}

/** Returns the slot of a key: https://redis.io/docs/latest/operate/oss_and_stack/reference/cluster-spec/#key-distribution-model */
export function slotOf(key: string): number {
  const tag = /\{([^}]+)\}/.exec(key)?.[1] ?? key;
  let crc = 0;
  for (const byte of Buffer.from(tag)) {
    crc ^= byte << 8;
    for (let bit = 0; bit < 8; bit++) {
      crc = ((crc << 1) ^ ((crc & 0x8000) === 0 ? 0 : 0x1021)) & 0xffff;
    }
  }
  return crc % 16_384;
}

function isIoredis(client: unknown): client is IoredisClient {
  return (
    has(client, 'status', 'string') &&
    has(client, 'evalsha', 'function') &&
    has(client, 'eval', 'function')
  );
}

function isNodeRedis(client: unknown): client is NodeRedisClient | NodeRedisCluster {
  return (
    has(client, 'evalSha', 'function') &&
    has(client, 'eval', 'function') &&
    (has(client, 'isReady', 'boolean') ||
      (has(client, 'isOpen', 'boolean') && has(client, 'slots', 'object')))
  );
}

function has<K extends string>(
  value: unknown,
  name: K,
  kind: 'string' | 'boolean' | 'function' | 'object',
): value is Record<K, unknown> {
  return typeof value === 'object' && value !== null && typeof Reflect.get(value, name) === kind;
}
