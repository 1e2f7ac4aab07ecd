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
    ? hideMissing(new ControllerWrapper(handler, response), handler, CONTROLLER_EVENTS)
    : hideMissing(new LegacyWrapper(handler, response), handler, LEGACY_EVENTS);
}

const CONTROLLER_EVENTS = ['onResponseStart', 'onResponseData', 'onResponseEnd', 'onResponseError'];
const LEGACY_EVENTS = ['onConnect', 'onHeaders', 'onData', 'onComplete', 'onError'];

/** Hides the methods that the caller's handler lacks: which of them undici requires depends on its version. */
function hideMissing(wrapper: object, handler: object, events: readonly string[]): object {
  for (const event of events) {
    const original: unknown = Reflect.get(handler, event);
    if (typeof original !== 'function') Reflect.set(wrapper, event, original);
  }
  return wrapper;
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

/** Forwards what undici reports about the progress of a request. */
abstract class ProgressWrapper implements ProgressHandler {
  readonly onBodySent: ProgressHandler['onBodySent'];
  readonly onRequestSent: ProgressHandler['onRequestSent'];
  readonly onResponseStarted: ProgressHandler['onResponseStarted'];

  constructor(handler: ProgressHandler) {
    this.onBodySent = like(handler.onBodySent, (...sent) => handler.onBodySent?.(...sent));
    this.onRequestSent = like(handler.onRequestSent, () => handler.onRequestSent?.());
    this.onResponseStarted = like(handler.onResponseStarted, () => handler.onResponseStarted?.());
  }
}

class LegacyWrapper extends ProgressWrapper implements LegacyHandler {
  readonly #handler: LegacyHandler;
  readonly #response: HeldResponse;

  constructor(handler: LegacyHandler, response: HeldResponse) {
    super(handler);
    this.#handler = handler;
    this.#response = response;
  }

  onConnect(abort: (reason?: Error) => void, context?: unknown): void {
    this.#response.abort = abort;
    this.#handler.onConnect?.(this.#response.callerAbort(abort), context);
  }

  onHeaders(status: number, headers: unknown, resume: () => void, text: string): unknown {
    return this.#response.onStart(status, headers, () =>
      this.#handler.onHeaders?.(status, headers, resume, text),
    );
  }

  onData(chunk: unknown): unknown {
    return this.#response.onData(chunk, () => this.#handler.onData?.(chunk));
  }

  onComplete(trailers: unknown): unknown {
    return this.#response.onEnd(() => this.#handler.onComplete?.(trailers));
  }

  onError(error: unknown): unknown {
    return this.#response.onError(error, () => this.#handler.onError?.(error));
  }
}

class ControllerWrapper extends ProgressWrapper implements ControllerHandler {
  readonly #handler: ControllerHandler;
  readonly #response: HeldResponse;

  constructor(handler: ControllerHandler, response: HeldResponse) {
    super(handler);
    this.#handler = handler;
    this.#response = response;
  }

  onRequestStart(controller: Controller, context: unknown): void {
    this.#response.abort = (reason) => controller.abort(reason);
    this.#handler.onRequestStart(watched(controller, this.#response), context);
  }

  onResponseStart(
    controller: Controller,
    status: number,
    headers: unknown,
    text?: string,
  ): unknown {
    return this.#response.onStart(status, headers, () =>
      this.#handler.onResponseStart?.(
        controller,
        status,
        status < 200 ? headers : withVaryAll(headers),
        text,
      ),
    );
  }

  onResponseData(controller: Controller, chunk: unknown): unknown {
    return this.#response.onData(chunk, () => this.#handler.onResponseData?.(controller, chunk));
  }

  onResponseEnd(controller: Controller, trailers: unknown): unknown {
    return this.#response.onEnd(() => this.#handler.onResponseEnd?.(controller, trailers));
  }

  onResponseError(controller: Controller | null, error: unknown): unknown {
    return this.#response.onError(error, () => this.#handler.onResponseError?.(controller, error));
  }
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

/** Returns `wrapped` if it wraps a method. Undici rejects other values than undefined. */
function like<T>(original: T, wrapped: T): T {
  return typeof original === 'function' ? wrapped : original;
}

/** Caches composed after this interceptor do not distinguish users. `vary: *` prevents storage (RFC 9111, section 4.1). */
function withVaryAll(headers: unknown): unknown {
  // The spread comes first, because `Object.assign` would set the prototype to the value of a header `__proto__`.
  return Object.assign({ ...(isObject(headers) ? headers : undefined) }, { vary: '*' });
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
