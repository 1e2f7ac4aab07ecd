import { aborted } from '../tokens/aborted.js';
import type { Runtime } from '../runtime/runtime.js';

/** How long a caller waits for a token. */
export interface Patience {
  readonly signal?: AbortSignal | null | undefined;
}

/** Calls `end` with the error that the caller's client fails with. Returns what takes that back. */
export type Ending = (end: (error: unknown) => void) => () => void;

/** Calls `wait`, which the first of `endings` ends. They are only looked at once `wait` reads the signal. */
export function patiently<T>(
  endings: () => readonly Ending[],
  wait: (patience: { readonly signal: AbortSignal }) => T | Promise<T>,
): T | Promise<T> {
  const releases: (() => void)[] = [];
  const result = wait({
    get signal() {
      const controller = new AbortController();
      for (const ending of endings()) releases.push(ending((error) => controller.abort(error)));
      return controller.signal;
    },
  });
  if (!(result instanceof Promise)) return result;
  return result.finally(() => {
    for (const release of releases) release();
  });
}

/** Ends with the signal's own reason, or with the error that `makeError` makes. */
export function endingOf(signal: AbortSignal, makeError?: () => Error): Ending {
  return (end) => {
    const error = (reason: unknown) => end(makeError === undefined ? reason : makeError());
    const waiting = aborted(signal).subscribe({ error });
    return () => waiting.unsubscribe();
  };
}

/** Ends after `timeoutMs` milliseconds. */
export function timeoutEnding(runtime: Runtime, timeoutMs: number, makeError: () => Error): Ending {
  return (end) => runtime.schedule(() => end(makeError()), timeoutMs);
}
