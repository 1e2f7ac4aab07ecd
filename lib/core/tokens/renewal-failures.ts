import { BoxAuthError } from '../errors/box-auth.error.js';
import type { Runtime } from '../runtime/runtime.js';
import type { RenewalOptions } from './renewal.options.js';

/** Mints that fail, one after the other. */
export interface Failing {
  /** The last of them. */
  readonly error: BoxAuthError;
  /** When the first of them was, by the wall clock: milliseconds since the epoch. */
  readonly since: number;
}

interface Failures extends Failing {
  readonly times: number;
  /** By the monotonic clock. */
  readonly pauseUntil: number;
}

/** The failures in a row of one token's mints, and the pause that they impose. */
export class RenewalFailures {
  #failing: Failures | undefined;

  constructor(
    private readonly options: Required<RenewalOptions>,
    private readonly runtime: Runtime,
  ) {}

  get failing(): Failing | undefined {
    return this.#failing;
  }

  /** Adds a failure; returns it as an error that says since when mints have failed. */
  record(thrown: unknown): unknown {
    if (!(thrown instanceof BoxAuthError)) return thrown;
    const times = (this.#failing?.times ?? 0) + 1;
    const longest = Math.min(
      this.options.minBackoffMs * 2 ** (times - 1),
      this.options.maxBackoffMs,
    );
    // Full jitter over what the step adds, so that the endpoint never sees two requests within the shortest pause.
    const backoffMs =
      this.options.minBackoffMs + this.runtime.random() * (longest - this.options.minBackoffMs);
    this.#failing = {
      error: thrown,
      since: this.#failing?.since ?? this.runtime.now(),
      times,
      pauseUntil:
        this.runtime.monotonic() +
        Math.max(backoffMs, thrown.retryable ? (thrown.retryAfterMs ?? 0) : 0),
    };
    return times === 1 ? thrown : this.#describe(this.#failing);
  }

  /** Nobody should renew in the background now. */
  get isPausing(): boolean {
    return this.#pausing !== undefined;
  }

  /**
   * The error to give instead of asking again, while a pause lasts. Refusals of credentials impose none: the token
   * endpoint remembers those itself, by credentials, so that new ones are tried at once.
   */
  pause(): BoxAuthError | undefined {
    const pausing = this.#pausing;
    return pausing?.error.retryable === true ? this.#describe(pausing) : undefined;
  }

  get #pausing(): Failures | undefined {
    const failing = this.#failing;
    return failing !== undefined && this.runtime.monotonic() < failing.pauseUntil
      ? failing
      : undefined;
  }

  #describe({ error, since, pauseUntil }: Failures): BoxAuthError {
    const message = `${error.message} This has failed since ${new Date(since).toISOString()}.`;
    const retryAfterMs = error.retryable
      ? pauseUntil - this.runtime.monotonic()
      : error.retryAfterMs;
    return error.with({ message, retryAfterMs });
  }
}
