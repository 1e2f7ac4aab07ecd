import { type AnswerDialect } from '../http/answer-dialect.js';
import { type HttpAnswer } from '../http/http-answer.js';

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

export const workfrontDialect: AnswerDialect = {
  service: 'Workfront',
  credentialHeaders: ['authorization', 'sessionid'],
  commonHeaders: () => ({}),
  badRequest,
  notFound,
  rateLimited: (retryAfter) => tooManyRequests({ 'retry-after': String(retryAfter) }),
  unavailable: () => attaskError(503, 'UnavailableException', 'Service unavailable'),
};
