import type { AsyncResource } from 'node:async_hooks';
import type { ApiRequestReport } from '../core/http/api-call-report.js';
import { MAX_ERROR_BODY_BYTES } from '../core/http/discarded-body.js';
import type { ReplayableBody } from '../core/http/replayable-body.js';
import type { ResponseHead } from '../core/http/www-authenticate.js';
import { headerOf } from './headers.js';

/** Passes one event of a response on to the caller's handler. */
type Delivery = () => unknown;

/** The head of a response that may be replaced by that of another request. */
export interface HeldHead extends ResponseHead {
  readonly header: (name: string) => string | undefined;
  /** Resolves with the body when it has ended, or with its beginning if it is long. */
  readonly text: () => Promise<string>;
}

/** Decides about the results of a request. Both methods return undefined if the caller gets the result at once. */
export interface ResultDecision {
  /** Whether the wait for another request ends when the caller's handler aborts. */
  readonly watchesCaller: boolean;
  onResponse(
    response: HeldResponse,
    status: number,
  ): ((head: HeldHead) => Promise<void>) | undefined;
  /** `isWithoutResponse`: the caller has got nothing yet, and has not aborted the request. */
  onError(
    response: HeldResponse,
    error: unknown,
    isWithoutResponse: boolean,
  ): (() => Promise<void>) | undefined;
}

const nothing = (): void => undefined;

/**
 * Holds back the events of a response that may be replaced until that is decided: a 401 until the policy knows whether it
 * refuses the token. Delivers all other events at once. The wait ends with the first bytes of the body, or when the policy's
 * own limit is over. A released response reaches the handler within microtasks, before undici reads on.
 *
 * undici reports a response in the async context of the request that opened the connection. Events are delivered in the
 * caller's own context: a handler that dispatches again, for a redirect or a retry, would otherwise act for another user.
 */
export class HeldResponse {
  #state: 'passing' | 'holding' | 'discarding' = 'passing';
  readonly #held: Delivery[] = [];
  /** The body of a held response. */
  readonly #chunks: Uint8Array[] = [];
  #byteLength = 0;
  #hasResponse = false;
  #isFinished = false;
  /** The error of a request without a response. */
  #failure: { readonly error: unknown } | undefined;
  #resolveText: () => void = nothing;
  #resolveEmptiness: (isEmpty: boolean) => void = nothing;
  /** Aborts the request. Set by the handler once the dispatcher has started it. */
  abort: (reason: Error) => void = nothing;
  /** Whether the caller's handler has aborted the request. */
  isAbortedByCaller = false;
  /** Called when the caller's handler aborts the request. */
  onCallerAbort: (reason: unknown) => void = nothing;

  constructor(
    private readonly callerContext: AsyncResource,
    private readonly decision: ResultDecision,
    private readonly requestBody: Pick<ReplayableBody<unknown>, 'finish' | 'cancel'>,
    private readonly report: ApiRequestReport | undefined,
  ) {}

  onStart(status: number, headers: unknown, deliver: Delivery): unknown {
    this.report?.responded(status);
    if (status < 200) return this.#deliverOrHold(deliver);
    this.#hasResponse = true;
    const decide = this.decision.onResponse(this, status);
    if (decide === undefined) {
      this.requestBody.finish();
      return this.#deliverOrHold(deliver);
    }
    this.#state = 'holding';
    const head = this.#headOf(status, headers);
    void this.callerContext.runInAsyncScope(() => decide(head));
    return this.#deliverOrHold(deliver);
  }

  onData(chunk: unknown, deliver: Delivery): unknown {
    this.#resolveEmptiness(false);
    if (this.#state !== 'passing') this.#keep(chunk);
    return this.#deliverOrHold(deliver);
  }

  onEnd(deliver: Delivery): unknown {
    this.#isFinished = true;
    this.#resolveEmptiness(true);
    this.#resolveText();
    return this.#deliverOrHold(deliver);
  }

  onError(error: unknown, deliver: Delivery): unknown {
    this.report?.failed(error);
    this.#isFinished = true;
    this.#resolveEmptiness(false);
    this.#resolveText();
    if (this.#state !== 'passing') return this.#deliverOrHold(deliver);
    const isWithoutResponse = !this.#hasResponse && !this.isAbortedByCaller;
    const decide = this.decision.onError(this, error, isWithoutResponse);
    if (decide !== undefined) {
      this.#state = 'holding';
      this.#failure = { error };
      this.#held.push(deliver);
      void this.callerContext.runInAsyncScope(decide);
      return true;
    }
    this.#held.length = 0;
    this.requestBody.cancel(error);
    return this.#deliverOrHold(deliver);
  }

  get watchesCaller(): boolean {
    return this.decision.watchesCaller;
  }

  /** Returns the function that the caller's handler gets to abort the request. */
  callerAbort<Reason>(abort: (reason: Reason) => void): (reason: Reason) => void {
    if (!this.watchesCaller) return abort;
    return (reason) => {
      this.isAbortedByCaller = true;
      abort(reason);
      this.onCallerAbort(reason);
    };
  }

  /** Delivers the held events. If the handler throws, the call fails, as in undici itself. */
  release(fail: (error: unknown) => void): void {
    this.#state = 'passing';
    this.#chunks.length = 0;
    if (this.#failure === undefined) this.requestBody.finish();
    else this.requestBody.cancel(this.#failure.error);
    try {
      for (let next = this.#held.shift(); next !== undefined; next = this.#held.shift()) {
        this.#deliverOrHold(next);
      }
    } catch (error) {
      if (this.#isFinished) fail(error);
      else this.abort(error instanceof Error ? error : new Error(String(error)));
    }
  }

  /** Drops the held events and all later ones. */
  discard(): void {
    this.#state = 'discarding';
    this.#held.length = 0;
    this.#chunks.length = 0;
  }

  /** Aborts the request if its body is still arriving, so that it does not keep the connection. */
  abortIfUnfinished(): void {
    if (!this.#isFinished) this.abort(new Error('Another request of this call replaces this one.'));
  }

  #headOf(status: number, headers: unknown): HeldHead {
    const emptiness = new Promise<boolean>((resolve) => {
      this.#resolveEmptiness = resolve;
    });
    const text = new Promise<string>((resolve) => {
      this.#resolveText = () => resolve(Buffer.concat(this.#chunks).toString('utf8'));
    });
    return {
      status,
      challenge: headerOf(headers, 'www-authenticate'),
      header: (name) => headerOf(headers, name),
      isEmpty: () => emptiness,
      text: () => text,
    };
  }

  /** Ends a request whose response is discarded, but too long to read. */
  #keep(chunk: unknown): void {
    if (!(chunk instanceof Uint8Array)) return;
    this.#byteLength += chunk.byteLength;
    if (this.#state === 'holding') this.#chunks.push(chunk);
    if (this.#byteLength <= MAX_ERROR_BODY_BYTES) return;
    this.#resolveText();
    if (this.#state === 'discarding') this.abortIfUnfinished();
  }

  #deliverOrHold(deliver: Delivery): unknown {
    if (this.#state === 'passing') return this.callerContext.runInAsyncScope(deliver);
    if (this.#state === 'holding') this.#held.push(deliver);
    return true;
  }
}
