import { BoxAuthError } from '../errors/box-auth.error.js';
import { onAbort } from '../runtime/abort.js';
import type { Runtime } from '../runtime/runtime.js';
import type { TimeBudget } from '../runtime/time-budget.js';

const INITIAL_WINDOW = 8;
const MAX_WINDOW = 50;
const MIN_ACCEPTED = 4;
const MIN_PAUSE_MS = 1000;
const MAX_INTERVAL_MS = 1000;
const MAX_JITTER_MS = 8000;
const INITIAL_JITTER_MS = 500;
// The interval starts a little above the estimate of the limit, shrinks slowly, and grows by a quarter at each 429.
const MARGIN = 1.05;
const SPEED_UP = 0.9995;
const SLOW_DOWN = 1.25;
const IDLE_MS = 60_000;

const nothing = (): void => undefined;

/** How a request waits at the gate. */
export interface GateOptions {
  /** The request fails if it cannot be sent within this time. */
  readonly budget: TimeBudget;
  /** Sends it before all others, however many are in flight: for the app's own token, and for retries. */
  readonly goesFirst: boolean;
  /** The error of a request that was not sent in time, if no rate limit was the reason. */
  readonly timeout: () => BoxAuthError;
  /** Ends the wait. */
  readonly signal: AbortSignal | undefined;
}

interface Waiting {
  readonly budget: TimeBudget;
  readonly begin: () => void;
  readonly expire: () => void;
}

/**
 * Sends the requests of one app as fast as the token endpoint accepts them. A few may be in flight at once, and more after
 * each response. A 429 pauses the app with all its subjects; afterwards requests are sent at the pace that the limit allows.
 */
export class RequestGate {
  readonly #first = new Set<Waiting>();
  readonly #others = new Set<Waiting>();
  #inFlight = 0;
  #window = INITIAL_WINDOW;
  /** The time between two requests; 0 while no limit is known. */
  #intervalMs = 0;
  #opensAt = -Infinity;
  #pausedAt = -Infinity;
  /** The requests since the last pause that were not rate limited. */
  #accepted = 0;
  #pausesInRow = 0;
  #refusal: BoxAuthError | undefined;
  #cancelTimer = nothing;

  constructor(
    private readonly runtime: Runtime,
    private readonly onPause: (error: BoxAuthError) => void,
  ) {}

  /** Milliseconds until the next request may be sent. */
  get opensInMs(): number {
    return Math.max(this.#opensAt - this.runtime.monotonic(), 0);
  }

  /** Calls `send` when the request may be sent. Rejects with `rate_limited` if the budget ends before that. */
  async pass<T>(options: GateOptions, send: () => Promise<T>): Promise<T> {
    const sentAt = await this.#waitUntilOpen(options);
    try {
      const result = await send();
      this.#recordAccepted();
      return result;
    } catch (error) {
      throw this.#learn(error, sentAt);
    } finally {
      this.#inFlight -= 1;
      this.#sendNext();
    }
  }

  /** Pauses the app for `error.retryAfterMs`: another process of it was rate limited. */
  pause(error: BoxAuthError): void {
    this.#beginPause(error, error.retryAfterMs ?? MIN_PAUSE_MS);
  }

  /** Resolves with the current time when the request may be sent. */
  #waitUntilOpen({ budget, goesFirst, timeout, signal }: GateOptions): Promise<number> {
    return new Promise((resolve, reject) => {
      signal?.throwIfAborted();
      const queue = goesFirst ? this.#first : this.#others;
      const tooLate = () => this.#rateLimited() ?? timeout();
      let stopTimer = nothing;
      let ignoreAbort = nothing;
      const leave = (): void => {
        queue.delete(waiting);
        stopTimer();
        ignoreAbort();
      };
      const giveUp = (error: unknown): void => {
        leave();
        reject(error);
        this.#sendNext();
      };
      const waiting: Waiting = {
        budget,
        begin: () => {
          leave();
          resolve(this.runtime.monotonic());
        },
        expire: () => {
          queue.delete(waiting);
          giveUp(tooLate());
        },
      };
      this.#forgetAfterIdling();
      queue.add(waiting);
      if (this.opensInMs >= budget.leftMs) waiting.expire();
      else this.#sendNext();
      if (!queue.has(waiting)) return;
      stopTimer = budget.failAfter(budget.leftMs, tooLate, giveUp);
      if (signal !== undefined) ignoreAbort = onAbort(signal, () => giveUp(signal.reason));
    });
  }

  #sendNext(): void {
    this.#cancelTimer();
    for (let next = this.#next; next !== undefined; next = this.#next) {
      if (this.#first.size === 0 && this.#inFlight >= this.#window) return;
      const now = this.runtime.monotonic();
      if (this.#opensAt > now) {
        this.#cancelTimer = this.runtime.schedule(() => this.#sendNext(), this.#opensAt - now);
        return;
      }
      this.#first.delete(next);
      this.#others.delete(next);
      this.#inFlight += 1;
      this.#opensAt = now + this.#intervalMs;
      next.begin();
    }
  }

  get #next(): Waiting | undefined {
    const [next] = this.#first.size > 0 ? this.#first : this.#others;
    return next;
  }

  /** Adapts to the response of a request, and returns the error for its caller. */
  #learn(error: unknown, sentAt: number): unknown {
    if (!(error instanceof BoxAuthError) || error.status === undefined) return error;
    if (error.status !== 429) {
      this.#recordAccepted();
      return error;
    }
    const retryAfterMs = error.retryAfterMs ?? 0;
    if (sentAt > this.#pausedAt) {
      const maxJitterMs = Math.min(INITIAL_JITTER_MS * 2 ** this.#pausesInRow++, MAX_JITTER_MS);
      const jitterMs = this.runtime.random() * maxJitterMs;
      this.#intervalMs = this.#slowerInterval(error.retryAfterMs ?? jitterMs);
      this.#beginPause(error, retryAfterMs + jitterMs);
      this.onPause(error.with({ message: error.message, retryAfterMs: this.opensInMs }));
    } else {
      // Sent before the pause began: only its Retry-After is new.
      this.#closeFor(error, retryAfterMs);
    }
    return error.retryAfterMs === undefined ? this.#rateLimited() : error;
  }

  /** Estimates the limit at the first 429: the requests before it, divided by the length of the pause. */
  #slowerInterval(pauseMs: number): number {
    const slower =
      this.#intervalMs === 0
        ? (MARGIN * pauseMs) / Math.max(this.#accepted, MIN_ACCEPTED)
        : this.#intervalMs * SLOW_DOWN;
    return Math.min(slower, MAX_INTERVAL_MS);
  }

  #recordAccepted(): void {
    this.#accepted += 1;
    this.#pausesInRow = 0;
    this.#window = Math.min(this.#window + 1, MAX_WINDOW);
    this.#intervalMs *= SPEED_UP;
  }

  #beginPause(refusal: BoxAuthError, forMs: number): void {
    this.#pausedAt = this.runtime.monotonic();
    this.#accepted = 0;
    this.#window = 1;
    this.#closeFor(refusal, forMs);
  }

  #closeFor(refusal: BoxAuthError, forMs: number): void {
    this.#refusal = refusal;
    this.#opensAt = Math.max(this.#opensAt, this.runtime.monotonic() + forMs);
    for (const { budget, expire } of [...this.#first, ...this.#others]) {
      if (this.opensInMs >= budget.leftMs) expire();
    }
  }

  /** The error of a request that a rate limit delays too long. After its `retryAfterMs` all waiting requests can be sent. */
  #rateLimited(): BoxAuthError | undefined {
    const waiting = this.#first.size + this.#others.size;
    const retryAfterMs = Math.max(Math.ceil(this.opensInMs + waiting * this.#intervalMs), 1);
    return this.#refusal?.with({ message: this.#refusal.message, retryAfterMs });
  }

  /** Forgets a rate limit that ended a minute ago: it is outdated. */
  #forgetAfterIdling(): void {
    if (this.#inFlight > 0 || this.runtime.monotonic() - this.#opensAt < IDLE_MS) return;
    this.#refusal = undefined;
    this.#intervalMs = 0;
    this.#window = INITIAL_WINDOW;
    this.#accepted = 0;
  }
}
