import { systemRuntime } from '../core/runtime/runtime.js';
import { afterRunningTime } from '../core/runtime/time-budget.js';

/** How long one attempt may take until it has its answer; a download that has begun may take longer. */
export interface TimeLimit {
  /** Aborts when the time is up, or with the caller's own signal, and says why. */
  readonly signal: AbortSignal | undefined;
  end(): void;
}

/**
 * As the SDK's own client has it: no `timeoutMs`, or 0, is no limit, and the timer holds no process. Time for which the
 * process is frozen does not count.
 */
export function openTimeLimit(
  timeoutMs: number | undefined,
  callers: AbortSignal | undefined,
): TimeLimit {
  if (timeoutMs === undefined || timeoutMs <= 0) return { signal: callers, end: () => undefined };
  const limit = new AbortController();
  const cancel = afterRunningTime(systemRuntime, timeoutMs, () => {
    limit.abort(new Error(`Connection timeout after ${timeoutMs}ms`));
  });
  return {
    signal: callers === undefined ? limit.signal : AbortSignal.any([callers, limit.signal]),
    end: cancel,
  };
}
