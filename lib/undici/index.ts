import { boxAuthOf, type BoxTokenProvider, standInError } from '../box/box-token.provider.js';
import {
  addressOf,
  authorizedDispatch,
  type UndiciCall,
  type UndiciDispatch,
} from './undici-authorization.js';
import { failCall } from './undici-handlers.js';

/** Fits `compose` of undici 6, 7 and 8, whose types of handlers differ. */
export type BoxAuthInterceptor = <Call extends UndiciCall, Handler extends object>(
  dispatch: (call: Call, handler: Handler) => boolean,
  onlyOrigin?: string | null,
) => (call: Call, handler: Handler) => boolean;

/**
 * Puts a token, and the acting user, onto the Box calls of an undici dispatcher (undici 6, 7 and 8), and through
 * `setGlobalDispatcher` onto those of the global `fetch`. Calls to other hosts than Box's stay as they are.
 *
 * It comes first in `compose`, nearest the network, so that every hop of a redirect is judged anew: what leaves Box leaves
 * both headers behind, and what comes back from elsewhere gets none (of `fetch`, every hop is a call of its own). Before it
 * go only `interceptors.dns()`, which puts an address in the place of the host, and `deduplicate()`, which composed after it
 * would give one user the responses of another: such calls fail with `option_invalid`, unless `cache()` or another interceptor
 * in between hides it. `interceptors.retry()` goes after `redirect()`: between the two it hides from us where a call has been.
 * The option `maxRedirections` of undici 6 is off for Box calls, as it forwards `as-user` to any host: compose
 * `interceptors.redirect()`.
 *
 * No `cache()`, before or after it, stores responses to calls with a token, because it keys them by URL alone: such calls
 * carry `cache-control: no-store`, and their responses `vary: *`.
 *
 * A call to another host loses the caller's own `as-user` and `boxapi` if it has no `authorization`: it may be a redirect
 * that `fetch` follows. List a gateway to Box in `origins`.
 *
 * The wait for a token ends with `signal` and `headersTimeout` of the call. Those of an Agent cannot be seen from here.
 *
 * A call whose token was refused is made again with a new one, unless its body is a stream of more than 1 MiB or of
 * unknown length (no `content-length`): then it fails with `body_not_replayable`. Calls fail with the errors of
 * `BoxTokenProvider.getToken`; those of `fetch` have them as their `cause`.
 *
 * Compose it onto an `Agent`. In undici 6 and 7 the calls of a `Client` or `Pool` need an `origin` of their own, and it must
 * be one that sends to Box: such a dispatcher sends everything to its one host, whatever a call says.
 *
 * @example
 * ```ts
 * import type { BoxTokenProvider } from 'nestjs-box-auth';
 * import { boxAuthInterceptor } from 'nestjs-box-auth/undici';
 * import { Agent, interceptors, request, setGlobalDispatcher } from 'undici';
 *
 * export async function callBox(provider: BoxTokenProvider): Promise<void> {
 *   const dispatcher = new Agent().compose(
 *     boxAuthInterceptor(provider),
 *     interceptors.redirect({ maxRedirections: 5 }),
 *   );
 *   await request('https://api.box.com/2.0/files/123/content', { dispatcher });
 *
 *   setGlobalDispatcher(new Agent().compose(boxAuthInterceptor(provider)));
 *   await fetch('https://api.box.com/2.0/users/me');
 * }
 * ```
 */
export function boxAuthInterceptor(provider: BoxTokenProvider): BoxAuthInterceptor {
  const box = boxAuthOf(provider);
  return (dispatch, onlyOrigin) => {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- it gets what it takes: its Call with headers added, and a handler of the same style
    const send = dispatch as UndiciDispatch;
    return box === undefined
      ? refusing(send, onlyOrigin)
      : authorizedDispatch(box.policy, send, onlyOrigin);
  };
}

/** Nobody can say which calls are to Box: none is sent. */
function refusing(dispatch: UndiciDispatch, onlyOrigin: string | null | undefined): UndiciDispatch {
  return (call, handler) => {
    const { protocol } = addressOf(call, onlyOrigin) ?? {};
    if (protocol !== 'https:' && protocol !== 'http:') return dispatch(call, handler);
    failCall(handler, standInError());
    return true;
  };
}
