import type { AssertionClaims } from '../core/credentials/assertion.js';
import type { Subject } from '../core/credentials/subject.js';
import type { Attempt } from '../core/token-endpoint/issuer.js';

/** The audience of every assertion, also when the token request goes to a proxy or an emulator. */
export const BOX_AUDIENCE = 'https://api.box.com/oauth2/token';

const ASSERTION_LIFETIME_S = 45; // Box accepts at most 60 s and recommends less

/** Claims of the assertion that Box leaves to the app. */
export interface AssertionOptions {
  /** Adds `iat`. Box refuses an `iat` in its future, so a clock that is ahead costs an extra request. Default false. */
  readonly issuedAt?: boolean;
}

/** The claims of one assertion: `exp` and `iat` are in Box's time. */
export function boxClaims(
  clientId: string,
  subject: Subject,
  { number, serverNow, uniqueId, omitIssuedAt }: Attempt,
  { issuedAt = false }: AssertionOptions,
): AssertionClaims {
  const nowS = Math.floor(serverNow / 1000);
  return {
    iss: clientId,
    sub: subject.id,
    box_sub_type: subject.type,
    aud: BOX_AUDIENCE,
    jti: uniqueId,
    exp: nowS + ASSERTION_LIFETIME_S + (number % 10), // attempts within one second must differ too
    ...(issuedAt && !omitIssuedAt ? { iat: nowS } : {}),
  };
}
