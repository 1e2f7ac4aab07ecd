import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Runs the openssl of this machine in a temporary folder, which is removed when `use` returns. */
export function withOpenssl<T>(
  use: (openssl: (args: string) => void, read: (file: string) => string) => T,
): T {
  const folder = mkdtempSync(join(tmpdir(), 'keys-'));
  try {
    return use(
      (args) => void execFileSync('openssl', args.split(' '), { cwd: folder, stdio: 'pipe' }),
      (file) => readFileSync(join(folder, file), 'utf8'),
    );
  } finally {
    rmSync(folder, { recursive: true });
  }
}

export const PASSPHRASE = 'correct-horse-battery-staple';
const LEGACY = '-provider legacy -provider default';

const MADE_BY = {
  'PKCS#8 PBES2 3DES, as the console makes it': `pkcs8 -topk8 -v2 des3 -iter 2048`,
  'PKCS#8 PBES2 AES': `pkcs8 -topk8 -v2 aes256`,
  'PKCS#8 PBES1 SHA1-3DES': `pkcs8 -topk8 -v1 PBE-SHA1-3DES`,
  'PKCS#8 scrypt': `pkcs8 -topk8 -scrypt`,
  'traditional des3': `rsa -traditional -des3`,
  'traditional aes256': `rsa -traditional -aes256`,
  'plain PKCS#8': `pkcs8 -topk8 -nocrypt`,
  'plain PKCS#1': `rsa -traditional`,
  'PBES2 DES': `pkcs8 -topk8 -v2 des ${LEGACY}`,
  'PBES1 MD5-DES': `pkcs8 -topk8 -v1 PBE-MD5-DES ${LEGACY}`,
  'PBES1 SHA1-RC2-40': `pkcs8 -topk8 -v1 PBE-SHA1-RC2-40 ${LEGACY}`,
  'traditional DES': `rsa -traditional -des ${LEGACY}`,
} as const;

export type KeyForm = keyof typeof MADE_BY;

export interface MadeKeys {
  readonly forms: Readonly<Record<KeyForm, string>>;
  readonly publicKey: string;
  readonly other: string;
  readonly small: string;
  readonly ec: string;
}

let keys: MadeKeys | undefined;

/** One RSA key in every form that Box and openssl produce, and keys that Box does not accept. Made once per process. */
export function makeKeys(): MadeKeys {
  keys ??= newKeys();
  return keys;
}

function newKeys(): MadeKeys {
  return withOpenssl((openssl, read) => {
    openssl('genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out key.pem');
    openssl('genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out other.pem');
    openssl('genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:1024 -out small.pem');
    openssl('genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out ec.pem');
    openssl('pkey -in key.pem -pubout -out public.pem');
    const form = (command: string) => {
      openssl(`${command} -in key.pem -out form.pem -passout pass:${PASSPHRASE}`);
      return read('form.pem');
    };
    const forms = Object.fromEntries(
      Object.entries(MADE_BY).map(([name, command]) => [name, form(command)]),
    ) as Record<KeyForm, string>;
    return {
      forms,
      publicKey: read('public.pem'),
      other: read('other.pem'),
      small: read('small.pem'),
      ec: read('ec.pem'),
    };
  });
}
