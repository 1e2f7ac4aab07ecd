import { type HttpAnswer, oauthError, type ServiceResponses } from '../http/http-response.js';
import type { ExchangeFault } from './refusals.js';

/** An error response of `/attask/api`. Adobe documents only the class name of a 401; the others follow its pattern. */
export function attaskError(status: number, name: string, message: string): HttpAnswer {
  return { status, body: { error: { class: `com.attask.common.${name}`, message } } };
}

export function notAuthenticated(): HttpAnswer {
  return attaskError(401, 'AuthenticationException', 'You are not currently logged in');
}

export function tooManyRequests(headers?: Readonly<Record<string, string>>): HttpAnswer {
  const response = attaskError(429, 'TooManyRequestsException', 'Too many concurrent API requests');
  return headers ? { ...response, headers } : response;
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
 * The response of the exchange to each fault. Adobe documents neither statuses nor texts. These follow RFC 6749 section 5.2,
 * and give a client no more details than it can rely on.
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
