import { AsyncResource } from 'node:async_hooks';
import { rejected } from '../core/tokens/rejection-throttle.js';
import { proxyRefusal } from '../core/http/env-proxy.js';
import type { RepeatableResponse } from '../core/http/api-retries.js';
import { withinErrorBodyTime } from '../core/http/discarded-body.js';
import type { Authorization, CallerHeaders, OutgoingPolicy } from '../core/http/outgoing-policy.js';
import type { ResponseHead } from '../core/http/www-authenticate.js';
import { abortedBy, type WaitOptions } from '../core/http/abort-sources.js';
import {
  LONG_BODY_BYTES,
  type ReplayableBody,
  replayableBody,
} from '../core/http/replayable-body.js';
import { parseUrl } from '../core/http/url-rules.js';
import { type MaybePromise, whenReady } from '../core/runtime/maybe-promise.js';
import { abortSources, callerAbortSource, isAborted, signalSources } from './abort-sources.js';
import { type HeldHead, HeldResponse, type ResultDecision } from './held-response.js';
import {
  deduplicateMisplaced,
  failCall,
  isDeduplicating,
  reportsErrors,
  wrapHandler,
} from './wrap-handler.js';
import {
  copyHeaders,
  headerOf,
  isObject,
  toRereadable,
  upperCase,
  withNoStore,
  withoutHeaders,
} from './headers.js';

/** The dispatch options that are read here, in every version of undici. */
export interface UndiciCall {
  readonly origin?: string | URL | undefined;
  readonly path: unknown;
  readonly method: string;
  readonly headers?: unknown;
  readonly body?: unknown;
  readonly upgrade?: unknown;
  readonly signal?: unknown;
  readonly headersTimeout?: unknown;
  /** undici 6 only. */
  readonly maxRedirections?: unknown;
}

export type UndiciDispatch = (call: UndiciCall, handler: object) => boolean;

/**
 * Adds tokens to the calls of a dispatcher that may carry one, and passes all others on.
 *
 * `onlyOrigin` (undici 8) is the one origin of a Client or Pool, which ignores the origin of a call; null if there may be
 * several.
 */
export function authorizedDispatch(
  policy: OutgoingPolicy,
  dispatch: UndiciDispatch,
  onlyOrigin?: string | null,
): UndiciDispatch {
  const hops = new Hops();
  return (call, handler) => {
    const url = urlOf(call, onlyOrigin);
    if (url === undefined || !isObject(handler) || !reportsErrors(handler)) {
      return dispatch(call, handler);
    }
    const firstUrl = hops.firstBoxUrls.get(handler);
    // The repetition of an interceptor such as `retry()` has the same handler, too.
    const isRedirect = firstUrl !== undefined && firstUrl !== url.href;
    if (!(isRedirect ? policy.allowsRedirectTo(url) : policy.allows(url))) {
      hops.mustNotAuthorize.add(handler);
      const original = toRereadable(call.headers);
      const names = forbiddenHeaderNames(original, firstUrl !== undefined, policy);
      const headers = withoutHeaders(original, names);
      return dispatch(headers === call.headers ? call : { ...call, headers }, handler);
    }
    if (hops.mustNotAuthorize.has(handler)) {
      hops.begin(handler, url);
      return dispatch(call, handler);
    }
    return new AuthorizedCall(policy, dispatch, url, call, handler, hops).run();
  };
}

/**
 * Recognizes the hops of a redirect by their handler, which is the same. A call that leaves Box loses its headers, and gets
 * none if it returns to Box.
 */
class Hops {
  readonly firstBoxUrls = new WeakMap<object, string>();
  readonly mustNotAuthorize = new WeakSet<object>();

  /**
   * Notes the first hop at Box. Called at a result that may lead to another hop, instead of for each call: a WeakMap of
   * short-lived handlers makes garbage collection expensive.
   */
  begin(handler: object, url: URL): void {
    if (!this.firstBoxUrls.has(handler)) this.firstBoxUrls.set(handler, url.href);
  }
}

/**
 * Names of the headers that must not go to another host. With `fetch` each hop has its own handler, which does not show
 * whether Box redirected the call. If Box did, `authorization` is missing: `fetch` removes it and keeps unknown headers.
 */
function forbiddenHeaderNames(
  headers: unknown,
  isRedirected: boolean,
  policy: OutgoingPolicy,
): readonly string[] {
  if (isRedirected) return policy.protectedHeaderNames;
  return headerOf(headers, 'authorization') === undefined ? policy.issuerHeaderNames : [];
}

/**
 * Returns undefined for a tunnel, an upgrade, a path that is an absolute URL, as in a request to a proxy, and for a call that
 * undici rejects.
 */
export function urlOf(call: UndiciCall, onlyOrigin?: string | null): URL | undefined {
  if (!isObject(call) || call.method === 'CONNECT' || call.upgrade) return undefined;
  const { path } = call;
  if (typeof path !== 'string' || !path.startsWith('/')) return undefined;
  const origin = String(onlyOrigin === undefined ? call.origin : onlyOrigin);
  const url = parseUrl(origin + path);
  if (url?.origin === origin) return url;
  const base = parseUrl(origin);
  return base === undefined ? undefined : parseUrl(base.origin + path);
}

/** Sends one call and replays it at most once. */
class AuthorizedCall {
  readonly #callerContext = new AsyncResource('nestjs-box-auth.AuthorizedCall');
  readonly #body: ReplayableBody<unknown>;
  #call: UndiciCall;
  #isLongCall = false;

  constructor(
    private readonly policy: OutgoingPolicy,
    private readonly dispatch: UndiciDispatch,
    private readonly url: URL,
    call: UndiciCall,
    private readonly handler: object,
    private readonly hops: Hops,
  ) {
    this.#call = call;
    this.#body = replayableBody(call.body, policy.replayBufferBytes);
  }

  /**
   * Dispatches at once if the token and the body are in memory: a later call, or `close` of the dispatcher, must not overtake
   * this call. Returns what the dispatcher returns, or true if it has to wait.
   */
  run(): boolean {
    const isReady = this.#start();
    if (!(isReady instanceof Promise)) return isReady;
    this.hops.begin(this.handler, this.url);
    isReady.catch((error: unknown) => this.#fail(error));
    return true;
  }

  #start(): MaybePromise<boolean> {
    const refusal = proxyRefusal(this.url);
    if (refusal !== undefined) return rejected(refusal);
    const headers = copyHeaders(this.#call.headers);
    // undici 6 would itself follow redirects, and forward all headers to any host.
    this.#call = Object.assign({}, this.#call, { headers, maxRedirections: 0 });
    const caller = { get: (name: string) => headerOf(headers, name) };
    const authorization = this.#waitForToken((options) =>
      this.policy.authorize(caller, options, this.#isLong(caller)),
    );
    return whenReady(authorization, (ready) => {
      if (ready === undefined) return this.#sendUnauthorized();
      if (isDeduplicating(this.handler)) return rejected(deduplicateMisplaced());
      this.#isLongCall = this.#isLong(caller);
      return whenReady(this.#admit(ready), (admitted) => this.#send(admitted, false));
    });
  }

  #sendUnauthorized(): MaybePromise<boolean> {
    // If the caller authorizes the first hop itself, later hops get no token.
    this.hops.mustNotAuthorize.add(this.handler);
    this.hops.begin(this.handler, this.url);
    const { body } = this.#call;
    return whenReady(typeof body === 'function' ? this.#body.open() : body, (sent) =>
      this.dispatch({ ...this.#call, body: sent }, this.handler),
    );
  }

  /** `fetch` turns every body into a stream, but knows its length. */
  #isLong(caller: CallerHeaders): boolean {
    return this.#body.isLong && !(Number(caller.get('content-length')) <= LONG_BODY_BYTES);
  }

  #waitForToken<T>(request: (options: WaitOptions) => MaybePromise<T>): MaybePromise<T> {
    return abortedBy(() => abortSources(this.#call, this.policy.runtime), request);
  }

  /** Waits until a request may be sent. `response` is that of the previous request. */
  #admit(
    authorization: Authorization,
    delayMs = 0,
    response?: HeldResponse,
  ): MaybePromise<Authorization> {
    const sources = () => [
      ...signalSources(this.#call),
      ...(response === undefined ? [] : [callerAbortSource(response)]),
    ];
    return this.policy.admit(authorization, { sources, isLongCall: this.#isLongCall, delayMs });
  }

  #send(authorization: Authorization, isReplay: boolean): MaybePromise<boolean> {
    return whenReady(this.#body.open(), (body) => {
      const response: HeldResponse = new HeldResponse(
        this.#callerContext,
        this.#decisionAbout(() => response, authorization, isReplay),
        this.#body,
        authorization.report?.sent(this.url, this.#call.method),
      );
      const headers = withNoStore(this.#call.headers, authorization.headers);
      // Not a spread: on Node 20 it takes several us if other fields follow.
      const call = Object.assign({}, this.#call, { body, headers });
      return this.dispatch(call, wrapHandler(this.handler, response));
    });
  }

  #decisionAbout(
    response: () => HeldResponse,
    sent: Authorization,
    isReplay: boolean,
  ): ResultDecision {
    const { retries } = sent;
    const { method } = this.#call;
    return {
      watchesCaller: retries !== undefined,
      onResponse: (status) => {
        if (status >= 300) this.hops.begin(this.handler, this.url);
        const mayRepeat = retries?.responded(upperCase(method), status) === true;
        if (status === 401)
          return (head) => this.#handleUnauthorized(response(), head, sent, isReplay);
        if (retries === undefined || !mayRepeat) return undefined;
        return (head) =>
          this.#repeatOrRelease(response(), sent, isReplay, () =>
            retries.delayAfterResponse(upperCase(method), this.#repeatable(head), this.#body),
          );
      },
      onError: (error, isWithoutResponse) => {
        this.hops.begin(this.handler, this.url);
        if (retries === undefined || !isWithoutResponse || isAborted(this.#call)) return undefined;
        return () =>
          this.#repeatOrRelease(response(), sent, isReplay, () =>
            retries.delayAfterError(upperCase(method), error, this.#body),
          );
      },
    };
  }

  /** Repeats the call after `delayAfter`, or gives the result to the caller. */
  async #repeatOrRelease(
    response: HeldResponse,
    sent: Authorization,
    isReplay: boolean,
    delayAfter: () => Promise<number | undefined>,
  ): Promise<void> {
    const delayMs = await delayAfter().catch(() => undefined);
    if (delayMs === undefined || response.isAbortedByCaller) {
      response.release((error) => this.#fail(error));
      return;
    }
    response.discard();
    await this.#replace(response, isReplay, async () => this.#admit(sent, delayMs, response));
  }

  async #handleUnauthorized(
    response: HeldResponse,
    head: ResponseHead,
    sent: Authorization,
    isReplay: boolean,
  ): Promise<void> {
    // A response to HEAD never has a body, so an empty one means nothing.
    const isEmpty = () => this.#call.method !== 'HEAD' && head.isEmpty();
    const isRefused = await this.policy.isTokenRefused({ ...head, isEmpty });
    const mayReplay = !isReplay && sent.retries?.mayReplay !== false;
    if (isRefused && !mayReplay) this.policy.invalidate(sent);
    if (!isRefused || !mayReplay) {
      response.release((error) => this.#fail(error));
      return;
    }
    response.discard();
    sent.retries?.countReplay();
    await this.#replace(response, true, async () => {
      const reauthorization = await this.#waitForToken((options) =>
        this.policy.reauthorize(sent, options),
      );
      return this.#admit(reauthorization, 0, response);
    });
  }

  /** Sends another request instead of the one with `response`, which is discarded. */
  async #replace(
    response: HeldResponse,
    isReplay: boolean,
    authorize: () => Promise<Authorization>,
  ): Promise<void> {
    try {
      const authorization = await authorize().finally(() => response.abortIfUnfinished());
      await this.#send(authorization, isReplay);
    } catch (error) {
      this.#fail(error);
    }
  }

  #repeatable({ status, header, text }: HeldHead): RepeatableResponse {
    return {
      status,
      header,
      readBody: async () => (await withinErrorBodyTime(this.policy.runtime, text())) ?? '',
    };
  }

  #fail(error: unknown): void {
    this.#body.cancel(error);
    failCall(this.handler, error);
  }
}
