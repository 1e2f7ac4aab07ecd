import { BoxAuthError } from '../errors/box-auth.error.js';
import { redact } from '../errors/redact.js';
import type { StoreFailure } from './store-guard.js';
import type { CheckedClaim } from './checked-claim.js';

const MAX_PAUSE_MS = 600_000; // as for Retry-After

/** Another process was refused a token, and nobody shall ask for a while. */
export function pausedError({ forMs, reason }: CheckedClaim & { state: 'paused' }): BoxAuthError {
  return new BoxAuthError({
    code: 'unavailable',
    message: `Another process was given no token, and none is asked for now: ${redact(reason)}`,
    hint: 'It is tried again by itself.',
    docs: 'https://datatracker.ietf.org/doc/html/rfc6585#section-4',
    retryable: true,
    retryAfterMs: Math.min(Math.max(forMs, 0), MAX_PAUSE_MS),
  });
}

/** Another process of the app was rate limited, so the requests of all its subjects wait. */
export function appPausedError({
  forMs,
  reason,
}: CheckedClaim & { state: 'paused' }): BoxAuthError {
  return new BoxAuthError({
    code: 'rate_limited',
    message: `Another process of this app was rate limited, and none of its requests are sent now: ${redact(reason)}`,
    hint: 'Wait for retryAfterMs.',
    docs: 'https://datatracker.ietf.org/doc/html/rfc6585#section-4',
    retryable: true,
    retryAfterMs: Math.min(forMs, MAX_PAUSE_MS),
  });
}

/** No token without the store: `onStoreFailure` is 'closed'. */
export function storeUnavailable(failure: StoreFailure): BoxAuthError {
  return new BoxAuthError({
    code: 'store_unavailable',
    message: 'The store that shares tokens is away, and no token is minted without it.',
    hint: "See whether Redis can be reached; or leave onStoreFailure at 'open', so that each process mints its own.",
    docs: 'https://redis.io/docs/latest/develop/clients/error-handling/',
    retryable: true,
    cause: failure.cause,
  });
}
