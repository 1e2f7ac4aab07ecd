import { type KeyObject, verify } from 'node:crypto';
import type { JsonObject } from '../http/http-response.js';
import { readJwt } from '../http/jwt.js';
import type { JwtFault } from './refusals.js';

/** What a JWT is judged by. */
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
  readonly accepted: true;
  readonly signingInput: string;
}

export interface InvalidAssertion {
  readonly accepted: false;
  readonly reason: JwtFault;
  readonly detail: string;
  /** Set once the signature was right: from there on this JWT is spent, whatever else is wrong. */
  readonly signingInput?: string;
}

// Adobe says "a few minutes".
const MAX_EXPIRY_MS = 180_000;
// For clocks that are a little apart, as nothing documented forbids it. `exp` has no such grace: it is the limit itself.
const ISSUED_AT_LEEWAY_MS = 5_000;

/**
 * Judges a JWT as Workfront's exchange is documented to. The first of these that fails names the refusal: form, `alg`,
 * `typ` / `crit`, signature, `iss`, `sub`, `exp`, `nbf` / `iat`, then whether it was sent before. What else it claims
 * (`aud`, `jti`, a `kid` in its header) is not documented, so neither asked for nor looked at.
 */
export function checkAssertion(
  text: string,
  rules: AssertionRules,
): ValidAssertion | InvalidAssertion {
  const jwt = readJwt(text);
  if (!jwt) return refused('malformed-jwt', 'The jwt_token is no JWT.');
  const { header, claims, signingInput, signature } = jwt;
  if (header.alg !== 'RS256') return refused('algorithm', 'The alg must be RS256.');
  if (!signature) return refused('malformed-jwt', 'The jwt_token has no signature.');
  if (header.typ !== undefined && header.typ !== 'JWT') {
    return refused('header', 'The typ, if there is one, must be JWT.');
  }
  // RFC 7515 4.1.11: an extension that is not understood must be refused.
  if (header.crit !== undefined) return refused('header', 'There must be no crit.');

  const input = Buffer.from(signingInput);
  const isSigned = [...rules.publicKeys].some((key) => verify('RSA-SHA256', input, key, signature));
  if (!isSigned) return refused('signature', 'No registered public key fits the signature.');

  const fault = checkClaims(claims, rules);
  if (fault) return { ...fault, signingInput };
  if (rules.isUsed(signingInput)) {
    const detail = 'This very JWT was sent before: each mint needs a new one.';
    return { ...refused('replayed', detail), signingInput };
  }
  return { accepted: true, signingInput };
}

function checkClaims(claims: JsonObject, rules: AssertionRules): InvalidAssertion | undefined {
  const { iss, sub, exp } = claims;
  if (iss !== rules.customerId) {
    return refused(
      'issuer',
      iss === rules.clientId
        ? 'The iss is the client id; it must be the customer id.'
        : 'The iss must be the customer id.',
    );
  }
  if (sub !== rules.userId) return refused('subject', 'The sub must be the user id.');

  if (typeof exp !== 'number' || !Number.isSafeInteger(exp)) {
    return refused('expiry-missing', 'There must be an exp, in whole seconds.');
  }
  const remainingMs = exp * 1000 - rules.nowMs;
  if (remainingMs <= 0) return refused('expired', 'The exp must be in the future.');
  if (remainingMs > MAX_EXPIRY_MS) {
    return refused('expiry-too-far', 'The exp must be 180 seconds ahead at most.');
  }
  for (const notBefore of [claims.nbf, claims.iat]) {
    if (notBefore === undefined) continue;
    if (typeof notBefore !== 'number' || notBefore * 1000 - rules.nowMs > ISSUED_AT_LEEWAY_MS) {
      return refused('not-yet-valid', 'The iat and the nbf must not be in the future.');
    }
  }
  return undefined;
}

function refused(reason: JwtFault, detail: string): InvalidAssertion {
  return { accepted: false, reason, detail };
}
