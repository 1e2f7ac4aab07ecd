import type { AnswerHead } from './outgoing-policy.js';

/** Whether a bearer token was refused: RFC 6750 section 3.1, or a 401 that says nothing. */
export function refusesBearer({
  status,
  challenge,
  isEmpty,
}: AnswerHead): boolean | Promise<boolean> {
  if (status !== 401) return false;
  const error = /\berror="?([a-z_]+)/.exec(challenge ?? '')?.[1];
  return error === undefined ? isEmpty() : error === 'invalid_token';
}
