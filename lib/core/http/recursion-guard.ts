import { AsyncLocalStorage } from 'node:async_hooks';
import { BoxAuthError } from '../errors/box-auth.error.js';
import { rejected } from '../tokens/rejection-throttle.js';

/** A call of the app causes a token request, and an option `fetch` may make a call of its own, for example to log to the API. */
const MAX_DEPTH = 8;

/** A call that has not ended yet. */
interface Call {
  readonly guard: RecursionGuard;
  /** The call that it is part of. */
  outer: Call | undefined;
  isPending: boolean;
}

/** Shared by all apps: each storage that was used once makes every asynchronous operation of the process slower. */
const calls = new AsyncLocalStorage<Call>();

/**
 * Detects that the option `fetch` of an app leads back to the app, for example because the app's fetch was assigned to
 * `globalThis.fetch`. Such a call would never end.
 */
export class RecursionGuard {
  /**
   * Wraps a function of the app that sends calls. Calls within a call that has ended, such as those of a listener on its
   * response, are not counted.
   *
   * @throws BoxAuthError `option_invalid`
   */
  wrap<Args extends readonly unknown[]>(
    send: (...args: Args) => Promise<Response>,
  ): (...args: Args) => Promise<Response> {
    // Tracing agents show this name.
    const fetch = async (...args: Args): Promise<Response> => {
      const outer = pending(calls.getStore());
      if (this.#depthOf(outer) === MAX_DEPTH) return rejected(endlessCall());
      const call: Call = { guard: this, outer, isPending: true };
      try {
        return await calls.run(call, () => send(...args));
      } finally {
        call.isPending = false;
        call.outer = undefined;
      }
    };
    return fetch;
  }

  #depthOf(innermost: Call | undefined): number {
    let depth = 0;
    for (let call = innermost; call !== undefined; call = pending(call.outer)) {
      if (call.guard === this) depth++;
    }
    return depth;
  }
}

function pending(call: Call | undefined): Call | undefined {
  return call?.isPending === true ? call : undefined;
}

function endlessCall(): BoxAuthError {
  return new BoxAuthError({
    code: 'option_invalid',
    message:
      'Invalid `fetch`: expected a function that sends calls, received one that calls the fetch of its own app. The default is globalThis.fetch.',
    hint: 'Before you assign the fetch of the app to globalThis.fetch, keep the original (const original = globalThis.fetch) and pass it as the option `fetch`.',
    docs: 'https://nodejs.org/api/globals.html#fetch',
  });
}
