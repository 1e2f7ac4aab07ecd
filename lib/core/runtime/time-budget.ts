import { onAbort } from './abort.js';
import { ageMs } from './age-clock.js';
import type { Runtime } from './runtime.js';

const STEPS = 4;
const MAX_STEP_MS = 1_000;
/** A step that ends this late shows that the process was stopped or the machine slept. A busy process is not as late. */
const FROZEN_MS = 1_000;
/** With less time left, another attempt is pointless. */
const MIN_ATTEMPT_MS = 50;

const nothing = (): void => undefined;

/** The process was frozen while it waited: the response may be lost, so the task must start again. */
export class ProcessFrozen extends Error {}

/**
 * Calls `task` after the process has run for `delayMs` milliseconds; `isFrozen` says whether it was frozen meanwhile. Waits
 * in steps, so that a freeze costs at most one step. After a freeze it waits one more step: a response that has not arrived
 * by then is lost. Calls `spent` with the duration of each step. Returns a function that cancels the task.
 */
export function afterRunningTime(
  runtime: Runtime,
  delayMs: number,
  task: (isFrozen: boolean) => void,
  spent: (ms: number) => void = nothing,
): () => void {
  const fullStepMs = Math.min(delayMs / STEPS, MAX_STEP_MS);
  let isFrozen = false;
  let leftMs = delayMs;
  let cancel: () => void;
  let startedAt: number;
  let stepMs: number;
  const step = (): void => {
    const since = { wall: runtime.now(), monotonic: runtime.monotonic() };
    startedAt = since.monotonic;
    stepMs = Math.min(leftMs, fullStepMs);
    cancel = runtime.schedule(() => {
      spent(stepMs);
      leftMs -= stepMs;
      if (!isFrozen && ageMs(runtime, since) - stepMs >= FROZEN_MS) {
        isFrozen = true;
        leftMs = fullStepMs;
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
  /** Called with the duration of each step. */
  readonly spent?: (ms: number) => void;
  /** Ends the task earlier, with its reason. */
  readonly signal?: AbortSignal | undefined;
}

/** Settles like `task`. When the time is over or the caller aborts, aborts the task's signal and ignores its result. */
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

/** The total time that a task may take, in milliseconds. Only time in which the process runs counts. */
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
   * Runs `task` for at most `timeoutMs`, or the time left if that is less. Then rejects with the error of `makeError`, or with
   * `ProcessFrozen` if the process was frozen meanwhile and enough time is left for another attempt.
   */
  run<T>(
    timeoutMs: number,
    makeError: (waitedMs: number) => Error,
    task: (signal: AbortSignal) => Promise<T>,
    signal?: AbortSignal,
  ): Promise<T> {
    return withTimeLimit({ ...this.#limit(timeoutMs, makeError), signal }, task);
  }

  /** Calls `fail` with the error of `run`, once that time is over. Returns a function that cancels it. */
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
