import { describe, expect, it } from 'vitest';
import { boxUrlRules } from '../../lib/box/box-outgoing.js';
import { boxTokenError } from '../../lib/box/box-error-responses.js';
import { resolveOptions } from '../../lib/box/box-auth.options.js';
import { printable } from '../../lib/cli/terminal-text.js';
import { keyFormOf } from '../../lib/cli/doctor/key-form.js';
import { parseConfig } from '../../lib/box/credentials/config-json.js';
import { boxCredentialsHelp } from '../../lib/box/credentials/box-credentials.js';
import { parsePrivateKey } from '../../lib/core/credentials/private-key.js';
import { redact } from '../../lib/core/errors/redact.js';
import { refusesBearer } from '../../lib/core/http/www-authenticate.js';
import { mayCarryToken } from '../../lib/core/http/url-rules.js';
import { parseRetryAfter } from '../../lib/core/token-endpoint/token-request.js';
import { readVariable } from '../../lib/core/app/environment-variables.js';

// Linear code takes milliseconds for each of these. Quadratic code exceeds the time limit of a test.
const padded = (padding: string, length = 250_000) => padding.repeat(length / padding.length);

const PADDINGS = [
  ' ',
  '\n',
  ' \n',
  '\\',
  '\\n',
  '\\ ',
  '-',
  '-----',
  '-----BEGIN ',
  '-----BEGIN A-----',
  '-----END A-----',
  '"',
  '\\"',
  "' ",
  '{',
  '[',
  '{"a":',
  '=',
  'A',
  '0',
  '\0',
  '\uFEFF',
  'Proc-Type: 4,ENCRYPTED ',
];

/** Long padding alone, around and between `begin` and `end`, after `begin`, and before an unexpected character. */
function around(padding: string, begin: string, end: string): readonly string[] {
  const text = padded(padding);
  return [text, `${text}${begin}${text}${end}${text}`, `${begin}${text}`, `${text}\u2603`];
}

describe('Linear time', () => {
  it.each(PADDINGS)('is enough to parse a private key padded with %j', (padding) => {
    const names = { key: 'key', passphrase: 'passphrase' };
    for (const label of ['PRIVATE KEY', 'RSA PRIVATE KEY']) {
      for (const text of around(padding, `-----BEGIN ${label}-----`, `-----END ${label}-----`)) {
        expect(() => parsePrivateKey(text, 'x', names, boxCredentialsHelp)).toThrow('key');
        expect(keyFormOf(text)).toBeTypeOf('object');
      }
    }
  });

  it.each(PADDINGS)('is enough to parse a config.json padded with %j', (padding) => {
    for (const text of around(padding, '{"boxAppSettings": "', '"}')) {
      expect(() => parseConfig(text, 'config')).toThrow('config');
      expect(() => parseConfig({ boxAppSettings: { clientID: text } }, 'config')).toThrow('config');
    }
  });

  it.each(PADDINGS)(
    'is enough to read a variable, redact an error and print text padded with %j',
    (padding) => {
      for (const text of around(padding, '"', '"')) {
        expect(readVariable({ A: text }, 'A') ?? '').toBeTypeOf('string');
        expect(redact(text, ['A', 'AB', '0', '-', 'secret']).length).toBeLessThan(400);
        expect(printable(text, ['A', '0']).length).toBeLessThan(400);
      }
    },
  );

  it.each(['kid', '"kid"', 'error="', 'error=', 'invalid', ' ', '1', 'Mon, '])(
    'is enough to read a response padded with %j',
    async (padding) => {
      const text = padded(padding, 1_000_000);
      const error = boxTokenError({
        status: 400,
        headers: new Headers({ 'www-authenticate': text }),
        error: text,
        description: text,
        retryAfterMs: undefined,
        body: text,
        shown: () => '',
      });
      expect(error.code).toBeTypeOf('string');
      expect(
        await refusesBearer({ status: 401, challenge: text, isEmpty: () => false }),
      ).toBeTypeOf('boolean');
      expect(parseRetryAfter(text, 0) ?? 0).toBeTypeOf('number');
    },
  );

  it.each(['upload', '/', '\\', 'a.', '-', '/oauth2/'])(
    'is enough to check an address padded with %j',
    (padding) => {
      const text = padded(padding, 1_000_000);
      for (const address of [`https://${text}x.example/`, `https://a.example/${text}x`]) {
        if (!URL.canParse(address)) continue;
        expect(mayCarryToken(new URL(address), boxUrlRules([]))).toBe(false);
        const credentials = { developerToken: 'token' };
        expect(resolveOptions({ credentials, apiUrl: address }).apiUrl).toContain('example');
      }
    },
  );
});
