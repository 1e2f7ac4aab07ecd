import { type Runtime, systemRuntime } from './runtime.js';

/** A point in time by both clocks. */
export interface Instant {
  readonly wall: number;
  readonly monotonic: number;
}

/**
 * Measures ages by the wall clock and by the monotonic clock; the greater age counts. The monotonic clock may stop while the
 * machine sleeps, and the wall clock may be set back. Neither makes an age smaller.
 */
export interface AgeClock {
  ageMs(since: Instant): number;
}

/** The greater one of the ages by both clocks. */
export function ageMs(runtime: Pick<Runtime, 'now' | 'monotonic'>, since: Instant): number {
  return Math.max(runtime.now() - since.wall, runtime.monotonic() - since.monotonic);
}

/** The age clock of a runtime. The system's one is cheaper, because every call reads it. */
export function ageClockOf(runtime: Runtime): AgeClock {
  return runtime === systemRuntime ? systemAges : new ExactAgeClock(runtime);
}

/** Reads both clocks every time. */
class ExactAgeClock implements AgeClock {
  constructor(private readonly runtime: Pick<Runtime, 'now' | 'monotonic'>) {}

  ageMs(since: Instant): number {
    return ageMs(this.runtime, since);
  }
}

const REREAD_MS = 50;
const MAX_CALLS = 10_000; // between two readings: in a test the wall clock may stand still

/**
 * Reads the monotonic clock only if the wall clock has moved back, or 50 ms ahead, since the last reading: each reading
 * costs as much as the rest of a call. A wall clock that is set back to a time within these 50 ms is noticed after them.
 */
export class CoarseAgeClock implements AgeClock {
  #readAt = Infinity;
  #callsLeft = MAX_CALLS;
  /** How far the monotonic clock was ahead of the wall clock at the last reading. */
  #leadMs = 0;

  constructor(private readonly runtime: Pick<Runtime, 'now' | 'monotonic'>) {}

  ageMs(since: Instant): number {
    const now = this.runtime.now();
    const movedMs = now - this.#readAt;
    if (!(movedMs >= 0 && movedMs < REREAD_MS) || --this.#callsLeft < 0) {
      this.#callsLeft = MAX_CALLS;
      this.#readAt = now;
      this.#leadMs = this.runtime.monotonic() - now;
    }
    return Math.max(now - since.wall, now + this.#leadMs - since.monotonic);
  }
}

const systemAges = new CoarseAgeClock(systemRuntime);
