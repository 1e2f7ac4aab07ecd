import { currentCall, type EnclosingCall, runInCall } from '../acting/acting.context.js';
import { BoxAuthError } from '../errors/box-auth.error.js';
import { rejected } from '../tokens/rejection-throttle.js';

/** A call of the app causes a token request, and an option `fetch` may make a call of its own, for example to log to the API. */
const MAX_DEPTH = 8;

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
    const fetch = (...args: Args): Promise<Response> => {
      const outer = pending(currentCall());
      if (this.#depthOf(outer) === MAX_DEPTH) return rejected(endlessCall());
      const call = new GuardedCall(this, outer);
      const response = runInCall(call, () => {
        try {
          return send(...args);
        } catch (error) {
          return rejected(error);
        }
      });
      void response.then(call.end, call.end);
      return response;
    };
    return fetch;
  }

  #depthOf(innermost: EnclosingCall | undefined): number {
    let depth = 0;
    for (let call = innermost; call !== undefined; call = pending(call.outer)) {
      if (call.app === this) depth++;
    }
    return depth;
  }
}

/** A call that has not ended yet. */
class GuardedCall implements EnclosingCall {
  isPending = true;

  constructor(
    readonly app: object,
    public outer: EnclosingCall | undefined,
  ) {}

  readonly end = (): void => {
    this.isPending = false;
    this.outer = undefined;
  };
}

function pending(call: EnclosingCall | undefined): EnclosingCall | undefined {
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
