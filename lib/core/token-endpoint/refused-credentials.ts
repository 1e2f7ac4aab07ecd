import { enterpriseOf, type Subject, subjectKey } from '../credentials/subject.js';
import type { BoxAuthError } from '../errors/box-auth.error.js';
import { lruCache } from '../runtime/lru-cache.js';
import type { Runtime } from '../runtime/runtime.js';
import { type ErrorScope, repeated, scopeOf } from './known-error-responses.js';

const MIN_MS = 30_000;
const MAX_MS = 300_000;

interface Remembered {
  readonly error: BoxAuthError;
  readonly forMs: number;
  readonly until: number;
  /** Undefined if the refusal is about the client, or about a user of an unknown enterprise. */
  readonly enterprise: string | undefined;
}

/**
 * Remembers refusals that another request cannot fix, so that calls do not repeat it: for 30 s, then for twice as long after
 * each further refusal, up to 5 min. A refusal of an enterprise is remembered for 30 s each time. The key is the fingerprint of the
 * credentials, so that new credentials are tried at once, with the enterprise or the subject if the refusal is about one.
 *
 * The refusal of a user never counts for the user's tenant: until a token was granted, the user may belong to another enterprise.
 */
export class RefusedCredentials {
  readonly #remembered = lruCache<Remembered>(10_000);

  constructor(private readonly runtime: Runtime) {}

  /** The remembered refusal of a request; undefined if it may be sent. */
  recall(fingerprint: string, subject: Subject): BoxAuthError | undefined {
    const now = this.runtime.monotonic();
    for (const key of Object.values(keysOf(fingerprint, subject))) {
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

  /** Returns whether it is the first refusal since the last granted token. */
  remember(fingerprint: string, subject: Subject, error: BoxAuthError): boolean {
    const scope = scopeOf(error);
    const isUnproven = scope === 'tenant' && subject.type === 'user';
    const key = keysOf(fingerprint, subject)[isUnproven ? 'subject' : scope];
    const now = this.runtime.monotonic();
    const before = this.#remembered.get(key);
    // Refusals of requests that were in flight at the same time count once, for any number of subjects.
    if (before !== undefined && now < before.until) return false;
    const forMs = before === undefined ? MIN_MS : Math.min(before.forMs * 2, maxMs(scope, subject));
    const enterprise = scope === 'client' ? undefined : enterpriseOf(subject);
    this.#remembered.set(key, { error, forMs, until: now + forMs, enterprise });
    return before === undefined;
  }

  /** Forgets the refusals of the client, the enterprise and the subject, after a granted token. Others may still be refused. */
  forget(fingerprint: string, subject: Subject): void {
    for (const key of Object.values(keysOf(fingerprint, subject))) this.#remembered.delete(key);
  }

  /** Forgets all refusals, or those of one enterprise. */
  clear(enterprise?: string): void {
    if (enterprise === undefined) return this.#remembered.clear();
    for (const [key, remembered] of Array.from(this.#remembered)) {
      if (remembered.enterprise === enterprise) this.#remembered.delete(key);
    }
  }
}

/** The admin of an enterprise may authorize the app at any moment. */
function maxMs(scope: ErrorScope, { type }: Subject): number {
  return scope === 'tenant' || (scope === 'subject' && type === 'enterprise') ? MIN_MS : MAX_MS;
}

/** The key of a refusal by its scope. A user of an unknown enterprise shares no refusal of a tenant with others. */
function keysOf(fingerprint: string, subject: Subject): Readonly<Record<ErrorScope, string>> {
  const enterprise = enterpriseOf(subject);
  const ownKey = `${fingerprint} ${subjectKey(subject)}`;
  return {
    client: fingerprint,
    tenant: enterprise === undefined ? ownKey : `${fingerprint} tenant:${enterprise}`,
    subject: ownKey,
  };
}
