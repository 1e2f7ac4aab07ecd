import { type AnswerDialect } from '../http/answer-dialect.js';
import { boxError, newRequestId, notFound, rateLimited, unavailable } from './box-answer.js';

export const boxDialect: AnswerDialect = {
  service: 'Box',
  credentialHeaders: ['authorization', 'as-user'],
  commonHeaders: () => ({ 'box-request-id': newRequestId() }),
  badRequest: (message) => boxError(400, 'bad_request', message),
  notFound,
  rateLimited,
  unavailable,
};
