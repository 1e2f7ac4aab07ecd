import { BoxAuthError } from '../errors/box-auth.error.js';
import { redact } from '../errors/redact.js';
import type { AccessToken } from '../token-endpoint/access-token.js';

/** A refused token is replaced at most once in this time. */
export const MIN_REPLACEMENT_INTERVAL_MS = 10_000;
const MAX_PAUSE_MS = 600_000; // the same limit as for Retry-After

/** The pause that another process recorded in the store. */
interface StoredPause {
  readonly forMs: number;
  readonly reason: string;
}

/** A token was refused shortly after it replaced a refused token, so another one would not help. */
export function refusedAgain(token: AccessToken, retryAfterMs: number): BoxAuthError {
  return new BoxAuthError({
    code: 'token_refused_again',
    message: `The token ${token.fingerprint} was refused less than ${MIN_REPLACEMENT_INTERVAL_MS / 1000} s after it was requested to replace another refused token.`,
    hint: 'Another token will not help now. Check whether the app was disabled, or whether a proxy changes the header that contains the token.',
    docs: 'https://datatracker.ietf.org/doc/html/rfc6750#section-3.1',
    retryable: true,
    retryAfterMs,
  });
}

export function expiredOnArrival(token: AccessToken): BoxAuthError {
  return new BoxAuthError({
    code: 'expired_on_arrival',
    message: `The token ${token.fingerprint} had expired by the time it arrived.`,
    hint: 'The machine slept, its clock was set, or the token endpoint takes longer to respond than its tokens live.',
    docs: 'https://datatracker.ietf.org/doc/html/rfc6749#section-5.1',
    retryable: true,
  });
}

export function closedError(): BoxAuthError {
  return new BoxAuthError({
    code: 'closed',
    message: 'A token was requested after the app was shut down.',
    hint: 'Finish Box calls before app.close(), or in a shutdown hook that runs before the module is destroyed.',
    docs: 'https://docs.nestjs.com/fundamentals/lifecycle-events',
  });
}

/** The token request of another process failed, and the store asks all processes to wait. */
export function pausedError({ forMs, reason }: StoredPause): BoxAuthError {
  return new BoxAuthError({
    code: 'unavailable',
    message: `The token request of another process failed, so no token request is sent for now: ${redact(reason)}`,
    hint: 'The request is retried automatically.',
    docs: 'https://datatracker.ietf.org/doc/html/rfc6585#section-4',
    retryable: true,
    retryAfterMs: Math.min(Math.max(forMs, 0), MAX_PAUSE_MS),
  });
}

/** Another process of the app was rate limited, so the requests of all its subjects wait. */
export function appPausedError({ forMs, reason }: StoredPause): BoxAuthError {
  return new BoxAuthError({
    code: 'rate_limited',
    message: `Another process of this app was rate limited, so no token request is sent for now: ${redact(reason)}`,
    hint: 'Wait for retryAfterMs.',
    docs: 'https://datatracker.ietf.org/doc/html/rfc6585#section-4',
    retryable: true,
    retryAfterMs: Math.min(forMs, MAX_PAUSE_MS),
  });
}

/** The store is unavailable, and `onStoreFailure` is 'closed'. */
export function storeUnavailable(cause: unknown): BoxAuthError {
  return new BoxAuthError({
    code: 'store_unavailable',
    message: 'The token store is unavailable, and no token is requested without it.',
    hint: "Check whether Redis can be reached. Or set onStoreFailure to 'open', so that each process requests its own token.",
    docs: 'https://redis.io/docs/latest/develop/clients/error-handling/',
    retryable: true,
    cause,
  });
}
