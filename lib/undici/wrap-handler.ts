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
    ...forwardProgress(handler),
    onConnect: like(handler.onConnect, (abort, context) => {
      response.abort = abort;
      handler.onConnect?.(abort, context);
    }),
    onHeaders: like(handler.onHeaders, (status, headers, ...rest) =>
      response.onStart(status, headers, () => handler.onHeaders?.(status, headers, ...rest)),
    ),
    onData: like(handler.onData, (chunk) => response.onData(() => handler.onData?.(chunk))),
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
    ...forwardProgress(handler),
    onRequestStart(controller, context) {
      response.abort = (reason) => controller.abort(reason);
      handler.onRequestStart(controller, context);
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
      response.onData(() => handler.onResponseData?.(controller, chunk)),
    ),
    onResponseEnd: like(handler.onResponseEnd, (controller, trailers) =>
      response.onEnd(() => handler.onResponseEnd?.(controller, trailers)),
    ),
    onResponseError: like(handler.onResponseError, (controller, error) =>
      response.onError(error, () => handler.onResponseError?.(controller, error)),
    ),
  };
}

/** Leaves out the methods that the caller's handler lacks: which of them undici requires depends on its version. */
function like<T>(original: T, wrapped: T): T {
  return typeof original === 'function' ? wrapped : original;
}

/** Caches composed after this interceptor do not distinguish users. `vary: *` prevents storage (RFC 9111, section 4.1). */
function withVaryAll(headers: unknown): unknown {
  return { ...(isObject(headers) ? headers : {}), vary: '*' };
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

function forwardProgress(handler: ProgressHandler): ProgressHandler {
  return {
    onBodySent: like(handler.onBodySent, (...sent) => handler.onBodySent?.(...sent)),
    onRequestSent: like(handler.onRequestSent, () => handler.onRequestSent?.()),
    onResponseStarted: like(handler.onResponseStarted, () => handler.onResponseStarted?.()),
  };
}
