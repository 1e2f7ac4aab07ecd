import { createHash } from 'node:crypto';
import { inspect } from 'node:util';
import { copyOf, type Subject } from '../credentials/subject.js';
import type { Instant } from '../runtime/age-clock.js';

/** The details of a token that the token endpoint returned with its value. */
export interface AccessTokenDetails {
  readonly subject: Subject;
  readonly expiresAt?: number | undefined;
  readonly scopes?: readonly string[] | undefined;
  readonly restrictedTo?: readonly unknown[] | undefined;
}

/**
 * A bearer token (RFC 6750). Immutable. `toString`, `toJSON` and `util.inspect` show its fingerprint, never its `value`.
 *
 * @example
 * ```ts
 * import type { BoxTokenProvider } from 'nestjs-box-auth';
 *
 * async function printLifetime(box: BoxTokenProvider): Promise<void> {
 *   const token = await box.getToken();
 *   console.log(`${token} expires at ${new Date(token.expiresAt ?? 0).toISOString()}`);
 * }
 * ```
 */
export class AccessToken {
  readonly #value: string;
  /** The enterprise or user that the token is for. */
  readonly subject: Subject;
  /** Milliseconds since the epoch by the issuer's clock; undefined if the lifetime is unknown. */
  readonly expiresAt: number | undefined;
  /** The scopes of a downscoped token. */
  readonly scopes: readonly string[] | undefined;
  /** Box's `restricted_to` of a downscoped token. */
  readonly restrictedTo: readonly unknown[] | undefined;
  /** The first 12 characters of the value's SHA-256 in base64url. Identifies the token in a log without revealing it. */
  readonly fingerprint: string;

  constructor(value: string, details: AccessTokenDetails) {
    this.#value = value;
    this.subject = Object.freeze(copyOf(details.subject));
    this.expiresAt = details.expiresAt;
    this.scopes = details.scopes;
    this.restrictedTo = details.restrictedTo;
    this.fingerprint = createHash('sha256').update(value).digest('base64url').slice(0, 12);
    Object.freeze(this);
  }

  /** The secret value, which follows `Bearer ` in the header. */
  get value(): string {
    return this.#value;
  }

  /** `AccessToken(<fingerprint>)`. */
  toString(): string {
    return `AccessToken(${this.fingerprint})`;
  }

  /** The fields of the token without its value. */
  toJSON(): Record<string, unknown> {
    return {
      fingerprint: this.fingerprint,
      subject: this.subject,
      expiresAt: this.expiresAt,
      scopes: this.scopes,
    };
  }

  /** @internal `util.inspect` shows the same as `toString`. */
  [inspect.custom](): string {
    return this.toString();
  }
}

/** A token from a token request. Its lifetime conservatively counts from the request, not from the response. */
export interface MintedToken {
  readonly token: AccessToken;
  readonly lifetimeMs: number | undefined;
  readonly requestedAt: Instant;
  /** Whether another process requested it. */
  readonly isShared: boolean;
}

/** The tokens that a token request replaces. */
export interface PreviousTokens {
  /** The token that was refused. */
  readonly refused?: AccessToken | undefined;
  /** The token that is refreshed. */
  readonly current?: AccessToken | undefined;
}

/** A token request that has its credentials and is not sent yet. */
export interface PreparedTokenRequest {
  /** The key of the token in a store, the same in all processes of the app; undefined if the token cannot be shared. */
  readonly identity: string | undefined;
  readonly subject: Subject;
  /** Sends it. Aborting `signal` aborts the request. */
  mint(signal?: AbortSignal): Promise<MintedToken>;
}
