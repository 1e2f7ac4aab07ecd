import { ageMs, type Instant } from '../../core/runtime/age-clock.js';
import { lruCache } from '../../core/runtime/lru-cache.js';
import type { Runtime } from '../../core/runtime/runtime.js';

const FOUND_MS = 60 * 60_000;
const NOT_FOUND_MS = 30_000;
const MAX_RESULTS = 10_000;

/** The result of a search: an id, or undefined if there is no such user. */
interface Result {
  readonly id: string | undefined;
  readonly since: Instant;
}

/**
 * Remembers the results of searches: an id for an hour, and a user that does not exist for 30 s. Of 10,000 results, it forgets the
 * least recently used one.
 */
export class RememberedIds {
  readonly #results = lruCache<Result>(MAX_RESULTS);

  /** The result that is remembered for `key`. */
  recall(key: string, runtime: Runtime): Result | undefined {
    const result = this.#results.get(key);
    if (result === undefined) return undefined;
    const maxAgeMs = result.id === undefined ? NOT_FOUND_MS : FOUND_MS;
    return ageMs(runtime, result.since) < maxAgeMs ? result : undefined;
  }

  remember(key: string, id: string | undefined, runtime: Runtime): void {
    this.#results.set(key, { id, since: { wall: runtime.now(), monotonic: runtime.monotonic() } });
  }

  forget(key: string): void {
    this.#results.delete(key);
  }
}
