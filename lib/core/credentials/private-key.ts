import { createHash, createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto';
import { BoxAuthError } from '../errors/box-auth.error.js';
import type { BoxAuthErrorCode } from '../errors/error-codes.js';
import { lruCache } from '../runtime/lru-cache.js';
import { type CredentialsHelp, looksLikePath } from './credentials-errors.js';
import { type PemBlock, pemOf, privateKeyBlock } from './pem.js';

/** The signature algorithms (RFC 7518 section 3.3). */
export type SigningAlgorithm = 'RS256' | 'RS384' | 'RS512';

/** A decrypted private key. */
export interface ParsedKey {
  readonly key: KeyObject;
  /** Identifies the key: a hash of its public half. */
  readonly thumbprint: string;
}

/** A private key with the facts that go into the header of an assertion. */
export interface PrivateKey extends ParsedKey {
  /** Undefined if the issuer finds the key by other means. */
  readonly publicKeyId?: string;
  readonly algorithm: SigningAlgorithm;
}

const MIN_MODULUS_BITS = 2048; // RFC 7518 section 3.3

/** The names of a private key and of its passphrase in errors. */
export interface KeyNames {
  readonly key: string;
  readonly passphrase: string;
}

/** `parsePrivateKey`, bound to an issuer's help texts. */
export type KeyParser = (
  text: string,
  passphrase: string | undefined,
  names: KeyNames,
) => ParsedKey;

/** The names of the key and its passphrase, and the issuer's help, for errors. */
interface KeyContext {
  readonly field: string;
  readonly passphraseField: string;
  readonly help: CredentialsHelp;
}

/**
 * Parses an RSA private key: PKCS#8 or PKCS#1 in PEM, plain or encrypted with a cipher of OpenSSL 3's default provider.
 *
 * @throws BoxAuthError `key_passphrase_missing`, `key_passphrase_wrong`, `key_cipher_unsupported`, `key_truncated`,
 * `key_invalid`, `key_unsuitable`
 */
export function parsePrivateKey(
  text: string,
  passphrase: string | undefined,
  { key: field, passphrase: passphraseField }: KeyNames,
  help: CredentialsHelp,
): ParsedKey {
  const context = { field, passphraseField, help };
  const block = privateKeyBlock(text);
  if (block === undefined) throw notPem(text, context);
  const { label, endLabel } = block;
  if (label === 'OPENSSH PRIVATE KEY') {
    throw keyError(
      'key_invalid',
      `${field} is in the format of OpenSSH: expected PKCS#8 or PKCS#1 in PEM.`,
      'Make a copy of the file, then convert the file in place: ssh-keygen -p -m PEM -f the-key-file',
      context,
    );
  }
  if (!label.endsWith('PRIVATE KEY')) {
    throw keyError(
      'key_invalid',
      `${field} is not a private key: its PEM says "${label}".`,
      `Use the private key of the pair whose public key is registered at ${help.issuer}.`,
      context,
    );
  }
  if (endLabel === undefined) {
    throw keyError(
      'key_truncated',
      `${field} was cut: it begins with "-----BEGIN ${label}-----" but has no END line.`,
      'In a .env file, put the key in double quotes on one line with \\n for each newline: an unquoted value ends at the first newline.',
      context,
    );
  }
  if (endLabel !== label) {
    throw keyError(
      'key_invalid',
      `${field} begins with "-----BEGIN ${label}-----" and ends with "-----END ${endLabel}-----".`,
      'Copy the key again, with the END line that belongs to it.',
      context,
    );
  }
  const encrypted = label === 'ENCRYPTED PRIVATE KEY' || block.dekInfo !== undefined;
  if (encrypted && (passphrase === undefined || passphrase === '')) {
    throw keyError(
      'key_passphrase_missing',
      `${field} is encrypted, but no passphrase is configured.`,
      `Configure the passphrase that came with the key, or set ${help.passphraseVariable}.`,
      context,
    );
  }
  const key = suitable(open(block, encrypted ? passphrase : undefined, context), context);
  const publicKey = createPublicKey(key).export({ type: 'spki', format: 'der' });
  return { key, thumbprint: createHash('sha256').update(publicKey).digest('base64url') };
}

/** `parsePrivateKey` with a cache: a credentials function may return the same keys at every token request. */
export function cachedKeyParser(help: CredentialsHelp): KeyParser {
  const cache = lruCache<ParsedKey>(8);
  return (text, passphrase, names) => {
    const digest = createHash('sha256')
      .update(JSON.stringify([text, passphrase]))
      .digest('base64');
    const key = cache.get(digest) ?? parsePrivateKey(text, passphrase, names, help);
    cache.set(digest, key);
    return key;
  };
}

function open(block: PemBlock, passphrase: string | undefined, context: KeyContext): KeyObject {
  const { field, passphraseField } = context;
  try {
    return createPrivateKey({ key: pemOf(block), passphrase });
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code === 'ERR_OSSL_EVP_UNSUPPORTED') {
      throw keyError(
        'key_cipher_unsupported',
        `${field} is encrypted with a cipher that OpenSSL 3 no longer supports by default.`,
        'Convert it once: openssl pkcs8 -topk8 -v2 aes-256-cbc -in old.pem -out new.pem -provider legacy -provider default',
        context,
        error,
      );
    }
    // One wrong passphrase in 256 passes the padding check. The result then looks like a damaged key.
    if (passphrase !== undefined && (code === 'ERR_OSSL_BAD_DECRYPT' || isWhole(block))) {
      throw keyError(
        'key_passphrase_wrong',
        `The passphrase in ${passphraseField} does not open ${field}.`,
        'Take the passphrase and the private key from the same source, without quotes or line breaks around the passphrase.',
        context,
        error,
      );
    }
    throw keyError(
      'key_invalid',
      `${field} has the BEGIN and END lines of PEM, but no valid key between them.`,
      'Copy the whole key again. Characters are missing or were changed.',
      context,
      error,
    );
  }
}

function suitable(key: KeyObject, context: KeyContext): KeyObject {
  const { field, help } = context;
  if (key.asymmetricKeyType !== 'rsa') {
    throw keyError(
      'key_unsuitable',
      `${field} is a key of type ${key.asymmetricKeyType}, not RSA.`,
      `Create an RSA key, because ${help.issuer} accepts no other kind: ${help.newKey}`,
      context,
    );
  }
  const bits = key.asymmetricKeyDetails?.modulusLength ?? 0;
  if (bits < MIN_MODULUS_BITS) {
    throw keyError(
      'key_unsuitable',
      `${field} is an RSA key of ${bits} bits: expected at least 2048.`,
      `Create a new key pair: ${help.newKey}`,
      context,
    );
  }
  return key;
}

/** The error of a text that is not PEM. */
function notPem(text: string, context: KeyContext): BoxAuthError {
  const { field } = context;
  const trimmed = text.trim();
  if (trimmed.startsWith('PuTTY-User-Key-File')) {
    return keyError(
      'key_invalid',
      `${field} is in the format of PuTTY, not PEM.`,
      'Convert it: puttygen the-key.ppk -O private-openssh -o key.pem && ssh-keygen -p -m PEM -f key.pem',
      context,
    );
  }
  if (looksLikePath(trimmed)) {
    return keyError(
      'key_invalid',
      `${field} is a path, not the key itself.`,
      `Read the file, and put its content into ${field}.`,
      context,
    );
  }
  return keyError(
    'key_invalid',
    `${field} is not a key in PEM: it has no "-----BEGIN … PRIVATE KEY-----" line.`,
    `Put the whole private key into ${field}, from its BEGIN line to its END line.`,
    context,
  );
}

/** Whether an encrypted PKCS#8 key is complete. Its outermost length (X.690 section 8.1.3) is not encrypted. */
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
  { help }: KeyContext,
  cause?: unknown,
): BoxAuthError {
  return new BoxAuthError({ code, message, hint, docs: help.docs, cause });
}
