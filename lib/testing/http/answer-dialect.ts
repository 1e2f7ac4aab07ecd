import { type HttpAnswer } from './http-answer.js';

/** How an emulated service words the answers that come from none of its resources. */
export interface AnswerDialect {
  /** The service's name. */
  readonly service: string;
  /** The headers that only its API may see, in lower case. */
  readonly credentialHeaders: readonly string[];
  /** What every answer has besides `Date`. */
  commonHeaders(): Readonly<Record<string, string>>;
  badRequest(message: string): HttpAnswer;
  notFound(): HttpAnswer;
  rateLimited(retryAfter: number | string): HttpAnswer;
  unavailable(): HttpAnswer;
}
