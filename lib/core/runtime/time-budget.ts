import { map, Observable } from 'rxjs';
import { ageMs } from './age-clock.js';
import type { Runtime } from './runtime.js';

const STEPS = 4;
const MAX_STEP_MS = 1_000;
/** A step that ends this much too late was not just busy: the process was stopped, or its machine asleep. */
const FROZEN_MS = 1_000;
/** With less left, no other attempt is worth it. */
const MIN_ATTEMPT_MS = 50;

/** The process was frozen while it waited: what it waited for may have been lost, and is to be started again. */
export class ProcessFrozen extends Error {}

/**
 * Emits once, after `delayMs` milliseconds in which the process ran, whether it was frozen meanwhile. It waits in steps, so
 * that a freeze costs one step at most. After a freeze it waits for one more step only: an answer is there by then, or lost.
 * `spent` is called with the time that passed, step by step.
 */
export function elapsed(
  runtime: Runtime,
  delayMs: number,
  spent: (ms: number) => void = () => undefined,
): Observable<{ readonly isFrozen: boolean }> {
  return new Observable((subscriber) => {
    const longestMs = Math.min(delayMs / STEPS, MAX_STEP_MS);
    let isFrozen = false;
    let leftMs = delayMs;
    let cancel: () => void;
    let startedAt: number;
    let stepMs: number;
    const step = (): void => {
      const since = { wall: runtime.now(), monotonic: runtime.monotonic() };
      startedAt = since.monotonic;
      stepMs = Math.min(leftMs, longestMs);
      cancel = runtime.schedule(() => {
        spent(stepMs);
        leftMs -= stepMs;
        if (!isFrozen && ageMs(runtime, since) - stepMs >= FROZEN_MS) {
          isFrozen = true;
          leftMs = longestMs;
        }
        if (leftMs > 0) {
          step();
          return;
        }
        stepMs = 0;
        subscriber.next({ isFrozen });
        subscriber.complete();
      }, stepMs);
    };
    step();
    return () => {
      cancel();
      spent(Math.min(runtime.monotonic() - startedAt, stepMs));
    };
  });
}

/** Milliseconds that a task may wait in all. Only time in which the process runs is spent. */
export class TimeBudget {
  #leftMs: number;

  constructor(
    private readonly runtime: Runtime,
    ms: number,
  ) {
    this.#leftMs = ms;
  }

  get leftMs(): number {
    return this.#leftMs;
  }

  spend(ms: number): void {
    this.#leftMs -= ms;
  }

  /**
   * Never emits. Fails with what `makeError` makes of the milliseconds waited, after `timeoutMs` or when nothing is left; with
   * `ProcessFrozen` if the process was frozen meanwhile, and enough is left for another attempt.
   */
  failAfter(timeoutMs: number, makeError: (waitedMs: number) => Error): Observable<never> {
    const waitMs = Math.max(Math.min(timeoutMs, this.#leftMs), 0);
    return elapsed(this.runtime, waitMs, (ms) => this.spend(ms)).pipe(
      map(({ isFrozen }) => {
        if (isFrozen && this.#leftMs >= MIN_ATTEMPT_MS) throw new ProcessFrozen();
        throw makeError(waitMs);
      }),
    );
  }
}
