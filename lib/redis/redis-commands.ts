import { BoxAuthError } from '../core/errors/box-auth.error.js';
import { sanitizedCause } from '../core/errors/redact.js';
import type { RedisScript } from './redis-script.js';
import { type RedisPort, redisPort } from './redis-clients.js';

const DOCS = 'https://redis.io/docs/latest/develop/clients/nodejs/';

/** The prefix of all keys, unless the app has another one. */
export const DEFAULT_PREFIX = 'nestjs-box-auth';

/** Runs scripts by the client of the app. `owner` is the class that errors name. */
export class RedisCommands {
  readonly #port: RedisPort;
  readonly prefix: string;

  /** @throws BoxAuthError `option_invalid` */
  constructor(owner: string, client: unknown, prefix: unknown) {
    this.#port = checkedClient(owner, client);
    this.prefix = checkedPrefix(owner, prefix);
  }

  /**
   * Returns the reply of a script. All keys are in the slot of the first one.
   *
   * @throws BoxAuthError `store_unavailable`
   */
  async run(
    script: RedisScript,
    keys: readonly [string, ...string[]],
    args: readonly string[],
  ): Promise<readonly string[]> {
    if (!this.#port.isReady(keys[0])) {
      throw storeUnavailable('The Redis client is not connected, so no command was sent.');
    }
    try {
      const reply = await this.#port.run(script, keys, args);
      return Array.isArray(reply) ? reply.map(String) : [];
    } catch (error) {
      const { message } = sanitizedCause(error);
      throw storeUnavailable(`A Redis command failed: ${message}`, error);
    }
  }
}

export function unexpectedReply(): BoxAuthError {
  return storeUnavailable('Redis returned an unexpected reply to a script.');
}

export function optionInvalid(owner: string, name: string, expected: string): BoxAuthError {
  return new BoxAuthError({
    code: 'option_invalid',
    message: `Invalid option ${name} of ${owner}: expected ${expected}.`,
    hint: `Fix ${name} where the ${owner} is created.`,
    docs: DOCS,
  });
}

function checkedClient(owner: string, client: unknown): RedisPort {
  const port = redisPort(client);
  if (port !== undefined) return port;
  throw optionInvalid(
    owner,
    'client',
    'a client of ioredis (Redis, Cluster) or of redis (createClient, createSentinel, createCluster)',
  );
}

function checkedPrefix(owner: string, prefix: unknown): string {
  // Braces would be another hash tag, so that the keys of one identity would be in several slots of a cluster.
  if (typeof prefix === 'string' && /^[^{}]+$/.test(prefix)) return prefix;
  throw optionInvalid(owner, 'prefix', 'a string without braces that is not empty');
}

function storeUnavailable(message: string, cause?: unknown): BoxAuthError {
  return new BoxAuthError({
    code: 'store_unavailable',
    message,
    hint: 'Check that Redis is reachable and writable, and that the client is connected.',
    docs: DOCS,
    retryable: true,
    cause,
  });
}
