import { type KeyObject, verify } from 'node:crypto';
import type { JsonObject } from '../http/http-response.js';
import { readJwt } from '../http/jwt.js';
import type { JwtFault } from './refusals.js';

/** The values that a JWT is checked against. */
export interface AssertionRules {
  readonly clientId: string;
  readonly customerId: string;
  readonly userId: string;
  readonly publicKeys: Iterable<KeyObject>;
  /** Workfront's clock. */
  readonly nowMs: number;
  isUsed(signingInput: string): boolean;
}

export interface ValidAssertion {
  readonly isValid: true;
  readonly signingInput: string;
}

export interface InvalidAssertion {
  readonly isValid: false;
  readonly reason: JwtFault;
  readonly detail: string;
  /** Set if the signature is correct: the JWT then counts as used, whatever else is wrong. */
  readonly signingInput?: string;
}

// Adobe says "a few minutes".
const MAX_EXPIRY_MS = 180_000;
// Allows for small clock differences in `iat` and `nbf`. `exp` has no leeway.
const ISSUED_AT_LEEWAY_MS = 5_000;

/**
 * Checks a JWT as Workfront's exchange is documented to, and reports the first failure. The order: form, `alg`, `typ`,
 * `crit`, signature, `iss`, `sub`, `exp`, `nbf` and `iat`, reuse. `aud`, `jti` and `kid` are undocumented and ignored.
 */
export function checkAssertion(
  text: string,
  rules: AssertionRules,
): ValidAssertion | InvalidAssertion {
  const jwt = readJwt(text);
  if (!jwt) return invalid('malformed-jwt', 'The jwt_token is not a JWT.');
  const { header, claims, signingInput, signature } = jwt;
  if (header.alg !== 'RS256') return invalid('algorithm', 'The alg must be RS256.');
  if (!signature) return invalid('malformed-jwt', 'The jwt_token has no signature.');
  if (header.typ !== undefined && header.typ !== 'JWT') {
    return invalid('header', 'The typ must be JWT or missing.');
  }
  // RFC 7515 section 4.1.11: a JWT with an unknown extension must be rejected.
  if (header.crit !== undefined) return invalid('header', 'The header must not have crit.');

  const input = Buffer.from(signingInput);
  const isSigned = [...rules.publicKeys].some((key) => verify('RSA-SHA256', input, key, signature));
  if (!isSigned) return invalid('signature', 'The signature matches no registered public key.');

  const fault = checkClaims(claims, rules);
  if (fault) return { ...fault, signingInput };
  if (rules.isUsed(signingInput)) {
    const detail = 'This JWT was used before: each exchange needs a new one.';
    return { ...invalid('replayed', detail), signingInput };
  }
  return { isValid: true, signingInput };
}

function checkClaims(claims: JsonObject, rules: AssertionRules): InvalidAssertion | undefined {
  const { iss, sub, exp } = claims;
  if (iss !== rules.customerId) {
    return invalid(
      'issuer',
      iss === rules.clientId
        ? 'The iss is the client id; it must be the customer id.'
        : 'The iss must be the customer id.',
    );
  }
  if (sub !== rules.userId) return invalid('subject', 'The sub must be the user id.');

  if (typeof exp !== 'number' || !Number.isSafeInteger(exp)) {
    return invalid('expiry-missing', 'The JWT must have an exp, in whole seconds.');
  }
  const remainingMs = exp * 1000 - rules.nowMs;
  if (remainingMs <= 0) return invalid('expired', 'The exp must be in the future.');
  if (remainingMs > MAX_EXPIRY_MS) {
    return invalid('expiry-too-far', 'The exp must be at most 180 seconds in the future.');
  }
  for (const notBefore of [claims.nbf, claims.iat]) {
    if (notBefore === undefined) continue;
    if (typeof notBefore !== 'number' || notBefore * 1000 - rules.nowMs > ISSUED_AT_LEEWAY_MS) {
      return invalid('not-yet-valid', 'The iat and the nbf must not be in the future.');
    }
  }
  return undefined;
}

function invalid(reason: JwtFault, detail: string): InvalidAssertion {
  return { isValid: false, reason, detail };
}
