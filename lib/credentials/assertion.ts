import { SignJWT } from 'jose/jwt/sign';
import type { PrivateKey } from './private-key.js';

/** The claims of an assertion (RFC 7523 section 3), as its issuer wants them. */
export type AssertionClaims = Readonly<Record<string, string | number>>;

/** A JWT in compact form (RFC 7515 section 7.1), signed with the private key, its `kid` naming the public one. */
export function signAssertion(claims: AssertionClaims, privateKey: PrivateKey): Promise<string> {
  return new SignJWT({ ...claims })
    .setProtectedHeader({ alg: privateKey.algorithm, kid: privateKey.publicKeyId, typ: 'JWT' })
    .sign(privateKey.key);
}
