import { createPublicKey } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { boxVariableNames, boxCredentialsIn } from '../../../lib/box/box.environment.js';
import type { DoctorReport } from '../../../lib/cli/doctor/doctor-report.js';
import { boxCredentialsHelp } from '../../../lib/box/credentials/box-credentials.js';
import { parseCredentials } from '../../../lib/box/credentials/parse-credentials.js';
import { parsePrivateKey } from '../../../lib/core/credentials/private-key.js';
import type { BoxAuthError } from '../../../lib/core/errors/box-auth.error.js';
import { newFolder, run } from '../../cli/cli-fixture.js';
import { makeKeys, PASSPHRASE } from '../../support/keys.js';

const keys = makeKeys();
const pkcs8 = keys.forms['PKCS#8 PBES2 AES'];
const plain = keys.forms['plain PKCS#8'];
const des3 = keys.forms['traditional des3'];
const aes = keys.forms['traditional aes256'];
const base64 = (text: string) => Buffer.from(text).toString('base64');
const block = (label: string, body: string) =>
  `-----BEGIN ${label}-----\n${body}\n-----END ${label}-----\n`;

/** As ssh-keygen writes it since OpenSSH 7.8: its own magic, cipher and KDF, then the keys. */
const openssh = block(
  'OPENSSH PRIVATE KEY',
  base64(`openssh-key-v1\0\0\0\0\x04none\0\0\0\x04none\0\0\0\0${'k'.repeat(300)}`),
);

interface Verdict {
  readonly code: string;
  readonly hint?: string;
}

function verdictOf(open: () => unknown): Verdict {
  try {
    open();
    return { code: 'accepted' };
  } catch (error) {
    const { code, hint } = error as BoxAuthError;
    return { code, hint };
  }
}

async function doctorOn(args: string[], env: Record<string, string> = {}): Promise<Verdict> {
  const { stdout } = await run(['doctor', '--json', '--offline', ...args], { env });
  const { steps } = JSON.parse(stdout) as DoctorReport;
  const problem = steps.find((step) => step.problem !== undefined)?.problem;
  return problem === undefined ? { code: 'accepted' } : { code: problem.code, hint: problem.hint };
}

/** The verdict on a key that the module and the doctor agree on, in config.json and in a variable. */
async function verdictOn(privateKey: string, passphrase = PASSPHRASE): Promise<Verdict> {
  const file = join(newFolder(), 'config.json');
  const appAuth = { publicKeyID: 'abcd1234', privateKey, passphrase };
  const boxAppSettings = { clientID: 'client', clientSecret: 'secret', appAuth };
  writeFileSync(file, JSON.stringify({ boxAppSettings, enterpriseID: '1' }));
  const inFile = verdictOf(() => parseCredentials({ configFile: file }));
  expect(await doctorOn([file])).toEqual(inFile);

  const env = {
    BOX_CLIENT_ID: 'client',
    BOX_CLIENT_SECRET: 'secret',
    BOX_ENTERPRISE_ID: '1',
    BOX_PUBLIC_KEY_ID: 'abcd1234',
    BOX_PRIVATE_KEY: privateKey,
    BOX_PRIVATE_KEY_PASSPHRASE: passphrase,
  };
  const inVariables = verdictOf(() => parseCredentials(boxCredentialsIn(env), boxVariableNames));
  expect(await doctorOn([], env)).toEqual(inVariables);
  expect(inVariables.code).toBe(inFile.code);
  return inFile;
}

describe('The module and the doctor accept a private key', () => {
  it.each<[string, string]>([
    ['after its public key', `${keys.publicKey}${pkcs8}`],
    ['before its public key', `${pkcs8}${keys.publicKey}`],
    ['after a certificate', `${block('CERTIFICATE', 'MIIB')}${pkcs8}`],
    ['after text, as openssl pkcs12 writes it', `Bag Attributes\n  friendlyName: box\n${pkcs8}`],
    ['with literal \\n', pkcs8.replaceAll('\n', '\\n')],
    ['with literal \\n after its public key', `${keys.publicKey}${pkcs8}`.replaceAll('\n', '\\n')],
    ['in base64', base64(pkcs8)],
    ['in base64 twice', base64(base64(pkcs8))],
    ['in base64 with a byte order mark', base64(`\uFEFF${pkcs8}`)],
    ['in lines of 76 characters', block('PRIVATE KEY', bodyOf(plain).replace(/.{76}/g, '$&\n'))],
    ['in one line', block('PRIVATE KEY', bodyOf(plain))],
    [
      'with spaces for newlines after its public key',
      `${keys.publicKey}${pkcs8}`.replace(/\n/g, ' '),
    ],
    ...[des3, aes].flatMap((pem, index): [string, string][] => {
      const name = ['DES', 'AES'][index];
      return [
        [`with DEK-Info of ${name}`, pem],
        [`with DEK-Info of ${name} and spaces for newlines`, pem.replaceAll('\n', ' ')],
        [`with DEK-Info of ${name} and literal \\n`, pem.replaceAll('\n', '\\n')],
        [`with DEK-Info of ${name} and nothing for newlines`, pem.replaceAll('\n', '')],
        [`with DEK-Info of ${name} and Windows line ends`, pem.replaceAll('\n', '\r\n')],
      ];
    }),
  ])('%s', async (_, text) => {
    expect(await verdictOn(text)).toEqual({ code: 'accepted' });
    const names = { key: 'key', passphrase: 'passphrase' };
    const { key } = parsePrivateKey(text, PASSPHRASE, names, boxCredentialsHelp);
    expect(createPublicKey(key).export({ type: 'spki', format: 'pem' })).toBe(keys.publicKey);
  });
});

function bodyOf(pem: string): string {
  return pem.replace(/-----[A-Z ]+-----|\n/g, '');
}

describe('The module and the doctor explain why a text is not a private key in PEM', () => {
  it.each<[string, string, code: string, message: string, hint: string]>([
    ['a key of OpenSSH', openssh, 'key_invalid', 'format of OpenSSH', 'ssh-keygen -p -m PEM'],
    [
      'that with literal \\n',
      openssh.replaceAll('\n', '\\n'),
      'key_invalid',
      'of OpenSSH',
      '-m PEM',
    ],
    ['a key of PuTTY', 'PuTTY-User-Key-File-3: ssh-rsa', 'key_invalid', 'PuTTY', 'puttygen'],
    ['a path', './keys/private.pem', 'key_invalid', 'is a path', 'Read the file'],
    [
      'a certificate',
      block('CERTIFICATE', 'MIIB'),
      'key_invalid',
      '"CERTIFICATE"',
      'Use the private key',
    ],
    ['a public key', keys.publicKey, 'key_invalid', '"PUBLIC KEY"', 'Use the private key'],
    [
      'a public key of OpenSSH',
      'ssh-rsa AAAAB3NzaC1yc2E= me',
      'key_invalid',
      'no "-----BEGIN',
      'whole',
    ],
    ['nothing but base64', bodyOf(plain), 'key_invalid', 'no "-----BEGIN', 'whole private key'],
    [
      'another END line',
      plain.replace('END PRIVATE', 'END RSA PRIVATE'),
      'key_invalid',
      'ends with "-----END RSA PRIVATE KEY-----"',
      'END line that belongs to it',
    ],
    ['a first line', '-----BEGIN PRIVATE KEY-----', 'key_truncated', 'was cut', '.env file'],
  ])('%s', async (_, text, code, message, hint) => {
    const verdict = await verdictOn(text);
    expect(verdict).toMatchObject({ code, hint: expect.stringContaining(hint) });
    expect(() =>
      parsePrivateKey(text, PASSPHRASE, { key: 'k', passphrase: 'p' }, boxCredentialsHelp),
    ).toThrow(message);
    if (code !== 'key_truncated') {
      expect(JSON.stringify(verdict)).not.toMatch(/was cut|are missing/);
    }
  });
});
