import {
  boxAuthOf,
  type BoxTokenProvider,
  providerReplacedError,
} from '../box/box-token.provider.js';
import { authorizedDispatch, type UndiciDispatch } from './authorized-dispatch.js';
import { targetReader, type UndiciCall } from './call-target.js';
import { failCall } from './wrap-handler.js';

/** Fits `compose` of undici 6, 7 and 8, whose handler types differ. */
export type BoxAuthInterceptor = <Call extends UndiciCall, Handler extends object>(
  dispatch: (call: Call, handler: Handler) => boolean,
  onlyOrigin?: string | null,
) => (call: Call, handler: Handler) => boolean;

/**
 * Adds a token, and the acting user, to the Box calls of an undici dispatcher (undici 6, 7 and 8). With
 * `setGlobalDispatcher` it does the same for the global `fetch`. Calls to other hosts stay unchanged.
 *
 * **Order.** Put it first in `compose`, nearest the network, so that it checks every hop of a redirect. A redirect away from
 * Box loses both headers. A redirect from another host to Box, or to the content of a representation, gets none, except with
 * `fetch`, where every hop is a separate call. Only two interceptors go before it:
 * - `interceptors.dns()`, which replaces the host by an address.
 * - `deduplicate()`, which would otherwise give one user the response of another. If it is composed after this interceptor,
 *   calls fail with `option_invalid`, unless an interceptor in between, such as `cache()`, hides it.
 *
 * Compose `interceptors.retry()` after `redirect()`; between the two it hides redirects from this interceptor. The option
 * `maxRedirections` of undici 6 is off for Box calls, because it forwards `as-user` to any host. Compose
 * `interceptors.redirect()` instead.
 *
 * **Caches.** `cache()` stores no response to a call with a token, wherever it is composed. It keys by URL alone, so such
 * calls carry `cache-control: no-store`, and their responses `vary: *`.
 *
 * **Other hosts.** A call to another host loses the caller's own `as-user` and `boxapi` if it has no `authorization`, because
 * it may be a redirect that `fetch` follows. List a gateway to Box in `origins`.
 *
 * **Time limits.** The `signal` and `headersTimeout` of a call also end its wait for a token. The time limits of an Agent do
 * not, because the interceptor cannot read them.
 *
 * **Retries.** A call whose token was refused is repeated with a new one. Of a stream, up to `replayBufferBytes` are kept for
 * that, a file is opened again, and a `body` that is a function is called again. If a longer stream was sent, the call fails with
 * `body_not_replayable`. With the option `apiRetries` calls are repeated for other reasons, too: do not compose `retry()` for the
 * same calls. Calls fail with the errors of `BoxTokenProvider.getToken`; errors of `fetch` have them as their
 * `cause`.
 *
 * **Dispatchers.** Compose it onto an `Agent`. In undici 6 and 7 the calls of a `Client` or `Pool` need their own `origin`,
 * and it must be the one that the dispatcher sends to.
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
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- it gets its own kind of options, with headers added, and a handler of the same style
    const send = dispatch as UndiciDispatch;
    return box === undefined
      ? refusingDispatch(send, onlyOrigin)
      : authorizedDispatch(box.policy, send, onlyOrigin);
  };
}

/** Fails every http and https call: a test double of the provider has no policy that recognizes Box calls. */
function refusingDispatch(
  dispatch: UndiciDispatch,
  onlyOrigin: string | null | undefined,
): UndiciDispatch {
  const targetOf = targetReader(onlyOrigin);
  return (call, handler) => {
    const protocol = targetOf(call)?.base.protocol;
    if (protocol !== 'https:' && protocol !== 'http:') return dispatch(call, handler);
    failCall(handler, providerReplacedError());
    return true;
  };
}
