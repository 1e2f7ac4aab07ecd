import { BoxAuthError } from '../core/errors/box-auth.error.js';
import type { HeldResponse } from './held-response.js';
import { isObject } from './headers.js';

const MAX_HANDLER_DEPTH = 16;

/** An event of a handler. undici calls it as a method. */
type Event<Args extends readonly unknown[]> = ((...args: Args) => unknown) | undefined;

interface ProgressHandler {
  readonly onBodySent?: Event<unknown[]>;
  readonly onRequestSent?: Event<[]>;
  readonly onResponseStarted?: Event<[]>;
}

/** The handler style of undici 6, and of `fetch` in the Node versions that contain it. */
interface LegacyHandler extends ProgressHandler {
  readonly onConnect?: Event<[abort: (reason?: Error) => void, context?: unknown]>;
  readonly onHeaders?: Event<[status: number, headers: unknown, resume: () => void, text: string]>;
  readonly onData?: Event<[chunk: unknown]>;
  readonly onComplete?: Event<[trailers: unknown]>;
  readonly onError?: Event<[error: unknown]>;
}

interface Controller {
  abort(reason: Error): void;
}

/** The handler style of undici 7 and 8. The controller is null if no request was started, as in undici itself. */
interface ControllerHandler extends ProgressHandler {
  readonly onRequestStart: (controller: Controller, context: unknown) => unknown;
  readonly onResponseStart?: Event<
    [controller: Controller, status: number, headers: unknown, text?: string]
  >;
  readonly onResponseData?: Event<[controller: Controller, chunk: unknown]>;
  readonly onResponseEnd?: Event<[controller: Controller, trailers: unknown]>;
  readonly onResponseError?: Event<[controller: Controller | null, error: unknown]>;
}

function isControllerHandler(handler: object): handler is ControllerHandler {
  return 'onRequestStart' in handler && typeof handler.onRequestStart === 'function';
}

/** Wraps the caller's handler in one of the same style, whose response events go through `response`. */
export function wrapHandler(handler: object, response: HeldResponse): object {
  return isControllerHandler(handler)
    ? wrapControllerHandler(handler, response)
    : wrapLegacyHandler(handler, response);
}

/** Whether a handler can report an error. undici 6 and 7 reject a handler of the older style that cannot. */
export function reportsErrors(handler: object): boolean {
  return (
    isControllerHandler(handler) || ('onError' in handler && typeof handler.onError === 'function')
  );
}

/** Reports an error to the handler of a call that was not sent, or whose response was discarded. */
export function failCall(handler: object, error: unknown): void {
  if (isControllerHandler(handler)) handler.onResponseError?.(null, error);
  else failLegacy(handler, error);
}

function failLegacy(handler: LegacyHandler, error: unknown): void {
  handler.onError?.(error);
}

function wrapLegacyHandler(handler: LegacyHandler, response: HeldResponse): LegacyHandler {
  return {
    onBodySent: forwarded(handler, 'onBodySent'),
    onRequestSent: forwarded(handler, 'onRequestSent'),
    onResponseStarted: forwarded(handler, 'onResponseStarted'),
    onConnect: like(handler.onConnect, (abort, context) => {
      response.abort = abort;
      handler.onConnect?.(response.callerAbort(abort), context);
    }),
    onHeaders: like(handler.onHeaders, (status, headers, ...rest) =>
      response.onStart(status, headers, () => handler.onHeaders?.(status, headers, ...rest)),
    ),
    onData: like(handler.onData, (chunk) => response.onData(chunk, () => handler.onData?.(chunk))),
    onComplete: like(handler.onComplete, (trailers) =>
      response.onEnd(() => handler.onComplete?.(trailers)),
    ),
    onError: like(handler.onError, (error) =>
      response.onError(error, () => handler.onError?.(error)),
    ),
  };
}

function wrapControllerHandler(
  handler: ControllerHandler,
  response: HeldResponse,
): ControllerHandler {
  return {
    onBodySent: forwarded(handler, 'onBodySent'),
    onRequestSent: forwarded(handler, 'onRequestSent'),
    onResponseStarted: forwarded(handler, 'onResponseStarted'),
    onRequestStart(controller, context) {
      response.abort = (reason) => controller.abort(reason);
      handler.onRequestStart(watched(controller, response), context);
    },
    onResponseStart: like(handler.onResponseStart, (controller, status, headers, text) =>
      response.onStart(status, headers, () =>
        handler.onResponseStart?.(
          controller,
          status,
          status < 200 ? headers : withVaryAll(headers),
          text,
        ),
      ),
    ),
    onResponseData: like(handler.onResponseData, (controller, chunk) =>
      response.onData(chunk, () => handler.onResponseData?.(controller, chunk)),
    ),
    onResponseEnd: like(handler.onResponseEnd, (controller, trailers) =>
      response.onEnd(() => handler.onResponseEnd?.(controller, trailers)),
    ),
    onResponseError: like(handler.onResponseError, (controller, error) =>
      response.onError(error, () => handler.onResponseError?.(controller, error)),
    ),
  };
}

/**
 * A controller of undici that reports its `abort` to `response`. It has private fields, so its other properties must be read
 * from itself.
 */
function watched(controller: Controller, response: HeldResponse): Controller {
  if (!response.watchesCaller) return controller;
  const abort = response.callerAbort((reason: Error) => controller.abort(reason));
  return new Proxy(controller, {
    get(target, name) {
      if (name === 'abort') return abort;
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === 'function' ? (value.bind(target) as unknown) : value;
    },
    set: (target, name, value) => Reflect.set(target, name, value, target),
  });
}

/** Leaves out the methods that the caller's handler lacks: which of them undici requires depends on its version. */
function like<T>(original: T, wrapped: T): T {
  return typeof original === 'function' ? wrapped : original;
}

/** Caches composed after this interceptor do not distinguish users. `vary: *` prevents storage (RFC 9111, section 4.1). */
function withVaryAll(headers: unknown): unknown {
  return Object.assign({}, headers, { vary: '*' });
}

/**
 * Whether one request serves several callers, as with undici's `deduplicate()`. The handlers of `redirect()` and `retry()`
 * in between expose the handler that they wrap.
 */
export function isDeduplicating(handler: object): boolean {
  let current: unknown = handler;
  for (let depth = 0; isObject(current) && depth < MAX_HANDLER_DEPTH; depth++) {
    if ('addWaitingHandler' in current) return true;
    current = Reflect.get(current, 'handler');
  }
  return false;
}

export function deduplicateMisplaced(): BoxAuthError {
  return new BoxAuthError({
    code: 'option_invalid',
    message:
      'deduplicate() of undici is composed after boxAuthInterceptor: it would give the response of one acting user to another.',
    hint: 'Compose it before: compose(interceptors.deduplicate(), boxAuthInterceptor(provider)).',
    docs: 'https://undici.nodejs.org/#/docs/api/Dispatcher',
  });
}

function forwarded<Name extends keyof ProgressHandler>(
  handler: ProgressHandler,
  name: Name,
): ProgressHandler[Name] {
  return like(handler[name], (...args: unknown[]) => handler[name]?.(...args));
}
