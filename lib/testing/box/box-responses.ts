import { randomBytes } from 'node:crypto';
import {
  type HttpAnswer,
  type JsonObject,
  oauthError,
  type ServiceResponses,
  tokenResponse,
} from '../http/http-response.js';
import type { IssuedToken } from '../http/token-ledger.js';

const API_REFERENCE =
  'https://developer.box.com/guides/api-calls/permissions-and-errors/common-errors/';

/** An error response of Box's content API. */
export function boxError(
  status: number,
  code: string,
  message: string,
  extra: { headers?: Record<string, string>; contextInfo?: Record<string, unknown> } = {},
): HttpAnswer {
  const requestId = newRequestId();
  return {
    status,
    headers: { 'box-request-id': requestId, ...extra.headers },
    body: {
      type: 'error',
      status,
      code,
      ...(extra.contextInfo && { context_info: extra.contextInfo }),
      help_url: API_REFERENCE,
      message,
      request_id: requestId,
    },
  };
}

const CHALLENGES = {
  invalid_request: 'The access token was not found.',
  invalid_token: 'The access token provided is invalid.',
  insufficient_scope: 'The request requires higher privileges than provided by the access token.',
};

/** The error response of RFC 6750 section 3.1. Box sends it without a body. */
export function bearerChallenge(status: 401 | 403, error: keyof typeof CHALLENGES): HttpAnswer {
  const description = CHALLENGES[error];
  return {
    status,
    headers: {
      'www-authenticate': `Bearer realm="Service", error="${error}", error_description="${description}"`,
    },
  };
}

const RATE_LIMIT_EXCEEDED = [
  'rate_limit_exceeded',
  'Request rate limit exceeded, please try again later',
] as const;

export function rateLimited(retryAfter: number | string): HttpAnswer {
  const headers = { 'retry-after': String(retryAfter) };
  return boxError(429, ...RATE_LIMIT_EXCEEDED, { headers });
}

export function notFound(): HttpAnswer {
  return boxError(404, 'not_found', 'Not Found');
}

export function unavailable(): HttpAnswer {
  return boxError(503, 'unavailable', 'Unavailable');
}

export function newRequestId(): string {
  return randomBytes(16).toString('hex');
}

export const boxResponses: ServiceResponses = {
  service: 'Box',
  credentialHeaders: ['authorization', 'as-user'],
  commonHeaders: () => ({ 'box-request-id': newRequestId() }),
  badRequest: (message) => boxError(400, 'bad_request', message),
  notFound,
  rateLimited,
  unavailable,
};

export const CLIENT_REFUSED = oauthError('invalid_client', 'The client credentials are invalid');

/** Box's response to an app of another type. */
export const GRANT_UNAUTHORIZED = oauthError(
  'invalid_request',
  'The grant type is unauthorized for this client_id',
);

export function accessTokenResponse(
  token: IssuedToken,
  lifetimeS: number | null,
  extra: JsonObject,
): HttpAnswer {
  return tokenResponse({
    access_token: token.value,
    ...(lifetimeS !== null && { expires_in: lifetimeS }),
    ...extra,
    token_type: 'bearer',
  });
}

/** The token and the revocation endpoint respond to every error in the form of OAuth 2.0. */
export const boxOAuthResponses: ServiceResponses = {
  ...boxResponses,
  badRequest: (message) => oauthError('invalid_request', message),
  rateLimited: (retryAfter) => {
    const answer = oauthError(...RATE_LIMIT_EXCEEDED, 429);
    return { ...answer, headers: { ...answer.headers, 'retry-after': String(retryAfter) } };
  },
  unavailable: () => oauthError('temporarily_unavailable', 'Unavailable', 503),
};
