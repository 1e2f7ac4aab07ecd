import { createPublicKey } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { openPrivateKey, privateKeyOpener } from '../../lib/credentials/private-key.js';
import { type KeyForm, makeKeys, PASSPHRASE } from '../support/keys.js';
import { thrownBy } from '../support/thrown.js';

const keys = makeKeys();
const open = (text: string, passphrase?: string) =>
  openPrivateKey(text, passphrase, 'credentials.privateKey');

describe('A private key opens', () => {
  const opening: KeyForm[] = [
    'PKCS#8 PBES2 3DES, as the console makes it',
    'PKCS#8 PBES2 AES',
    'PKCS#8 PBES1 SHA1-3DES',
    'PKCS#8 scrypt',
    'traditional des3',
    'traditional aes256',
    'plain PKCS#8',
    'plain PKCS#1',
  ];

  it.each(opening)('in the form %s, and it is the right one', (form) => {
    const { key } = open(keys.forms[form], PASSPHRASE);
    expect(createPublicKey(key).export({ type: 'spki', format: 'pem' })).toBe(keys.publicKey);
  });

  it.each([
    ['escaped newlines', (pem: string) => pem.replaceAll('\n', '\\n')],
    ['newlines escaped twice', (pem: string) => pem.replaceAll('\n', '\\\\n')],
    ['escaped carriage returns and newlines', (pem: string) => pem.replaceAll('\n', '\\r\\n')],
    ['Windows line ends', (pem: string) => pem.replaceAll('\n', '\r\n')],
    ['quotes around it', (pem: string) => `"${pem}"`],
    ['escaped newlines in quotes', (pem: string) => `'${pem.replaceAll('\n', '\\n')}'`],
    ['spaces around it', (pem: string) => `  \n${pem}\n  `],
  ])('with %s', (_, mangle) => {
    expect(open(mangle(keys.forms['PKCS#8 PBES2 AES']), PASSPHRASE).key.type).toBe('private');
    expect(open(mangle(keys.forms['traditional des3']), PASSPHRASE).key.type).toBe('private');
  });

  it.each([
    ['spaces for newlines', (pem: string) => pem.replaceAll('\n', ' ')],
    ['no newlines at all', (pem: string) => pem.replaceAll('\n', '')],
  ])('with %s, as it has nothing but base64 between its lines', (_, mangle) => {
    const pem = keys.forms['PKCS#8 PBES2 AES'];
    expect(open(mangle(pem), PASSPHRASE).key.type).toBe('private');
  });

  it('only once for the same text in a row', () => {
    const opener = privateKeyOpener();
    const first = opener(keys.forms['plain PKCS#8'], undefined, 'k');
    expect(opener(keys.forms['plain PKCS#8'], undefined, 'k')).toBe(first);
    expect(opener(keys.other, undefined, 'k')).not.toBe(first);
    expect(opener(keys.other, undefined, 'k').thumbprint).not.toBe(first.thumbprint);
  });
});

describe('A private key that does not open says why and what to do', () => {
  const encrypted = keys.forms['PKCS#8 PBES2 3DES, as the console makes it'];

  it.each<KeyForm>(['PBES2 DES', 'PBES1 MD5-DES', 'PBES1 SHA1-RC2-40', 'traditional DES'])(
    'for the cipher %s: the openssl command that converts it',
    async (form) => {
      const error = await thrownBy(() => open(keys.forms[form], PASSPHRASE));
      expect(error.code).toBe('key_cipher_unsupported');
      expect(error.hint).toContain('openssl pkcs8 -topk8 -v2 aes-256-cbc');
      expect(error.hint).toContain('-provider legacy');
    },
  );

  it.each([
    ['the wrong passphrase', 'key_passphrase_wrong', encrypted, 'wrong'],
    [
      'the wrong passphrase of a traditional PEM',
      'key_passphrase_wrong',
      keys.forms['traditional aes256'],
      'wrong',
    ],
    ['no passphrase', 'key_passphrase_missing', encrypted, undefined],
    ['an empty passphrase', 'key_passphrase_missing', encrypted, ''],
    [
      'no passphrase for a traditional PEM',
      'key_passphrase_missing',
      keys.forms['traditional des3'],
      undefined,
    ],
    ['the first line alone', 'key_truncated', encrypted.split('\n')[0] ?? '', PASSPHRASE],
    [
      'all lines but the last',
      'key_truncated',
      encrypted.trim().split('\n').slice(0, -1).join('\n'),
      PASSPHRASE,
    ],
    ['nothing', 'key_invalid', '', PASSPHRASE],
    ['no PEM', 'key_invalid', 'hunter2', PASSPHRASE],
    ['the public key', 'key_invalid', keys.publicKey, undefined],
    [
      'a PEM with a hole',
      'key_invalid',
      keys.forms['plain PKCS#8'].replace(/\n.{64}\n/, '\n'),
      undefined,
    ],
    [
      'an encrypted PEM with a hole, whatever the passphrase',
      'key_invalid',
      encrypted.replace(/\n.{64}\n/, '\n'),
      PASSPHRASE,
    ],
    ['an elliptic curve key', 'key_unsuitable', keys.ec, undefined],
    ['1024 bits', 'key_unsuitable', keys.small, undefined],
  ] as const)('for %s', async (_, code, text, passphrase) => {
    const error = await thrownBy(() => open(text, passphrase));
    expect(error.code).toBe(code);
    expect(error.message).toContain('credentials.privateKey');
    expect(error.hint.length).toBeGreaterThan(20);
    expect(error.retryable).toBe(false);
  });

  it('whatever the wrong passphrase is, also when the padding happens to look right', async () => {
    for (let attempt = 0; attempt < 600; attempt++) {
      const error = await thrownBy(() => open(encrypted, `wrong-${attempt}`));
      expect(error.code).toBe('key_passphrase_wrong');
    }
  });
});
