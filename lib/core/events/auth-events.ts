import type { BoxAuthError } from '../errors/box-auth.error.js';

/** The kind of subject of a token, without its id. */
interface OfToken {
  /**
   * `connection`: the token is from a person's own account, and not from the credentials of the app. Undefined if a function
   * returns the credentials and has not been called yet.
   */
  readonly subjectType: 'enterprise' | 'user' | 'connection' | undefined;
  /** Whether the subject is the one of the credentials. */
  readonly isOwn: boolean;
  /** The id of the enterprise that the subject belongs to, if that is a tenant. */
  readonly enterprise?: string | undefined;
}

/**
 * A token request succeeded or failed. `mint`: there was no token; `renewal`: the current token was due for a refresh;
 * `forced-renewal`: the current token was refused.
 */
export interface TokenEvent extends OfToken {
  readonly kind: 'mint' | 'renewal' | 'forced-renewal';
  /** `minted`: this process requested the token; `shared`: it came from the store or the vault; `failed`: see `error`. */
  readonly outcome: 'minted' | 'shared' | 'failed';
  /** Start of the request, in milliseconds since the epoch by this machine's clock. */
  readonly startedAt: number;
  /** Milliseconds, including all retries and waits. */
  readonly durationMs: number;
  /** Of the new token. */
  readonly fingerprint?: string;
  /** Of the new token: milliseconds since the epoch by the issuer's clock. */
  readonly expiresAt?: number;
  /** Set if `outcome` is `failed`. */
  readonly error?: BoxAuthError;
  /** For how many milliseconds the token is usable: the new one, or the current one after a failure. 0 without a token. */
  readonly usableForMs: number;
}

/** A caller waited for a new token and received the current one, because the token request failed. */
export interface StaleServedEvent extends OfToken {
  readonly kind: 'stale-served';
  readonly fingerprint: string;
  readonly usableForMs: number;
}

/** The token endpoint refused a tenant, because its admin has not authorized the app. Emitted once until it gets a token. */
export interface TenantUnauthorizedEvent {
  readonly kind: 'tenant-unauthorized';
  /** The id of the enterprise. */
  readonly enterprise: string;
  readonly error: BoxAuthError;
}

/** The token store became unavailable or available again. Emitted once for each change. */
export interface StoreEvent {
  readonly kind: 'store';
  readonly state: 'away' | 'back';
  /** Why the store is unavailable, without secrets. */
  readonly cause?: Error;
}

/** The offset between the issuer's clock and this machine's clock changed. */
export interface ClockOffsetEvent {
  readonly kind: 'clock-offset';
  /** How many milliseconds the issuer's clock is ahead of this machine's. */
  readonly offsetMs: number;
  readonly previousOffsetMs: number;
}

/**
 * A connection of a person's own account changed: the person connected it, its tokens were refreshed, it was lost because the
 * issuer refused its refresh token, or it was disconnected.
 */
export interface ConnectionEvent {
  readonly kind: 'connection';
  readonly change: 'connected' | 'refreshed' | 'lost' | 'disconnected';
  /** Why the connection was lost. */
  readonly error?: BoxAuthError;
}

/**
 * A request to the API with a token of this app got a response or failed. A call takes a second request if its token was
 * refused, and another one for each redirect.
 */
export interface ApiRequestEvent {
  readonly kind: 'api-request';
  /** In upper case. */
  readonly method: string;
  /** Host name, without the port. */
  readonly host: string;
  readonly port: number;
  /**
   * `app`: for the app itself; `header`: for the user in `as-user`; `token`: with a user access token; `connection`: with the
   * token of a person's own account.
   */
  readonly acting: 'app' | 'header' | 'token' | 'connection';
  /** The id of the enterprise that `@ForEnterprise` or `runFor` selects. */
  readonly enterprise?: string | undefined;
  /** 1 for the first request, 2 for its repetition: with a new token, or by the option `apiRetries`. */
  readonly attempt: number;
  /** Of a repetition: the status of the previous request, or its `errorType` if it had no response. */
  readonly repeatedAfter?: number | string | undefined;
  /** Milliseconds before the request was sent: for a token, and for the wait of the option `apiRetries`. */
  readonly waitedMs: number;
  /** When the request was sent, in milliseconds since the epoch by this machine's clock. */
  readonly startedAt: number;
  /** Milliseconds until the response began. */
  readonly durationMs: number;
  /** Status of the response; undefined without one. */
  readonly status?: number;
  /** Without a response: the code or name of the error, such as `ECONNRESET` or `AbortError`, or `_OTHER`. */
  readonly errorType?: string;
}

/** An event in the life of tokens, or a request to the API. Contains no token, no secret, and no id but those of tenants. */
export type AuthEvent =
  | TokenEvent
  | StaleServedEvent
  | TenantUnauthorizedEvent
  | StoreEvent
  | ClockOffsetEvent
  | ConnectionEvent
  | ApiRequestEvent;

/** The app that an event is about. */
export interface AuthEventSource {
  /** `Box` or `Workfront`. */
  readonly issuer: string;
  /** The `name` of the module, if it has one. */
  readonly app: string | undefined;
}

/** Emits an event of one app. */
export type EmitEvent = (event: AuthEvent) => void;
