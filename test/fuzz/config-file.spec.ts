import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { BoxAuth } from '../../lib/box/box-auth.js';
import { makeKeys, PASSPHRASE } from '../support/keys.js';
import { expectOurs } from './outcome.js';

const CLIENT_SECRET = 'q9LmZx3VbN7tRw2KcY8pDf5GhJ4sAe6U';
const { forms } = makeKeys();
const encrypted = forms['PKCS#8 PBES2 3DES, as the console makes it'];
const plain = forms['plain PKCS#8'];
const secrets = [CLIENT_SECRET, PASSPHRASE, ...encrypted.split('\n'), ...plain.split('\n')].filter(
  (line) => !line.startsWith('-----'),
);

const configOf = (privateKey: string, passphrase?: string) => ({
  boxAppSettings: {
    clientID: 'abcdefghijklmnopqrstuvwxyz012345',
    clientSecret: CLIENT_SECRET,
    appAuth: { publicKeyID: 'abcd1234', privateKey, passphrase },
  },
  enterpriseID: '1234567',
});
const whole = JSON.stringify(configOf(encrypted, PASSPHRASE), undefined, 2);
const config = fc.constantFrom(Buffer.from(whole), Buffer.from(JSON.stringify(configOf(plain))));

/** Damage by editors, shells, templates and transfers. */
const mutation = fc.oneof(
  fc.record({
    at: fc.double({ min: 0, max: 1, noNaN: true }),
    bytes: fc.uint8Array({ maxLength: 4 }),
    removed: fc.nat(3),
  }),
  fc.record({
    at: fc.double({ min: 0, max: 1, noNaN: true }),
    bytes: fc
      .constantFrom(
        '"',
        '\\',
        '{',
        '}',
        ',',
        'null',
        '[]',
        '\n',
        '\r\n',
        '\u00A0',
        '${SECRET}',
        '“',
        '\0',
        '\uFEFF',
      )
      .map((text) => Uint8Array.from(Buffer.from(text))),
    removed: fc.nat(300),
  }),
);
const encoding = fc.constantFrom<(bytes: Buffer) => Buffer>(
  (bytes) => bytes,
  (bytes) => Buffer.from(bytes.toString('base64')),
  (bytes) => Buffer.from(bytes.toString('latin1'), 'utf16le'),
  (bytes) => Buffer.concat([Buffer.from('\uFEFF'), bytes]),
  (bytes) => Buffer.from(JSON.stringify(bytes.toString())),
  (bytes) => Buffer.from(`'${bytes.toString()}'`),
  (bytes) => Buffer.from(bytes.toString().replaceAll('\\n', '\n')),
  (bytes) => Buffer.from(bytes.toString().replaceAll('\\n', ' ')),
);
const file = fc
  .tuple(config, fc.array(mutation, { maxLength: 4 }), encoding)
  .map(([bytes, mutations, encode]) =>
    encode(
      mutations.reduce((mutated, { at, bytes: put, removed }) => {
        const from = Math.floor(at * mutated.length);
        return Buffer.concat([mutated.subarray(0, from), put, mutated.subarray(from + removed)]);
      }, bytes),
    ),
  );

/** The same document with one of its values replaced. */
const fieldOf = fc.constantFrom(
  'boxAppSettings',
  'clientID',
  'clientSecret',
  'appAuth',
  'publicKeyID',
  'privateKey',
  'passphrase',
  'enterpriseID',
);
const document = fc
  .tuple(
    fieldOf,
    fc.oneof(
      fc.jsonValue(),
      fc.constantFrom(CLIENT_SECRET, encrypted, ` ${CLIENT_SECRET}\n`, encrypted.slice(0, 700)),
    ),
  )
  .map(([field, value]) =>
    JSON.stringify(configOf(encrypted, PASSPHRASE), (key, old: unknown) =>
      key === field ? value : old,
    ),
  );

const folder = mkdtempSync(join(tmpdir(), 'fuzz-'));
afterAll(() => rmSync(folder, { recursive: true }));
const path = join(folder, 'config.json');

/** Accepts the credentials, or fails with one of our errors that shows no secret. */
function tryCredentials(
  credentials: ConstructorParameters<typeof BoxAuth>[0]['credentials'],
): void {
  try {
    new BoxAuth({ credentials }).close();
  } catch (error) {
    expectOurs(error, secrets);
    expect(error).toMatchObject({ code: expect.stringMatching(/^(?:config|key)_/) as string });
  }
}

describe('Any content of config.json', () => {
  it('is accepted or rejected without showing a secret, as a file and as text', () => {
    fc.assert(
      fc.property(file, (bytes) => {
        writeFileSync(path, bytes);
        tryCredentials({ configFile: path });
        tryCredentials({ config: bytes.toString() });
      }),
      { numRuns: 250, examples: [[Buffer.alloc(0)], [Buffer.from(whole)]] },
    );
  });

  it('is accepted or rejected without showing a secret, with any value in any field', () => {
    fc.assert(
      fc.property(document, (text) => {
        tryCredentials({ config: text });
        tryCredentials({ config: JSON.parse(text) as never });
      }),
      { numRuns: 250 },
    );
  });
});
