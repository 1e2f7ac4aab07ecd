import type { AssertionClaims } from '../core/credentials/assertion.js';
import type { Attempt } from '../core/token-endpoint/issuer.js';

/** Adobe advises a few minutes at most. */
export const ASSERTION_LIFETIME_MS = 120_000;
// The issuer's clock is known to about a second, and nobody says that it forgives one.
const ISSUED_AT_GRACE_MS = 30_000;

/** The claims of one JWT: `exp` and `iat` by Workfront's clock. */
export function workfrontClaims(
  customerId: string,
  userId: string,
  { serverNow, uniqueId, omitIssuedAt }: Attempt,
): AssertionClaims {
  return {
    iss: customerId,
    sub: userId,
    ...(omitIssuedAt ? {} : { iat: inSeconds(serverNow - ISSUED_AT_GRACE_MS) }),
    exp: inSeconds(serverNow + ASSERTION_LIFETIME_MS),
    jti: uniqueId, // two that are signed within a second would else be the same
  };
}

function inSeconds(ms: number): number {
  return Math.floor(ms / 1000);
}
