import { type KeyObject, verify } from 'node:crypto';
import type { JsonObject } from '../http/http-response.js';
import { readJwt } from '../http/jwt.js';
import type { TokenSubject } from '../http/token-ledger.js';

/** The values that an assertion is checked against. */
export interface AssertionRules {
  readonly clientId: string;
  readonly publicKeys: ReadonlyMap<string, KeyObject>;
  /** Box's clock. */
  readonly nowMs: number;
  isKnown(subject: TokenSubject): boolean;
  isUsed(jti: string): boolean;
}

export interface ValidAssertion {
  readonly isValid: true;
  readonly subject: TokenSubject;
  readonly jti: string;
}

export interface InvalidAssertion {
  readonly isValid: false;
  /** The `error_description` of the `invalid_grant` response. */
  readonly description: string;
  /** Set if the signature is correct: the id then counts as used, whatever else is wrong. */
  readonly jti?: string;
}

// The audience is always Box's own, wherever the request is sent.
const AUDIENCE = 'https://api.box.com/oauth2/token';
const MAX_EXPIRY_MS = 60_000;
const HASH_OF_ALG = new Map([
  ['RS256', 'RSA-SHA256'],
  ['RS384', 'RSA-SHA384'],
  ['RS512', 'RSA-SHA512'],
]);

const NO_KEY = '"kid" invalid, unable to lookup correct key';
const NOT_SIGNED_BY_KEY =
  'Signature verification error. The public key identified by "kid" must correspond to the private key used for signing.';
const EXPIRED =
  "Current date/time MUST be before the expiration date/time listed in the 'exp' claim";
// Box's own text has the two spaces.
const NOT_YET =
  "Current date/time MUST be after or equal to the not-before date/time  listed in the 'nbf' or 'iat' claim";

/**
 * Checks a JWT as Box's token endpoint does, and reports the first failure. The order: form, `alg`, `typ`, `crit`, `kid`,
 * signature, `iss`, `aud`, `sub` with `box_sub_type`, `exp`, `nbf` and `iat`, `jti`.
 */
export function checkAssertion(
  assertion: string,
  rules: AssertionRules,
): ValidAssertion | InvalidAssertion {
  const jwt = readJwt(assertion);
  if (!jwt) return invalid('The assertion is not a JWT.');
  const { header, claims, signingInput, signature } = jwt;

  const hash = typeof header.alg === 'string' ? HASH_OF_ALG.get(header.alg) : undefined;
  if (!hash) return invalid("Please check the 'alg' header. RS256, RS384 or RS512 is required.");
  if (!signature) return invalid('The assertion is not a JWT.');
  if (header.typ !== undefined && header.typ !== 'JWT') {
    return invalid("Please check the 'typ' header.");
  }
  // RFC 7515 section 4.1.11: a JWT with an unknown extension must be rejected.
  if (header.crit !== undefined) return invalid("Please check the 'crit' header.");

  const key = publicKeyFor(header.kid, rules.publicKeys);
  if (!key) return invalid(NO_KEY);
  if (!verify(hash, Buffer.from(signingInput), key, signature)) {
    return invalid(NOT_SIGNED_BY_KEY);
  }
  return checkClaims(claims, rules);
}

function checkClaims(claims: JsonObject, rules: AssertionRules): ValidAssertion | InvalidAssertion {
  const jti = typeof claims.jti === 'string' ? claims.jti : undefined;
  if (claims.iss !== rules.clientId) return invalid("Please check the 'iss' claim.", jti);
  if (claims.aud !== AUDIENCE) return invalid("Please check the 'aud' claim.", jti);

  const subject = subjectOf(claims);
  if (!subject || !rules.isKnown(subject)) {
    return invalid("Please check the 'sub' claim. The 'sub' specified is invalid.", jti);
  }

  const { exp } = claims;
  if (typeof exp !== 'number' || !Number.isSafeInteger(exp)) {
    return invalid("Please check the 'exp' claim.", jti);
  }
  if (exp * 1000 <= rules.nowMs) return invalid(EXPIRED, jti);
  if (exp * 1000 - rules.nowMs > MAX_EXPIRY_MS) {
    return invalid("Please check the 'exp' claim.", jti);
  }
  for (const notBefore of [claims.nbf, claims.iat]) {
    if (notBefore === undefined) continue;
    if (typeof notBefore !== 'number' || notBefore * 1000 > rules.nowMs) {
      return invalid(NOT_YET, jti);
    }
  }

  if (jti === undefined || jti.length < 16 || jti.length > 128) {
    return invalid("Please check the 'jti' claim.", jti);
  }
  if (rules.isUsed(jti)) {
    return invalid("Please check the 'jti' claim. A unique 'jti' value is required.", jti);
  }
  return { isValid: true, subject, jti };
}

/** Reads the subject from claims or form fields; checks only their types. */
export function subjectOf(claims: JsonObject): TokenSubject | undefined {
  const { sub: id, box_sub_type: type } = claims;
  if (typeof id !== 'string' || (type !== 'enterprise' && type !== 'user')) return undefined;
  return { type, id };
}

function publicKeyFor(kid: unknown, keys: ReadonlyMap<string, KeyObject>): KeyObject | undefined {
  if (typeof kid === 'string') return keys.get(kid);
  if (kid !== undefined || keys.size !== 1) return undefined;
  return keys.values().next().value;
}

function invalid(description: string, jti?: string): InvalidAssertion {
  return { isValid: false, description, ...(jti !== undefined && { jti }) };
}
