import type { BoxAuthError } from '../core/errors/box-auth.error.js';
import type { ErrorResponse } from '../core/token-endpoint/issuer.js';
import {
  toBoxAuthError,
  type KnownErrorResponse,
  transientErrorResponses,
} from '../core/token-endpoint/known-error-responses.js';
import { ASSERTION_LIFETIME_MS } from './workfront-assertion.js';
import { workfrontDocs } from './workfront-docs.js';

const CLOCK_HINT =
  'Set the clock of this machine (NTP). Workfront accepted neither the time of this machine nor the time in the Date header of Workfront, which is used if the two differ by less than a day. If the clock is right, check whether a gateway sets a wrong Date header.';
// Allows for the transit of the assertion, and for the precision of the clock comparison (about one second).
const TRANSIT_MARGIN_MS = 10_000;

/** Adobe documents no error responses. A wrong clock is recognised by the Date header. */
const KNOWN_ERRORS: readonly KnownErrorResponse[] = [
  ...transientErrorResponses('Workfront', {
    page: 'https://status.adobe.com',
    rateLimits: workfrontDocs.api,
    errors: workfrontDocs.jwtFlow,
  }),
  {
    matches: ({ clockErrorMs = 0 }) => clockErrorMs >= ASSERTION_LIFETIME_MS - TRANSIT_MARGIN_MS,
    scope: 'client',
    code: 'assertion_expired',
    summary: "By Workfront's clock, the JWT has expired.",
    hint: CLOCK_HINT,
    docs: workfrontDocs.jwtFlow,
  },
  {
    matches: ({ clockErrorMs = 0 }) => clockErrorMs < 0,
    scope: 'client',
    code: 'assertion_not_yet_valid',
    summary: "By Workfront's clock, the JWT is not valid yet or is valid for too long.",
    hint: CLOCK_HINT,
    docs: workfrontDocs.jwtFlow,
  },
];

/** Converts an error response of the token endpoint. The error quotes Workfront and lists the usual causes. */
export function workfrontTokenError(response: ErrorResponse): BoxAuthError {
  return toBoxAuthError(
    { ...response, description: response.description ?? response.body },
    KNOWN_ERRORS,
    {
      name: 'Workfront',
      fallback: {
        scope: 'subject',
        code: 'token_request_refused',
        hint: 'Workfront does not say why. Check the usual causes: customerId is not the customer id of the application (a common mistake is its client id); userId is not the user who added the public key; the public key is missing from the application or does not belong to privateKey; clientId or clientSecret is wrong; or the clock of this machine is wrong.',
        docs: workfrontDocs.jwtFlow,
      },
    },
  );
}
