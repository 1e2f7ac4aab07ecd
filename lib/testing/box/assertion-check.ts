import { type KeyObject, verify } from 'node:crypto';
import type { JsonObject } from '../http/http-response.js';
import { readJwt } from '../http/jwt.js';
import type { TokenSubject } from '../http/token-ledger.js';

/** What an assertion is judged by. */
export interface AssertionRules {
  readonly clientId: string;
  readonly enterpriseId: string;
  readonly publicKeys: ReadonlyMap<string, KeyObject>;
  /** Box's clock. */
  readonly nowMs: number;
  isUser(id: string): boolean;
  isUsed(jti: string): boolean;
}

export interface ValidAssertion {
  readonly accepted: true;
  readonly subject: TokenSubject;
  readonly jti: string;
}

export interface InvalidAssertion {
  readonly accepted: false;
  /** Goes out as the `error_description` of an `invalid_grant`. */
  readonly description: string;
  /** Set once the signature was right: from there on the id is spent, whatever else is wrong. */
  readonly jti?: string;
}

// Box's one audience, wherever the request itself goes.
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
 * Judges a JWT as Box's token endpoint does. The first of these that fails names the refusal: form, `alg` / `typ` / `crit`,
 * `kid`, signature, `iss`, `aud`, `sub` with `box_sub_type`, `exp`, `nbf` / `iat`, `jti`.
 */
export function checkAssertion(
  assertion: string,
  rules: AssertionRules,
): ValidAssertion | InvalidAssertion {
  const jwt = readJwt(assertion);
  if (!jwt) return refused('The assertion is not a JWT.');
  const { header, claims, signingInput, signature } = jwt;

  const hash = typeof header.alg === 'string' ? HASH_OF_ALG.get(header.alg) : undefined;
  if (!hash) return refused("Please check the 'alg' header. RS256, RS384 or RS512 is required.");
  if (!signature) return refused('The assertion is not a JWT.');
  if (header.typ !== undefined && header.typ !== 'JWT') {
    return refused("Please check the 'typ' header.");
  }
  // RFC 7515 4.1.11: an extension that is not understood must be refused.
  if (header.crit !== undefined) return refused("Please check the 'crit' header.");

  const key = publicKeyFor(header.kid, rules.publicKeys);
  if (!key) return refused(NO_KEY);
  if (!verify(hash, Buffer.from(signingInput), key, signature)) {
    return refused(NOT_SIGNED_BY_KEY);
  }
  return checkClaims(claims, rules);
}

function checkClaims(claims: JsonObject, rules: AssertionRules): ValidAssertion | InvalidAssertion {
  const jti = typeof claims.jti === 'string' ? claims.jti : undefined;
  if (claims.iss !== rules.clientId) return refused("Please check the 'iss' claim.", jti);
  if (claims.aud !== AUDIENCE) return refused("Please check the 'aud' claim.", jti);

  const subject = subjectOf(claims);
  if (!subject || !isKnown(subject, rules)) {
    return refused("Please check the 'sub' claim. The 'sub' specified is invalid.", jti);
  }

  const { exp } = claims;
  if (typeof exp !== 'number' || !Number.isSafeInteger(exp)) {
    return refused("Please check the 'exp' claim.", jti);
  }
  if (exp * 1000 <= rules.nowMs) return refused(EXPIRED, jti);
  if (exp * 1000 - rules.nowMs > MAX_EXPIRY_MS) {
    return refused("Please check the 'exp' claim.", jti);
  }
  for (const notBefore of [claims.nbf, claims.iat]) {
    if (notBefore === undefined) continue;
    if (typeof notBefore !== 'number' || notBefore * 1000 > rules.nowMs) {
      return refused(NOT_YET, jti);
    }
  }

  if (jti === undefined || jti.length < 16 || jti.length > 128) {
    return refused("Please check the 'jti' claim.", jti);
  }
  if (rules.isUsed(jti)) {
    return refused("Please check the 'jti' claim. A unique 'jti' value is required.", jti);
  }
  return { accepted: true, subject, jti };
}

/** The subject that claims or a form name, by their types alone. */
export function subjectOf(claims: JsonObject): TokenSubject | undefined {
  const { sub: id, box_sub_type: type } = claims;
  if (typeof id !== 'string' || (type !== 'enterprise' && type !== 'user')) return undefined;
  return { type, id };
}

function isKnown(subject: TokenSubject, rules: AssertionRules): boolean {
  return subject.type === 'enterprise'
    ? subject.id === rules.enterpriseId
    : rules.isUser(subject.id);
}

function publicKeyFor(kid: unknown, keys: ReadonlyMap<string, KeyObject>): KeyObject | undefined {
  if (typeof kid === 'string') return keys.get(kid);
  if (kid !== undefined || keys.size !== 1) return undefined;
  return keys.values().next().value;
}

function refused(description: string, jti?: string): InvalidAssertion {
  return { accepted: false, description, ...(jti !== undefined && { jti }) };
}
