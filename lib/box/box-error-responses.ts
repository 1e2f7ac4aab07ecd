import type { BoxAuthError } from '../core/errors/box-auth.error.js';
import type { BoxAuthErrorCode } from '../core/errors/error-codes.js';
import { bearerErrors } from '../core/http/www-authenticate.js';
import type { ErrorResponse } from '../core/token-endpoint/issuer.js';
import {
  toBoxAuthError,
  type KnownErrorResponse,
  transientErrorResponses,
  type ErrorResponseContext,
} from '../core/token-endpoint/known-error-responses.js';
import { boxDocs } from './box-docs.js';

const says =
  (pattern: RegExp, error?: string) =>
  ({ error: given, description = '' }: ErrorResponse): boolean =>
    (error === undefined || given === error) && pattern.test(description);

const isError = (error: string) => (refusal: ErrorResponse) => refusal.error === error;

const challenges = (error: string) => (refusal: ErrorResponse) =>
  bearerErrors(refusal.headers.get('www-authenticate')).includes(error);

const MEND_CLOCK =
  "Set the clock of this machine (NTP). Neither its time nor the Date header of Box's responses, if within a day of it, was accepted; if the clock is right, see whether a gateway at apiUrl sets a wrong Date header.";

const PASSING = transientErrorResponses('Box', {
  page: 'https://status.box.com',
  rateLimits: boxDocs.rateLimits,
  errors: boxDocs.errors,
});

/** What Box's token endpoint refuses, the first that fits counts. */
const KNOWN_OF_TOKEN_ENDPOINT: readonly KnownErrorResponse[] = [
  {
    matches: says(/box_subject_type/i),
    scope: 'subject', // one type of subject: the app may still get tokens for the other
    code: 'grant_not_allowed',
    summary: 'The app may not use client credentials for a subject of this type.',
    hint: 'In the developer console, see first whether the authentication type of the app is "Client Credentials Grant": an app for JWT or OAuth 2.0 needs a key pair or a sign-in instead. Then check the access level, which must be App + Enterprise Access and "Generate user access tokens" for users, and have the admin authorize the app again.',
    docs: boxDocs.clientCredentials,
  },
  {
    matches: says(/grant type is unauthorized/i), // with invalid_request or unauthorized_client
    scope: 'client',
    code: 'grant_not_allowed',
    summary: 'The app is not of the type that this grant belongs to.',
    hint: 'A key pair needs an app with "Server Authentication (with JWT)", a client secret alone one with "Client Credentials Grant": the type is chosen when the app is made. If the type is right, have the admin authorize the app again.',
    docs: boxDocs.selectGrant,
  },
  {
    matches: isError('unauthorized_client'),
    scope: 'tenant',
    code: 'app_not_authorized',
    summary: 'The Box admin has not authorized this app.',
    hint: 'Ask an admin to authorize the client id under Admin Console > Integrations > Platform Apps Manager; after a change of scopes, again.',
    docs: boxDocs.authorization,
  },
  {
    matches: isError('invalid_client'),
    scope: 'client',
    code: 'client_invalid',
    summary: 'Box does not know this client id, or the client secret is not its own.',
    hint: 'Copy clientID and clientSecret again from the Configuration tab of the developer console; a reset secret makes the old one useless.',
    docs: boxDocs.jwtSetup,
  },
  {
    matches: says(/cannot obtain (user )?token based on/i, 'invalid_request'),
    scope: 'subject',
    code: 'user_tokens_not_enabled',
    summary: 'The app may not get a token for this user.',
    hint: 'Enable "Generate user access tokens" and App + Enterprise Access in the developer console, have the app authorized again, and do not ask for the service account by its own user id.',
    docs: boxDocs.userAccessTokens,
  },
  {
    matches: says(/invalid grant_type parameter/i),
    scope: 'client',
    code: 'request_malformed',
    summary: 'What arrived at Box was not the form that was sent.',
    hint: 'Check apiUrl (https://api.box.com, not app.box.com or www.box.com), and whether a proxy on the way changes the body or the Content-Type.',
    docs: boxDocs.jwt,
  },
  {
    matches: says(/grant credentials are invalid/i),
    scope: 'subject',
    code: 'grant_invalid',
    summary: 'Box does not grant a token to these client credentials for this subject.',
    hint: 'Check client id and secret, that the enterprise or user id belongs to this enterprise, App + Enterprise Access for users, and that the admin authorized the app.',
    docs: boxDocs.clientCredentials,
  },
  {
    matches: isError('invalid_scope'),
    scope: 'subject',
    code: 'scope_refused',
    summary: 'Box does not give these scopes.',
    hint: 'Name scopes for downscoping, and none that the app itself does not have.',
    docs: boxDocs.downscope,
  },
  {
    matches: isError('invalid_resource'),
    scope: 'subject',
    code: 'resource_refused',
    summary: 'Box knows no such item, or none that the subject can see.',
    hint: 'Give the full address of a file or folder that the subject of the token can see.',
    docs: boxDocs.downscope,
  },
  {
    matches: says(/subject_token|access token/i, 'invalid_grant'),
    scope: 'subject',
    code: 'subject_token_refused',
    summary: 'Box does not take the token that was to be downscoped.',
    hint: 'It was revoked or has expired; a new one was already tried once.',
    docs: boxDocs.downscope,
  },
  {
    matches: says(/'sub'/),
    scope: 'subject',
    code: 'subject_refused',
    summary: 'Box does not take this subject.',
    hint: 'Check that the enterprise id (or user id) is of the enterprise that authorized the app, and that an enterprise id is not given as a user id.',
    docs: boxDocs.jwt,
  },
  {
    matches: says(/'exp'/),
    scope: 'client',
    code: 'assertion_expired',
    summary: "By Box's clock the assertion has expired, or expires too late.",
    hint: MEND_CLOCK,
    docs: boxDocs.jwt,
  },
  {
    matches: says(/'nbf'|'iat'/),
    scope: 'client',
    code: 'assertion_not_yet_valid',
    summary: "By Box's clock the assertion is not valid yet.",
    hint: MEND_CLOCK,
    docs: boxDocs.jwt,
  },
  {
    matches: says(/'jti'/),
    scope: 'subject',
    code: 'assertion_replayed',
    summary: 'Box has seen this assertion before.',
    hint: 'Every attempt is signed anew here: see whether a proxy or service mesh on the way retries requests by itself.',
    docs: boxDocs.jwt,
  },
  {
    matches: says(/'iss'/),
    scope: 'client',
    code: 'issuer_refused',
    summary: 'The issuer of the assertion is not this client.',
    hint: 'Take clientId, clientSecret and the key from one and the same config.json.',
    docs: boxDocs.jwt,
  },
  {
    matches: says(/signature verification/i),
    scope: 'client',
    code: 'signature_refused',
    summary: 'The private key does not belong to the public key that is registered under this id.',
    hint: 'Take publicKeyID and privateKey from one and the same config.json, or register the public key again.',
    docs: boxDocs.jwtSetup,
  },
  {
    matches: says(/^(?=[^]*kid)[^]*invalid/i),
    scope: 'client',
    code: 'key_unknown',
    summary: 'No public key is registered under this publicKeyID.',
    hint: 'The key was removed or belongs to another app: see the public keys in the developer console, and use a config.json that has one of them.',
    docs: boxDocs.jwtSetup,
  },
  ...PASSING,
];

/** What Box refuses an API call for. */
const KNOWN_OF_API: readonly KnownErrorResponse[] = [
  {
    matches: ({ status }) => status === 507,
    scope: 'subject',
    code: 'request_refused',
    summary: 'The account that would own the item has no storage left.',
    hint: 'Free storage of the owner of the folder, or have an admin raise the quota: another attempt does not help.',
    docs: boxDocs.errors,
  },
  ...PASSING,
  {
    matches: challenges('invalid_token'),
    scope: 'subject',
    code: 'token_invalid',
    summary: 'The access token has expired or was revoked.',
    hint: 'BoxFetch and the HTTP interceptors renew it and repeat the call; with another client, call invalidate(token) and getToken().',
    docs: boxDocs.tokens,
    retryable: true,
  },
  {
    matches: challenges('invalid_request'),
    scope: 'client',
    code: 'unauthorized',
    summary: 'The call reached Box without an access token.',
    hint: 'Make the call with BoxFetch or another of the clients, to a host that may get a token; and see whether a proxy on the way removes the Authorization header.',
    docs: boxDocs.errors,
  },
  {
    matches: challenges('insufficient_scope'),
    scope: 'client',
    code: 'insufficient_scope',
    summary: 'The app lacks a scope that this call needs.',
    hint: 'Tick the scope in the developer console, have the admin authorize the app again, and call flush(): tokens keep the rights they were made with.',
    docs: boxDocs.scopes,
  },
  {
    matches: isError('terms_of_service_required'),
    scope: 'subject',
    code: 'terms_of_service_required',
    summary: 'The acting user has not accepted the custom terms of service of the enterprise.',
    hint: 'Let the user accept them in the Box web app, or through the terms of service API.',
    docs: boxDocs.errors,
  },
  {
    matches: (refusal) =>
      refusal.status === 401 && says(/cannot authorize with this service/i)(refusal),
    scope: 'tenant',
    code: 'unauthorized',
    summary: 'The enterprise does not let this app call Box.',
    hint: 'Ask an admin to enable the client id under Admin Console > Integrations > Platform Apps Manager: where unpublished apps are disabled by default, each app must be enabled as well as authorized.',
    docs: boxDocs.authorization,
  },
  {
    matches: isError('access_from_location_blocked'),
    scope: 'tenant',
    code: 'access_denied',
    summary: 'The enterprise does not allow calls from this network address.',
    hint: "Have an admin add the address that this app's calls come from to the enterprise's list of allowed addresses.",
    docs: boxDocs.errors,
  },
  {
    matches: ({ status, error }) => status === 403 && error?.startsWith('access_denied') === true,
    scope: 'subject',
    code: 'access_denied',
    summary: 'Whoever the call acts for may not do this.',
    hint: 'With as-user: enable "Make API calls using the as-user header", and name a user that exists in this enterprise (an id that does not exist is answered the same way) and is neither a service account nor an admin nor the caller itself. Without: share the item with the service account.',
    docs: boxDocs.asUser,
  },
  {
    matches: ({ status }) => status === 401,
    scope: 'client',
    code: 'unauthorized',
    summary: 'Box refused the call, but not for the age of its token.',
    hint: 'Check that the Authorization header reaches Box as it was sent.',
    docs: boxDocs.errors,
  },
];

/** Why Box's token endpoint gave no token. */
export function boxTokenError(refusal: ErrorResponse): BoxAuthError {
  return toBoxAuthError(refusal, KNOWN_OF_TOKEN_ENDPOINT, byBox('token_request_refused'));
}

/** Why Box refused an API call. */
export function boxApiResponseError(refusal: ErrorResponse): BoxAuthError {
  return toBoxAuthError(refusal, KNOWN_OF_API, byBox('request_refused'));
}

function byBox(code: BoxAuthErrorCode): ErrorResponseContext {
  const hint =
    'Box gives no reason that is known here: look its words up in the document, or send the request id to its support.';
  return {
    name: 'Box',
    requestIdHeader: 'box-request-id',
    fallback: { scope: 'subject', code, hint, docs: boxDocs.errors },
  };
}
