import { LRUCache } from 'lru-cache';
import type { BoxAuthError } from '../errors/box-auth.error.js';
import type { BoxAuthErrorCode } from '../errors/error-codes.js';
import type { Runtime } from '../runtime/runtime.js';

const SHORTEST_MS = 30_000;
const LONGEST_MS = 300_000;

/** Refusals that speak of the subject: the same credentials may be good for another one. */
const ABOUT_THE_SUBJECT: ReadonlySet<BoxAuthErrorCode> = new Set([
  'subject_refused',
  'user_tokens_not_enabled',
  'grant_invalid',
]);

interface Remembered {
  readonly error: BoxAuthError;
  readonly forMs: number;
  readonly until: number;
}

/**
 * Refusals that asking again cannot mend, so that Box is not asked the same thing at every call: 30 s, doubling to 5 min.
 * They are remembered by the credentials' fingerprint: others are tried at once.
 */
export class RefusedCredentials {
  readonly #remembered = new LRUCache<string, Remembered>({ max: 1000 });

  constructor(private readonly runtime: Runtime) {}

  /** Why not to ask now, if there is a reason. */
  recall(fingerprint: string, subject: string): BoxAuthError | undefined {
    const now = this.runtime.monotonic();
    for (const key of [fingerprint, about(fingerprint, subject)]) {
      const found = this.#remembered.get(key);
      if (found !== undefined && now < found.until) {
        return found.error.with({ message: found.error.message, retryAfterMs: found.until - now });
      }
    }
    return undefined;
  }

  remember(fingerprint: string, subject: string, error: BoxAuthError): void {
    const key = ABOUT_THE_SUBJECT.has(error.code) ? about(fingerprint, subject) : fingerprint;
    const before = this.#remembered.get(key);
    const forMs = before === undefined ? SHORTEST_MS : Math.min(before.forMs * 2, LONGEST_MS);
    this.#remembered.set(key, { error, forMs, until: this.runtime.monotonic() + forMs });
  }

  /** A token was granted after all. */
  forget(fingerprint: string, subject: string): void {
    this.#remembered.delete(fingerprint);
    this.#remembered.delete(about(fingerprint, subject));
  }

  clear(): void {
    this.#remembered.clear();
  }
}

function about(fingerprint: string, subject: string): string {
  return `${fingerprint} ${subject}`;
}
