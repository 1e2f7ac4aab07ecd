import { systemRuntime } from '../core/runtime/runtime.js';
import { afterRunningTime } from '../core/runtime/time-budget.js';

/** Limits the time until one attempt has its response. A download that has begun may take longer. */
export interface TimeLimit {
  /** Aborts after the timeout, or with the caller's own signal. */
  readonly signal: AbortSignal | undefined;
  cancel(): void;
}

/**
 * Starts a time limit like that of the SDK's own client: without `timeoutMs`, or with 0, there is none, and the timer does
 * not keep the process alive. Time in which the process is frozen does not count.
 */
export function startTimeLimit(
  timeoutMs: number | undefined,
  callersSignal: AbortSignal | undefined,
): TimeLimit {
  if (timeoutMs === undefined || timeoutMs <= 0) {
    return { signal: callersSignal, cancel: () => undefined };
  }
  const timeout = new AbortController();
  const cancel = afterRunningTime(systemRuntime, timeoutMs, () => {
    timeout.abort(new Error(`Connection timeout after ${timeoutMs}ms`));
  });
  return {
    signal:
      callersSignal === undefined
        ? timeout.signal
        : AbortSignal.any([callersSignal, timeout.signal]),
    cancel,
  };
}
