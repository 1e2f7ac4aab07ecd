import { randomBytes } from 'node:crypto';
import type { EmulatorClock } from './emulator-clock.js';

/** The enterprise or user that an access token belongs to. */
export interface TokenSubject {
  readonly type: 'enterprise' | 'user';
  readonly id: string;
}

export interface ItemReference {
  readonly type: 'file' | 'folder';
  readonly id: string;
}

/** The limits of a downscoped token. */
export interface TokenRestriction {
  readonly scopes: readonly string[];
  readonly item?: ItemReference;
  readonly sharedLink?: string;
}

export interface IssuedToken {
  readonly value: string;
  readonly subject: TokenSubject;
  /** By the service's clock; missing for a token that is valid until it is revoked. */
  readonly expiresAtMs?: number;
  readonly restriction?: TokenRestriction;
  /** The consent of a user that the token was issued for; missing for the tokens of other grants. */
  readonly connectionId?: string;
}

type TokenDetails = Pick<IssuedToken, 'restriction' | 'connectionId'>;

/** Every access token that the emulator has issued. */
export class TokenLedger {
  readonly #clock: EmulatorClock;
  readonly #tokens = new Map<string, IssuedToken>();
  readonly #revoked = new Set<string>();

  constructor(clock: EmulatorClock) {
    this.#clock = clock;
  }

  get issuedCount(): number {
    return this.#tokens.size;
  }

  /** A lifetime of null or 0 issues a token without a known expiry. */
  issue(subject: TokenSubject, lifetimeS: number | null, details: TokenDetails = {}): IssuedToken {
    const token: IssuedToken = {
      value: randomBytes(16).toString('hex'),
      subject,
      ...(lifetimeS && { expiresAtMs: this.#clock.nowMs() + lifetimeS * 1000 }),
      ...details,
    };
    this.#tokens.set(token.value, token);
    return token;
  }

  /** Also finds expired and revoked tokens, so that a log can name their subject. */
  find(value: string): IssuedToken | undefined {
    return this.#tokens.get(value);
  }

  findLive(value: string, forAtLeastMs = 1): IssuedToken | undefined {
    const token = this.#tokens.get(value);
    if (!token || this.#revoked.has(value)) return undefined;
    const { expiresAtMs } = token;
    const isLive = expiresAtMs === undefined || this.#clock.nowMs() + forAtLeastMs <= expiresAtMs;
    return isLive ? token : undefined;
  }

  revoke(value: string): void {
    if (this.#tokens.has(value)) this.#revoked.add(value);
  }

  /** Revokes every token issued so far that `matches`; by default, all of them. */
  revokeAll(matches: (token: IssuedToken) => boolean = () => true): void {
    for (const token of this.#tokens.values()) {
      if (matches(token)) this.#revoked.add(token.value);
    }
  }
}

const MAX_LIFETIME_S = 1_000_000_000; // the longest lifetime that the package accepts

/**
 * Checks a token lifetime in seconds. Default 3600.
 *
 * @throws RangeError for an invalid lifetime
 */
export function checkLifetime(lifetimeS: number | null = 3600): number | null {
  if (lifetimeS === null) return lifetimeS;
  if (Number.isInteger(lifetimeS) && lifetimeS >= 0 && lifetimeS <= MAX_LIFETIME_S) {
    return lifetimeS;
  }
  throw new RangeError(
    `Invalid token lifetime: expected a whole number of seconds from 0 to ${MAX_LIFETIME_S} or null, received ${lifetimeS}`,
  );
}
