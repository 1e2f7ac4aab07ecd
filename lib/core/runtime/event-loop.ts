import { setImmediate } from 'node:timers';
import { onAbort } from './abort.js';

// Read at import, before a test can install fake timers.
const runInNextTick: (task: () => void) => void = setImmediate;

/** Resolves in the next tick of the event loop: timers, I/O and signals run first. */
export function yieldToEventLoop(): Promise<void> {
  return new Promise((resolve) => {
    runInNextTick(resolve);
  });
}

const MAX_TICK_MS = 10_000;

/**
 * Starts at most one task per tick of the event loop, so that hundreds of concurrent tasks leave time for everything else in
 * the process. Does not use the timers and clocks of a `Runtime`.
 */
export class TickQueue {
  readonly #waiting = new Set<() => void>();
  /** Whether a task was started in this tick. */
  #isBusy = false;
  #startedAt = 0;

  /** Calls `start` at once if no task was started in this tick, or else in a later tick. Returns a function that cancels it. */
  enqueue(start: () => void): () => void {
    if (this.#isStuck) this.#startAll();
    if (this.#isBusy) this.#waiting.add(start);
    else this.#start(start);
    return () => this.#waiting.delete(start);
  }

  /** Resolves when a task may start. Rejects with the reason of `signal`. */
  next(signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      signal?.throwIfAborted();
      const abort = () => {
        leave();
        reject(signal?.reason);
      };
      const ignoreAbort = signal && onAbort(signal, abort);
      const leave = this.enqueue(() => {
        ignoreAbort?.();
        resolve();
      });
    });
  }

  #start(start: () => void): void {
    this.#isBusy = true;
    this.#startedAt = performance.now();
    runInNextTick(() => this.#startNext());
    start();
  }

  /** The event loop does not run our callbacks: fake timers were installed before this module was loaded. */
  get #isStuck(): boolean {
    return this.#isBusy && performance.now() - this.#startedAt > MAX_TICK_MS;
  }

  #startAll(): void {
    this.#isBusy = false;
    const all = [...this.#waiting];
    this.#waiting.clear();
    for (const start of all) start();
  }

  #startNext(): void {
    this.#isBusy = false;
    const [next] = this.#waiting;
    if (next === undefined) return;
    this.#waiting.delete(next);
    this.#start(next);
  }
}
