import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { integerIn, objectIdentifierIn, readDer } from '../../../lib/cli/doctor/der-reader.js';
import { keyFormOf } from '../../../lib/cli/doctor/key-form.js';
import { makeKeys } from '../../support/keys.js';

const { forms } = makeKeys();

const pem = (der: Buffer) =>
  `-----BEGIN ENCRYPTED PRIVATE KEY-----\n${der.toString('base64')}\n-----END ENCRYPTED PRIVATE KEY-----\n`;

describe('keyFormOf', () => {
  it.each(Object.entries(forms))('reads %s with escaped newlines', (_, text) => {
    expect(keyFormOf(text)).not.toEqual({});
    expect(keyFormOf(text.replaceAll('\n', String.raw`\n`))).toEqual(keyFormOf(text));
    expect(keyFormOf(`"${text.replaceAll('\n', String.raw`\r\n`)}"`)).toEqual(keyFormOf(text));
  });

  it('reads the available part of a truncated key', () => {
    const text = forms['PKCS#8 PBES2 AES'];
    expect(keyFormOf(text.slice(0, 500))).toEqual({ format: 'PKCS#8', encrypted: true });
  });

  it('names an unknown cipher by its object identifier', () => {
    // SEQUENCE { SEQUENCE { OID 1.2.3.4 } }
    expect(keyFormOf(pem(Buffer.from('300730050603 2a0304'.replace(' ', ''), 'hex')))).toEqual({
      format: 'PKCS#8',
      encrypted: true,
      cipher: '1.2.3.4',
    });
  });

  it.each(['', 'no key', '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n'])(
    'is nothing for %j',
    (text) => expect(keyFormOf(text)).toEqual({}),
  );

  it('never throws, whatever the bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        expect(keyFormOf(pem(Buffer.from(bytes)))).toMatchObject({ format: 'PKCS#8' });
      }),
    );
    const der = Buffer.from(forms['PKCS#8 scrypt'].replace(/-----[^-]+-----/g, ''), 'base64');
    fc.assert(
      fc.property(fc.nat(der.length - 1), fc.nat(255), (index, byte) => {
        const changed = Buffer.from(der);
        changed[index] = byte;
        expect(keyFormOf(pem(changed))).toMatchObject({ format: 'PKCS#8' });
      }),
    );
  });
});

describe('The DER reader', () => {
  it.each([
    ['060a2b0601040182370a0301', '1.3.6.1.4.1.311.10.3.1'],
    ['0603550403', '2.5.4.3'],
    ['06028837', '2.999'],
    ['0201 01', undefined],
  ])('reads %s as the object identifier %s (X.690 section 8.19)', (hex, expected) => {
    const [element] = readDer(Buffer.from(hex.replace(' ', ''), 'hex'));
    expect(objectIdentifierIn(element)).toBe(expected);
  });

  it.each([
    ['02020800', 2048],
    ['020300ffff', 65_535],
    ['02080102030405060708', undefined],
    ['0200', undefined],
    ['0401ff', undefined],
  ])('reads %s as the integer %s', (hex, expected) => {
    expect(integerIn(readDer(Buffer.from(hex, 'hex'))[0])).toBe(expected);
  });

  it('stops at an incomplete element', () => {
    expect(readDer(Buffer.from('0201010202', 'hex'))).toHaveLength(1);
    expect(readDer(Buffer.from('0485ffffffffff', 'hex'))).toEqual([]);
    const long = Buffer.concat([Buffer.from('04820100', 'hex'), Buffer.alloc(256)]);
    expect(readDer(long)[0]?.content).toHaveLength(256);
  });
});
