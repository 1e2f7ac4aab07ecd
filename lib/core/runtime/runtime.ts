import { randomUUID } from 'node:crypto';

/** Time, timers and randomness, in one place, so that a test can be any hour of any day without waiting for it. */
export interface Runtime {
  /** The wall clock: milliseconds since the epoch. May jump. */
  now(): number;
  /** Milliseconds from an arbitrary start. Never goes back; may stand still while the machine sleeps. */
  monotonic(): number;
  /**
   * Runs `task` after `delayMs` milliseconds. Returns what cancels it.
   * It keeps no process alive unless it `holdProcess`, as only a caller who waits does.
   */
  schedule(
    task: () => void,
    delayMs: number,
    options?: { readonly holdProcess: boolean },
  ): () => void;
  /** A number from 0 to just under 1. */
  random(): number;
  /** A string that no other call returns, 36 characters. */
  uniqueId(): string;
}

/** The longest delay of a timer: a longer one of Node ends at once. */
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
