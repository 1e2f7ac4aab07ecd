import { randomBytes } from 'node:crypto';
import { lruCache } from '../runtime/lru-cache.js';
import type { MaybePromise } from '../runtime/maybe-promise.js';
import type { Runtime } from '../runtime/runtime.js';
import { withTimeLimit } from '../runtime/time-budget.js';
import { SecretSeal } from '../sealing/secret-seal.js';
import { vaultUnavailable } from './connection-errors.js';

const KEY_BYTES = 32;
const TIMEOUT_MS = 5_000;
const MAX_DATA_KEYS = 1_000;
const KEYS_ID = 'keys';

/** Encrypts the secret part of the rows of a vault. */
export interface RowSeal {
  /** Identifies the key that `seal` encrypts with, without revealing it. */
  readonly keyId: string;
  /** Encrypts `plain`, so that it can be decrypted only with the same `bound`. */
  seal(plain: string, bound: readonly string[]): MaybePromise<string>;
  /** Decrypts; undefined if the value was changed, is bound to other data, or was encrypted with an unknown key. */
  open(sealed: string, bound: readonly string[]): MaybePromise<string | undefined>;
}

/**
 * A key management service that encrypts data keys. Each process makes one data key, which encrypts the rows that it writes, and
 * stores it next to them in wrapped form.
 */
export interface KeyWrapper {
  /** Encrypts a data key of 32 bytes. */
  wrap(dataKey: Uint8Array): Uint8Array | Promise<Uint8Array>;
  /** Decrypts a data key. */
  unwrap(wrapped: Uint8Array): Uint8Array | Promise<Uint8Array>;
}

/** Encrypts with a data key that a key management service wraps. Also decrypts the rows that `secrets` encrypted before. */
export class EnvelopeSeal implements RowSeal {
  readonly keyId = KEYS_ID;
  readonly #unwrapped = lruCache<Promise<SecretSeal>>(MAX_DATA_KEYS);
  #current: Promise<{ readonly wrapped: string; readonly seal: SecretSeal }> | undefined;

  constructor(
    private readonly keys: KeyWrapper,
    private readonly secrets: SecretSeal | undefined,
    private readonly runtime: Runtime,
  ) {}

  /** @throws BoxAuthError `vault_unavailable` if the key management service fails */
  async seal(plain: string, bound: readonly string[]): Promise<string> {
    this.#current ??= this.#newDataKey();
    try {
      const { wrapped, seal } = await this.#current;
      return `${wrapped}.${seal.seal(plain, bound)}`;
    } catch (error) {
      this.#current = undefined;
      throw error;
    }
  }

  /** @throws BoxAuthError `vault_unavailable` if the key management service fails */
  async open(sealed: string, bound: readonly string[]): Promise<string | undefined> {
    const dot = sealed.indexOf('.');
    if (dot === -1) return this.secrets?.open(sealed, bound);
    const wrapped = sealed.slice(0, dot);
    const unwrapping = this.#unwrapped.get(wrapped) ?? this.#unwrap(wrapped);
    this.#unwrapped.set(wrapped, unwrapping);
    try {
      return (await unwrapping).open(sealed.slice(dot + 1), bound);
    } catch (error) {
      this.#unwrapped.delete(wrapped);
      throw error;
    }
  }

  async #newDataKey() {
    const dataKey = randomBytes(KEY_BYTES);
    const wrapped = Buffer.from(await this.#ask(() => this.keys.wrap(dataKey)));
    return { wrapped: wrapped.toString('base64url'), seal: sealWith(dataKey) };
  }

  async #unwrap(wrapped: string): Promise<SecretSeal> {
    return sealWith(await this.#ask(() => this.keys.unwrap(Buffer.from(wrapped, 'base64url'))));
  }

  async #ask(request: () => Uint8Array | Promise<Uint8Array>): Promise<Uint8Array> {
    const { runtime } = this;
    try {
      const limit = { runtime, limitMs: TIMEOUT_MS, toError: noResult };
      const bytes: unknown = await withTimeLimit(limit, async () => request());
      if (bytes instanceof Uint8Array && bytes.length > 0) return bytes;
    } catch (error) {
      throw vaultUnavailable(error);
    }
    throw vaultUnavailable(new Error('`keys` returned no bytes.'));
  }
}

function noResult(): Error {
  return new Error(`\`keys\` gave no result within ${TIMEOUT_MS} ms.`);
}

function sealWith(dataKey: Uint8Array): SecretSeal {
  return new SecretSeal('vault', [Buffer.from(dataKey).toString('base64url')]);
}
