import { SignJWT } from 'jose/jwt/sign';
import { BoxAuthError } from '../errors/box-auth.error.js';
import type { PrivateKey, SigningAlgorithm } from './private-key.js';

/** The claims of an assertion (RFC 7523 section 3), as its issuer wants them. */
export type AssertionClaims = Readonly<Record<string, string | number>>;

/**
 * Signs `signingInput` (RFC 7515 section 5.1: header and claims in base64url, at most 2 KiB) with RSASSA-PKCS1-v1_5 and
 * the hash of `algorithm`. Returns the bytes of the signature.
 */
export type SigningFunction = (
  signingInput: Uint8Array,
  algorithm: SigningAlgorithm,
) => Uint8Array | Promise<Uint8Array>;

/** Something that signs assertions with one key, wherever the key is. */
export interface AssertionSigner {
  /** Undefined where the issuer finds the key by other means. */
  readonly publicKeyId: string | undefined;
  /** Tells the key from others, as far as that is known. */
  readonly thumbprint: string;
  /** A JWT in compact form (RFC 7515 section 7.1), its `kid` naming the public key, if that has an id. */
  sign(claims: AssertionClaims): Promise<string>;
}

/** Signs with a private key that is open here. */
export function keySigner({
  publicKeyId,
  algorithm,
  key,
  thumbprint,
}: PrivateKey): AssertionSigner {
  const kid = publicKeyId === undefined ? {} : { kid: publicKeyId };
  const header = { alg: algorithm, ...kid, typ: 'JWT' };
  return {
    publicKeyId,
    thumbprint,
    sign: (claims) => new SignJWT({ ...claims }).setProtectedHeader(header).sign(key),
  };
}

/** A key that stays where it is: a KMS, an HSM, a vault. */
export interface ExternalKey {
  readonly publicKeyId: string;
  readonly algorithm: SigningAlgorithm;
  readonly sign: SigningFunction;
}

/** Has assertions signed by a function. What it throws is told as `signer_failed`. */
export function externalSigner({ publicKeyId, algorithm, sign }: ExternalKey): AssertionSigner {
  const header = encoded({ alg: algorithm, kid: publicKeyId, typ: 'JWT' });
  return {
    publicKeyId,
    thumbprint: 'external',
    async sign(claims) {
      const signingInput = `${header}.${encoded(claims)}`;
      return `${signingInput}.${await signatureOf(sign, signingInput, algorithm)}`;
    },
  };
}

/** In base64url. */
async function signatureOf(
  sign: SigningFunction,
  signingInput: string,
  algorithm: SigningAlgorithm,
): Promise<string> {
  let signature = '';
  try {
    const bytes: unknown = await sign(new TextEncoder().encode(signingInput), algorithm);
    if (bytes instanceof Uint8Array) signature = Buffer.from(bytes).toString('base64url');
  } catch (error) {
    throw signerError('The sign function of the credentials failed.', error);
  }
  if (signature === '') {
    throw signerError(
      'The sign function of the credentials gave no signature: it must return its bytes as a Uint8Array.',
    );
  }
  return signature;
}

/** The one who signs did not: it is asked again, as what failed may pass. */
export function signerError(message: string, cause?: unknown): BoxAuthError {
  return new BoxAuthError({
    code: 'signer_failed',
    message,
    hint: 'Check that the KMS, HSM or vault can be reached and lets this process sign with RSASSA-PKCS1-v1_5.',
    docs: 'https://datatracker.ietf.org/doc/html/rfc7515#section-5.1',
    retryable: true,
    cause,
  });
}

function encoded(part: object): string {
  return Buffer.from(JSON.stringify(part)).toString('base64url');
}
