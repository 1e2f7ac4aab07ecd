import { BoxAuthError } from '../errors/box-auth.error.js';
import type { Runtime } from '../runtime/runtime.js';
import type { RenewalOptions } from './renewal.options.js';

/** Why a subject gets no newer token. */
export interface RefreshFailure {
  /** The error of the latest token request. */
  readonly error: BoxAuthError;
  /** When the first token request failed, by the wall clock: milliseconds since the epoch. */
  readonly since: number;
}

interface RecordedFailure extends RefreshFailure {
  /** How many token requests have failed in a row. */
  readonly count: number;
  /** The end of the pause, by the monotonic clock. */
  readonly pausedUntil: number;
}

/** Token requests of one subject that failed in a row, and the pause that follows them. */
export class RefreshFailures {
  #latest: RecordedFailure | undefined;

  constructor(
    private readonly options: Required<RenewalOptions>,
    private readonly runtime: Runtime,
  ) {}

  get latest(): RefreshFailure | undefined {
    return this.#latest;
  }

  /** Records a failure. Returns its error, which from the second one on states since when requests have failed. */
  record(thrown: unknown): unknown {
    if (!(thrown instanceof BoxAuthError)) return thrown;
    const { minBackoffMs, maxBackoffMs } = this.options;
    const count = (this.#latest?.count ?? 0) + 1;
    const longestMs = Math.min(minBackoffMs * 2 ** (count - 1), maxBackoffMs);
    // Jitter only on top of the shortest pause: the endpoint never receives two requests within it.
    const backoffMs = minBackoffMs + this.runtime.random() * (longestMs - minBackoffMs);
    const retryAfterMs = thrown.retryable ? (thrown.retryAfterMs ?? 0) : 0;
    this.#latest = {
      error: thrown,
      since: this.#latest?.since ?? this.runtime.now(),
      count,
      pausedUntil: this.runtime.monotonic() + Math.max(backoffMs, retryAfterMs),
    };
    return count === 1 ? thrown : this.#describe(this.#latest);
  }

  /** Whether background refreshes are paused. */
  get isPaused(): boolean {
    return this.#pausing !== undefined;
  }

  /**
   * The error that callers get during the pause, instead of a new request. Undefined after refused credentials: the token
   * endpoint remembers those itself, so that new credentials are tried at once.
   */
  get pauseError(): BoxAuthError | undefined {
    const pausing = this.#pausing;
    return pausing?.error.retryable === true ? this.#describe(pausing) : undefined;
  }

  get #pausing(): RecordedFailure | undefined {
    const latest = this.#latest;
    return latest !== undefined && this.runtime.monotonic() < latest.pausedUntil
      ? latest
      : undefined;
  }

  #describe({ error, since, pausedUntil }: RecordedFailure): BoxAuthError {
    const message = `${error.message} This has failed since ${new Date(since).toISOString()}.`;
    const retryAfterMs = error.retryable
      ? pausedUntil - this.runtime.monotonic()
      : error.retryAfterMs;
    return error.with({ message, retryAfterMs });
  }
}
