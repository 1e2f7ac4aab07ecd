import { onAbort } from '../runtime/abort.js';
import type { Runtime } from '../runtime/runtime.js';

/** The pace after the first 429, when the limit is unknown. */
const INITIAL_INTERVAL_MS = 100;
/** The slowest pace: callers must not wait for long because a limit was low once. */
const MAX_INTERVAL_MS = 1_000;
/** Without another 429 the pace doubles in this time, to find the limit again. */
const DOUBLING_MS = 10_000;
/** The gate opens this much later at most, because other processes wait for the same user. */
const MAX_JITTER_MS = 1_000;
/** After this time without a 429 the limit no longer matters. */
const FORGET_MS = 60_000;

const nothing = (): void => undefined;

interface Waiting {
  readonly pass: () => void;
  /** It is sent then, even if the gate is closed. */
  readonly deadline: number;
}

/**
 * Holds back the calls of one acting user after a 429. When the pause is over it releases them one by one: repetitions first,
 * at the pace that the limit allowed before, and with jitter. The pace is the number of accepted calls in the time from one
 * reopening to the next, which is right for fixed windows and for token buckets.
 */
export class CallGate {
  readonly #repeats = new Set<Waiting>();
  readonly #others = new Set<Waiting>();
  #opensAt = -Infinity;
  /** The earliest time for the next call. */
  #nextAt = -Infinity;
  /** The time between two calls when the gate opens; undefined before the first pause. */
  #intervalMs: number | undefined;
  /** The time that followed the last call. */
  #lastIntervalMs = 0;
  #accepted = 0;
  /** Calls with a lower mark were sent before the current pause. */
  #pauseMark = 0;
  #cancelTimer = nothing;

  constructor(
    private readonly runtime: Runtime,
    /** The longest time that a call waits at a closed gate. */
    private readonly maxWaitMs: number,
  ) {}

  /** Whether the gate can be dropped. */
  get isForgotten(): boolean {
    return !this.#isWaitedFor && this.runtime.monotonic() - this.#opensAt > FORGET_MS;
  }

  /** Whether a call may be sent at once. */
  pass(): boolean {
    const now = this.runtime.monotonic();
    if (this.#isWaitedFor || now < this.#opensAt || now < this.#nextAt) return false;
    this.#countSent(now);
    return true;
  }

  /** Resolves when the call may be sent. Rejects with the reason of `signal`. */
  wait(isRepeat: boolean, signal: AbortSignal): Promise<void> {
    const queue = isRepeat ? this.#repeats : this.#others;
    return new Promise((resolve, reject) => {
      let ignoreAbort = nothing;
      const waiting: Waiting = {
        pass: () => {
          ignoreAbort();
          resolve();
        },
        deadline: this.runtime.monotonic() + this.maxWaitMs,
      };
      queue.add(waiting);
      ignoreAbort = onAbort(signal, () => {
        queue.delete(waiting);
        this.#setTimer();
        reject(signal.reason);
      });
      this.#setTimer();
    });
  }

  /** A call with `mark` was not rate limited. */
  accepted(mark: number): void {
    if (mark < this.#pauseMark) return;
    this.#accepted += 1;
    // A call that was sent during the pause was accepted, so the pause is over.
    this.#opensAt = Math.min(this.#opensAt, this.runtime.monotonic());
    this.#setTimer();
  }

  /** A call with `mark` was rate limited: sends none for `pauseMs`. Calls from now on have `newMark`. */
  refused(mark: number, pauseMs: number, newMark: number): void {
    const reopensAt = this.runtime.monotonic() + pauseMs;
    if (mark < this.#pauseMark) {
      // Sent before the pause began: only its end may be new.
      this.#opensAt = Math.max(this.#opensAt, reopensAt);
    } else {
      this.#intervalMs = this.#estimateInterval(reopensAt);
      this.#accepted = 0;
      this.#pauseMark = newMark;
      this.#opensAt = reopensAt + this.runtime.random() * MAX_JITTER_MS;
    }
    this.#setTimer();
  }

  #setTimer(): void {
    this.#cancelTimer();
    this.#cancelTimer = nothing;
    if (!this.#isWaitedFor) return;
    const [repeat] = this.#repeats;
    const [other] = this.#others;
    const deadline = Math.min(repeat?.deadline ?? Infinity, other?.deadline ?? Infinity);
    const at = Math.max(this.#nextAt, Math.min(this.#opensAt, deadline));
    const delayMs = Math.max(at - this.runtime.monotonic(), 0);
    this.#cancelTimer = this.runtime.schedule(() => this.#release(), delayMs);
  }

  #release(): void {
    const now = this.runtime.monotonic();
    const isOpen = now >= this.#opensAt;
    const queue = [this.#repeats, this.#others].find(([first]) => {
      return first !== undefined && (isOpen || now >= first.deadline);
    });
    // Timers may run a little early.
    if (queue !== undefined && now >= this.#nextAt) {
      const [first] = queue;
      if (first !== undefined) queue.delete(first);
      this.#countSent(now);
      first?.pass();
    }
    this.#setTimer();
  }

  /** Spaces calls unevenly, so that several processes do not send theirs together. */
  #countSent(now: number): void {
    const openMs = Math.max(now - this.#opensAt, 0);
    const startMs = this.#intervalMs ?? INITIAL_INTERVAL_MS;
    this.#lastIntervalMs = startMs / 2 ** (openMs / DOUBLING_MS);
    this.#nextAt = now + this.#lastIntervalMs * (0.5 + this.runtime.random());
  }

  /** Never less than the interval that was too short for the limit. */
  #estimateInterval(reopensAt: number): number {
    if (this.#intervalMs === undefined) return INITIAL_INTERVAL_MS;
    const measuredMs =
      this.#accepted === 0 ? 2 * this.#intervalMs : (reopensAt - this.#opensAt) / this.#accepted;
    return Math.min(Math.max(measuredMs, this.#lastIntervalMs), MAX_INTERVAL_MS);
  }

  get #isWaitedFor(): boolean {
    return this.#repeats.size + this.#others.size > 0;
  }
}
