import type { TellEvent } from '../events/auth-events.js';
import type { Runtime } from '../runtime/runtime.js';

const SLOWEST_ROUND_TRIP_MS = 10_000;
const RESOLUTION_MS = 1000; // of the Date header
const FARTHEST_MS = 10 * 365.25 * 24 * 60 * 60 * 1000;

/** When an answer came, by the wall clock, and how long that took, by the monotonic one. */
export interface RoundTrip {
  readonly receivedAt: number;
  readonly durationMs: number;
}

/** The issuer's clock, learned from the `Date` of its answers. Until the first one it is taken to be ours. */
export class ServerClock {
  #offsetMs = 0;

  constructor(
    private readonly runtime: Runtime,
    private readonly tell: TellEvent,
  ) {}

  /** How far the issuer's clock is ahead of ours. */
  get offsetMs(): number {
    return this.#offsetMs;
  }

  /** The issuer's time: milliseconds since the epoch. */
  now(): number {
    return this.runtime.now() + this.#offsetMs;
  }

  /** Learns from an answer, unless a cache gave it (`Age`), it was too slow to tell, or it is ten years from our own time. */
  learn(headers: Headers, { receivedAt, durationMs }: RoundTrip): void {
    const date = Date.parse(headers.get('date') ?? '');
    if (Number.isNaN(date) || headers.has('age') || durationMs > SLOWEST_ROUND_TRIP_MS) {
      return;
    }
    // No clock is that wrong; times reckoned from such a Date may be none that can be written.
    if (Math.abs(date - receivedAt) > FARTHEST_MS) return;
    // The header was cut to the second somewhere between sending and receiving.
    const measured = date + RESOLUTION_MS / 2 - (receivedAt - durationMs / 2);
    const uncertaintyMs = RESOLUTION_MS + durationMs / 2;
    if (Math.abs(measured - this.#offsetMs) > uncertaintyMs) {
      const previousOffsetMs = this.#offsetMs;
      this.#offsetMs = Math.round(measured);
      this.tell({ kind: 'clock-offset', offsetMs: this.#offsetMs, previousOffsetMs });
    }
  }
}
