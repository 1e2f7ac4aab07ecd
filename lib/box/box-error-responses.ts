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

const hasDescription =
  (pattern: RegExp, error?: string) =>
  (response: ErrorResponse): boolean =>
    (error === undefined || response.error === error) && pattern.test(response.description ?? '');

const hasError = (error: string) => (response: ErrorResponse) => response.error === error;

const hasChallenge = (error: string) => (response: ErrorResponse) =>
  bearerErrors(response.headers.get('www-authenticate')).includes(error);

const CLOCK_HINT =
  'Set the clock of this machine (NTP). Box accepted neither the time of this machine nor the time in the Date header of Box, which is used if the two differ by less than a day. If the clock is right, check whether a gateway at apiUrl sets a wrong Date header.';

const TRANSIENT_DOCS = {
  page: 'https://status.box.com',
  rateLimits: boxDocs.rateLimits,
  errors: boxDocs.errors,
};

/** Known error responses of the token endpoint. The first match counts. */
const TOKEN_ENDPOINT_ERRORS: readonly KnownErrorResponse[] = [
  {
    matches: hasDescription(/box_subject_type/i),
    scope: 'subject', // the app may still request tokens for the other type
    code: 'grant_not_allowed',
    summary: 'The app may not use client credentials for this type of subject.',
    hint: 'Check in the developer console that the authentication type of the app is "Client Credentials Grant" (an app for JWT needs a key pair instead). For user tokens, enable App + Enterprise Access and "Generate user access tokens". Then ask an admin to authorize the app again.',
    docs: boxDocs.clientCredentials,
  },
  {
    matches: hasDescription(/grant type is unauthorized/i), // with invalid_request or unauthorized_client
    scope: 'client',
    code: 'grant_not_allowed',
    summary: 'The authentication type of the app does not allow this grant.',
    hint: 'A key pair needs an app with "Server Authentication (with JWT)"; a client secret alone needs an app with "Client Credentials Grant". The type is chosen when the app is created. If it is right, ask an admin to authorize the app again.',
    docs: boxDocs.selectGrant,
  },
  {
    matches: hasError('unauthorized_client'),
    scope: 'tenant',
    code: 'app_not_authorized',
    summary: 'The Box admin has not authorized this app.',
    hint: 'Ask an admin to authorize the client id under Admin Console > Integrations > Platform Apps Manager. This is needed again after every change of scopes.',
    docs: boxDocs.authorization,
  },
  {
    matches: hasError('invalid_client'),
    scope: 'client',
    code: 'client_invalid',
    summary: 'The client id is unknown, or the client secret does not belong to it.',
    hint: 'Copy clientID and clientSecret again from the Configuration tab of the developer console. Resetting the secret there invalidates the old one.',
    docs: boxDocs.jwtSetup,
  },
  {
    matches: hasDescription(/cannot obtain (user )?token based on/i, 'invalid_request'),
    scope: 'subject',
    code: 'user_tokens_not_enabled',
    summary: 'The app may not request a token for this user.',
    hint: 'Enable App + Enterprise Access and "Generate user access tokens" in the developer console, and ask an admin to authorize the app again. Do not request the service account by its user id.',
    docs: boxDocs.userAccessTokens,
  },
  {
    matches: hasDescription(/invalid grant_type parameter/i),
    scope: 'client',
    code: 'request_malformed',
    summary: 'Box could not read the form of the token request.',
    hint: 'Check that apiUrl is https://api.box.com (not app.box.com or www.box.com), and that no proxy changes the body or the Content-Type.',
    docs: boxDocs.jwt,
  },
  {
    matches: hasDescription(/grant credentials are invalid/i),
    scope: 'subject',
    code: 'grant_invalid',
    summary: 'Box grants no token to these client credentials for this subject.',
    hint: 'Check the client id and secret, that the subject belongs to the enterprise that authorized the app, and that an admin authorized the app. User tokens also need App + Enterprise Access.',
    docs: boxDocs.clientCredentials,
  },
  {
    matches: hasError('invalid_scope'),
    scope: 'subject',
    code: 'scope_refused',
    summary: 'Box does not grant these scopes.',
    hint: 'Use scopes that Box documents for downscoping, and only scopes that the app itself has.',
    docs: boxDocs.downscope,
  },
  {
    matches: hasError('invalid_resource'),
    scope: 'subject',
    code: 'resource_refused',
    summary: 'The item does not exist, or the subject cannot see it.',
    hint: 'Pass the full address of a file or folder that the subject of the token can see.',
    docs: boxDocs.downscope,
  },
  {
    matches: hasDescription(/subject_token|access token/i, 'invalid_grant'),
    scope: 'subject',
    code: 'subject_token_refused',
    summary: 'Box does not accept the token that is to be downscoped.',
    hint: 'The token has expired or was revoked, and a new one was refused too. Check that the subject still exists and that the app is still authorized.',
    docs: boxDocs.downscope,
  },
  {
    matches: hasDescription(/'sub'/),
    scope: 'subject',
    code: 'subject_refused',
    summary: 'Box does not accept this subject.',
    hint: 'Check that the enterprise id or user id belongs to the enterprise that authorized the app, and that an enterprise id is not passed as a user id.',
    docs: boxDocs.jwt,
  },
  {
    matches: hasDescription(/'exp'/),
    scope: 'client',
    code: 'assertion_expired',
    summary: "By Box's clock, the assertion has expired or expires too late.",
    hint: CLOCK_HINT,
    docs: boxDocs.jwt,
  },
  {
    matches: hasDescription(/'nbf'|'iat'/),
    scope: 'client',
    code: 'assertion_not_yet_valid',
    summary: "By Box's clock, the assertion is not valid yet.",
    hint: CLOCK_HINT,
    docs: boxDocs.jwt,
  },
  {
    matches: hasDescription(/'jti'/),
    scope: 'subject',
    code: 'assertion_replayed',
    summary: 'Box has already received this assertion.',
    hint: 'This package signs a new assertion for every attempt. Check whether a proxy or service mesh retries requests on its own.',
    docs: boxDocs.jwt,
  },
  {
    matches: hasDescription(/'iss'/),
    scope: 'client',
    code: 'issuer_refused',
    summary: 'The issuer of the assertion is not this client id.',
    hint: 'Use the client id, client secret and key of the same config.json.',
    docs: boxDocs.jwt,
  },
  {
    matches: hasDescription(/signature verification/i),
    scope: 'client',
    code: 'signature_refused',
    summary: 'The private key does not belong to the public key with this id.',
    hint: 'Use publicKeyID and privateKey of the same config.json, or register the public key again.',
    docs: boxDocs.jwtSetup,
  },
  {
    matches: hasDescription(/^(?=[^]*kid)[^]*invalid/i),
    scope: 'client',
    code: 'key_unknown',
    summary: 'The app has no public key with this publicKeyID.',
    hint: 'The key was removed or belongs to another app. Compare with the public keys in the developer console, and use a config.json with one of them.',
    docs: boxDocs.jwtSetup,
  },
  ...transientErrorResponses('Box', TRANSIENT_DOCS),
];

/** Known error responses to the grants of people. The first match counts. */
const OAUTH_ERRORS: readonly KnownErrorResponse[] = [
  {
    matches: hasError('invalid_grant'),
    scope: 'subject',
    code: 'reauthorization_required',
    summary:
      'The connection has ended: the refresh token has expired, or the person or an admin revoked it.',
    hint: 'Send the person to authorizationUrl() again. Call refreshIdle() every day, so that connections do not expire unused.',
    docs: boxDocs.refresh,
  },
  {
    matches: hasDescription(/grant type is unauthorized/i),
    scope: 'client',
    code: 'grant_not_allowed',
    summary: 'The authentication type of the app does not allow people to sign in.',
    hint: 'People sign in to an app with "User Authentication (OAuth 2.0)". The type is chosen when the app is created in the developer console.',
    docs: boxDocs.oauthSetup,
  },
  {
    matches: ({ status }) => status === 409,
    scope: 'subject',
    code: 'unavailable',
    summary: 'Several requests used the same refresh token at the same time.',
    hint: 'The request is retried automatically. If this lasts, check that all processes share one vault.',
    docs: boxDocs.refresh,
    retryable: true,
  },
];

/** Known error responses of the API. The first match counts. */
const API_ERRORS: readonly KnownErrorResponse[] = [
  {
    matches: ({ status }) => status === 507,
    scope: 'subject',
    code: 'request_refused',
    summary: 'The owner of the folder has no storage left.',
    hint: 'Free storage of that account, or ask an admin to raise its quota. Retrying does not help.',
    docs: boxDocs.errors,
  },
  ...transientErrorResponses('Box', TRANSIENT_DOCS, {
    rateLimited:
      'Wait for retryAfterMs before you repeat the call, or set the option `apiRetries`, which does both.',
    unavailable:
      'Repeat the call, or set the option `apiRetries`, which repeats each call that is safe to repeat.',
  }),
  {
    matches: hasChallenge('invalid_token'),
    scope: 'subject',
    code: 'token_invalid',
    summary: 'The access token has expired or was revoked.',
    hint: 'BoxFetch and the HTTP interceptors refresh it and repeat the call. With another client, call invalidate(token), then getToken().',
    docs: boxDocs.tokens,
    retryable: true,
  },
  {
    matches: hasChallenge('invalid_request'),
    scope: 'client',
    code: 'unauthorized',
    summary: 'The call reached Box without an access token.',
    hint: 'Make the call with BoxFetch or one of the other clients, to a host that may receive a token. Check whether a proxy removes the Authorization header.',
    docs: boxDocs.errors,
  },
  {
    matches: hasChallenge('insufficient_scope'),
    scope: 'client',
    code: 'insufficient_scope',
    summary: 'The app lacks a scope that this call needs.',
    hint: 'Enable the scope in the developer console, ask an admin to authorize the app again, and call flush(), because existing tokens keep their old scopes.',
    docs: boxDocs.scopes,
  },
  {
    matches: hasError('terms_of_service_required'),
    scope: 'subject',
    code: 'terms_of_service_required',
    summary: 'The acting user has not accepted the terms of service of the enterprise.',
    hint: 'Ask the user to accept them in the Box web app, or use the terms of service API.',
    docs: boxDocs.errors,
  },
  {
    matches: (response) =>
      response.status === 401 && hasDescription(/cannot authorize with this service/i)(response),
    scope: 'tenant',
    code: 'unauthorized',
    summary: 'The enterprise does not allow this app to call Box.',
    hint: 'Ask an admin to enable the client id under Admin Console > Integrations > Platform Apps Manager. Where unpublished apps are disabled by default, an app must be both enabled and authorized.',
    docs: boxDocs.authorization,
  },
  {
    matches: hasError('access_from_location_blocked'),
    scope: 'tenant',
    code: 'access_denied',
    summary: 'The enterprise does not allow calls from this network address.',
    hint: "Ask an admin to add the network address of this app to the enterprise's list of allowed addresses.",
    docs: boxDocs.errors,
  },
  {
    matches: ({ status, error }) => status === 403 && error?.startsWith('access_denied') === true,
    scope: 'subject',
    code: 'access_denied',
    summary: 'The user or service account of the call lacks the permission for it.',
    hint: 'With as-user: enable "Make API calls using the as-user header", and use the id of a user in this enterprise that is neither an admin nor a service account nor the caller itself (an id that does not exist gets the same response). Without as-user: share the item with the service account.',
    docs: boxDocs.asUser,
  },
  {
    matches: ({ status }) => status === 401,
    scope: 'client',
    code: 'unauthorized',
    summary: 'Box refused the call, but not because of an expired token.',
    hint: 'Check that the Authorization header reaches Box unchanged.',
    docs: boxDocs.errors,
  },
];

/** The error for an error response of the token endpoint. */
export function boxTokenError(response: ErrorResponse): BoxAuthError {
  return toBoxAuthError(response, TOKEN_ENDPOINT_ERRORS, boxContext('token_request_refused'));
}

/** The error for an error response of the token endpoint to a grant of a person. */
export function boxOAuthError(response: ErrorResponse): BoxAuthError {
  const known = [...OAUTH_ERRORS, ...TOKEN_ENDPOINT_ERRORS];
  return toBoxAuthError(response, known, boxContext('token_request_refused'));
}

/** The error for an error response of the API. */
export function boxApiResponseError(response: ErrorResponse): BoxAuthError {
  return toBoxAuthError(response, API_ERRORS, boxContext('request_refused'));
}

function boxContext(code: BoxAuthErrorCode): ErrorResponseContext {
  const hint =
    'This package does not know the reason. Look up the error text of Box in the linked document, or send the request id to Box support.';
  return {
    name: 'Box',
    requestIdHeader: 'box-request-id',
    fallback: { scope: 'subject', code, hint, docs: boxDocs.errors },
  };
}
