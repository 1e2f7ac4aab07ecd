import type { HeldResponse } from './held-response.js';
import { isObject } from './headers.js';

const MAX_HANDLER_DEPTH = 16;

interface ProgressHandler {
  onBodySent?(...sent: unknown[]): unknown;
  onRequestSent?(): unknown;
  onResponseStarted?(): unknown;
}

/** The handler style of undici 6, and of `fetch` in the Node versions that contain it. */
interface LegacyHandler extends ProgressHandler {
  onConnect?(abort: (reason?: Error) => void, context?: unknown): unknown;
  onHeaders?(status: number, headers: unknown, resume: () => void, text: string): unknown;
  onData?(chunk: unknown): unknown;
  onComplete?(trailers: unknown): unknown;
  onError?(error: unknown): unknown;
}

interface Controller {
  abort(reason: Error): void;
}

/** The handler style of undici 7 and 8. The controller is null if no request was started, as in undici itself. */
interface ControllerHandler extends ProgressHandler {
  onRequestStart(controller: Controller, context: unknown): unknown;
  onResponseStart?(
    controller: Controller,
    status: number,
    headers: unknown,
    text?: string,
  ): unknown;
  onResponseData?(controller: Controller, chunk: unknown): unknown;
  onResponseEnd?(controller: Controller, trailers: unknown): unknown;
  onResponseError?(controller: Controller | null, error: unknown): unknown;
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
    onConnect(abort, context) {
      response.abort = abort;
      handler.onConnect?.(abort, context);
    },
    onHeaders: (status, headers, ...rest) =>
      response.onStart(status, headers, () => handler.onHeaders?.(status, headers, ...rest)),
    onData: (chunk) => response.onData(() => handler.onData?.(chunk)),
    onComplete: (trailers) => response.onEnd(() => handler.onComplete?.(trailers)),
    onError: (error) => response.onError(error, () => handler.onError?.(error)),
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
    onResponseStart: (controller, status, headers, text) =>
      response.onStart(status, headers, () =>
        handler.onResponseStart?.(controller, status, withVaryAll(headers), text),
      ),
    onResponseData: (controller, chunk) =>
      response.onData(() => handler.onResponseData?.(controller, chunk)),
    onResponseEnd: (controller, trailers) =>
      response.onEnd(() => handler.onResponseEnd?.(controller, trailers)),
    onResponseError: (controller, error) =>
      response.onError(error, () => handler.onResponseError?.(controller, error)),
  };
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
    onBodySent: (...sent) => handler.onBodySent?.(...sent),
    onRequestSent: () => handler.onRequestSent?.(),
    onResponseStarted: () => handler.onResponseStarted?.(),
  };
}
