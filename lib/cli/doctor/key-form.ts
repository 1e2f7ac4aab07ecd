import { privateKeyBlock } from '../../core/credentials/pem.js';
import type { DoctorFacts } from './doctor-report.js';
import {
  type DerElement,
  integerIn,
  objectIdentifierIn,
  readDer,
  sequenceIn,
} from './der-reader.js';

/** The format of a private key, as far as it is readable without decrypting the key. */
export type KeyForm = Partial<
  Pick<DoctorFacts['key'], 'format' | 'encrypted' | 'cipher' | 'kdf' | 'iterations'>
>;

const FORMATS: Readonly<Record<string, KeyForm>> = {
  'ENCRYPTED PRIVATE KEY': { format: 'PKCS#8', encrypted: true },
  'PRIVATE KEY': { format: 'PKCS#8', encrypted: false },
  'RSA PRIVATE KEY': { format: 'PKCS#1' },
  'EC PRIVATE KEY': { format: 'SEC 1' },
};

const PBES2 = '1.2.840.113549.1.5.13'; // RFC 8018 section 6.2

const CIPHERS: Readonly<Record<string, string>> = {
  '1.2.840.113549.3.7': 'des-ede3-cbc',
  '2.16.840.1.101.3.4.1.2': 'aes-128-cbc',
  '2.16.840.1.101.3.4.1.22': 'aes-192-cbc',
  '2.16.840.1.101.3.4.1.42': 'aes-256-cbc',
  '1.3.14.3.2.7': 'des-cbc',
  '1.2.840.113549.3.2': 'rc2-cbc',
};

const KDFS: Readonly<Record<string, string>> = {
  '1.2.840.113549.1.5.12': 'PBKDF2',
  '1.3.6.1.4.1.11591.4.11': 'scrypt',
};

/** The schemes that combine cipher and hash (RFC 8018 section 6.1, RFC 7292 appendix C). */
const PBES1: Readonly<Record<string, Pick<KeyForm, 'cipher' | 'kdf'>>> = {
  '1.2.840.113549.1.5.3': { cipher: 'des-cbc', kdf: 'PBKDF1 with MD5' },
  '1.2.840.113549.1.5.10': { cipher: 'des-cbc', kdf: 'PBKDF1 with SHA-1' },
  '1.2.840.113549.1.12.1.3': { cipher: 'des-ede3-cbc', kdf: 'PKCS#12 with SHA-1' },
  '1.2.840.113549.1.12.1.6': { cipher: 'rc2-40-cbc', kdf: 'PKCS#12 with SHA-1' },
};

/** Reads the format of a key in PEM; empty for any other text. */
export function keyFormOf(text: string): KeyForm {
  const block = privateKeyBlock(text);
  const form = FORMATS[block?.label ?? ''];
  if (block === undefined || form === undefined) return {};
  if (form.encrypted === true) {
    const [key] = readDer(Buffer.from(block.body, 'base64'));
    return { ...form, ...encryptionOf(sequenceIn(key)[0]) };
  }
  if (block.dekInfo === undefined) return { ...form, encrypted: false };
  // OpenSSL derives this key with one iteration of MD5.
  const [cipher = ''] = block.dekInfo.toLowerCase().split(',');
  return { ...form, encrypted: true, cipher, kdf: 'MD5', iterations: 1 };
}

/** Reads the AlgorithmIdentifier of RFC 5958 section 3. */
function encryptionOf(algorithm: DerElement | undefined): KeyForm {
  const [scheme, parameters] = sequenceIn(algorithm);
  const name = objectIdentifierIn(scheme);
  if (name === undefined) return {};
  if (name !== PBES2) {
    const known = PBES1[name] ?? { cipher: name };
    return { ...known, ...defined({ iterations: integerIn(sequenceIn(parameters)[1]) }) };
  }
  const [derivation, encryption] = sequenceIn(parameters);
  const [kdfName, kdfParameters] = sequenceIn(derivation);
  const kdf = objectIdentifierIn(kdfName) ?? '';
  const cipher = objectIdentifierIn(sequenceIn(encryption)[0]) ?? '';
  return {
    cipher: CIPHERS[cipher] ?? cipher,
    kdf: KDFS[kdf] ?? kdf,
    // The element after the salt: the iterations of PBKDF2 or the cost of scrypt.
    ...defined({ iterations: integerIn(sequenceIn(kdfParameters)[1]) }),
  };
}

function defined({ iterations }: { iterations: number | undefined }): Pick<KeyForm, 'iterations'> {
  return iterations === undefined ? {} : { iterations };
}
