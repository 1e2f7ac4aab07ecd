import type { AsyncResource } from 'node:async_hooks';
import type { ApiRequestReport } from '../core/http/api-call-report.js';
import type { ReplayableBody } from '../core/http/replayable-body.js';
import type { ResponseHead } from '../core/http/www-authenticate.js';
import { headerOf } from './headers.js';

/** Passes one event of a response on to the caller's handler. */
type Delivery = () => unknown;

/**
 * Holds back the events of a 401 response until the policy knows whether it refuses the token. Delivers all other events at
 * once. The wait ends with the first bytes of the body, or when the policy's own limit is over. A released response reaches
 * the handler within microtasks, before undici reads on.
 *
 * undici reports a response in the async context of the request that opened the connection. Events are delivered in the
 * caller's own context: a handler that dispatches again, for a redirect or a retry, would otherwise act for another user.
 */
export class HeldResponse {
  #state: 'passing' | 'holding' | 'discarding' = 'passing';
  readonly #held: Delivery[] = [];
  #isFinished = false;
  #resolveEmptiness: (isEmpty: boolean) => void = () => undefined;
  /** Aborts the request. Set by the handler once the dispatcher has started it. */
  abort: (reason: Error) => void = () => undefined;

  constructor(
    private readonly callerContext: AsyncResource,
    private readonly onUnauthorized: (head: ResponseHead) => Promise<void>,
    private readonly requestBody: Pick<ReplayableBody<unknown>, 'finish' | 'cancel'>,
    private readonly report: ApiRequestReport | undefined,
  ) {}

  onStart(status: number, headers: unknown, deliver: Delivery): unknown {
    this.report?.responded(status);
    if (status === 401) {
      this.#state = 'holding';
      const emptiness = new Promise<boolean>((resolve) => {
        this.#resolveEmptiness = resolve;
      });
      const challenge = headerOf(headers, 'www-authenticate');
      const head = { status, challenge, isEmpty: () => emptiness };
      void this.callerContext.runInAsyncScope(() => this.onUnauthorized(head));
    } else if (status >= 200) {
      this.requestBody.finish();
    }
    return this.#deliverOrHold(deliver);
  }

  onData(deliver: Delivery): unknown {
    this.#resolveEmptiness(false);
    return this.#deliverOrHold(deliver);
  }

  onEnd(deliver: Delivery): unknown {
    this.#isFinished = true;
    this.#resolveEmptiness(true);
    return this.#deliverOrHold(deliver);
  }

  onError(error: unknown, deliver: Delivery): unknown {
    this.report?.failed(error);
    this.#isFinished = true;
    this.#resolveEmptiness(false);
    if (this.#state === 'passing') {
      this.#held.length = 0;
      this.requestBody.cancel(error);
    }
    return this.#deliverOrHold(deliver);
  }

  /** Delivers the held events. If the handler throws, the call fails, as in undici itself. */
  release(fail: (error: unknown) => void): void {
    this.#state = 'passing';
    this.requestBody.finish();
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
  }

  /** Aborts the request if its body is still arriving, so that it does not keep the connection. */
  abortIfUnfinished(): void {
    if (!this.#isFinished) this.abort(new Error('The token of this call was refused.'));
  }

  #deliverOrHold(deliver: Delivery): unknown {
    if (this.#state === 'passing') return this.callerContext.runInAsyncScope(deliver);
    if (this.#state === 'holding') this.#held.push(deliver);
    return true;
  }
}
