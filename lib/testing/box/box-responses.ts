import { randomBytes } from 'node:crypto';
import type { HttpAnswer, ServiceResponses } from '../http/http-response.js';

const API_REFERENCE = 'https://developer.box.com/guides/api-calls/permissions-and-errors/';

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

/** The error response of RFC 6750 section 3.1. Box sends it without a body. */
export function bearerChallenge(
  status: 401 | 403,
  error: 'invalid_token' | 'insufficient_scope',
): HttpAnswer {
  const description =
    error === 'invalid_token'
      ? 'The access token provided is invalid.'
      : 'The request requires higher privileges than provided by the access token.';
  return {
    status,
    headers: {
      'www-authenticate': `Bearer realm="Service", error="${error}", error_description="${description}"`,
    },
  };
}

export function rateLimited(retryAfter: number | string): HttpAnswer {
  return boxError(
    429,
    'rate_limit_exceeded',
    'Request rate limit exceeded, please try again later',
    {
      headers: { 'retry-after': String(retryAfter) },
    },
  );
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
