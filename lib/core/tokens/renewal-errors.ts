import { BoxAuthError } from '../errors/box-auth.error.js';
import type { AccessToken } from '../token-endpoint/access-token.js';

export const BETWEEN_FORCED_MINTS_MS = 10_000;

/** Another token will not help: this one was requested a moment ago, to replace a refused one. */
export function refusedAgain(token: AccessToken, retryAfterMs: number): BoxAuthError {
  return new BoxAuthError({
    code: 'token_refused_again',
    message: `The token ${token.fingerprint} was refused less than ${BETWEEN_FORCED_MINTS_MS / 1000} s after it was requested to replace another refused token.`,
    hint: 'Another token will not help at once: see whether the app was disabled, or whether something on the way changes the header that the token is in.',
    docs: 'https://datatracker.ietf.org/doc/html/rfc6750#section-3.1',
    retryable: true,
    retryAfterMs,
  });
}

/** The token lived for less long than it took to come. */
export function expiredOnArrival(token: AccessToken): BoxAuthError {
  return new BoxAuthError({
    code: 'expired_on_arrival',
    message: `The token ${token.fingerprint} had expired by the time it arrived.`,
    hint: 'The machine slept, its clock was set, or the token endpoint answers more slowly than its tokens live.',
    docs: 'https://datatracker.ietf.org/doc/html/rfc6749#section-5.1',
    retryable: true,
  });
}

export function isExpiredOnArrival(error: unknown): boolean {
  return error instanceof BoxAuthError && error.code === 'expired_on_arrival';
}

/** A token request ended with neither a token nor an error. */
export function mintEmpty(): BoxAuthError {
  return new BoxAuthError({
    code: 'response_invalid',
    message: 'The token request ended without a token.',
    hint: 'It is retried after a pause.',
    docs: 'https://datatracker.ietf.org/doc/html/rfc6749#section-5.1',
    retryable: true,
  });
}

/** The app was shut down. */
export function closedError(): BoxAuthError {
  return new BoxAuthError({
    code: 'closed',
    message: 'A token was asked for after the app was shut down.',
    hint: 'Finish Box calls before app.close(), or in a shutdown hook that runs before the module is destroyed.',
    docs: 'https://docs.nestjs.com/fundamentals/lifecycle-events',
  });
}
