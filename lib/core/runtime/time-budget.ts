import { onAbort } from './abort.js';
import { ageMs } from './age-clock.js';
import type { Runtime } from './runtime.js';

const STEPS = 4;
const MAX_STEP_MS = 1_000;
/** In a busy process a step ends less late than this. Beyond, the process was stopped or its machine asleep. */
const FROZEN_MS = 1_000;
/** With less time left, another attempt is pointless. */
const MIN_ATTEMPT_MS = 50;

const nothing = (): void => undefined;

/** The process was frozen while it waited: the response may be lost, so the task must start again. */
export class ProcessFrozen extends Error {}

/**
 * Calls `task` after `delayMs` milliseconds in which the process ran, and says whether it was frozen meanwhile. Waits in
 * steps: a freeze costs one step at most. After a freeze it waits for one more step: by then a response has arrived, or is
 * lost. Calls `spent` with the time that passed, step by step. Returns a function that cancels it.
 */
export function afterRunningTime(
  runtime: Runtime,
  delayMs: number,
  task: (isFrozen: boolean) => void,
  spent: (ms: number) => void = nothing,
): () => void {
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
      task(isFrozen);
    }, stepMs);
  };
  step();
  return () => {
    cancel();
    spent(Math.min(runtime.monotonic() - startedAt, stepMs));
    stepMs = 0;
  };
}

/** How long a task may take. */
export interface TimeLimit {
  readonly runtime: Runtime;
  /** Milliseconds in which the process runs. */
  readonly limitMs: number;
  /** The error of a task that takes longer. */
  readonly toError: (isFrozen: boolean) => Error;
  /** Called with the time that passed, step by step. */
  readonly spent?: (ms: number) => void;
  /** Ends the task earlier, with its reason. */
  readonly signal?: AbortSignal | undefined;
}

/** The result of `task`. When its time is over or the caller aborts, its signal is aborted and its result ignored. */
export function withTimeLimit<T>(
  { runtime, limitMs, toError, spent, signal }: TimeLimit,
  task: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  return new Promise((resolve, reject) => {
    signal?.throwIfAborted();
    const controller = new AbortController();
    let ignoreAbort = nothing;
    let stopTimer = nothing;
    const end = (): void => {
      ignoreAbort();
      stopTimer();
    };
    const giveUp = (error: unknown): void => {
      end();
      reject(error);
      controller.abort();
    };
    task(controller.signal).then(
      (result) => {
        end();
        resolve(result);
      },
      (error: unknown) => {
        end();
        reject(error);
      },
    );
    stopTimer = afterRunningTime(runtime, limitMs, (isFrozen) => giveUp(toError(isFrozen)), spent);
    if (signal !== undefined) ignoreAbort = onAbort(signal, () => giveUp(signal.reason));
  });
}

/** The milliseconds that a task may wait in all. Only time in which the process runs counts. */
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
   * The result of `task`, which may take `timeoutMs`, or the time left if that is less. Rejects with what `makeError` makes of
   * the milliseconds waited, or with `ProcessFrozen` if the process was frozen meanwhile and enough is left for another attempt.
   */
  run<T>(
    timeoutMs: number,
    makeError: (waitedMs: number) => Error,
    task: (signal: AbortSignal) => Promise<T>,
    signal?: AbortSignal,
  ): Promise<T> {
    return withTimeLimit({ ...this.#limit(timeoutMs, makeError), signal }, task);
  }

  /** Calls `fail` with the error that `run` rejects with for a task that takes too long. Returns a function that cancels it. */
  failAfter(
    timeoutMs: number,
    makeError: (waitedMs: number) => Error,
    fail: (error: Error) => void,
  ): () => void {
    const { runtime, limitMs, toError, spent } = this.#limit(timeoutMs, makeError);
    return afterRunningTime(runtime, limitMs, (isFrozen) => fail(toError(isFrozen)), spent);
  }

  #limit(timeoutMs: number, makeError: (waitedMs: number) => Error): TimeLimit {
    const limitMs = Math.max(Math.min(timeoutMs, this.#leftMs), 0);
    return {
      runtime: this.runtime,
      limitMs,
      toError: (isFrozen) =>
        isFrozen && this.#leftMs >= MIN_ATTEMPT_MS ? new ProcessFrozen() : makeError(limitMs),
      spent: (ms) => this.spend(ms),
    };
  }
}
