import { type AgeClock, ageClockOf, type Instant } from '../runtime/age-clock.js';
import type { Runtime } from '../runtime/runtime.js';
import type { AccessToken } from '../token-endpoint/access-token.js';
import type { MintedToken } from '../token-endpoint/token-attempts.js';
import { drawSchedule, type RenewalOptions, type TokenSchedule } from './renewal.options.js';

const NEVER: TokenSchedule = { refreshMs: Infinity, waitMs: Infinity, expiryMs: Infinity };
const MAX_DEMAND = 3 / 4;

/** A token with the turns of its life, judged by both clocks. */
export class CachedToken {
  readonly token: AccessToken;
  readonly #ages: AgeClock;
  readonly #requestedAt: Instant;
  readonly #lifetimeMs: number;
  readonly #schedule: TokenSchedule;

  constructor(mint: MintedToken, options: Required<RenewalOptions>, runtime: Runtime) {
    this.token = mint.token;
    this.#ages = ageClockOf(runtime);
    this.#requestedAt = mint.requestedAt;
    this.#lifetimeMs = mint.lifetimeMs ?? Infinity;
    this.#schedule =
      mint.lifetimeMs === undefined
        ? NEVER
        : drawSchedule(mint.lifetimeMs, options, runtime.random());
  }

  /** Nothing is to be done but use it. */
  get isFresh(): boolean {
    return this.#ageMs() < this.#schedule.refreshMs;
  }

  /** Callers need not wait for a newer one. */
  get isOutsideWaitMargin(): boolean {
    return this.#ageMs() < this.#schedule.waitMs;
  }

  /** It may be handed out. */
  get isUsable(): boolean {
    return this.#ageMs() < this.#schedule.expiryMs;
  }

  /** Milliseconds until it is to be renewed; 0 or less if it is now. */
  get freshForMs(): number {
    return this.#schedule.refreshMs - this.#ageMs();
  }

  /** Milliseconds for which it may still be handed out. */
  get usableForMs(): number {
    return this.#schedule.expiryMs - this.#ageMs();
  }

  /**
   * Whether it lives `validityMs` milliseconds from now. No token can promise more than three quarters of its lifetime,
   * or a demand that none can meet would mint at every call.
   */
  lives(validityMs: number): boolean {
    const demandedMs = Math.min(validityMs, this.#lifetimeMs * MAX_DEMAND);
    return !(this.#lifetimeMs - this.#ageMs() < demandedMs); // NaN demands nothing
  }

  #ageMs(): number {
    return this.#ages.ageMs(this.#requestedAt);
  }
}
