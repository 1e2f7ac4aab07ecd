import { createPublicKey, KeyObject } from 'node:crypto';

/** Takes a public or a private key, or a certificate. Throws a TypeError unless it is of RSA. */
export function readRsaPublicKey(key: string | KeyObject): KeyObject {
  const publicKey = key instanceof KeyObject && key.type === 'public' ? key : createPublicKey(key);
  if (publicKey.asymmetricKeyType !== 'rsa') {
    throw new TypeError(`The key must be RSA, not ${publicKey.asymmetricKeyType ?? 'this one'}.`);
  }
  return publicKey;
}
