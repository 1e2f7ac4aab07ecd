import { generateKeyPair, type KeyObject } from 'node:crypto';
import { promisify } from 'node:util';

export const KEY_SIZES = [2048, 3072, 4096] as const;
export type KeySize = (typeof KEY_SIZES)[number];

const generate = promisify(generateKeyPair);

export interface KeyPair {
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
}

export function newKeyPair(bits: KeySize): Promise<KeyPair> {
  return generate('rsa', { modulusLength: bits });
}

/** PKCS#8 in PEM (RFC 5958); with a passphrase encrypted: PBES2, PBKDF2 and AES-256-CBC. */
export function privateKeyPem(key: KeyObject, passphrase: string | undefined): string {
  return key
    .export({
      type: 'pkcs8',
      format: 'pem',
      ...(passphrase === undefined ? {} : { cipher: 'aes-256-cbc', passphrase }),
    })
    .toString();
}

/** SubjectPublicKeyInfo in PEM (RFC 5280 section 4.1.2.7): what Box's developer console takes. */
export function publicKeyPem(key: KeyObject): string {
  return key.export({ type: 'spki', format: 'pem' }).toString();
}
