import type * as Jose from 'jose/jwt/sign';
import { BoxAuthError } from '../errors/box-auth.error.js';
import type { PrivateKey, SigningAlgorithm } from './private-key.js';

/** The claims of an assertion (RFC 7523 section 3). */
export type AssertionClaims = Readonly<Record<string, string | number>>;

/**
 * Signs `signingInput` (RFC 7515 section 5.1: header and claims in base64url, at most 2 KiB) with RSASSA-PKCS1-v1_5 and
 * the hash of `algorithm`. Returns the bytes of the signature.
 */
export type SigningFunction = (
  signingInput: Uint8Array,
  algorithm: SigningAlgorithm,
) => Uint8Array | Promise<Uint8Array>;

/** Signs assertions with one key, which may be in this process or elsewhere. */
export interface AssertionSigner {
  /** Undefined if the issuer finds the key by other means. */
  readonly publicKeyId: string | undefined;
  /** Identifies the key, or is a constant if the key is elsewhere. */
  readonly thumbprint: string;
  /** Returns a JWT in compact form (RFC 7515 section 7.1). Its `kid` is the id of the public key, if there is one. */
  sign(claims: AssertionClaims): Promise<string>;
}

/** Loaded with the first assertion: the import of the package should take no longer than it must. */
let jose: Promise<typeof Jose> | undefined;

/** A signer with a private key in this process. */
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
    async sign(claims) {
      jose ??= import('jose/jwt/sign');
      const { SignJWT } = await jose;
      return new SignJWT({ ...claims }).setProtectedHeader(header).sign(key);
    },
  };
}

/** A private key in a KMS, an HSM or a vault. */
export interface ExternalKey {
  readonly publicKeyId: string;
  readonly algorithm: SigningAlgorithm;
  readonly sign: SigningFunction;
}

/** A signer that calls a function. The function's errors are reported as `signer_failed`. */
export function externalSigner({ publicKeyId, algorithm, sign }: ExternalKey): AssertionSigner {
  const header = base64Json({ alg: algorithm, kid: publicKeyId, typ: 'JWT' });
  return {
    publicKeyId,
    thumbprint: 'external',
    async sign(claims) {
      const signingInput = `${header}.${base64Json(claims)}`;
      return `${signingInput}.${await signatureOf(sign, signingInput, algorithm)}`;
    },
  };
}

/** The signature in base64url. */
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
      'The sign function of the credentials returned no signature: expected a Uint8Array that is not empty.',
    );
  }
  return signature;
}

/** The error of a failed signature. It is retryable, as the failure may be transient. */
export function signerError(message: string, cause?: unknown): BoxAuthError {
  return new BoxAuthError({
    code: 'signer_failed',
    message,
    hint: 'Check that the KMS, HSM or vault is reachable and allows this process to sign with RSASSA-PKCS1-v1_5.',
    docs: 'https://datatracker.ietf.org/doc/html/rfc7515#section-5.1',
    retryable: true,
    cause,
  });
}

function base64Json(part: object): string {
  return Buffer.from(JSON.stringify(part)).toString('base64url');
}
