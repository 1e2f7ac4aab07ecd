import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BoxAuthError } from 'nestjs-box-auth';
import { BoxAuth } from '../../lib/box/box-auth.js';
import { anyText } from '../support/any-text.js';
import { FakeRuntime } from '../support/fake-runtime.js';
import { type LoopbackServer, startServer } from '../support/loopback-server.js';
import { ScriptedEndpoint } from '../support/scripted-endpoint.js';

let server: LoopbackServer;
beforeAll(async () => {
  server = await startServer((_, response) => response.end());
});
afterAll(() => server.stop());

/** Digits, and characters that could inject a header or a second id. */
const ids = fc.oneof(
  anyText({ maxLength: 30 }),
  fc.stringMatching(/^[0-9]{0,25}$/),
  fc
    .tuple(
      fc.stringMatching(/^[0-9]{1,5}$/),
      fc.constantFrom('\r\nx: y', '\n', '\r', '\0', ',2', ';2', ' 2', '٣', '%0d%0a', '\u2028', ''),
    )
    .map((parts) => parts.join('')),
);

function box(accessToken = 'abc'): BoxAuth {
  const runtime = new FakeRuntime();
  const endpoint = new ScriptedEndpoint(runtime);
  endpoint.otherwise = () => endpoint.json(200, { access_token: accessToken, expires_in: 3600 });
  return new BoxAuth({
    credentials: { clientId: 'client', clientSecret: 'secret', enterpriseId: '1' },
    apiUrl: server.url,
    fetch: (input, init) =>
      String(input).endsWith('/oauth2/token') ? endpoint.fetch(input, init) : fetch(input, init),
    tokenEndpoint: { attempts: 1 },
    runtime,
  });
}

describe('An acting user id', () => {
  it('is sent unchanged if it has 1 to 20 digits, and fails before any call otherwise', async () => {
    const { provider, fetch: boxFetch } = box();
    await fc.assert(
      fc.asyncProperty(ids, async (id) => {
        server.arrived.length = 0;
        const isId = /^[1-9][0-9]{0,19}$/.test(id) && !id.includes('\n');
        try {
          await provider.runAs(id, () => boxFetch('/2.0/users/me'));
          expect(isId).toBe(true);
          expect(server.arrived).toHaveLength(1);
          expect(server.arrived[0]?.headers['as-user']).toBe(id);
          expect(Object.keys(server.arrived[0]?.headers ?? {})).not.toContain('x');
        } catch (error) {
          if (!(error instanceof BoxAuthError)) throw error;
          expect(error.code).toBe('acting_user_invalid');
          expect(isId).toBe(false);
          expect(server.arrived).toEqual([]);
        }
      }),
      { numRuns: 300 },
    );
  });

  it('fails when it is not a string', () => {
    const { provider } = box();
    fc.assert(
      fc.property(
        fc.oneof(
          fc.integer(),
          fc.bigInt(),
          fc.object(),
          fc.constant(null),
          fc.constant(undefined),
          fc.array(fc.stringMatching(/^[0-9]$/)),
        ),
        (id) => {
          expect(() => provider.runAs(id as unknown as string, () => undefined)).toThrow(
            BoxAuthError,
          );
        },
      ),
    );
  });
});

describe('A token from the token endpoint', () => {
  it('is sent unchanged if it is valid in a header, and rejected otherwise', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(anyText({ maxLength: 40 }), fc.stringMatching(/^[!-~]{1,40}$/)),
        async (value) => {
          const { provider } = box(value);
          const fits = /^[!-~]+$/.test(value) && !value.includes('\n');
          const headers = await provider
            .getHeaders(`${server.url}/2.0/x`)
            .catch((error: unknown) => error);
          if (fits) expect(headers).toEqual({ authorization: `Bearer ${value}` });
          else expect(headers).toMatchObject({ code: 'response_invalid' });
        },
      ),
      { numRuns: 300 },
    );
  });
});

describe('getHeaders', () => {
  const hosts = fc.constantFrom(
    'api.box.com',
    'API.BOX.COM',
    'upload.box.com',
    'upload.app.box.com',
    'upload-las.app.box.com',
    'fupload-ams.app.box.com',
    'api.box.com.',
    'api.box.com.evil.example',
    'evilbox.com',
    'evil.app.box.com',
    'upload.app.box.com.evil.example',
    'xupload.app.box.com.',
    'dl.boxcloud.com',
    'account.box.com',
    'box.com',
    'ａpi.box.com',
    'api。box.com',
    '127.0.0.1',
    '[::1]',
    'localhost',
    '2130706433',
    'api.box.com%2eevil.example',
    'api.box.com\\@evil.example',
  );
  const addresses = fc
    .tuple(
      fc.constantFrom('https', 'http', 'HTTPS', 'ftp', 'javascript', ''),
      fc.constantFrom('', 'user@', 'user:pass@', 'api.box.com@'),
      hosts,
      fc.constantFrom('', ':443', ':80', ':8443', ':0443'),
      fc.constantFrom(
        '/2.0/x',
        '/',
        '',
        '/oauth2/token',
        '/oauth2/revoke?x',
        '/OAUTH2/token',
        '/a/..;/oauth2/token',
      ),
    )
    .map(
      ([scheme, user, host, port, path]) =>
        `${scheme}${scheme === '' ? '' : ':'}//${user}${host}${port}${path}`,
    );

  const allowedHosts = new Set([
    'api.box.com',
    'upload.box.com',
    'upload.app.box.com',
    'upload-las.app.box.com',
    'fupload-ams.app.box.com',
    'xupload.app.box.com',
  ]);

  /** An independent implementation of the rule, based on `URL`. */
  function mayHaveToken(address: string): boolean {
    if (!URL.canParse(address)) return false;
    const { protocol, hostname, port, username, password, pathname } = new URL(address);
    const isTokenEndpoint = /oauth2\/(token|revoke)/i.test(pathname);
    return (
      protocol === 'https:' &&
      port === '' &&
      username + password === '' &&
      allowedHosts.has(hostname) &&
      !isTokenEndpoint
    );
  }

  it('returns a token for addresses of the Box API only', async () => {
    const { provider } = new BoxAuth({ credentials: { developerToken: 'abc' } });
    await fc.assert(
      fc.asyncProperty(addresses, async (address) => {
        const given = await provider.getHeaders(address).then(
          () => true,
          () => false,
        );
        expect(given, address).toBe(mayHaveToken(address));
      }),
      { numRuns: 10_000 },
    );
  });
});
