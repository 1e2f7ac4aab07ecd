import { UnsecuredJWT } from 'jose/jwt/unsecured';
import type { ParsedBoxCredentials } from './credentials/box-credentials.js';
import { BoxAuthError } from '../core/errors/box-auth.error.js';
import type { Attempt } from '../core/token-endpoint/issuer.js';
import { boxDocs } from './box-docs.js';
import { BOX_AUDIENCE } from './box-urls.js';

const LIFETIME_S = 45;

/** Somebody whom Box does not know, and who annotates. */
export interface Actor {
  /** Any id that the app tells its people apart by. */
  readonly id: string;
  /** What Box shows beside the annotations. */
  readonly name: string;
}

/**
 * Says who annotates: https://developer.box.com/guides/authentication/tokens/annotator-tokens/. Signed with the app's key;
 * an app without one sends it unsecured (RFC 7519 section 6), as Box's own SDKs do: the subject token proves the app.
 */
export async function actorToken(
  credentials: ParsedBoxCredentials,
  { id, name }: Actor,
  { number, serverNow, uniqueId }: Attempt,
): Promise<string> {
  if (credentials.kind === 'static-token') {
    throw new BoxAuthError({
      code: 'downscope_invalid',
      message: `The token cannot be downscoped for an actor: the credentials are an existing ${credentials.staticToken.name}, without a client id.`,
      hint: 'Use a key pair or client credentials.',
      docs: boxDocs.annotatorTokens,
    });
  }
  const claims = {
    iss: credentials.clientId,
    sub: id,
    box_sub_type: 'external',
    name,
    aud: BOX_AUDIENCE,
    jti: uniqueId,
    exp: Math.floor(serverNow / 1000) + LIFETIME_S + number,
  };
  return credentials.kind === 'key-pair'
    ? credentials.signer.sign(claims)
    : new UnsecuredJWT(claims).encode();
}
