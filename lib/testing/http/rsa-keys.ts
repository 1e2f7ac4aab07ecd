import { createPublicKey, generateKeyPair, KeyObject } from 'node:crypto';
import { promisify } from 'node:util';

const generateKeyPairAsync = promisify(generateKeyPair);

/**
 * Reads a public key, a private key or a certificate.
 *
 * @throws TypeError unless the key is RSA
 */
export function readRsaPublicKey(key: string | KeyObject): KeyObject {
  const publicKey = key instanceof KeyObject && key.type === 'public' ? key : createPublicKey(key);
  if (publicKey.asymmetricKeyType !== 'rsa') {
    throw new TypeError(
      `Invalid key: expected RSA, received ${publicKey.asymmetricKeyType ?? 'an unknown type'}`,
    );
  }
  return publicKey;
}

/** Generates a private key. It takes a tenth of a second. */
export async function newRsaPrivateKey(): Promise<KeyObject> {
  const { privateKey } = await generateKeyPairAsync('rsa', { modulusLength: 2048 });
  return privateKey;
}

/** A private key as PEM, PKCS#8, encrypted if there is a passphrase. */
export function toPem(privateKey: KeyObject, passphrase?: string): string {
  const encryption = passphrase !== undefined && { cipher: 'des-ede3-cbc', passphrase };
  return privateKey.export({ type: 'pkcs8', format: 'pem', ...encryption }).toString();
}
