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
  "Set the clock of this machine (NTP). Neither its time nor the Date header of Workfront's responses, if within a day of it, was accepted; if the clock is right, see whether a gateway sets a wrong Date header.";
// Some seconds of its life are gone before it is judged, and the clocks are compared to about a second.
const LOST_ON_THE_WAY_MS = 10_000;

/** Adobe documents no refusals: what can be known is how its clock differs from ours. */
const KNOWN: readonly KnownErrorResponse[] = [
  ...transientErrorResponses('Workfront', {
    page: 'https://status.adobe.com',
    rateLimits: workfrontDocs.api,
    errors: workfrontDocs.jwtFlow,
  }),
  {
    matches: ({ clockErrorMs = 0 }) => clockErrorMs >= ASSERTION_LIFETIME_MS - LOST_ON_THE_WAY_MS,
    scope: 'client',
    code: 'assertion_expired',
    summary: "By Workfront's clock the JWT has expired.",
    hint: CLOCK_HINT,
    docs: workfrontDocs.jwtFlow,
  },
  {
    matches: ({ clockErrorMs = 0 }) => clockErrorMs < 0,
    scope: 'client',
    code: 'assertion_not_yet_valid',
    summary: "By Workfront's clock the JWT is not valid yet, or for too long.",
    hint: CLOCK_HINT,
    docs: workfrontDocs.jwtFlow,
  },
];

/** Why Workfront gave no session, as far as can be told: its own words, and what it is usually for. */
export function workfrontTokenError(refusal: ErrorResponse): BoxAuthError {
  return toBoxAuthError({ ...refusal, description: refusal.description ?? refusal.body }, KNOWN, {
    name: 'Workfront',
    fallback: {
      scope: 'subject',
      code: 'token_request_refused',
      hint: 'It does not say why. The usual causes: customerId is not the customer id of the application (often it is the client id), userId is not the user who added the public key, the public key was not added to the application or is not that of privateKey, clientId or clientSecret is wrong, or the clock of this machine is off.',
      docs: workfrontDocs.jwtFlow,
    },
  });
}
