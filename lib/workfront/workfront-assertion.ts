import type { AssertionClaims } from '../core/credentials/assertion.js';
import type { Attempt } from '../core/token-endpoint/issuer.js';

/** Adobe recommends a few minutes at most. */
export const ASSERTION_LIFETIME_MS = 120_000;
// Workfront's clock is known to about one second, and no tolerance is documented.
const ISSUED_AT_MARGIN_MS = 30_000;

/** The claims of one assertion: `exp` and `iat` are in Workfront's time. */
export function workfrontClaims(
  customerId: string,
  userId: string,
  { serverNow, uniqueId, omitIssuedAt }: Attempt,
): AssertionClaims {
  return {
    iss: customerId,
    sub: userId,
    ...(omitIssuedAt ? {} : { iat: inSeconds(serverNow - ISSUED_AT_MARGIN_MS) }),
    exp: inSeconds(serverNow + ASSERTION_LIFETIME_MS),
    jti: uniqueId, // makes assertions of the same second differ
  };
}

function inSeconds(ms: number): number {
  return Math.floor(ms / 1000);
}
