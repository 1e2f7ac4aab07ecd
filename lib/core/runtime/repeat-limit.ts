import { lruCache } from './lru-cache.js';

const INTERVAL_MS = 60_000;
const MAX_CAUSES = 10_000;

/** Admits one line a minute for each cause, so that an outage does not fill the log. */
export class RepeatLimit {
  readonly #admitted = lruCache<{ readonly atMs: number; suppressed: number }>(MAX_CAUSES);

  /**
   * Returns how many lines about `cause` were suppressed since the last one. Undefined if this one is suppressed, too. `nowMs`
   * is a wall clock: one that was set back must not suppress lines.
   */
  admit(cause: string, nowMs: number): number | undefined {
    const last = this.#admitted.get(cause);
    if (last !== undefined && Math.abs(nowMs - last.atMs) < INTERVAL_MS) {
      last.suppressed += 1;
      return undefined;
    }
    this.#admitted.set(cause, { atMs: nowMs, suppressed: 0 });
    return last?.suppressed ?? 0;
  }
}
