import { boxCredentialsHelp } from '../box/credentials/box-credentials.js';
import { cachedKeyParser } from '../core/credentials/private-key.js';
import { generateKeyPair, type KeyObject } from 'node:crypto';
import { promisify } from 'node:util';

/** Opens a private key as `BoxAuthModule` does, with the same words for what is wrong with one. */
export const openBoxKey = cachedKeyParser(boxCredentialsHelp);

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

/**
 * PKCS#8 in PEM (RFC 5958); with a passphrase encrypted: PBES2, PBKDF2 and AES-256-CBC. It has been opened once, as it will be.
 *
 * @throws BoxAuthError if it does not open: OpenSSL encrypts with more passphrases than Node opens with
 */
export function privateKeyPem(key: KeyObject, passphrase: string | undefined): string {
  const pem = key
    .export({
      type: 'pkcs8',
      format: 'pem',
      ...(passphrase === undefined ? {} : { cipher: 'aes-256-cbc', passphrase }),
    })
    .toString();
  openBoxKey(pem, passphrase, { key: 'the new private key', passphrase: 'the variable' });
  return pem;
}

/** SubjectPublicKeyInfo in PEM (RFC 5280 section 4.1.2.7): what Box's developer console takes. */
export function publicKeyPem(key: KeyObject): string {
  return key.export({ type: 'spki', format: 'pem' }).toString();
}
