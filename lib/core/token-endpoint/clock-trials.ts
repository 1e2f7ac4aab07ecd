import type { BoxAuthError } from '../errors/box-auth.error.js';
import type { BoxAuthErrorCode } from '../errors/error-codes.js';
import type { ServerClock, TimeSource } from './server-clock.js';

/** Refusals of an assertion for its dates. */
const ABOUT_THE_CLOCK: ReadonlySet<BoxAuthErrorCode> = new Set([
  'assertion_expired',
  'assertion_not_yet_valid',
]);
const MAX_TRIALS = 3;

/**
 * Decides which clock the attempts of one token request are dated by. The `Date` of an answer may be a gateway's, and wrong:
 * when an assertion dated by it is refused, the clock of this machine is tried, and the other way round.
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

  /** The issuer refused `iat` as lying in the future. */
  get omitsIssuedAt(): boolean {
    return this.#omitsIssuedAt;
  }

  /** The offset that the next attempt is dated by. */
  next(): number {
    this.#offsetMs = this.clock.offsetOf(this.#source);
    this.#triedMs.add(this.#offsetMs);
    return this.#offsetMs;
  }

  /** The issuer accepted the last attempt: what worked after a switch is kept. */
  accepted(): void {
    if (this.#refusals.size > 0) this.clock.use(this.#source);
  }

  /** Whether an assertion that is signed again, by the clock that `next` gives then, may do. */
  mayHelp(error: BoxAuthError): boolean {
    const refusal = `${error.code} ${this.#offsetMs}`;
    if (this.#refusals.has(refusal) || this.#refusals.size === MAX_TRIALS) return false;
    if (!this.#isInDoubt(error)) return false;
    this.#refusals.add(refusal);
    if (error.code === 'assertion_not_yet_valid') this.#omitsIssuedAt = true;
    return true;
  }

  /** Why the request failed in the end: a guess about the clock gives way to what the issuer said before. */
  verdict(error: BoxAuthError): BoxAuthError {
    return ABOUT_THE_CLOCK.has(error.code) ? (this.#unexplained ?? error) : error;
  }

  #isInDoubt(error: BoxAuthError): boolean {
    if (error.code === 'assertion_replayed') return true;
    if (ABOUT_THE_CLOCK.has(error.code) && this.#unexplained === undefined) {
      // Unless the answer itself has just corrected the offset.
      if (this.clock.offsetOf(this.#source) === this.#offsetMs) this.#switch();
      return true;
    }
    // An issuer that gives no reasons may mean the clock.
    if (error.code !== 'token_request_refused' || this.#triedMs.has(0)) return false;
    this.#unexplained = error;
    this.#switch();
    return true;
  }

  #switch(): void {
    if (this.clock.offsetOf('issuer') === 0) return; // there is no other
    this.#source = this.#source === 'issuer' ? 'machine' : 'issuer';
  }
}
