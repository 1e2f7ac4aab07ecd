import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeConfig } from '../../../lib/box/credentials/config-decoding.js';

const config = {
  boxAppSettings: {
    clientID: 'client "one" \\ two',
    clientSecret: 'sécret\t',
    appAuth: { publicKeyID: 'abcd1234', privateKey: '-----BEGIN PRIVATE KEY-----\nMII\n\\n' },
  },
  enterpriseID: '1234567',
};

const base64 = (content: string | Buffer) => Buffer.from(content).toString('base64');

/** Each wraps a text without a change of its meaning. */
const WRAPPERS: Record<string, (text: string) => string> = {
  base64,
  base64url: (text) => Buffer.from(text).toString('base64url'),
  'base64 in lines': (text) => base64(text).replace(/.{76}/g, '$&\n'),
  'base64 of UTF-16': (text) => base64(Buffer.from(text, 'utf16le')),
  'base64 of UTF-16, big-endian': (text) =>
    base64(Buffer.from(`\uFEFF${text}`, 'utf16le').swap16()),
  'a byte order mark': (text) => `\uFEFF${text}`,
  'white space': (text) => ` \r\n${text}\n`,
  'a JSON string': (text) => JSON.stringify(text),
  'a JSON string without its quotes': (text) => JSON.stringify(text.trim()).slice(1, -1),
  'a secret of AWS': (text) => JSON.stringify({ ARN: 'arn', SecretString: text }),
  'a binary secret of AWS': (text) => JSON.stringify({ ARN: 'arn', SecretBinary: base64(text) }),
};

describe('config.json', () => {
  it('is decoded from any nesting of its encodings', () => {
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom(...Object.keys(WRAPPERS)), { maxLength: 5 }),
        (names) => {
          const text = names.reduce(
            (inner, name) => WRAPPERS[name]?.(inner) ?? inner,
            JSON.stringify(config, undefined, 2),
          );
          expect(decodeConfig(text, 'config')).toEqual(config);
          expect(decodeConfig(Buffer.from(text), 'config')).toEqual(config);
          expect(decodeConfig(Buffer.from(text, 'utf16le'), 'config')).toEqual(config);
        },
      ),
      { numRuns: 500 },
    );
  });

  it('is decoded in bounded time and not modified, whatever the input', () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.anything(), fc.json(), fc.base64String(), fc.uint8Array()),
        (input) => {
          const before = structuredClone(input);
          try {
            decodeConfig(input, 'config');
          } catch (error) {
            expect(error).toMatchObject({ code: 'config_invalid' });
          }
          expect(input).toEqual(before);
        },
      ),
    );
  });

  it('is decoded in bounded time if a getter returns another value each time', () => {
    let reads = 0;
    const input = {
      get SecretString() {
        reads += 1;
        return reads % 2 === 1 ? JSON.stringify(config) : undefined;
      },
      get SecretBinary() {
        return input;
      },
    };
    expect(decodeConfig(input, 'config')).toEqual(config);
  });
});
