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
  const subscriber = new Subscriber(sources);
  const result = task(subscriber);
  return result instanceof Promise ? result.finally(() => subscriber.unsubscribe()) : result;
}

/** A class, because Node 20 takes 1 us for an object literal with a getter, and more to collect its hidden class. */
class Subscriber {
  readonly #subscriptions: (() => void)[] = [];

  constructor(private readonly sources: () => readonly AbortSource[]) {}

  get signal(): AbortSignal {
    const controller = new AbortController();
    for (const source of this.sources()) {
      this.#subscriptions.push(source((error) => controller.abort(error)));
    }
    return controller.signal;
  }

  unsubscribe(): void {
    for (const unsubscribe of this.#subscriptions) unsubscribe();
  }
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
