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
import { type MaybePromise, whenReady } from '../core/runtime/maybe-promise.js';
import { abortSources, callerAbortSource, isAborted, signalSources } from './abort-sources.js';
import { type Target, targetReader, type UndiciCall } from './call-target.js';
import { forbiddenHeaderNames, Hops } from './hops.js';
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
  const targetOf = targetReader(onlyOrigin);
  return (call, handler) => {
    const target = targetOf(call);
    if (target === undefined || !isObject(handler) || !reportsErrors(handler)) {
      return dispatch(call, handler);
    }
    const firstUrl = hops.firstBoxUrls.get(handler);
    // The repetition of an interceptor such as `retry()` has the same handler, too.
    const isRedirect = firstUrl !== undefined && firstUrl !== target.url.href;
    const isAllowed = isRedirect
      ? policy.allowsRedirectTo(target.url)
      : policy.allowsPath(target.path, target.base);
    if (!isAllowed) {
      hops.mustNotAuthorize.add(handler);
      const original = toRereadable(call.headers);
      const names = forbiddenHeaderNames(original, firstUrl !== undefined, policy);
      const headers = withoutHeaders(original, names);
      return dispatch(headers === call.headers ? call : { ...call, headers }, handler);
    }
    if (hops.mustNotAuthorize.has(handler)) {
      hops.begin(handler, target);
      return dispatch(call, handler);
    }
    return new AuthorizedCall(policy, dispatch, target, call, handler, hops).run();
  };
}

/** Sends one call and replays it at most once. */
class AuthorizedCall {
  readonly #callerContext = new AsyncResource('nestjs-box-auth.AuthorizedCall');
  readonly #body: ReplayableBody<unknown>;
  #call: UndiciCall;
  /** A copy: the caller may change its own after the call. */
  readonly #headers: unknown;
  #isLongCall = false;

  constructor(
    private readonly policy: OutgoingPolicy,
    private readonly dispatch: UndiciDispatch,
    private readonly target: Target,
    call: UndiciCall,
    private readonly handler: object,
    private readonly hops: Hops,
  ) {
    this.#call = call;
    this.#headers = copyHeaders(call.headers);
    this.#body = replayableBody(call.body, policy.replayBufferBytes);
  }

  /**
   * Dispatches at once if the token and the body are in memory: a later call, or `close` of the dispatcher, must not overtake
   * this call. Returns what the dispatcher returns, or true if it has to wait.
   */
  run(): boolean {
    const isReady = this.#start();
    if (!(isReady instanceof Promise)) return isReady;
    this.#call = { ...this.#call };
    this.hops.begin(this.handler, this.target);
    isReady.catch((error: unknown) => this.#fail(error));
    return true;
  }

  #start(): MaybePromise<boolean> {
    const refusal = proxyRefusal(this.target.base);
    if (refusal !== undefined) return rejected(refusal);
    const caller = { get: (name: string) => headerOf(this.#headers, name) };
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
    this.hops.begin(this.handler, this.target);
    const { body } = this.#call;
    return whenReady(typeof body === 'function' ? this.#body.open() : body, (sent) =>
      this.#dispatch(sent, this.#headers, this.handler),
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
      const response = new HeldResponse(
        this.#callerContext,
        new Attempt(this, authorization, isReplay),
        this.#body,
        authorization.report?.sent(this.target.url, this.#call.method),
      );
      const headers = withNoStore(this.#headers, authorization.headers);
      return this.#dispatch(body, headers, wrapHandler(this.handler, response));
    });
  }

  #dispatch(body: unknown, headers: unknown, handler: object): boolean {
    // undici 6 would itself follow redirects, and forward all headers to any host.
    // Not one spread: on Node 20 it takes several us if other fields follow. Not one assignment: it would set the prototype to the
    // value of an option `__proto__`.
    this.#call = Object.assign({ ...this.#call }, { body, headers, maxRedirections: 0 });
    return this.dispatch(this.#call, handler);
  }

  onResponse(
    response: HeldResponse,
    status: number,
    { authorization: sent, isReplay }: Attempt,
  ): ReturnType<ResultDecision['onResponse']> {
    if (status >= 300) this.hops.begin(this.handler, this.target);
    const { retries } = sent;
    const mayRepeat = retries?.responded(this.#method, status) === true;
    if (status === 401) return (head) => this.#handleUnauthorized(response, head, sent, isReplay);
    if (retries === undefined || !mayRepeat) return undefined;
    return (head) =>
      this.#repeatOrRelease(response, sent, isReplay, () =>
        retries.delayAfterResponse(this.#method, this.#repeatable(head), this.#body),
      );
  }

  onError(
    response: HeldResponse,
    error: unknown,
    isWithoutResponse: boolean,
    { authorization: sent, isReplay }: Attempt,
  ): ReturnType<ResultDecision['onError']> {
    this.hops.begin(this.handler, this.target);
    const { retries } = sent;
    if (retries === undefined || !isWithoutResponse || isAborted(this.#call)) return undefined;
    return () =>
      this.#repeatOrRelease(response, sent, isReplay, () =>
        retries.delayAfterError(this.#method, error, this.#body),
      );
  }

  get #method(): string {
    return upperCase(this.#call.method);
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

/** One request of a call. */
class Attempt implements ResultDecision {
  constructor(
    private readonly call: AuthorizedCall,
    readonly authorization: Authorization,
    readonly isReplay: boolean,
  ) {}

  get watchesCaller(): boolean {
    return this.authorization.retries !== undefined;
  }

  onResponse(response: HeldResponse, status: number): ReturnType<ResultDecision['onResponse']> {
    return this.call.onResponse(response, status, this);
  }

  onError(
    response: HeldResponse,
    error: unknown,
    isWithoutResponse: boolean,
  ): ReturnType<ResultDecision['onError']> {
    return this.call.onError(response, error, isWithoutResponse, this);
  }
}
