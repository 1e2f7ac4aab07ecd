import { type ServiceResponses, type HttpAnswer, oauthError } from '../http/http-response.js';
import type { ExchangeFault } from './refusals.js';

/** The error of `/attask/api`. Of the classes only the one of a 401 is documented; the others are named after it. */
export function attaskError(status: number, name: string, message: string): HttpAnswer {
  return { status, body: { error: { class: `com.attask.common.${name}`, message } } };
}

export function notAuthenticated(): HttpAnswer {
  return attaskError(401, 'AuthenticationException', 'You are not currently logged in');
}

export function tooManyRequests(headers?: Readonly<Record<string, string>>): HttpAnswer {
  const answer = attaskError(429, 'TooManyRequestsException', 'Too many concurrent API requests');
  return headers ? { ...answer, headers } : answer;
}

export function badRequest(message: string): HttpAnswer {
  return attaskError(400, 'InvalidRequestException', message);
}

export function notFound(): HttpAnswer {
  return attaskError(404, 'NotFoundException', 'Not found');
}

export const workfrontResponses: ServiceResponses = {
  service: 'Workfront',
  credentialHeaders: ['authorization', 'sessionid'],
  commonHeaders: () => ({}),
  badRequest,
  notFound,
  rateLimited: (retryAfter) => tooManyRequests({ 'retry-after': String(retryAfter) }),
  unavailable: () => attaskError(503, 'UnavailableException', 'Service unavailable'),
};

const INVALID_REQUEST = oauthError('invalid_request', 'Invalid request');
const INVALID_CLIENT = oauthError('invalid_client', 'Client authentication failed', 401);
const INVALID_GRANT = oauthError('invalid_grant', 'Invalid JWT');

/**
 * What the exchange answers to what it refuses. Adobe documents neither statuses nor texts: these are in the manner of
 * RFC 6749 5.2, and tell as little as a client must be ready for. Who learns the real ones changes them here alone.
 */
export const EXCHANGE_REFUSALS: Readonly<Record<ExchangeFault, HttpAnswer>> = {
  method: {
    ...oauthError('invalid_request', 'Method not allowed', 405),
    headers: { allow: 'POST' },
  },
  'too-large': oauthError('invalid_request', 'Request too large', 413),
  'credential-header': INVALID_REQUEST,
  query: INVALID_REQUEST,
  'content-type': INVALID_REQUEST,
  'repeated-field': INVALID_REQUEST,
  'missing-field': INVALID_REQUEST,
  'unknown-field': INVALID_REQUEST,
  client: INVALID_CLIENT,
  'malformed-jwt': INVALID_GRANT,
  algorithm: INVALID_GRANT,
  header: INVALID_GRANT,
  signature: INVALID_GRANT,
  issuer: INVALID_GRANT,
  subject: INVALID_GRANT,
  'expiry-missing': INVALID_GRANT,
  expired: INVALID_GRANT,
  'expiry-too-far': INVALID_GRANT,
  'not-yet-valid': INVALID_GRANT,
  replayed: INVALID_GRANT,
};
