import { createHash, createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import { BoxAuthError } from '../errors/box-auth.error.js';
import type { BoxAuthErrorCode } from '../errors/error-codes.js';
import { type CredentialsHelp, looksLikePath } from './credentials-errors.js';
import { type PemBlock, pemOf, privateKeyBlock } from './pem.js';

/** The signature algorithms (RFC 7518 section 3.3). */
export type SigningAlgorithm = 'RS256' | 'RS384' | 'RS512';

/** A private key that is open. */
export interface ParsedKey {
  readonly key: KeyObject;
  /** Tells the key from others: a hash of its public half. */
  readonly thumbprint: string;
}

/** A private key with what an assertion's header says of it. */
export interface PrivateKey extends ParsedKey {
  /** Undefined where the issuer finds the key by other means. */
  readonly publicKeyId?: string;
  readonly algorithm: SigningAlgorithm;
}

const SMALLEST_MODULUS_BITS = 2048; // RFC 7518 section 3.3

/** What errors call a private key, and its passphrase. */
export interface KeyNames {
  readonly key: string;
  readonly passphrase: string;
}

/** Opens an RSA private key, as `parsePrivateKey` does. */
export type KeyParser = (
  text: string,
  passphrase: string | undefined,
  names: KeyNames,
) => ParsedKey;

/** Where a key stands in the configuration, and what whoever has a wrong one there is told. */
interface FieldNames {
  readonly field: string;
  readonly passphraseField: string;
  readonly advice: CredentialsHelp;
}

/**
 * Opens an RSA private key: PKCS#8 or PKCS#1 in PEM, encrypted with any cipher that OpenSSL 3 has by default.
 * `names` is what errors call them.
 *
 * @throws BoxAuthError `key_passphrase_missing`, `key_passphrase_wrong`, `key_cipher_unsupported`, `key_truncated`,
 * `key_invalid`, `key_unsuitable`
 */
export function parsePrivateKey(
  text: string,
  passphrase: string | undefined,
  { key: field, passphrase: passphraseField }: KeyNames,
  advice: CredentialsHelp,
): ParsedKey {
  const place = { field, passphraseField, advice };
  const block = privateKeyBlock(text);
  if (block === undefined) throw notPem(text, place);
  const { label, endLabel } = block;
  if (label === 'OPENSSH PRIVATE KEY') {
    throw keyError(
      'key_invalid',
      `${field} is in the format of OpenSSH, and ${advice.issuer}'s keys are PKCS#8 or PKCS#1.`,
      'Convert the file, after a copy of it was made: ssh-keygen -p -m PEM -f the-key-file',
      place,
    );
  }
  if (!label.endsWith('PRIVATE KEY')) {
    throw keyError(
      'key_invalid',
      `${field} is not a private key: its PEM says "${label}".`,
      `Give the private key of the pair whose public key is registered at ${advice.issuer}.`,
      place,
    );
  }
  if (endLabel === undefined) {
    throw keyError(
      'key_truncated',
      `${field} was cut: it begins with "-----BEGIN ${label}-----" but never ends.`,
      'In a .env file, put the key in double quotes on one line with \\n for each newline: an unquoted value ends at the first newline.',
      place,
    );
  }
  if (endLabel !== label) {
    throw keyError(
      'key_invalid',
      `${field} begins with "-----BEGIN ${label}-----" and ends with "-----END ${endLabel}-----".`,
      'Copy the key again, with the END line that belongs to it.',
      place,
    );
  }
  const encrypted = label === 'ENCRYPTED PRIVATE KEY' || block.dekInfo !== undefined;
  if (encrypted && (passphrase === undefined || passphrase === '')) {
    throw keyError(
      'key_passphrase_missing',
      `${field} is encrypted and no passphrase was given.`,
      `Give the passphrase that came with the key, or set ${advice.passphraseVariable}.`,
      place,
    );
  }
  const key = suitable(open(block, encrypted ? passphrase : undefined, place), place);
  const publicKey = createPublicKey(key).export({ type: 'spki', format: 'der' });
  return { key, thumbprint: createHash('sha256').update(publicKey).digest('base64url') };
}

/** `parsePrivateKey` that opens the same text only once: a function may give the same keys at every mint. */
export function cachedKeyParser(advice: CredentialsHelp): KeyParser {
  const opened = new LRUCache<string, ParsedKey>({ max: 8 });
  return (text, passphrase, names) => {
    const digest = createHash('sha256')
      .update(JSON.stringify([text, passphrase]))
      .digest('base64');
    const key = opened.get(digest) ?? parsePrivateKey(text, passphrase, names, advice);
    opened.set(digest, key);
    return key;
  };
}

function open(block: PemBlock, passphrase: string | undefined, place: FieldNames): KeyObject {
  const { field, passphraseField } = place;
  try {
    return createPrivateKey({ key: pemOf(block), passphrase });
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code === 'ERR_OSSL_EVP_UNSUPPORTED') {
      throw keyError(
        'key_cipher_unsupported',
        `${field} is encrypted with a cipher that OpenSSL 3 no longer opens.`,
        'Convert it once: openssl pkcs8 -topk8 -v2 aes-256-cbc -in old.pem -out new.pem -provider legacy -provider default',
        place,
        error,
      );
    }
    // A wrong passphrase passes the padding check once in 256 times, and then looks like a damaged key.
    if (passphrase !== undefined && (code === 'ERR_OSSL_BAD_DECRYPT' || isWhole(block))) {
      throw keyError(
        'key_passphrase_wrong',
        `The passphrase in ${passphraseField} does not open ${field}.`,
        'Take the passphrase and the private key from the same place, without quotes or newlines around the passphrase.',
        place,
        error,
      );
    }
    throw keyError(
      'key_invalid',
      `${field} has the lines of a PEM, but what stands between them is not a key.`,
      'Copy the key again, whole: characters are missing or were changed.',
      place,
      error,
    );
  }
}

function suitable(key: KeyObject, place: FieldNames): KeyObject {
  const { field, advice } = place;
  if (key.asymmetricKeyType !== 'rsa') {
    throw keyError(
      'key_unsuitable',
      `${field} is a key of type ${key.asymmetricKeyType}, not RSA.`,
      `${advice.issuer} takes RSA keys: ${advice.newKey}`,
      place,
    );
  }
  const bits = key.asymmetricKeyDetails?.modulusLength ?? 0;
  if (bits < SMALLEST_MODULUS_BITS) {
    throw keyError(
      'key_unsuitable',
      `${field} is an RSA key of ${bits} bits; at least 2048 are needed.`,
      `Make a new pair: ${advice.newKey}`,
      place,
    );
  }
  return key;
}

/** What was given, where it is not PEM at all. */
function notPem(text: string, place: FieldNames): BoxAuthError {
  const { field } = place;
  const given = text.trim();
  if (given.startsWith('PuTTY-User-Key-File')) {
    return keyError(
      'key_invalid',
      `${field} is in the format of PuTTY, not PEM.`,
      'Convert it: puttygen the-key.ppk -O private-openssh -o key.pem && ssh-keygen -p -m PEM -f key.pem',
      place,
    );
  }
  if (looksLikePath(given)) {
    return keyError(
      'key_invalid',
      `${field} is a path, not the key itself.`,
      `Read the file, and put its content into ${field}.`,
      place,
    );
  }
  return keyError(
    'key_invalid',
    `${field} is not a key in PEM: it has no "-----BEGIN … PRIVATE KEY-----" line.`,
    `Put the whole private key into ${field}, from its BEGIN line to its END line.`,
    place,
  );
}

/** Whether an encrypted PKCS#8 key has all its bytes: its outermost length (X.690 section 8.1.3) is not encrypted. */
function isWhole({ label, body }: PemBlock): boolean {
  if (label !== 'ENCRYPTED PRIVATE KEY') return true;
  const der = Buffer.from(body, 'base64');
  return (
    der.length >= 4 && der.readUInt16BE(0) === 0x3082 && der.length === 4 + der.readUInt16BE(2)
  );
}

function keyError(
  code: BoxAuthErrorCode,
  message: string,
  hint: string,
  { advice }: FieldNames,
  cause?: unknown,
): BoxAuthError {
  return new BoxAuthError({ code, message, hint, docs: advice.docs, cause });
}
