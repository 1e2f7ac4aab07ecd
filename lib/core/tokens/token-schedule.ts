import { type AgeClock, ageClockOf, type Instant } from '../runtime/age-clock.js';
import type { Runtime } from '../runtime/runtime.js';
import type { AccessToken, MintedToken } from '../token-endpoint/access-token.js';
import type { RenewalOptions } from './renewal.options.js';

/** No window and no margin takes more of a token's lifetime. */
const MAX_SHARE = 1 / 4;
/** A refresh starts earlier by up to this share of its window. */
const JITTER = 1 / 4;
/** No caller can demand that more of a token's lifetime is left. */
const MAX_DEMAND = 3 / 4;

/** The ages, in milliseconds since its request, at which the treatment of a token changes. */
export interface TokenSchedule {
  /** From this age on, the token is refreshed in the background. */
  readonly refreshMs: number;
  /** From this age on, callers wait for the new token. */
  readonly waitMs: number;
  /** From this age on, the token is not handed out. */
  readonly expiryMs: number;
}

const NEVER: TokenSchedule = { refreshMs: Infinity, waitMs: Infinity, expiryMs: Infinity };

/** Draws the schedule of a token. `random`, from 0 to 1, spreads the refreshes of a fleet. */
export function drawSchedule(
  lifetimeMs: number,
  options: Required<RenewalOptions>,
  random: number,
): TokenSchedule {
  const maxMs = lifetimeMs * MAX_SHARE;
  const windowMs = Math.min(
    Math.max(lifetimeMs * options.windowRatio, options.minWindowMs),
    options.maxWindowMs,
    maxMs,
  );
  return {
    refreshMs: lifetimeMs - windowMs * (1 + JITTER * random),
    waitMs: lifetimeMs - Math.min(options.waitMarginMs, maxMs),
    expiryMs: lifetimeMs - Math.min(options.expiryMarginMs, maxMs),
  };
}

/** Whether a token that just arrived may be handed out. It may have expired on the way, if the machine slept. */
export function isUsable(
  { lifetimeMs, requestedAt }: MintedToken,
  options: Required<RenewalOptions>,
  runtime: Runtime,
): boolean {
  if (lifetimeMs === undefined) return true;
  return ageClockOf(runtime).ageMs(requestedAt) < drawSchedule(lifetimeMs, options, 0).expiryMs;
}

/** A token with its schedule. Its age is the larger one of two clocks. */
export class CachedToken {
  readonly token: AccessToken;
  readonly #ages: AgeClock;
  readonly #requestedAt: Instant;
  readonly #lifetimeMs: number;
  readonly #schedule: TokenSchedule;

  constructor(
    { token, lifetimeMs, requestedAt }: MintedToken,
    options: Required<RenewalOptions>,
    runtime: Runtime,
  ) {
    this.token = token;
    this.#ages = ageClockOf(runtime);
    this.#requestedAt = requestedAt;
    this.#lifetimeMs = lifetimeMs ?? Infinity;
    this.#schedule =
      lifetimeMs === undefined ? NEVER : drawSchedule(lifetimeMs, options, runtime.random());
  }

  /** Whether no refresh is due yet. */
  get isOutsideRefreshWindow(): boolean {
    return this.#ageMs() < this.#schedule.refreshMs;
  }

  /** Whether callers get this token without waiting for a newer one. */
  get isOutsideWaitMargin(): boolean {
    return this.#ageMs() < this.#schedule.waitMs;
  }

  /** Whether the token may be handed out. */
  get isUsable(): boolean {
    return this.#ageMs() < this.#schedule.expiryMs;
  }

  /** Milliseconds until a refresh is due; 0 or less if it is due now. */
  get refreshInMs(): number {
    return this.#schedule.refreshMs - this.#ageMs();
  }

  /** Milliseconds for which the token may still be handed out. */
  get usableForMs(): number {
    return this.#schedule.expiryMs - this.#ageMs();
  }

  /**
   * Whether the token lives `validityMs` milliseconds from now. A demand is capped at three quarters of the lifetime: no
   * token could meet a longer one, so every call would request another.
   */
  isValidFor(validityMs: number): boolean {
    const demandedMs = Math.min(validityMs, this.#lifetimeMs * MAX_DEMAND);
    return !(this.#lifetimeMs - this.#ageMs() < demandedMs); // NaN demands nothing
  }

  #ageMs(): number {
    return this.#ages.ageMs(this.#requestedAt);
  }
}
