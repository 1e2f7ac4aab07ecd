import { BoxAuthError } from '../errors/box-auth.error.js';
import type { EmitEvent } from '../events/auth-events.js';
import { delay } from '../runtime/delay.js';
import { ageMs } from '../runtime/age-clock.js';
import type { Runtime } from '../runtime/runtime.js';
import { TickQueue } from '../runtime/event-loop.js';
import { ProcessFrozen, type TimeBudget } from '../runtime/time-budget.js';
import type { Grant } from './grant.js';
import type { Attempt, Fetch, Form, TokenEndpointDescription } from './issuer.js';
import { RequestGate } from './request-gate.js';
import { ClockTrials, ServerClock } from './server-clock.js';
import type { TokenEndpointOptions } from './token-endpoint.options.js';
import { parseRetryAfter, postForm, readErrorResponse, UnusableResponse } from './token-request.js';
import { timeoutError, unreachableError, unsignedError } from './network-errors.js';

/** Where and when a request is sent. */
export interface SendOptions {
  /** Default: the token endpoint. */
  readonly url?: string;
  /** Limits the time of all attempts and pauses together. */
  readonly budget: TimeBudget;
  /** Whether it is sent before the requests that wait for other subjects. Default false. */
  readonly goesFirst?: boolean;
  /** Aborts the request. */
  readonly signal?: AbortSignal | undefined;
}

/** One request with all its attempts. */
interface PendingRequest<Kept> {
  readonly grant: Grant<Kept>;
  readonly options: SendOptions;
  readonly trials: ClockTrials;
  /** How many attempts were started. */
  attempts: number;
}

const FIRST_PAUSE_MS = 500;
const MAX_PAUSE_MS = 8000;

/** Sends the requests of one app to a token endpoint, and retries a failed request where that may help. */
export class TokenAttempts {
  readonly #clock: ServerClock;
  readonly #gate: RequestGate;
  readonly #sending = new TickQueue();
  #onPause: (error: BoxAuthError) => void = () => undefined;

  constructor(
    private readonly issuer: TokenEndpointDescription,
    private readonly limits: Required<TokenEndpointOptions>,
    private readonly fetch: Fetch,
    private readonly runtime: Runtime,
    emit: EmitEvent,
  ) {
    this.#clock = new ServerClock(runtime, emit);
    this.#gate = new RequestGate(runtime, (error) => this.#onPause(error));
  }

  /** Calls `listener` each time that a 429 starts a pause. */
  onPause(listener: (error: BoxAuthError) => void): void {
    this.#onPause = listener;
  }

  /** Sends nothing for `error.retryAfterMs`. */
  pause(error: BoxAuthError): void {
    this.#gate.pause(error);
  }

  /** Sends `grant` until it succeeds, another attempt cannot help, or the budget is too small for one. */
  async send<Kept>(grant: Grant<Kept>, options: SendOptions): Promise<Kept> {
    const { budget, signal } = options;
    const trials = new ClockTrials(this.#clock);
    const request: PendingRequest<Kept> = { grant, options, trials, attempts: 0 };
    for (let retries = 0; ;) {
      try {
        return await this.#passGate(request);
      } catch (error) {
        signal?.throwIfAborted();
        if (error instanceof ProcessFrozen) continue;
        if (!(error instanceof BoxAuthError)) throw error;
        if (grant.isSigned && trials.mayHelp(error)) continue;
        // After a 429 the gate pauses this request with all others of the app.
        const pauseMs = error.status === 429 ? 0 : this.#pauseMs(error, retries);
        retries += 1;
        const isTooLate = Math.max(pauseMs, this.#gate.opensInMs) >= budget.leftMs;
        if (!grant.mayRetry(error) || retries >= this.limits.attempts || isTooLate) {
          throw trials.verdict(error);
        }
        budget.spend(pauseMs);
        await delay(this.runtime, pauseMs, signal);
      }
    }
  }

  /** Full jitter, so that processes that failed together do not retry together; `Retry-After` is the minimum. */
  #pauseMs(error: BoxAuthError, retries: number): number {
    const maxJitterMs = Math.min(FIRST_PAUSE_MS * 2 ** retries, MAX_PAUSE_MS);
    return (error.retryAfterMs ?? 0) + this.runtime.random() * maxJitterMs;
  }

  #passGate<Kept>(request: PendingRequest<Kept>): Promise<Kept> {
    const { budget, goesFirst = false, signal } = request.options;
    const passage = {
      budget,
      goesFirst: goesFirst || request.attempts > 0,
      timeout: () => this.#timeout(request),
      signal,
    };
    return this.#gate.pass(passage, () => this.#attempt(request));
  }

  async #attempt<Kept>(request: PendingRequest<Kept>): Promise<Kept> {
    const { grant, options, trials } = request;
    const { budget, goesFirst = false, signal } = options;
    const { timeoutMs } = this.limits;
    const offsetMs = trials.next();
    const attempt: Attempt = {
      number: request.attempts++,
      serverNow: this.runtime.now() + offsetMs,
      uniqueId: this.runtime.uniqueId(),
      omitIssuedAt: trials.omitsIssuedAt,
    };
    const form = await budget.run(
      timeoutMs,
      () => unsignedError(this.#wait(request)), // only an external signer can take this long
      () => grant.makeForm(attempt),
      signal,
    );
    // Several signatures may end in one tick, and sending a request takes long.
    if (!goesFirst) await this.#sending.next(signal);
    return budget.run(
      timeoutMs,
      () => this.#timeout(request),
      (postSignal) => this.#post(request, form, offsetMs, postSignal),
      signal,
    );
  }

  /** `offsetMs` is the clock offset that the form was signed with. */
  async #post<Kept>(
    { grant, options, trials }: PendingRequest<Kept>,
    form: Form,
    offsetMs: number,
    signal: AbortSignal,
  ): Promise<Kept> {
    const { url = this.issuer.tokenUrl } = options;
    const requestedAt = { wall: this.runtime.now(), monotonic: this.runtime.monotonic() };
    try {
      const response = await postForm(this.fetch, url, form, signal);
      const durationMs = ageMs(this.runtime, requestedAt);
      this.#clock.learn(response.headers, { receivedAt: this.runtime.now(), durationMs });
      if (!response.ok) {
        throw await this.#refusal(response, form, this.#clock.offsetOf('issuer') - offsetMs);
      }
      trials.accepted();
      return await grant.read(response, { requestedAt, serverOffsetMs: this.#clock.offsetMs });
    } catch (error) {
      throw error instanceof BoxAuthError ? error : unreachableError(this.issuer, error);
    }
  }

  async #refusal(
    response: Response,
    form: Form,
    clockErrorMs: number,
  ): Promise<BoxAuthError | UnusableResponse> {
    if (response.status < 400) {
      await response.body?.cancel();
      return new UnusableResponse(`it redirects (status ${response.status})`);
    }
    const retryAfterMs = parseRetryAfter(response.headers.get('retry-after'), this.#clock.now());
    const errorResponse = await readErrorResponse(response, secretsOf(form), retryAfterMs);
    return this.issuer.toError({ ...errorResponse, clockErrorMs });
  }

  #timeout(request: PendingRequest<unknown>): BoxAuthError {
    return timeoutError(this.issuer, this.#wait(request));
  }

  #wait({ options, attempts }: PendingRequest<unknown>) {
    return { waitedMs: this.limits.deadlineMs - options.budget.leftMs, attempts };
  }
}

function secretsOf(form: Form): string[] {
  return Object.entries(form)
    .filter(([name]) => /secret|assertion|token$|^code/.test(name))
    .map(([, value]) => value);
}
