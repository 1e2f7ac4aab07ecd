import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { anyText } from '../support/any-text.js';
import { credentials, holdsFor, outcomeOf } from '../support/app-outcome.js';
import { oddFunction, oddValue, PLANTED_SECRET } from '../support/hostile-values.js';

describe('A credentials function that returns or throws anything', () => {
  it('makes getToken fail with a code for credentials', () =>
    holdsFor(oddFunction(), async (odd) => {
      const { error } = await outcomeOf(() => ({ credentials: odd as never }));
      expect(['credentials_unavailable', 'config_invalid']).toContain(error?.code);
    }));

  it('makes getToken succeed or fail with a code for credentials when one field is odd', () =>
    holdsFor(
      fc
        .tuple(fc.constantFrom(...Object.keys(credentials)), oddValue)
        .map(([field, make]) => () => ({ ...credentials, [field]: make() })),
      async (odd) => {
        const { token, error } = await outcomeOf(() => ({ credentials: odd }));
        if (token === undefined) {
          expect(['credentials_unavailable', 'config_invalid']).toContain(error?.code);
        }
      },
    ));
});

describe('Credentials of any content', () => {
  const folder = mkdtempSync(join(tmpdir(), 'config-'));
  afterAll(() => rmSync(folder, { recursive: true }));

  const config = {
    boxAppSettings: {
      clientID: 'client',
      clientSecret: PLANTED_SECRET,
      appAuth: { publicKeyID: 'abcd1234', privateKey: PLANTED_SECRET, passphrase: PLANTED_SECRET },
    },
    enterpriseID: '1',
  };
  const { boxAppSettings } = config;
  const contents = fc.oneof(
    fc.uint8Array({ maxLength: 200 }),
    anyText(),
    fc.json(),
    fc.nat().map((length) => JSON.stringify(config).slice(0, length % 200)),
    fc.jsonValue().map((value) => JSON.stringify({ ...config, enterpriseID: value })),
    fc
      .tuple(fc.constantFrom(...Object.keys(boxAppSettings.appAuth)), fc.jsonValue())
      .map(([field, value]) => {
        const appAuth = { ...boxAppSettings.appAuth, [field]: value };
        return JSON.stringify({ ...config, boxAppSettings: { ...boxAppSettings, appAuth } });
      }),
  );

  it('are rejected with a code for the configuration when read from configFile, and never shown', () =>
    holdsFor(contents, async (content) => {
      const configFile = join(folder, 'config.json');
      writeFileSync(configFile, content);
      const { token, error } = await outcomeOf(() => ({ credentials: { configFile } }));
      // Without a private key the client secret alone is enough.
      if (token === undefined) expect(error?.code).toMatch(/^(?:config|key)_/);
    }));

  it('are accepted or rejected with a code for the configuration in every field', () =>
    holdsFor(oddValue, async (make) => {
      for (const odd of [make(), folder, join(folder, 'missing'), 'a\0b']) {
        for (const field of [
          'configFile',
          'config',
          'privateKey',
          'developerToken',
          'passphrase',
        ]) {
          const { token, error } = await outcomeOf(() => ({
            credentials: { [field]: odd } as never,
          }));
          if (token === undefined) expect(error?.code).toMatch(/^(?:config|key)_/);
        }
      }
    }));
});

describe('An external signer that returns or throws anything', () => {
  it('makes getToken fail with signer_failed', () =>
    holdsFor(oddFunction(), async (sign) => {
      const { error } = await outcomeOf(() => ({
        credentials: { ...credentials, publicKeyId: 'abcd1234', algorithm: 'RS256', sign } as never,
      }));
      expect(error?.code).toBe('signer_failed');
    }));
});

describe('A fetch that returns or throws anything', () => {
  const CODES = ['network', 'timeout', 'response_invalid'];

  it('makes the token request fail with a code for the network', () =>
    holdsFor(oddFunction(), async (odd) => {
      const { error } = await outcomeOf(() => ({ fetch: odd as never }));
      expect(CODES).toContain(error?.code);
    }));

  type Pull = (controller: ReadableStreamDefaultController) => unknown;
  const pulls = oddValue.chain((make) => {
    const ways: readonly Pull[] = [
      (controller) => controller.error(make()),
      (controller) => controller.enqueue(make()),
      (controller) => controller.enqueue(new Uint8Array(0)),
      () => Promise.reject(make()),
      () => new Promise(() => undefined),
    ];
    return fc.constantFrom(...ways);
  });

  it.each([200, 302, 400, 429, 503])(
    'makes the token request fail with a typed error when the body of a %i response is odd',
    (status) =>
      holdsFor(pulls, async (pull) => {
        const headers = { 'content-type': 'application/json' };
        const { error } = await outcomeOf(() => ({
          fetch: async () =>
            new Response(new ReadableStream({ pull: async (to) => void (await pull(to)) }), {
              status,
              headers,
            }),
        }));
        expect([...CODES, 'token_request_refused', 'rate_limited', 'unavailable']).toContain(
          error?.code,
        );
      }),
  );

  it.each(['status', 'ok', 'headers', 'body'])(
    'never causes an untyped error when %s of its response is odd',
    (field) =>
      holdsFor(oddValue, async (make) => {
        await outcomeOf((_, endpoint) => ({
          fetch: (async (...args: Parameters<typeof endpoint.fetch>) => {
            const { status, ok, headers, body } = await endpoint.fetch(...args);
            return { status, ok, headers, body, [field]: make() };
          }) as never,
        }));
      }),
  );
});

describe('A token endpoint that responds anything', () => {
  it('never causes an untyped error when one field of the JSON is odd', () =>
    holdsFor(
      fc.tuple(
        fc.constantFrom('access_token', 'expires_in', 'scope', 'restricted_to', 'error'),
        fc.jsonValue(),
        fc.constantFrom(200, 400, 401, 429, 500),
      ),
      async ([field, value, status]) => {
        await outcomeOf((runtime) => ({
          fetch: async () =>
            Response.json(
              { access_token: 'a-token', expires_in: 3600, [field]: value },
              { status, headers: { date: new Date(runtime.now()).toUTCString() } },
            ),
        }));
      },
    ));
});
