import type { AsyncResource } from 'node:async_hooks';
import type { ResponseHead } from '../core/http/outgoing-policy.js';
import { headerOf, isObject } from './undici-headers.js';

type Tell = () => unknown;

const MAX_VISIBLE_HANDLERS = 16;

/**
 * What an answer tells the caller's handler. A 401 waits until it is known what is refused: for the first bytes of its
 * body at most, which the policy bounds. Once known, the handler hears it within microtasks, before undici reads on.
 *
 * undici answers in the async context of whoever opened the connection. Handlers are told in that of the caller, or a
 * redirect or a retry, which calls again from its handler, would act for a stranger.
 */
export class HeldAnswer {
  #state: 'passing' | 'holding' | 'dropping' = 'passing';
  readonly #held: Tell[] = [];
  #isOver = false;
  #knowEmptiness: (isEmpty: boolean) => void = () => undefined;
  /** Of the dispatcher. */
  abort: (reason: Error) => void = () => undefined;

  constructor(
    private readonly caller: AsyncResource,
    private readonly judge: (head: ResponseHead) => Promise<void>,
  ) {}

  start(status: number, headers: unknown, tell: Tell): unknown {
    if (status === 401) {
      this.#state = 'holding';
      const emptiness = new Promise<boolean>((resolve) => {
        this.#knowEmptiness = resolve;
      });
      const challenge = headerOf(headers, 'www-authenticate');
      const head = { status, challenge, isEmpty: () => emptiness };
      void this.caller.runInAsyncScope(() => this.judge(head));
    }
    return this.#hear(tell);
  }

  data(tell: Tell): unknown {
    this.#knowEmptiness(false);
    return this.#hear(tell);
  }

  end(tell: Tell): unknown {
    this.#isOver = true;
    this.#knowEmptiness(true);
    return this.#hear(tell);
  }

  error(tell: Tell): unknown {
    this.#isOver = true;
    this.#knowEmptiness(false);
    if (this.#state === 'passing') this.#held.length = 0;
    return this.#hear(tell);
  }

  /** Lets the handler hear what it missed. If it throws, the call fails, as in undici itself. */
  release(fail: (error: unknown) => void): void {
    this.#state = 'passing';
    try {
      for (let tell = this.#held.shift(); tell !== undefined; tell = this.#held.shift()) {
        this.#hear(tell);
      }
    } catch (error) {
      if (this.#isOver) fail(error);
      else this.abort(error instanceof Error ? error : new Error(String(error)));
    }
  }

  drop(): void {
    this.#state = 'dropping';
  }

  /** However long its body is, and however slowly it comes, it is not waited for any more. */
  cutOff(): void {
    if (!this.#isOver) this.abort(new Error('The token of this call was refused.'));
  }

  #hear(tell: Tell): unknown {
    if (this.#state === 'passing') return this.caller.runInAsyncScope(tell);
    if (this.#state === 'holding') this.#held.push(tell);
    return true;
  }
}

interface ProgressHandler {
  onBodySent?(...sent: unknown[]): unknown;
  onRequestSent?(): unknown;
  onResponseStarted?(): unknown;
}

/** Of undici 6, and of the `fetch` of the Node versions that have it. */
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

/** Of undici 7 and 8. Without a controller if there was no request, as they have it themselves. */
interface ControllerHandler extends ProgressHandler {
  onRequestStart(by: Controller, context: unknown): unknown;
  onResponseStart?(by: Controller, status: number, headers: unknown, text?: string): unknown;
  onResponseData?(by: Controller, chunk: unknown): unknown;
  onResponseEnd?(by: Controller, trailers: unknown): unknown;
  onResponseError?(by: Controller | null, error: unknown): unknown;
}

function isControllerHandler(handler: object): handler is ControllerHandler {
  return 'onRequestStart' in handler && typeof handler.onRequestStart === 'function';
}

/** A handler of the style of `handler`, which hears of the answer what it is let to. */
export function handlerOf(handler: object, answer: HeldAnswer): object {
  return isControllerHandler(handler)
    ? heardByController(handler, answer)
    : heardByLegacy(handler, answer);
}

/** Fails a call that was not sent, or whose answer was kept from its handler. */
export function failCall(handler: object, error: unknown): void {
  if (isControllerHandler(handler)) handler.onResponseError?.(null, error);
  else failLegacy(handler, error);
}

function failLegacy(handler: LegacyHandler, error: unknown): void {
  handler.onError?.(error);
}

function heardByLegacy(handler: LegacyHandler, answer: HeldAnswer): LegacyHandler {
  return {
    ...progressOf(handler),
    onConnect(abort, context) {
      answer.abort = abort;
      handler.onConnect?.(abort, context);
    },
    onHeaders: (status, headers, ...rest) =>
      answer.start(status, headers, () => handler.onHeaders?.(status, headers, ...rest)),
    onData: (chunk) => answer.data(() => handler.onData?.(chunk)),
    onComplete: (trailers) => answer.end(() => handler.onComplete?.(trailers)),
    onError: (error) => answer.error(() => handler.onError?.(error)),
  };
}

function heardByController(handler: ControllerHandler, answer: HeldAnswer): ControllerHandler {
  return {
    ...progressOf(handler),
    onRequestStart(by, context) {
      answer.abort = (reason) => by.abort(reason);
      handler.onRequestStart(by, context);
    },
    onResponseStart: (by, status, headers, text) =>
      answer.start(status, headers, () =>
        handler.onResponseStart?.(by, status, varyingByMore(headers), text),
      ),
    onResponseData: (by, chunk) => answer.data(() => handler.onResponseData?.(by, chunk)),
    onResponseEnd: (by, trailers) => answer.end(() => handler.onResponseEnd?.(by, trailers)),
    onResponseError: (by, error) => answer.error(() => handler.onResponseError?.(by, error)),
  };
}

/** Caches around us do not see who a response is for: `*` keeps them from storing it (RFC 9111, section 4.1). */
function varyingByMore(headers: unknown): unknown {
  return { ...(isObject(headers) ? headers : {}), vary: '*' };
}

/**
 * Whether one request serves several callers, as with `deduplicate()` of undici. Of the handlers in between, those of
 * `redirect()` and `retry()` show what they wrap.
 */
export function isDeduplicating(handler: object): boolean {
  let wrapped: unknown = handler;
  for (let depth = 0; isObject(wrapped) && depth < MAX_VISIBLE_HANDLERS; depth++) {
    if ('addWaitingHandler' in wrapped) return true;
    wrapped = Reflect.get(wrapped, 'handler');
  }
  return false;
}

function progressOf(handler: ProgressHandler): ProgressHandler {
  return {
    onBodySent: (...sent) => handler.onBodySent?.(...sent),
    onRequestSent: () => handler.onRequestSent?.(),
    onResponseStarted: () => handler.onResponseStarted?.(),
  };
}
