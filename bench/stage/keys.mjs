import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const PASSPHRASE = 'bench-passphrase';

/** Generates an RSA key of 2,048 bits in PKCS#8 with openssl: unencrypted, and encrypted like those of Box's console. */
export function makeKeys() {
  const folder = mkdtempSync(join(tmpdir(), 'box-bench-keys-'));
  const openssl = (/** @type {string} */ args) =>
    execFileSync('openssl', args.split(' '), { cwd: folder, stdio: 'pipe', encoding: 'utf8' });
  const encrypted = (/** @type {number} */ iterations) =>
    openssl(`pkcs8 -topk8 -v2 des3 -iter ${iterations} -in plain.pem -passout pass:${PASSPHRASE}`);
  try {
    openssl('genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out plain.pem');
    return {
      plainKey: readFileSync(join(folder, 'plain.pem'), 'utf8'),
      config: configWith(encrypted(2_048)),
      hardConfig: configWith(encrypted(100_000)),
    };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/**
 * @param {string} privateKey
 * @returns {import('../row.js').BoxConfig}
 */
function configWith(privateKey) {
  return {
    boxAppSettings: {
      clientID: 'benchclientid',
      clientSecret: 'benchclientsecret',
      appAuth: { publicKeyID: 'bench001', privateKey, passphrase: PASSPHRASE },
    },
    enterpriseID: '1234567',
  };
}
