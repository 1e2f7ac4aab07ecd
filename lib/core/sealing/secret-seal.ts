import {
  createCipheriv,
  createDecipheriv,
  createHmac,
  createSecretKey,
  hkdfSync,
  type KeyObject,
  randomBytes,
} from 'node:crypto';

const CIPHER = 'aes-256-gcm';
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const KEY_BYTES = 32;
const KEY_ID_LENGTH = 8;

/** Where sealed values are kept. The same secret gives each place other keys. */
export type SealedPlace = 'redis' | 'vault';

/**
 * Encrypts stored values with AES-256-GCM, which also detects changes, and hashes names with HMAC-SHA256. Each purpose has
 * its own key, derived with HKDF-SHA256 (RFC 5869).
 */
export class SecretSeal {
  readonly #sealing: KeyObject;
  readonly #opening: readonly KeyObject[];
  readonly #naming: KeyObject;
  /** Identifies the secret that encrypts, without revealing it. */
  readonly keyId: string;

  /** The first secret encrypts, any of them decrypts, and the last one hashes names. */
  constructor(place: SealedPlace, secrets: readonly [string, ...string[]]) {
    const [first, ...others] = secrets;
    this.#sealing = derivedKey(first, place, 'seal');
    this.#opening = [this.#sealing, ...others.map((other) => derivedKey(other, place, 'seal'))];
    this.#naming = derivedKey(secrets.at(-1) ?? first, place, 'name');
    this.keyId = hmac(derivedKey(first, place, 'id'), '').slice(0, KEY_ID_LENGTH);
  }

  /** Returns 43 characters for `identity`. Hashes UTF-16, because UTF-8 encodes all lone surrogates as the same character. */
  nameOf(identity: string): string {
    return hmac(this.#naming, identity);
  }

  /** Encrypts `plain`, so that it can be decrypted only with the same `bound`. */
  seal(plain: string, bound: readonly string[]): string {
    const nonce = randomBytes(NONCE_BYTES);
    const cipher = createCipheriv(CIPHER, this.#sealing, nonce, { authTagLength: TAG_BYTES });
    cipher.setAAD(boundBytes(bound));
    const hidden = Buffer.concat([cipher.update(plain, 'utf8'), cipher.final()]);
    return Buffer.concat([nonce, cipher.getAuthTag(), hidden]).toString('base64url');
  }

  /** Decrypts. Returns undefined if the value was changed, is bound to other data, or was encrypted with an unknown secret. */
  open(sealed: string, bound: readonly string[]): string | undefined {
    const bytes = Buffer.from(sealed, 'base64url');
    // Node ignores characters that are not base64url, and superfluous bits at the end.
    if (bytes.length < NONCE_BYTES + TAG_BYTES || bytes.toString('base64url') !== sealed) {
      return undefined;
    }
    for (const key of this.#opening) {
      const plain = openedWith(key, bytes, boundBytes(bound));
      if (plain !== undefined) return plain;
    }
    return undefined;
  }
}

function openedWith(key: KeyObject, bytes: Buffer, bound: Buffer): string | undefined {
  const nonce = bytes.subarray(0, NONCE_BYTES);
  const cipher = createDecipheriv(CIPHER, key, nonce, { authTagLength: TAG_BYTES });
  cipher.setAAD(bound);
  cipher.setAuthTag(bytes.subarray(NONCE_BYTES, NONCE_BYTES + TAG_BYTES));
  const plain = cipher.update(bytes.subarray(NONCE_BYTES + TAG_BYTES));
  try {
    cipher.final(); // checks the tag; the plain text is complete before
  } catch {
    return undefined;
  }
  return plain.toString('utf8');
}

function hmac(key: KeyObject, text: string): string {
  return createHmac('sha256', key).update(text, 'utf16le').digest('base64url');
}

function derivedKey(
  secret: string,
  place: SealedPlace,
  purpose: 'seal' | 'name' | 'id',
): KeyObject {
  const info = `nestjs-box-auth ${place} ${purpose} 1`;
  return createSecretKey(Buffer.from(hkdfSync('sha256', secret, '', info, KEY_BYTES)));
}

/** Encodes as JSON, so that different lists never have the same bytes. */
function boundBytes(bound: readonly string[]): Buffer {
  return Buffer.from(JSON.stringify(bound));
}
