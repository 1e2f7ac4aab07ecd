import { createPublicKey } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { boxCredentialsHelp } from '../../../lib/box/credentials/box-credentials.js';
import { parsePrivateKey, cachedKeyParser } from '../../../lib/core/credentials/private-key.js';
import { type KeyForm, makeKeys, PASSPHRASE } from '../../support/keys.js';
import { thrownBy } from '../../support/thrown.js';

const keys = makeKeys();
const NAMES = { key: 'credentials.privateKey', passphrase: 'credentials.passphrase' };
const open = (text: string, passphrase?: string) =>
  parsePrivateKey(text, passphrase, NAMES, boxCredentialsHelp);

describe('parsePrivateKey', () => {
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

  it.each(opening)('parses the form %s', (form) => {
    const { key } = open(keys.forms[form], PASSPHRASE);
    expect(createPublicKey(key).export({ type: 'spki', format: 'pem' })).toBe(keys.publicKey);
  });

  it.each([
    ['escaped newlines', (pem: string) => pem.replaceAll('\n', '\\n')],
    ['newlines escaped twice', (pem: string) => pem.replaceAll('\n', '\\\\n')],
    ['escaped carriage returns and newlines', (pem: string) => pem.replaceAll('\n', '\\r\\n')],
    [
      'carriage returns and newlines escaped twice',
      (pem: string) => pem.replaceAll('\n', '\\\\r\\\\n'),
    ],
    ['Windows line ends', (pem: string) => pem.replaceAll('\n', '\r\n')],
    ['quotes around it', (pem: string) => `"${pem}"`],
    ['escaped newlines in quotes', (pem: string) => `'${pem.replaceAll('\n', '\\n')}'`],
    ['spaces around it', (pem: string) => `  \n${pem}\n  `],
    ['spaces before its first line', (pem: string) => `  ${pem}`],
    ['spaces around its quotes', (pem: string) => ` "${pem}" \n`],
  ])('accepts a key with %s', (_, mangle) => {
    expect(open(mangle(keys.forms['PKCS#8 PBES2 AES']), PASSPHRASE).key.type).toBe('private');
    expect(open(mangle(keys.forms['traditional des3']), PASSPHRASE).key.type).toBe('private');
  });

  it.each([
    ['spaces for newlines', (pem: string) => pem.replaceAll('\n', ' ')],
    ['no newlines at all', (pem: string) => pem.replaceAll('\n', '')],
    ['spaces for newlines, in quotes', (pem: string) => `" ${pem.replaceAll('\n', ' ')} "`],
    ['spaces for newlines, after a newline', (pem: string) => `"\n${pem.replaceAll('\n', ' ')}\n"`],
  ])('accepts a key in PKCS#8 with %s', (_, mangle) => {
    const pem = keys.forms['PKCS#8 PBES2 AES'];
    expect(open(mangle(pem), PASSPHRASE).key.type).toBe('private');
  });

  it('parses the same text once if it is cached', () => {
    const opener = cachedKeyParser(boxCredentialsHelp);
    const first = opener(keys.forms['plain PKCS#8'], undefined, NAMES);
    expect(opener(keys.forms['plain PKCS#8'], undefined, NAMES)).toBe(first);
    expect(opener(keys.other, undefined, NAMES)).not.toBe(first);
    expect(opener(keys.other, undefined, NAMES).thumbprint).not.toBe(first.thumbprint);
  });

  it('returns a thumbprint of 43 characters that does not depend on the form', () => {
    const { thumbprint } = open(keys.forms['plain PKCS#8']);
    expect(thumbprint).toMatch(/^[\w-]{43}$/);
    expect(open(keys.forms['PKCS#8 scrypt'], PASSPHRASE).thumbprint).toBe(thumbprint);
  });
});

/** A PEM whose content was changed. */
function changed(pem: string, change: (der: Buffer) => Buffer): string {
  return pem.replace(/(?<=-----\n|\n\n)[A-Za-z0-9+/=\n]+(?=\n-----END)/, (body) =>
    change(Buffer.from(body, 'base64'))
      .toString('base64')
      .replace(/.{64}(?!$)/g, '$&\n'),
  );
}

/** Changes the byte at `position`. */
const flip = (position: number) => (der: Buffer) => {
  der.writeUInt8(der.readUInt8(position) ^ 1, position);
  return der;
};

const empty = (label: string) => `-----BEGIN ${label}-----\n\n-----END ${label}-----\n`;

describe('parsePrivateKey explains why a key is rejected, and how to fix it', () => {
  const encrypted = keys.forms['PKCS#8 PBES2 3DES, as the console makes it'];

  it.each<KeyForm>(['PBES2 DES', 'PBES1 MD5-DES', 'PBES1 SHA1-RC2-40', 'traditional DES'])(
    'names the openssl command that converts the cipher %s',
    async (form) => {
      const error = await thrownBy(() => open(keys.forms[form], PASSPHRASE));
      expect(error.code).toBe('key_cipher_unsupported');
      expect(error.hint).toContain('openssl pkcs8 -topk8 -v2 aes-256-cbc');
      expect(error.hint).toContain('-provider legacy');
      expect(error.message).toContain('credentials.privateKey is encrypted with a cipher');
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
    ['a PEM with nothing in it', 'key_invalid', empty('PRIVATE KEY'), undefined],
    [
      'an encrypted PEM of three bytes',
      'key_invalid',
      empty('ENCRYPTED PRIVATE KEY').replace('\n', '\nMIIC\n'),
      PASSPHRASE,
    ],
    ['an elliptic curve key', 'key_unsuitable', keys.ec, undefined],
    ['1024 bits', 'key_unsuitable', keys.small, undefined],
  ] as const)('rejects %s', async (_, code, text, passphrase) => {
    const error = await thrownBy(() => open(text, passphrase));
    expect(error.code).toBe(code);
    expect(error.message).toContain('credentials.privateKey');
    expect(error.hint.length).toBeGreaterThan(20);
    expect(error.docs).toMatch(/^https:\/\/developer\.box\.com\//);
    expect(error.retryable).toBe(false);
  });

  it.each([
    [
      'the public key',
      keys.publicKey,
      'is not a private key: its PEM says "PUBLIC KEY"',
      'private',
    ],
    ['a certificate', empty('CERTIFICATE'), 'its PEM says "CERTIFICATE"', 'private'],
    ['an elliptic curve key', keys.ec, 'of type ec, not RSA', 'openssl genrsa'],
    ['1024 bits', keys.small, '1024 bits: expected at least 2048', 'openssl genrsa'],
  ])('names the format and the replacement of %s', async (_, text, what, remedy) => {
    const error = await thrownBy(() => open(text));
    expect(error.message).toContain(what);
    expect(error.hint).toContain(remedy);
  });

  it.each([
    [
      'lost bytes in its midst',
      (der: Buffer) => Buffer.concat([der.subarray(0, 400), der.subarray(448)]),
    ],
    ['lost its last bytes', (der: Buffer) => der.subarray(0, -16)],
    ['has another first byte', flip(0)],
    ['has another second byte', flip(1)],
  ])('blames the key, not the passphrase, if an encrypted PEM %s', async (_, damage) => {
    expect((await thrownBy(() => open(changed(encrypted, damage), PASSPHRASE))).code).toBe(
      'key_invalid',
    );
  });

  // One wrong passphrase in 256 leaves a valid padding after content that is not a key. This change has the same effect.
  it.each<[KeyForm, (der: Buffer) => number]>([
    [
      'PKCS#8 PBES2 3DES, as the console makes it',
      (der) => der.indexOf(Buffer.from([4, 0x82, 4])) + 4,
    ],
    ['traditional aes256', () => 0],
  ])(
    'blames the passphrase of %s if the padding is valid but the content is not a key',
    async (form, start) => {
      const pem = changed(keys.forms[form], (der) => flip(start(der))(der));
      expect((await thrownBy(() => open(pem, PASSPHRASE))).code).toBe('key_passphrase_wrong');
    },
  );

  it('blames every wrong passphrase, even if it leaves a valid padding', async () => {
    for (let attempt = 0; attempt < 600; attempt++) {
      const error = await thrownBy(() => open(encrypted, `wrong-${attempt}`));
      expect(error.code).toBe('key_passphrase_wrong');
    }
  });
});
