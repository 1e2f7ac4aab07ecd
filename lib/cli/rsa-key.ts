import { generateKeyPair, type KeyObject } from 'node:crypto';
import { promisify } from 'node:util';
import { boxCredentialsHelp } from '../box/credentials/box-credentials.js';
import { cachedKeyParser } from '../core/credentials/private-key.js';

/** Parses a private key like `BoxAuthModule`, with the same errors. */
export const parseBoxKey = cachedKeyParser(boxCredentialsHelp);

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
 * Exports PKCS#8 in PEM (RFC 5958), encrypted if there is a passphrase: PBES2, PBKDF2 and AES-256-CBC.
 *
 * @throws BoxAuthError if Node cannot decrypt the result: OpenSSL encrypts with some passphrases that Node rejects
 */
export function privateKeyPem(key: KeyObject, passphrase: string | undefined): string {
  const pem = key
    .export({
      type: 'pkcs8',
      format: 'pem',
      ...(passphrase === undefined ? {} : { cipher: 'aes-256-cbc', passphrase }),
    })
    .toString();
  parseBoxKey(pem, passphrase, { key: 'the new private key', passphrase: 'the variable' });
  return pem;
}

/** Exports SubjectPublicKeyInfo in PEM (RFC 5280 section 4.1.2.7), which Box's developer console accepts. */
export function publicKeyPem(key: KeyObject): string {
  return key.export({ type: 'spki', format: 'pem' }).toString();
}
