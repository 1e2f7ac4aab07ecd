import type { RedisScript } from './scripts.js';

/** What is needed of a client of ioredis 5 or 6, `Redis` or `Cluster`. */
export interface IoredisClient {
  readonly status: string;
  /** Runs a script that Redis has seen. */
  evalsha(sha1: string, numberOfKeys: number, ...keysAndArgs: string[]): Promise<unknown>;
  /** Runs a script. */
  eval(script: string, numberOfKeys: number, ...keysAndArgs: string[]): Promise<unknown>;
}

/** What node-redis is given with a script. */
export interface NodeRedisEvalOptions {
  keys: string[];
  arguments: string[];
}

interface NodeRedisScripting {
  /** Runs a script that Redis has seen. */
  evalSha(sha1: string, options: NodeRedisEvalOptions): Promise<unknown>;
  /** Runs a script. */
  eval(script: string, options: NodeRedisEvalOptions): Promise<unknown>;
}

/** What is needed of a client of redis 5 or 6, by `createClient` or `createSentinel`. */
export interface NodeRedisClient extends NodeRedisScripting {
  readonly isReady: boolean;
}

/** What is needed of a client of redis 5 or 6, by `createCluster`. */
export interface NodeRedisCluster extends NodeRedisScripting {
  readonly isOpen: boolean;
  readonly slots: readonly (
    { readonly master: { readonly client?: { readonly isReady: boolean } | undefined } } | undefined
  )[];
}

/** A client that is connected by whoever made it, and closed by them. */
export type RedisClient = IoredisClient | NodeRedisClient | NodeRedisCluster;

/** A Redis client, whichever it is. */
export interface RedisPort {
  /** Whether a command about `key` would be sent now, and not be kept for when there is a connection. */
  isReady(key: string): boolean;
  /** What the script returns. */
  run(script: RedisScript, keys: readonly string[], args: readonly string[]): Promise<unknown>;
}

/** Undefined if `client` is none that is known. Recognised by shape: no Redis package is imported. */
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

/** A Redis that was restarted, failed over or flushed its scripts knows none by its hash. */
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

/** A cluster is open, and in redis 6 `isReady`, once it knows its nodes: the one that has the key may be away all the same. */
function isSlotReady(cluster: NodeRedisCluster, key: string): boolean {
  const shard = cluster.slots[slotOf(key)];
  if (!cluster.isOpen || shard === undefined) return false;
  // Without a client there is no connection yet: `minimizeConnections` opens it for the first command.
  return shard.master.client?.isReady ?? true;
}

/** https://redis.io/docs/latest/operate/oss_and_stack/reference/cluster-spec/#key-distribution-model */
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
