import { BoxAuthError } from '../errors/box-auth.error.js';
import { delay, holdingProcess } from '../runtime/delay.js';
import type { MaybePromise } from '../runtime/maybe-promise.js';
import type { Runtime } from '../runtime/runtime.js';
import { parseRetryAfter } from '../token-endpoint/token-request.js';
import { abortedBy, type AbortSource, signalSource } from './abort-sources.js';
import type { ApiRetryOptions } from './api-retries.options.js';
import { CallGates } from './call-gates.js';
import type { ReplayableBody } from './replayable-body.js';
import { RetryPolicy, type RetryRules } from './retry-policy.js';

/** Returns what may end a wait of a call. Called only if there is a wait. */
export type AbortSources = () => readonly AbortSource[];

/** A response, as far as it decides whether its call is repeated. */
export interface RepeatableResponse {
  readonly status: number;
  /** The value of a header, by its lower-case name. */
  readonly header: (name: string) => string | null | undefined;
  /** Reads the body without taking it from the caller. Called only for statuses whose meaning depends on it. */
  readonly readBody: () => MaybePromise<string>;
}

/** Repeats the calls of one app. */
export class ApiRetries {
  readonly #policy: RetryPolicy;
  readonly #gates: CallGates;
  readonly #closing = new AbortController();

  constructor(
    private readonly options: Required<ApiRetryOptions>,
    rules: RetryRules,
    private readonly runtime: Runtime,
  ) {
    this.#policy = new RetryPolicy(options, rules, () => runtime.random());
    this.#gates = new CallGates(runtime, options.maxDelayMs);
  }

  /** Begins a call. The limits of an acting user are the same for its own token and for the header. */
  begin(enterprise = '', actingUser = ''): CallRetries {
    const user = `${enterprise}\n${actingUser}`; // no value of a header has a line break
    const wait = (sources: AbortSources, work: (signal: AbortSignal) => Promise<void>) =>
      this.#wait(sources, work);
    const { attempts } = this.options;
    return new CallRetries(user, attempts, this.#policy, this.#gates, this.runtime, wait);
  }

  /** Ends all waits with an error. */
  close(): void {
    this.#closing.abort(closedError());
  }

  /** Keeps the process alive, like a call that waits for its response. */
  #wait(sources: AbortSources, work: (signal: AbortSignal) => Promise<void>): Promise<void> {
    const allSources = () => [signalSource(this.#closing.signal), ...sources()];
    return holdingProcess(this.runtime, async () =>
      abortedBy(allSources, ({ signal }) => {
        signal.throwIfAborted();
        return work(signal);
      }),
    );
  }
}

/** The requests of one call. */
export class CallRetries {
  #repetitions = 0;
  #wasReplayed = false;
  /** The mark of the gates when the last request was sent. */
  #mark = 0;

  constructor(
    private readonly user: string,
    private readonly attempts: number,
    private readonly policy: RetryPolicy,
    private readonly gates: CallGates,
    private readonly runtime: Runtime,
    private readonly wait: (
      sources: AbortSources,
      work: (signal: AbortSignal) => Promise<void>,
    ) => Promise<void>,
  ) {}

  /** Whether a request with a refused token may be replaced: once, and by one of the attempts. */
  get mayReplay(): boolean {
    return this.#mayRepeat && !this.#wasReplayed;
  }

  /** Counts the request that replaces the one with a refused token. */
  countReplay(): void {
    this.#wasReplayed = true;
    this.#repetitions += 1;
  }

  /**
   * Waits for `delayMs`, and until the limits of the user admit another request. Returns undefined if it may be sent at once.
   */
  admit(delayMs: number, sources: AbortSources): Promise<void> | undefined {
    if (delayMs === 0 && this.gates.pass(this.user)) {
      this.#mark = this.gates.mark;
      return undefined;
    }
    return this.wait(sources, async (signal) => {
      if (delayMs > 0) await delay(this.runtime, delayMs, signal);
      if (!this.gates.pass(this.user)) {
        await this.gates.wait(this.user, this.#repetitions > 0, signal);
      }
      this.#mark = this.gates.mark;
    });
  }

  /** Notes that a response began. Returns whether `delayAfterResponse` may repeat the call. `method` is in upper case. */
  responded(method: string, status: number): boolean {
    const verdict = this.policy.verdictOnStatus(method, status);
    if (verdict !== 'rate-limited') this.gates.accepted(this.user, this.#mark);
    return verdict !== 'final';
  }

  /** Milliseconds before the call is repeated. Undefined if the caller gets the response. Ends the attempt to send `body`. */
  async delayAfterResponse(
    method: string,
    response: RepeatableResponse,
    body: ReplayableBody<unknown> | null,
  ): Promise<number | undefined> {
    const verdict = this.policy.verdictOnStatus(method, response.status);
    if (verdict === 'final') return undefined;
    const repetition = this.#repetitions + 1;
    const retryAfterMs = this.#retryAfterMs(response);
    const delayMs = this.policy.delayMs(repetition, retryAfterMs);
    if (verdict === 'rate-limited') {
      // Not `delayMs`: the gate adds a jitter of its own.
      const pauseMs = retryAfterMs ?? this.policy.backoffMs(repetition);
      this.gates.refused(this.user, this.#mark, pauseMs);
    }
    if (delayMs === undefined || !this.#mayRepeat) return undefined;
    if (verdict === 'depends-on-body') {
      const errorBody = await response.readBody();
      if (this.policy.verdictOnBody(errorBody) === 'final') return undefined;
    }
    // After a 429 the call waits at the gate.
    return this.#repeatAfter(verdict === 'rate-limited' ? 0 : delayMs, body);
  }

  /** Milliseconds before the call is repeated. Undefined if the caller gets the error. */
  async delayAfterError(
    method: string,
    error: unknown,
    body: ReplayableBody<unknown> | null,
  ): Promise<number | undefined> {
    if (!this.#mayRepeat || this.policy.verdictOnError(method, error) === 'final') return undefined;
    return this.#repeatAfter(this.policy.backoffMs(this.#repetitions + 1), body);
  }

  get #mayRepeat(): boolean {
    return this.#repetitions + 1 < this.attempts;
  }

  async #repeatAfter(
    delayMs: number,
    body: ReplayableBody<unknown> | null,
  ): Promise<number | undefined> {
    if (body !== null && !(await body.prepareReplay())) return undefined;
    this.#repetitions += 1;
    return delayMs;
  }

  /** A date counts from the `Date` of the same response. */
  #retryAfterMs({ header }: RepeatableResponse): number | undefined {
    const date = Date.parse(header('date') ?? '');
    const serverNow = Number.isNaN(date) ? this.runtime.now() : date;
    return parseRetryAfter(header('retry-after') ?? null, serverNow);
  }
}

function closedError(): BoxAuthError {
  return new BoxAuthError({
    code: 'closed',
    message: 'The app was shut down while a call waited to be sent or repeated.',
    hint: 'Finish calls before app.close(), or in a shutdown hook that runs before the module is destroyed.',
    docs: 'https://docs.nestjs.com/fundamentals/lifecycle-events',
  });
}
