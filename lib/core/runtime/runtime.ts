import { randomUUID } from 'node:crypto';

/** Time, timers and randomness. Tests replace them, to reach any time without waiting. */
export interface Runtime {
  /** The wall clock: milliseconds since the epoch. May jump. */
  now(): number;
  /** Milliseconds from an arbitrary start. Never goes back; may stand still while the machine sleeps. */
  monotonic(): number;
  /**
   * Runs `task` after `delayMs` milliseconds. Returns a function that cancels it.
   * The timer keeps the process alive only with `holdProcess`: set it while a caller waits.
   */
  schedule(
    task: () => void,
    delayMs: number,
    options?: { readonly holdProcess: boolean },
  ): () => void;
  /** A number from 0 to just under 1. */
  random(): number;
  /** A string of 36 characters that no other call returns. */
  uniqueId(): string;
}

/** The longest delay of a timer in Node. A timer with a longer delay would fire at once. */
export const MAX_DELAY_MS = 2 ** 31 - 1;

export const systemRuntime: Runtime = {
  now: Date.now,
  monotonic: () => performance.now(),
  schedule(task, delayMs, options) {
    const timer = setTimeout(task, Math.min(delayMs, MAX_DELAY_MS));
    if (options?.holdProcess !== true) timer.unref();
    return () => clearTimeout(timer);
  },
  random: Math.random,
  uniqueId: randomUUID,
};
