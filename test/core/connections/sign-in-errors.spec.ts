import { describe, expect, it } from 'vitest';
import type { BoxAuthError } from 'nestjs-box-auth';
import {
  authorizationFailed,
  consentDenied,
  stateExpired,
  stateInvalid,
  stateUsed,
} from '../../../lib/core/connections/sign-in-errors.js';

const BEGIN_AGAIN = 'Let the person begin again, with a new authorizationUrl().';
const cause = new Error('the cause');

describe('The errors of a sign-in', () => {
  it.each<[() => BoxAuthError, object]>([
    [
      () => stateInvalid('the state of the callback is unknown'),
      {
        code: 'state_invalid',
        message: 'This sign-in cannot be completed: the state of the callback is unknown.',
        hint: `${BEGIN_AGAIN} If it lasts, check that both ends pass the same \`owner\` and \`binding\`: a cookie with SameSite=Strict is missing in the callback.`,
        retryable: false,
      },
    ],
    [
      () => stateExpired(cause),
      {
        code: 'state_expired',
        message: 'This sign-in has expired: it must be completed within ten minutes.',
        hint: BEGIN_AGAIN,
        retryable: false,
        cause,
      },
    ],
    [
      () => stateUsed(),
      {
        code: 'state_used',
        message: 'This sign-in was completed before: a callback works once.',
        hint: `Check with get() whether the account is connected. ${BEGIN_AGAIN}`,
        retryable: false,
      },
    ],
    [
      () => consentDenied(),
      {
        code: 'consent_denied',
        message: 'The person did not allow this app to use the account.',
        hint: 'Explain what the app does with the account, and let the person begin again.',
        retryable: false,
      },
    ],
    [
      () => authorizationFailed('invalid_scope', 'invalid_scope: unknown scope'),
      {
        code: 'request_refused',
        message: 'The issuer refused the sign-in (invalid_scope: unknown scope).',
        hint: 'Check `redirectUri` and `scopes` against the configuration of the app at the issuer.',
        retryable: false,
      },
    ],
    ...['server_error', 'temporarily_unavailable'].map<[() => BoxAuthError, object]>((error) => [
      () => authorizationFailed(error, error),
      {
        code: 'unavailable',
        message: `The issuer refused the sign-in (${error}).`,
        hint: 'Let the person try again later.',
        retryable: true,
      },
    ]),
  ])('say what happened and what to do (%#)', (makeError, expected) => {
    const error = makeError();
    expect(error).toMatchObject(expected);
    expect(error.docs).toMatch(/^https:\/\/datatracker\.ietf\.org\/doc\/html\/rfc6749#section-/);
  });
});
