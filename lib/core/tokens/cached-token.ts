import { type AgeClock, ageClockOf, type Instant } from '../runtime/age-clock.js';
import type { Runtime } from '../runtime/runtime.js';
import type { AccessToken } from '../token-endpoint/access-token.js';
import type { Mint } from '../token-endpoint/token-attempts.js';
import { drawTurns, type RenewalOptions, type Turns } from './renewal.options.js';

const NEVER: Turns = { refreshMs: Infinity, waitMs: Infinity, expiryMs: Infinity };
const LONGEST_DEMAND = 3 / 4;

/** A token with the turns of its life, judged by both clocks. */
export class AdoptedToken {
  readonly token: AccessToken;
  readonly #ages: AgeClock;
  readonly #askedAt: Instant;
  readonly #lifetimeMs: number;
  readonly #turns: Turns;

  constructor(mint: Mint, options: Required<RenewalOptions>, runtime: Runtime) {
    this.token = mint.token;
    this.#ages = ageClockOf(runtime);
    this.#askedAt = mint.askedAt;
    this.#lifetimeMs = mint.lifetimeMs ?? Infinity;
    this.#turns =
      mint.lifetimeMs === undefined ? NEVER : drawTurns(mint.lifetimeMs, options, runtime.random());
  }

  /** Nothing is to be done but use it. */
  get isFresh(): boolean {
    return this.#ageMs() < this.#turns.refreshMs;
  }

  /** Callers need not wait for a newer one. */
  get spares(): boolean {
    return this.#ageMs() < this.#turns.waitMs;
  }

  /** It may be handed out. */
  get isUsable(): boolean {
    return this.#ageMs() < this.#turns.expiryMs;
  }

  /** Milliseconds until it is to be renewed; 0 or less if it is now. */
  get freshForMs(): number {
    return this.#turns.refreshMs - this.#ageMs();
  }

  /** Milliseconds for which it may still be handed out. */
  get usableForMs(): number {
    return this.#turns.expiryMs - this.#ageMs();
  }

  /**
   * Whether it lives `validityMs` milliseconds from now. No token can promise more than three quarters of its lifetime,
   * or a demand that none can meet would mint at every call.
   */
  lives(validityMs: number): boolean {
    const demandedMs = Math.min(validityMs, this.#lifetimeMs * LONGEST_DEMAND);
    return !(this.#lifetimeMs - this.#ageMs() < demandedMs); // NaN demands nothing
  }

  #ageMs(): number {
    return this.#ages.ageMs(this.#askedAt);
  }
}
