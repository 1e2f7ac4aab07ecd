import { type Runtime, systemRuntime } from './runtime.js';

/** A moment, by both clocks. */
export interface Instant {
  readonly wall: number;
  readonly monotonic: number;
}

/**
 * How old something is, by the wall clock and by the monotonic one: the later hour wins. A machine that slept stops the one,
 * a clock that was set turns the other, and neither makes anything younger.
 */
export interface AgeClock {
  ageMs(since: Instant): number;
}

/** How old something is, by both clocks as they are now. */
export function ageMs(runtime: Pick<Runtime, 'now' | 'monotonic'>, since: Instant): number {
  return Math.max(runtime.now() - since.wall, runtime.monotonic() - since.monotonic);
}

/** The ages of a runtime. The system's are asked for at every call of an app, and so read in the cheaper way. */
export function ageClockOf(runtime: Runtime): AgeClock {
  return runtime === systemRuntime ? systemAges : new ExactAgeClock(runtime);
}

/** Reads both clocks, every time. */
class ExactAgeClock implements AgeClock {
  constructor(private readonly runtime: Pick<Runtime, 'now' | 'monotonic'>) {}

  ageMs(since: Instant): number {
    return ageMs(this.runtime, since);
  }
}

const READ_AGAIN_MS = 50;
const MAX_CALLS = 10_000; // of a wall clock that stands still, as in somebody's test

/**
 * Reads the wall clock, and the monotonic one only if the wall clock has moved by 50 ms or back since it was read: each
 * costs as much as all the rest of a call. A wall clock that is set back to within these 50 ms, of all hours, is found
 * out when they are over.
 */
export class CoarseAgeClock implements AgeClock {
  #readAt = Infinity;
  #callsLeft = MAX_CALLS;
  /** How far the monotonic clock was ahead of the wall clock then. */
  #leadMs = 0;

  constructor(private readonly runtime: Pick<Runtime, 'now' | 'monotonic'>) {}

  ageMs(since: Instant): number {
    const now = this.runtime.now();
    const movedMs = now - this.#readAt;
    if (!(movedMs >= 0 && movedMs < READ_AGAIN_MS) || --this.#callsLeft < 0) {
      this.#callsLeft = MAX_CALLS;
      this.#readAt = now;
      this.#leadMs = this.runtime.monotonic() - now;
    }
    return Math.max(now - since.wall, now + this.#leadMs - since.monotonic);
  }
}

const systemAges = new CoarseAgeClock(systemRuntime);
