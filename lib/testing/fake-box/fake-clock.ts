import { type Runtime, systemRuntime } from '../../core/runtime/runtime.js';

/** Longer than any backoff, and longer than a rate limit lasts. */
const STEP_MS = 180_000;

/** Follows `Date`, so that tokens expire when a test sets the date. */
export class FakeClock {
  #aheadMs = 0;
  readonly now = (): number => Date.now() + this.#aheadMs;

  /** No timers: a fake Box responds at once, and none must fire when a test advances fake timers. */
  readonly runtime: Runtime = {
    ...systemRuntime,
    now: this.now,
    monotonic: this.now,
    schedule: () => () => undefined,
    random: () => 0,
  };

  /** Ends every backoff and rate limit, so that a test sees a change of the fake Box at once. */
  advance(ms = STEP_MS): void {
    this.#aheadMs += ms;
  }
}
