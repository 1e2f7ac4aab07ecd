import { LRUCache } from 'lru-cache';
import type { BoxAuthError } from '../errors/box-auth.error.js';
import type { Runtime } from '../runtime/runtime.js';
import { repeated, scopeOf } from './known-error-responses.js';

const MIN_MS = 30_000;
const MAX_MS = 300_000;

interface Remembered {
  readonly error: BoxAuthError;
  readonly forMs: number;
  readonly until: number;
}

/**
 * Refusals that another request cannot fix, so that Box does not get the same request at every call: 30 s, doubling to
 * 5 min. They are remembered by the fingerprint of the credentials, so new credentials are tried at once, and for the
 * subjects that the refusal is about.
 */
export class RefusedCredentials {
  readonly #remembered = new LRUCache<string, Remembered>({ max: 1000 });

  constructor(private readonly runtime: Runtime) {}

  /** Why not to ask now, if there is a reason. */
  recall(fingerprint: string, subject: string): BoxAuthError | undefined {
    const now = this.runtime.monotonic();
    for (const key of [fingerprint, keyOf(fingerprint, subject)]) {
      const found = this.#remembered.get(key);
      if (found !== undefined && now < found.until) {
        return repeated(found.error, {
          message: found.error.message,
          retryAfterMs: found.until - now,
        });
      }
    }
    return undefined;
  }

  /** A refusal about a tenant stays with the subject that met it: which users belong to an enterprise is not known. */
  remember(fingerprint: string, subject: string, error: BoxAuthError): void {
    const key = scopeOf(error) === 'client' ? fingerprint : keyOf(fingerprint, subject);
    const now = this.runtime.monotonic();
    const before = this.#remembered.get(key);
    // Requests that were in flight together are one refusal, however many subjects sent them.
    if (before !== undefined && now < before.until) return;
    const forMs = before === undefined ? MIN_MS : Math.min(before.forMs * 2, MAX_MS);
    this.#remembered.set(key, { error, forMs, until: now + forMs });
  }

  /** A token was granted: the client is not refused, and this subject is not. Of other subjects it says nothing. */
  forget(fingerprint: string, subject: string): void {
    this.#remembered.delete(fingerprint);
    this.#remembered.delete(keyOf(fingerprint, subject));
  }

  clear(): void {
    this.#remembered.clear();
  }
}

function keyOf(fingerprint: string, subject: string): string {
  return `${fingerprint} ${subject}`;
}
