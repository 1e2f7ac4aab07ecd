import type { BoxAuthError } from '../errors/box-auth.error.js';

/** Which token is spoken of, without saying whose it is. */
interface OfToken {
  /** Undefined if a function gives the credentials and has not said yet whom they stand for. */
  readonly subjectType: 'enterprise' | 'user' | undefined;
  /** Whether it is of whom the credentials stand for. */
  readonly isOwn: boolean;
}

/**
 * A token was asked for and came, or did not. `mint`: there was none; `renewal`: the old one is due; `forced-renewal`:
 * the old one was refused.
 */
export interface TokenEvent extends OfToken {
  readonly kind: 'mint' | 'renewal' | 'forced-renewal';
  /** `minted`: by this process; `shared`: another process had it in the store; `failed`: see `error`. */
  readonly outcome: 'minted' | 'shared' | 'failed';
  /** When it was asked for, in milliseconds since the epoch by this machine's clock. */
  readonly startedAt: number;
  /** Milliseconds, with all retries and waits. */
  readonly durationMs: number;
  /** Of the new token. */
  readonly fingerprint?: string;
  /** Of the new token: milliseconds since the epoch by the issuer's clock. */
  readonly expiresAt?: number;
  /** Why there is none. */
  readonly error?: BoxAuthError;
  /** How many milliseconds the new token can be used, or the old one if no other came; 0 if there is none. */
  readonly usableForMs: number;
}

/** A caller who waited for a new token was given the old one, as no other came. */
export interface StaleServedEvent extends OfToken {
  readonly kind: 'stale-served';
  readonly fingerprint: string;
  readonly usableForMs: number;
}

/** The store that shares tokens went away, or is back: told once each. */
export interface StoreEvent {
  readonly kind: 'store';
  readonly state: 'away' | 'back';
  /** Why it is away, without secrets. */
  readonly cause?: Error;
}

/** The issuer's clock differs from ours by other than was known. */
export interface ClockOffsetEvent {
  readonly kind: 'clock-offset';
  /** How many milliseconds the issuer's clock is ahead. */
  readonly offsetMs: number;
  readonly previousOffsetMs: number;
}

/** What happens to tokens. No event has a token, a secret or an id in it. */
export type AuthEvent = TokenEvent | StaleServedEvent | StoreEvent | ClockOffsetEvent;

/** Whose event it is. */
export interface AuthEventSource {
  /** `Box` or `Workfront`. */
  readonly issuer: string;
  /** The `name` of the module, if it has one. */
  readonly app: string | undefined;
}

/** Where a room tells what happened. */
export type EmitEvent = (event: AuthEvent) => void;
