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
 * Remembers refusals that another request cannot fix, so that calls do not repeat it: for 30 s, then for twice as long after
 * each further refusal, up to 5 min. The key is the fingerprint of the credentials, so that new credentials are tried at once,
 * with the subject if the refusal is about one.
 */
export class RefusedCredentials {
  readonly #remembered = new LRUCache<string, Remembered>({ max: 1000 });

  constructor(private readonly runtime: Runtime) {}

  /** The remembered refusal of a request; undefined if it may be sent. */
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

  /** A refusal about a tenant is remembered for its subject only: the users of an enterprise are not known. */
  remember(fingerprint: string, subject: string, error: BoxAuthError): void {
    const key = scopeOf(error) === 'client' ? fingerprint : keyOf(fingerprint, subject);
    const now = this.runtime.monotonic();
    const before = this.#remembered.get(key);
    // Refusals of requests that were in flight at the same time count once, for any number of subjects.
    if (before !== undefined && now < before.until) return;
    const forMs = before === undefined ? MIN_MS : Math.min(before.forMs * 2, MAX_MS);
    this.#remembered.set(key, { error, forMs, until: now + forMs });
  }

  /** Forgets the refusals of the client and of this subject, after a granted token. Other subjects may still be refused. */
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
