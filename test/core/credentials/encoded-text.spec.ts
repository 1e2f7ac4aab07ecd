import { describe, expect, it } from 'vitest';
import {
  decodedText,
  textOfBase64,
  withNewlines,
} from '../../../lib/core/credentials/encoded-text.js';

const bigEndian = (text: string) => Buffer.from(text, 'utf16le').swap16();

describe('decodedText', () => {
  it.each([
    ['UTF-8', Buffer.from('{"é": 1}')],
    ['UTF-8 with a byte order mark', Buffer.from('\ufeff{"é": 1}')],
    ['UTF-16LE', Buffer.from('{"é": 1}', 'utf16le')],
    ['UTF-16LE with a byte order mark', Buffer.from('\ufeff{"é": 1}', 'utf16le')],
    ['UTF-16BE', bigEndian('{"é": 1}')],
    ['UTF-16BE with a byte order mark', bigEndian('\ufeff{"é": 1}')],
  ])('decodes %s', (_, bytes) => {
    expect(decodedText(bytes)).toBe('{"é": 1}');
  });

  it.each([
    ['0xfe without 0xff', [0xfe, 0x41, 0x42, 0x43]],
    ['0xff without 0xfe', [0xff, 0x41, 0x42, 0x43]],
    ['0xff in second place', [0x41, 0xff, 0x42, 0x43]],
    ['0xfe in second place', [0x41, 0xfe, 0x42, 0x43]],
    ['two zero bytes', [0, 0, 0x42, 0x43]],
  ])('takes %s for UTF-8', (_, bytes) => {
    expect(decodedText(Uint8Array.from(bytes))).toBe(Buffer.from(bytes).toString('utf8'));
  });
});

describe('textOfBase64', () => {
  const text = '{"a": "?>~"}';

  it.each(['base64', 'base64url'] as const)('decodes %s', (encoding) => {
    expect(textOfBase64(Buffer.from(text).toString(encoding))).toBe(text);
  });

  it('ignores line breaks, escaped ones too', () => {
    const encoded = Buffer.from(text).toString('base64');
    expect(textOfBase64(`${encoded.slice(0, 8)}\\n${encoded.slice(8)}\n`)).toBe(text);
  });

  it.each(['{}{}', 'abc', 'a.b.c', '-----BEGIN KEY----- abcd -----END KEY-----'])(
    'rejects other text: %s',
    (other) => {
      expect(textOfBase64(other)).toBeUndefined();
    },
  );
});

it.each([
  [String.raw`a\nb`, 'a\nb'],
  [String.raw`a\\nb`, 'a\nb'],
  [String.raw`a\r\nb`, 'a\nb'],
  [String.raw`a\\\r\\\nb`, 'a\nb'],
  [String.raw`a\tb\\`, String.raw`a\tb\\`],
  ['annrr', 'annrr'],
])('withNewlines turns %j into %j', (text, expected) => {
  expect(withNewlines(text)).toBe(expected);
});
