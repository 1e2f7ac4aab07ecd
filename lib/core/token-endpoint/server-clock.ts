import type { BoxAuthError } from '../errors/box-auth.error.js';
import type { BoxAuthErrorCode } from '../errors/error-codes.js';
import type { EmitEvent } from '../events/auth-events.js';
import type { Runtime } from '../runtime/runtime.js';

const MAX_ROUND_TRIP_MS = 10_000;
const RESOLUTION_MS = 1000; // of the Date header
const DAY_MS = 24 * 3_600_000;

/** When a response arrived, by the wall clock, and its duration by both clocks: the longer one. */
export interface RoundTrip {
  readonly receivedAt: number;
  readonly durationMs: number;
}

/** The clock that dates an assertion: the issuer's, as learned from its responses, or this machine's. */
export type TimeSource = 'issuer' | 'machine';

/** The issuer's clock, learned from the `Date` of its responses. Until the first response it equals our clock. */
export class ServerClock {
  #learnedMs = 0;
  #source: TimeSource = 'issuer';

  constructor(
    private readonly runtime: Runtime,
    private readonly emit: EmitEvent,
  ) {}

  /** The clock that the issuer last accepted. */
  get source(): TimeSource {
    return this.#source;
  }

  /** How far the clock in use is ahead of ours. */
  get offsetMs(): number {
    return this.offsetOf(this.#source);
  }

  /** The issuer's time: milliseconds since the epoch. */
  now(): number {
    return this.runtime.now() + this.offsetMs;
  }

  /** How far the clock of `source` is ahead of ours. */
  offsetOf(source: TimeSource): number {
    return source === 'issuer' ? this.#learnedMs : 0;
  }

  /** Switches to the clock of `source`: the issuer accepted an assertion dated by it, and refused the other. */
  use(source: TimeSource): void {
    this.#change(() => {
      this.#source = source;
    });
  }

  /**
   * Learns from a response, unless it is from a cache (`Age`), was too slow, or its `Date` is more than a day from our time: an
   * assertion must not be valid that far ahead. Returns whether the `Date` was usable.
   */
  learn(headers: Headers, { receivedAt, durationMs }: RoundTrip): boolean {
    const date = Date.parse(headers.get('date') ?? '');
    if (Number.isNaN(date) || headers.has('age') || durationMs > MAX_ROUND_TRIP_MS) {
      return false;
    }
    // `Date` is cut to the second, and was set at some time between request and response.
    const measured = date + RESOLUTION_MS / 2 - (receivedAt - durationMs / 2);
    const uncertaintyMs = RESOLUTION_MS + durationMs / 2;
    if (Math.abs(measured) > DAY_MS + uncertaintyMs) return false;
    if (Math.abs(measured - this.#learnedMs) > uncertaintyMs) {
      this.#change(() => {
        this.#learnedMs = Math.round(measured);
      });
    }
    return true;
  }

  #change(apply: () => void): void {
    const previousOffsetMs = this.offsetMs;
    apply();
    const { offsetMs } = this;
    if (offsetMs !== previousOffsetMs)
      this.emit({ kind: 'clock-offset', offsetMs, previousOffsetMs });
  }
}

/** The codes of refusals that are about the dates of an assertion. */
const DATE_ERRORS: ReadonlySet<BoxAuthErrorCode> = new Set([
  'assertion_expired',
  'assertion_not_yet_valid',
]);
const MAX_TRIALS = 3;

/**
 * Chooses the clock that dates the attempts of one token request. The `Date` of a response may come from a gateway with a
 * wrong clock: when an assertion dated by it is refused, the clock of this machine is tried next, and vice versa.
 */
export class ClockTrials {
  #source: TimeSource;
  #offsetMs = 0;
  #omitsIssuedAt = false;
  /** The refusals so far, each with the offset that was refused. */
  readonly #refusals = new Set<string>();
  readonly #triedMs = new Set<number>();
  #unexplained: BoxAuthError | undefined;

  constructor(private readonly clock: ServerClock) {
    this.#source = clock.source;
  }

  /** Whether the issuer refused `iat` because it was in the future. */
  get omitsIssuedAt(): boolean {
    return this.#omitsIssuedAt;
  }

  /** The clock offset for the next attempt. */
  next(): number {
    this.#offsetMs = this.clock.offsetOf(this.#source);
    this.#triedMs.add(this.#offsetMs);
    return this.#offsetMs;
  }

  /** Records that the issuer accepted the last attempt. After a switch, that attempt's clock is used from now on. */
  accepted(): void {
    if (this.#refusals.size > 0) this.clock.use(this.#source);
  }

  /** Whether a new assertion, dated by the clock that `next` then returns, may be accepted. */
  mayHelp(error: BoxAuthError): boolean {
    const refusal = `${error.code} ${this.#offsetMs}`;
    if (this.#refusals.has(refusal) || this.#refusals.size === MAX_TRIALS) return false;
    if (!this.#isInDoubt(error)) return false;
    this.#refusals.add(refusal);
    if (error.code === 'assertion_not_yet_valid') this.#omitsIssuedAt = true;
    return true;
  }

  /** The final error. If a switch of the clock caused a refusal about dates, the refusal before the switch counts. */
  verdict(error: BoxAuthError): BoxAuthError {
    return DATE_ERRORS.has(error.code) ? (this.#unexplained ?? error) : error;
  }

  #isInDoubt(error: BoxAuthError): boolean {
    if (error.code === 'assertion_replayed') return true;
    if (DATE_ERRORS.has(error.code) && this.#unexplained === undefined) {
      // No switch is needed if this response has just corrected the offset.
      if (this.clock.offsetOf(this.#source) === this.#offsetMs) this.#switch();
      return true;
    }
    // A refusal without a known reason may be about the clock.
    if (error.code !== 'token_request_refused' || this.#triedMs.has(0)) return false;
    this.#unexplained = error;
    this.#switch();
    return true;
  }

  #switch(): void {
    if (this.clock.offsetOf('issuer') === 0) return; // both clocks are the same
    this.#source = this.#source === 'issuer' ? 'machine' : 'issuer';
  }
}
