import { onAbort } from '../runtime/abort.js';
import type { MaybePromise } from '../runtime/maybe-promise.js';
import type { Runtime } from '../runtime/runtime.js';

/** Ends the wait for a token. */
export interface WaitOptions {
  readonly signal?: AbortSignal | null | undefined;
}

/**
 * Something that may abort a call, such as its signal or its timeout. Calls `abort` with the error that the call then fails
 * with, and returns a function that unsubscribes.
 */
export type AbortSource = (abort: (error: unknown) => void) => () => void;

/**
 * Runs `task` with a signal that the first of `sources` aborts. Subscribes to them only when `task` reads the signal, so
 * that a token from memory costs nothing.
 */
export function abortedBy<T>(
  sources: () => readonly AbortSource[],
  task: (options: { readonly signal: AbortSignal }) => MaybePromise<T>,
): MaybePromise<T> {
  const subscriptions: (() => void)[] = [];
  const result = task({
    get signal() {
      const controller = new AbortController();
      for (const source of sources()) {
        subscriptions.push(source((error) => controller.abort(error)));
      }
      return controller.signal;
    },
  });
  if (!(result instanceof Promise)) return result;
  return result.finally(() => {
    for (const unsubscribe of subscriptions) unsubscribe();
  });
}

/** Aborts with the reason of `signal`. */
export function signalSource(signal: AbortSignal): AbortSource {
  return (abort) => onAbort(signal, () => abort(signal.reason));
}

/** Aborts after `timeoutMs` milliseconds. */
export function timeoutSource(
  runtime: Runtime,
  timeoutMs: number,
  makeError: () => Error,
): AbortSource {
  return (abort) => runtime.schedule(() => abort(makeError()), timeoutMs);
}
