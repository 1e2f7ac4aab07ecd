import type { AnswerHead } from './outgoing-policy.js';

/** One name of a WWW-Authenticate header, and its value if it is a parameter (RFC 9110, section 11.6.1). */
const PART =
  /([\w!#$%&'*+.^`|~-]+)(?:[ \t]*=[ \t]*(?:"((?:[^"\\]|\\.)*)"?|([^\s,"]*)))?|"(?:[^"\\]|\\.)*"?/g;

/** Whether a bearer token was refused: RFC 6750 section 3.1, or a 401 that says nothing. */
export function refusesBearer({
  status,
  challenge,
  isEmpty,
}: AnswerHead): boolean | Promise<boolean> {
  if (status !== 401) return false;
  const errors = bearerErrors(challenge ?? '');
  return errors.length === 0 ? isEmpty() : errors.includes('invalid_token');
}

/** The `error` of each Bearer challenge. A header may hold several challenges, and quoted text that looks like one. */
function bearerErrors(header: string): readonly string[] {
  const errors: string[] = [];
  let scheme = 'bearer'; // some gateways leave it out
  for (const [, name, quoted, plain] of header.matchAll(PART)) {
    const value = quoted?.replace(/\\(.)/g, '$1') ?? plain;
    if (name === undefined) continue;
    if (value === undefined) scheme = name.toLowerCase();
    else if (scheme === 'bearer' && name.toLowerCase() === 'error') errors.push(value);
  }
  return errors;
}
