import { BoxAuthError } from '../errors/box-auth.error.js';

const STATE_DOCS = 'https://datatracker.ietf.org/doc/html/rfc6749#section-10.12';
const ERROR_DOCS = 'https://datatracker.ietf.org/doc/html/rfc6749#section-4.1.2.1';
const BEGIN_AGAIN = 'Let the person begin again, with a new authorizationUrl().';

/** The callback does not belong to a sign-in that this browser and this person began. */
export function stateInvalid(reason: string): BoxAuthError {
  return new BoxAuthError({
    code: 'state_invalid',
    message: `This sign-in cannot be completed: ${reason}.`,
    hint: `${BEGIN_AGAIN} If it lasts, check that both ends pass the same \`owner\` and \`binding\`: a cookie with SameSite=Strict is missing in the callback.`,
    docs: STATE_DOCS,
  });
}

/** The person took too long. */
export function stateExpired(cause?: unknown): BoxAuthError {
  return new BoxAuthError({
    code: 'state_expired',
    message: 'This sign-in has expired: it must be completed within ten minutes.',
    hint: BEGIN_AGAIN,
    docs: STATE_DOCS,
    cause,
  });
}

/** The callback was opened twice. */
export function stateUsed(): BoxAuthError {
  return new BoxAuthError({
    code: 'state_used',
    message: 'This sign-in was completed before: a callback works once.',
    hint: `Check with get() whether the account is connected. ${BEGIN_AGAIN}`,
    docs: STATE_DOCS,
  });
}

/** The person did not consent. */
export function consentDenied(): BoxAuthError {
  return new BoxAuthError({
    code: 'consent_denied',
    message: 'The person did not allow this app to use the account.',
    hint: 'Explain what the app does with the account, and let the person begin again.',
    docs: ERROR_DOCS,
  });
}

/** The issuer redirected with another error. `shown` contains no secret. */
export function authorizationFailed(error: string, shown: string): BoxAuthError {
  const isTransient = error === 'server_error' || error === 'temporarily_unavailable';
  return new BoxAuthError({
    code: isTransient ? 'unavailable' : 'request_refused',
    message: `The issuer refused the sign-in (${shown}).`,
    hint: isTransient
      ? 'Let the person try again later.'
      : 'Check `redirectUri` and `scopes` against the configuration of the app at the issuer.',
    docs: ERROR_DOCS,
    retryable: isTransient,
  });
}
