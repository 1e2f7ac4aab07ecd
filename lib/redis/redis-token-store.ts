import * as v from 'valibot';
import { lruCache } from '../core/runtime/lru-cache.js';
import { SECRET_EXPECTED, secretsIn } from '../core/sealing/secret.option.js';
import { SecretSeal } from '../core/sealing/secret-seal.js';
import type { Claim, ClaimRequest, StoredToken, TokenStore } from '../core/tokens/token-store.js';
import type { RedisClient } from './redis-clients.js';
import { DEFAULT_PREFIX, optionInvalid, RedisCommands, unexpectedReply } from './redis-commands.js';
import {
  claimScript,
  failScript,
  invalidateScript,
  MAX_PAUSE_MS,
  publishScript,
  readScript,
  TOKEN_LAYOUT,
} from './lua-scripts.js';
import type { RedisScript } from './redis-script.js';

const DAY_MS = 24 * 3_600_000;
const MAX_KEPT_MS = 366 * DAY_MS;
const MAX_CACHED_KEYS = 1_000;

/** Options of a {@link RedisTokenStore}. */
export interface RedisTokenStoreOptions {
  /**
   * A client of ioredis 5 or 6 (`Redis`, `Cluster`) or of redis 5 or 6 (`createClient`, `createSentinel`, `createCluster`).
   * Connect it, listen to its `'error'` events and close it yourself. While it is not connected, the store fails at once, and
   * each process requests its own tokens.
   */
  readonly client: RedisClient;
  /**
   * Encrypts the tokens before they go to Redis: at least 32 random characters, for example from `openssl rand -base64 32`.
   * All processes of the fleet need the same secret.
   *
   * To change it, deploy `[new, old]` first, and `[new]` once all processes have both. The first secret encrypts, any of them
   * decrypts, and the last one derives the key names. The second step changes these names, at the cost of one token request
   * per subject.
   */
  readonly secret: string | readonly string[];
  /** The prefix of all keys in Redis, without braces. Default `nestjs-box-auth`. */
  readonly prefix?: string | undefined;
}

const sealedToken = v.pipe(
  v.string(),
  v.parseJson(),
  v.object({
    value: v.string(),
    lifetimeMs: v.optional(v.number()),
    expiresAt: v.optional(v.number()),
    scopes: v.optional(v.array(v.string())),
  }),
);

const wholeNumber = v.pipe(v.string(), v.digits(), v.transform(Number));
// '1' if the script skipped a token that it could not read.
const skipped = v.picklist(['0', '1']);
const claimReply = v.union([
  v.tuple([v.literal('token'), v.string(), v.string(), wholeNumber, v.string()]),
  v.tuple([v.literal('claimed'), skipped, wholeNumber]),
  v.tuple([v.literal('leased'), skipped]),
  v.tuple([v.literal('paused'), skipped, wholeNumber, v.string()]),
]);

/** A stored token: its fence and lifetime, which are numbers as in the scripts, and its seal. */
const RECORD = new RegExp(String.raw`^${TOKEN_LAYOUT}:(\d{1,14}):(\d{1,14}):([\w-]+)$`);

/** The keys of one identity. All are in the same slot of a cluster. */
interface Keys {
  readonly token: string;
  readonly pause: string;
  readonly all: readonly [string, ...string[]];
}

/**
 * Shares tokens between processes through Redis or Valkey (tested with Redis 7 and Valkey 8), including clusters.
 *
 * Redis contains no readable tokens or ids: keys are an HMAC of the identity, and values are encrypted with AES-256-GCM. A
 * value that cannot be decrypted counts as missing. An ACL user needs EVAL, EVALSHA, GET, SET, DEL, PTTL and TIME on
 * `prefix:*`.
 *
 * @throws BoxAuthError `option_invalid` from the constructor; the methods reject with `store_unavailable`
 *
 * @example
 * ```ts
 * import { Module } from '@nestjs/common';
 * import { Redis } from 'ioredis';
 * import { BoxAuthModule } from 'nestjs-box-auth';
 * import { RedisTokenStore } from 'nestjs-box-auth/redis';
 *
 * const client = new Redis(process.env.REDIS_URL ?? 'redis://localhost:6379');
 * client.on('error', (error) => console.warn(error.message));
 *
 * @Module({
 *   imports: [
 *     BoxAuthModule.forRoot({
 *       store: new RedisTokenStore({ client, secret: process.env.BOX_STORE_SECRET ?? '' }),
 *     }),
 *   ],
 * })
 * export class AppModule {}
 * ```
 */
export class RedisTokenStore implements TokenStore {
  readonly #commands: RedisCommands;
  readonly #seal: SecretSeal;
  readonly #keys = lruCache<Keys>(MAX_CACHED_KEYS);
  #unreadable = 0;

  constructor({ client, secret, prefix = DEFAULT_PREFIX }: RedisTokenStoreOptions) {
    this.#commands = new RedisCommands('RedisTokenStore', client, prefix);
    this.#seal = new SecretSeal('redis', checkedSecrets(secret));
  }

  /** The number of values that could not be decrypted: changed, in another layout, or encrypted with another secret. */
  get unreadable(): number {
    return this.#unreadable;
  }

  /** See `TokenStore`. */
  async claim(identity: string, request: ClaimRequest): Promise<Claim> {
    const keys = this.#keysOf(identity);
    return (await this.#read(keys, request.newerThan)) ?? this.#claim(keys, request);
  }

  /** Reads a stored token. Undefined without a usable one: only a claim decides what happens then. */
  async #read(keys: Keys, newerThan: number): Promise<Claim | undefined> {
    const [record = '', left = ''] = await this.#commands.run(readScript, [keys.token], []);
    const [, fence = '', life = '', sealed = ''] = RECORD.exec(record) ?? [];
    const leftMs = Number(left);
    // More time left than its lifetime: another client has extended it.
    if (!(Number(fence) > newerThan && leftMs > 0 && leftMs <= Number(life))) return undefined;
    const token = this.#openToken(sealed, boundTo(keys, fence, life));
    return token && { state: 'token', token, fence: Number(fence), ageMs: Number(life) - leftMs };
  }

  async #claim(keys: Keys, { owner, leaseMs, newerThan }: ClaimRequest): Promise<Claim> {
    const rawReply = await this.#run(claimScript, keys, [
      owner,
      digits(Math.ceil(Math.max(leaseMs, 1))),
      digits(newerThan),
    ]);
    const read = v.safeParse(claimReply, rawReply);
    if (!read.success) throw unexpectedReply();
    const reply = read.output;
    if (reply[0] === 'token') {
      const [, fence, life, ageMs, sealed] = reply;
      const token = this.#openToken(sealed, boundTo(keys, fence, life));
      if (token !== undefined) return { state: 'token', token, fence: Number(fence), ageMs };
      this.#unreadable += 1;
      return await this.#claim(keys, { owner, leaseMs, newerThan: Number(fence) });
    }
    if (reply[1] === '1') this.#unreadable += 1;
    if (reply[0] === 'leased') return { state: 'leased' };
    if (reply[0] === 'claimed') return { state: 'claimed', fence: reply[2] };
    return { state: 'paused', forMs: reply[2], reason: this.#openReason(reply[3], keys) };
  }

  /** See `TokenStore`. */
  async publish(identity: string, fence: number, token: StoredToken, ageMs: number): Promise<void> {
    const keys = this.#keysOf(identity);
    const { value, lifetimeMs, expiresAt, scopes } = token;
    // Redis derives the age of a token from its remaining TTL, so that the clocks of the processes do not matter.
    const lifeMs = Math.ceil(Math.min(lifetimeMs ?? DAY_MS, MAX_KEPT_MS));
    const sealed = this.#seal.seal(
      JSON.stringify({ value, lifetimeMs, expiresAt, scopes }),
      boundTo(keys, digits(fence), digits(lifeMs)),
    );
    const record = [TOKEN_LAYOUT, digits(fence), digits(lifeMs), sealed].join(':');
    const age = digits(Math.ceil(Math.max(ageMs, 0)));
    await this.#run(publishScript, keys, [digits(fence), digits(lifeMs), age, record]);
  }

  /** See `TokenStore`. */
  async invalidate(identity: string, fence: number): Promise<void> {
    await this.#run(invalidateScript, this.#keysOf(identity), [digits(fence)]);
  }

  /** See `TokenStore`. */
  async fail(identity: string, owner: string, pauseMs: number, reason: string): Promise<void> {
    const keys = this.#keysOf(identity);
    const forMs = Math.ceil(Math.min(Math.max(pauseMs, 0), MAX_PAUSE_MS));
    const sealed = this.#seal.seal(reason, [keys.pause]);
    await this.#run(failScript, keys, [owner, digits(forMs), sealed]);
  }

  #keysOf(identity: string): Keys {
    const known = this.#keys.get(identity);
    if (known !== undefined) return known;
    const name = `${this.#commands.prefix}:{${this.#seal.nameOf(identity)}}`;
    const token = `${name}:token`;
    const pause = `${name}:pause`;
    const keys: Keys = { token, pause, all: [token, `${name}:lease`, pause, `${name}:fence`] };
    this.#keys.set(identity, keys);
    return keys;
  }

  #openToken(sealed: string, bound: readonly string[]): StoredToken | undefined {
    const read = v.safeParse(sealedToken, this.#seal.open(sealed, bound));
    if (!read.success) return undefined;
    const { value, lifetimeMs, expiresAt, scopes } = read.output;
    return { value, lifetimeMs, expiresAt, scopes };
  }

  /** A pause counts even if its reason cannot be decrypted: Redis expires it. */
  #openReason(sealed: string, { pause }: Keys): string {
    const reason = this.#seal.open(sealed, [pause]);
    if (reason === undefined) this.#unreadable += 1;
    return reason ?? 'the reason cannot be decrypted here.';
  }

  #run(script: RedisScript, { all }: Keys, args: readonly string[]): Promise<readonly string[]> {
    return this.#commands.run(script, all, args);
  }
}

/** The data that a sealed token is bound to. With another key, fence or lifetime, it cannot be decrypted. */
function boundTo({ token }: Keys, fence: string, life: string): readonly string[] {
  return [token, TOKEN_LAYOUT, fence, life];
}

/** Never uses an exponent, unlike `String`. */
function digits(number: number): string {
  return number.toFixed(0);
}

function checkedSecrets(secret: unknown): readonly [string, ...string[]] {
  const secrets = secretsIn(secret);
  if (secrets !== undefined) return secrets;
  throw optionInvalid('RedisTokenStore', 'secret', SECRET_EXPECTED);
}
