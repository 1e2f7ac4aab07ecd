import { AsyncLocalStorage } from 'node:async_hooks';
import { BoxAuthError } from '../errors/box-auth.error.js';
import { rejected } from '../tokens/rejection-throttle.js';

/** A call of the app causes a token request, and an option `fetch` may make a call of its own, for example to log to the API. */
const MAX_DEPTH = 8;

interface Call {
  readonly depth: number;
  isPending: boolean;
}

/**
 * Detects that the option `fetch` of an app leads back to the app, for example because the app's fetch was assigned to
 * `globalThis.fetch`. Such a call would never end.
 */
export class RecursionGuard {
  readonly #calls = new AsyncLocalStorage<Call>();

  /**
   * Wraps a function of the app that sends calls. Calls within a call that has ended, such as those of a listener on its
   * response, are not counted.
   *
   * @throws BoxAuthError `option_invalid`
   */
  wrap<Args extends readonly unknown[]>(
    send: (...args: Args) => Promise<Response>,
  ): (...args: Args) => Promise<Response> {
    return async (...args) => {
      const outer = this.#calls.getStore();
      const depth = outer?.isPending === true ? outer.depth + 1 : 1;
      if (depth > MAX_DEPTH) return rejected(endlessCall());
      const call: Call = { depth, isPending: true };
      try {
        return await this.#calls.run(call, () => send(...args));
      } finally {
        call.isPending = false;
      }
    };
  }
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
