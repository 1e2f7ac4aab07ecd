import { inspect } from 'node:util';
import { Logger } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import axios from 'axios';
import * as fc from 'fast-check';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import {
  BoxAuthError,
  type BoxAuthErrorCode,
  BoxAuthModule,
  type BoxCredentials,
} from 'nestjs-box-auth';
import { BoxConnections } from 'nestjs-box-auth/connections';
import { BoxEmulator } from 'nestjs-box-auth/testing';
import { verifyBoxWebhook } from 'nestjs-box-auth/webhooks';
import { runInActingContext } from '../../lib/core/acting/acting.context.js';
import { BoxAuth } from '../../lib/box/box-auth.js';
import { providerReplacedError } from '../../lib/box/box-token.provider.js';
import { bodyNotReplayable } from '../../lib/core/http/replayable-body.js';
import { redact, sanitizedCause } from '../../lib/core/errors/redact.js';
import { Secret } from '../../lib/core/errors/secret.js';
import { attachToAxios } from '../../lib/axios/axios-authorization.js';
import type { ConnectionVault } from '../../lib/core/connections/connection-vault.js';
import { MemoryConnectionVault } from '../../lib/testing/connection-vault/memory-connection-vault.js';
import { anyText } from '../support/any-text.js';
import { HOUR_MS, TestConnection } from '../support/connections.js';
import { FakeRuntime } from '../support/fake-runtime.js';
import { makeKeys, PASSPHRASE } from '../support/keys.js';
import { broken, refuse, ScriptedEndpoint, silence } from '../support/scripted-endpoint.js';

const CLIENT_SECRET = 'q9LmZx3VbN7tRw2KcY8pDf5GhJ4sAe6U';
const DEVELOPER_TOKEN = 'dEvT0kEn4xQ7zW9mKb2pRs5vYt8uXc1a';
const keys = makeKeys();
const encrypted = keys.forms['PKCS#8 PBES2 3DES, as the console makes it'];
const plain = keys.forms['plain PKCS#8'];

/** Texts that must never be shown: the secrets, and each line of the keys. */
const secrets = [
  CLIENT_SECRET,
  DEVELOPER_TOKEN,
  PASSPHRASE,
  'token-1-for',
  ...[encrypted, plain].flatMap((pem) => pem.split('\n').slice(1, -2)),
];

const pair = {
  clientId: 'client',
  clientSecret: CLIENT_SECRET,
  publicKeyId: 'abcd1234',
  privateKey: encrypted,
  passphrase: PASSPHRASE,
  enterpriseId: '1',
};
const client = { clientId: 'client', clientSecret: CLIENT_SECRET, enterpriseId: '1' };

/** Everything that loggers, serializers and inspection show of a thrown value. */
function showings(thrown: unknown): string[] {
  const shown = [
    inspect(thrown, { depth: Infinity, showHidden: true, getters: true }),
    String(thrown),
    JSON.stringify(thrown),
  ];
  for (let error = thrown; error instanceof Error; error = error.cause) {
    shown.push(
      error.message,
      error.stack ?? '',
      inspect(error),
      JSON.stringify(error, Object.getOwnPropertyNames(error)),
    );
  }
  return shown;
}

function expectNoSecret(texts: readonly string[]): void {
  for (const text of texts) {
    for (const secret of secrets) expect(text).not.toContain(secret);
    expect(text).not.toMatch(/eyJ[\w-]{10,}/); // An assertion is a secret too.
  }
}

let endpoint: ScriptedEndpoint;
let runtime: FakeRuntime;
const written: string[] = [];
beforeAll(() => {
  for (const stream of [process.stdout, process.stderr]) {
    vi.spyOn(stream, 'write').mockImplementation((chunk) => {
      written.push(String(chunk));
      return true;
    });
  }
});
beforeEach(() => {
  runtime = new FakeRuntime();
  endpoint = new ScriptedEndpoint(runtime);
});
afterAll(() => vi.restoreAllMocks());

type Path = () => unknown;

const auth = (credentials: BoxCredentials | (() => BoxCredentials) = client) =>
  new BoxAuth({ credentials, fetch: endpoint.fetch, runtime });

async function getToken(box = auth()): Promise<unknown> {
  const work = box.provider.getToken();
  work.catch(() => undefined);
  await runtime.advance(60_000);
  return work;
}

const responding = (response: Parameters<ScriptedEndpoint['script']>[0]) => {
  endpoint.otherwise = response;
  return getToken();
};

const refusing =
  (error: string, description: string, status = 400): Path =>
  () =>
    responding(refuse(endpoint, status, error, description));

/** Asks a connection, whose access token has expired, for a token. */
async function mintExpired(
  prepare: (connection: TestConnection) => Partial<ConnectionVault> | void,
  secret?: string,
): Promise<unknown> {
  const connection = new TestConnection();
  await connection.connect();
  connection.runtime.freeze(HOUR_MS);
  return connection.process(prepare(connection) ?? {}, secret).mint(undefined, {});
}

/** People's accounts, with the client secret also as the secret of a browser. */
const connections = () =>
  new BoxConnections({
    clientId: 'client',
    clientSecret: CLIENT_SECRET,
    redirectUri: 'https://app.example.com/box/callback',
    secret: CLIENT_SECRET,
    vault: new MemoryConnectionVault(runtime),
    fetch: endpoint.fetch,
    runtime,
  });

async function begunState(box: BoxConnections): Promise<string> {
  const url = await box.authorizationUrl({ owner: 'ann', binding: CLIENT_SECRET });
  return new URL(url).searchParams.get('state') ?? '';
}

const echo = `client_secret=${CLIENT_SECRET}&assertion=eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJjbGllbnQifQ.c2lnbmF0dXJl`;
const secretWords = `refused ${CLIENT_SECRET} for ${PASSPHRASE.slice(0, 0)}Bearer ${DEVELOPER_TOKEN} ${echo}`;

/** Causes an error of each code, in a place where secrets are known. */
const paths: Record<BoxAuthErrorCode, Path> = {
  config_missing: () =>
    Test.createTestingModule({
      imports: [BoxAuthModule.forRootAsync({ useFactory: () => ({}) })],
    }).compile(),
  config_unreadable: () => auth({ configFile: 'missing.json', passphrase: PASSPHRASE }),
  config_invalid: () =>
    auth({
      config: `{"boxAppSettings":{"clientSecret":"${CLIENT_SECRET}","clientID":${JSON.stringify(plain)}`,
    }),
  option_invalid: () =>
    new BoxAuth({ credentials: client, apiUrl: `https://user:${CLIENT_SECRET}@box.example.com` }),
  credentials_unavailable: () =>
    getToken(
      auth(() => {
        throw new Error(secretWords, { cause: { CLIENT_SECRET } });
      }),
    ),
  key_passphrase_missing: () => auth({ ...pair, passphrase: '' }),
  key_passphrase_wrong: () => auth({ ...pair, passphrase: DEVELOPER_TOKEN }),
  key_cipher_unsupported: () => auth({ ...pair, privateKey: keys.forms['PBES2 DES'] }),
  key_truncated: () => auth({ ...pair, privateKey: encrypted.slice(0, 800) }),
  key_invalid: () => auth({ ...pair, privateKey: encrypted.split('\n').slice(1).join('\n') }),
  key_unsuitable: () => auth({ ...pair, privateKey: keys.ec }),
  signer_failed: () =>
    getToken(
      auth({
        ...client,
        publicKeyId: 'abcd1234',
        sign: () => {
          throw new Error(secretWords);
        },
      }),
    ),
  subject_invalid: () => auth().provider.getToken({ subject: { type: 'user', id: CLIENT_SECRET } }),
  subject_unsupported: () =>
    auth({ developerToken: DEVELOPER_TOKEN }).provider.getToken({
      subject: { type: 'user', id: '5' },
    }),
  acting_user_invalid: () => auth().provider.runAs(CLIENT_SECRET, () => undefined),
  acting_user_missing: () => {
    throw new BoxAuthError({
      code: 'acting_user_missing',
      message: 'm',
      hint: 'h',
      docs: 'd',
      cause: new Error(secretWords),
    });
  },
  enterprise_missing: () => auth().provider.runFor({ enterprise: undefined as never }, () => 0),
  enterprise_not_allowed: async () => {
    const tenants = () => Promise.reject(new Error(secretWords));
    const { provider } = new BoxAuth({ credentials: client, tenants });
    await provider.runFor({ enterprise: '7654321' }, () => 0);
  },
  origin_not_allowed: () =>
    auth().provider.getHeaders(
      `https://user:${CLIENT_SECRET}@evil.example/${DEVELOPER_TOKEN}?t=${CLIENT_SECRET}`,
    ),
  revocation_unsupported: async () => {
    const { provider } = new BoxAuth({ credentials: { developerToken: DEVELOPER_TOKEN } });
    await provider.getToken();
    await provider.revoke();
  },
  provider_replaced: () => providerReplacedError(),
  body_not_replayable: () => bodyNotReplayable('a stream'),
  webhook_invalid: () =>
    verifyBoxWebhook({
      body: Buffer.from(secretWords),
      headers: { 'box-signature-primary': 'x', 'box-signature-version': secretWords },
      primaryKey: CLIENT_SECRET,
    }),
  webhook_raw_body_missing: () =>
    verifyBoxWebhook({
      body: secretWords as never,
      headers: {
        'box-signature-primary': DEVELOPER_TOKEN,
        'box-signature-version': '1',
        'box-signature-algorithm': 'HmacSHA256',
        'box-delivery-timestamp': secretWords,
      },
      primaryKey: CLIENT_SECRET,
    }),
  app_not_authorized: refusing('unauthorized_client', secretWords),
  client_invalid: refusing('invalid_client', secretWords),
  user_tokens_not_enabled: refusing(
    'invalid_request',
    `Cannot obtain user token based on ${secretWords}`,
  ),
  grant_not_allowed: refusing('invalid_request', `The grant type is unauthorized ${secretWords}`),
  request_malformed: refusing('invalid_request', `Invalid grant_type parameter ${secretWords}`),
  grant_invalid: refusing('invalid_grant', `Grant credentials are invalid ${secretWords}`),
  subject_refused: refusing('invalid_grant', `'sub' ${secretWords}`),
  assertion_expired: refusing('invalid_grant', `'exp' ${secretWords}`),
  assertion_not_yet_valid: refusing('invalid_grant', `'iat' ${secretWords}`),
  assertion_replayed: refusing('invalid_grant', `'jti' ${secretWords}`),
  issuer_refused: refusing('invalid_grant', `'iss' ${secretWords}`),
  signature_refused: refusing('invalid_grant', `Signature verification ${secretWords}`),
  key_unknown: refusing('invalid_grant', `"kid" invalid ${secretWords}`),
  downscope_invalid: () => auth().provider.downscope({ scopes: [CLIENT_SECRET] }),
  subject_token_refused: refusing('invalid_grant', `the subject_token ${secretWords}`),
  scope_refused: refusing('invalid_scope', secretWords),
  resource_refused: refusing('invalid_resource', secretWords),
  token_request_refused: refusing(CLIENT_SECRET, secretWords, 418),
  token_invalid: () => undefined,
  unauthorized: () => undefined,
  insufficient_scope: () => undefined,
  access_denied: () => undefined,
  terms_of_service_required: () => undefined,
  request_refused: () => undefined,
  rate_limited: refusing('rate_limit_exceeded', secretWords, 429),
  unavailable: refusing(CLIENT_SECRET, secretWords, 503),
  timeout: () => responding(silence),
  network: () => {
    endpoint.otherwise = () =>
      Promise.reject(
        new TypeError(secretWords, {
          cause: Object.assign(new Error(echo), { code: 'ECONNRESET', body: echo }),
        }),
      );
    return getToken();
  },
  response_invalid: () =>
    responding(() => new Response(secretWords, { headers: { 'content-type': 'text/html' } })),
  expired_on_arrival: () =>
    responding((request) => {
      runtime.sleep(7_200_000);
      return endpoint.grant(request);
    }),
  token_refused_again: async () => {
    const { provider, tokens } = auth();
    provider.invalidate(await provider.getToken());
    return tokens.replace(await provider.getToken(), {});
  },
  developer_token_expired: async () => {
    const { provider } = auth({ developerToken: DEVELOPER_TOKEN });
    provider.invalidate(await provider.getToken());
    return provider.getToken();
  },
  owner_invalid: () => connections().authorizationUrl({ owner: '', binding: secretWords }),
  return_to_invalid: () =>
    connections().authorizationUrl({ owner: 'ann', binding: 'b', returnTo: secretWords }),
  state_invalid: () =>
    connections().complete({
      owner: 'ann',
      binding: secretWords,
      query: `state=${DEVELOPER_TOKEN}`,
    }),
  state_expired: async () => {
    const box = connections();
    const state = await begunState(box);
    runtime.freeze(HOUR_MS);
    return box.complete({
      owner: 'ann',
      binding: CLIENT_SECRET,
      query: { state, code: DEVELOPER_TOKEN },
    });
  },
  state_used: async () => {
    const box = connections();
    const response = { owner: 'ann', binding: CLIENT_SECRET };
    const query = { state: await begunState(box), error: 'access_denied' };
    await box.complete({ ...response, query }).catch(() => undefined);
    return box.complete({ ...response, query });
  },
  consent_denied: async () => {
    const box = connections();
    const query = {
      state: await begunState(box),
      error: 'access_denied',
      error_description: secretWords,
    };
    return box.complete({ owner: 'ann', binding: CLIENT_SECRET, query });
  },
  connection_missing: () => new TestConnection().process().mint(undefined, {}),
  reauthorization_required: () =>
    mintExpired((connection) => {
      connection.respond = async () => connection.refuse(new Error(secretWords));
    }),
  vault_unavailable: () =>
    mintExpired(() => ({ load: () => Promise.reject(new Error(secretWords)) })),
  vault_unreadable: () => mintExpired(() => ({}), 'another secret, 0123456789abcdef01234567'),
  store_unavailable: () => {
    const failing = () => Promise.reject(new Error(`redis://:${CLIENT_SECRET}@localhost refused`));
    const store = { claim: failing, publish: failing, invalidate: failing, fail: failing };
    return new BoxAuth({
      credentials: client,
      fetch: endpoint.fetch,
      store,
      onStoreFailure: 'closed',
    }).provider.getToken();
  },
  closed: () => {
    const box = auth();
    box.close();
    return box.provider.getToken();
  },
};

/** Codes of API responses: test/box/box-api-error.spec.ts covers them. */
const ofApiCalls: ReadonlySet<string> = new Set([
  'token_invalid',
  'unauthorized',
  'insufficient_scope',
  'access_denied',
  'terms_of_service_required',
  'request_refused',
]);

describe('An error', () => {
  it.each(Object.entries(paths).filter(([code]) => !ofApiCalls.has(code)))(
    'shows no secret when its code is %s',
    async (code, path) => {
      let thrown: unknown;
      try {
        thrown = await path();
      } catch (error) {
        thrown = error;
      }
      expect(thrown).toBeInstanceOf(BoxAuthError);
      expect(thrown).toMatchObject({ code });
      expectNoSecret(showings(thrown));
      new Logger('test').error(thrown);
      new Logger('test').error(inspect(thrown), thrown instanceof Error ? thrown.stack : '');
      expectNoSecret(written);
    },
  );

  it('of axios shows no secret, and neither does its response', async () => {
    const emulator = await BoxEmulator.start();
    const box = new BoxAuth({ credentials: { config: emulator.config }, apiUrl: emulator.url });
    const { value } = await box.provider.getToken();
    const instance = axios.create({ baseURL: emulator.url });
    attachToAxios(instance, box.policy, box.fetch);
    const shown = await Promise.all(
      [
        instance.get('/2.0/nothing'),
        runInActingContext({ user: { id: '99999', via: 'header' } }, () =>
          instance.get('/2.0/users/me'),
        ),
        instance.get('/2.0/users/me'),
        instance.get('/2.0/users/me', {
          timeout: 1,
          transformResponse: () => {
            throw new Error('transform');
          },
        }),
      ].map((call) =>
        call.then(
          (response) => showings(response),
          (error: unknown) => showings(error),
        ),
      ),
    );
    await emulator.stop();
    for (const text of shown.flat()) expect(text).not.toContain(value);
  });
});

describe('An object that holds a secret', () => {
  it('shows the secret of a Secret only through reveal()', () => {
    const secret = new Secret(CLIENT_SECRET);
    const holder = { secret, list: [secret] };
    expectNoSecret([
      String(secret),
      `${secret}`,
      JSON.stringify(holder),
      inspect(holder, { depth: 9, showHidden: true }),
      Object.values(secret).join(''),
    ]);
    expect(secret.reveal()).toBe(CLIENT_SECRET);
  });

  it('shows nothing when a BoxAuth with a token is inspected or serialized', async () => {
    for (const box of [
      auth(),
      auth({ developerToken: DEVELOPER_TOKEN }),
      auth({ appToken: DEVELOPER_TOKEN }),
      auth({ accessToken: DEVELOPER_TOKEN }),
    ]) {
      await getToken(box);
      expectNoSecret([inspect(box, { depth: 20, showHidden: true }), JSON.stringify(box)]);
    }
    expectNoSecret([inspect(auth(pair), { depth: 20, showHidden: true })]);
  });
});

describe('redact', () => {
  it('removes every known secret', () => {
    const text = fc.string({ maxLength: 40 });
    fc.assert(
      fc.property(text, text, fc.stringMatching(/^[!-~]{4,60}$/), (before, after, secret) => {
        fc.pre(
          !'[redacted]'.includes(secret) && !before.includes(secret) && !after.includes(secret),
        );
        expect(redact(`${before} ${secret} ${after}`, [secret])).not.toContain(secret);
      }),
    );
  });

  it('removes control characters and limits the length', () => {
    fc.assert(
      fc.property(anyText({ maxLength: 2_000 }), (text) => {
        const shown = redact(text);
        // oxlint-disable-next-line no-control-regex -- looks for control characters
        expect(shown).not.toMatch(/[\u0000-\u001F\u007F]/);
        expect(shown.length).toBeLessThanOrEqual(301);
      }),
    );
  });

  it('leaves messages of Box unchanged', () => {
    for (const words of [
      'This app is not authorized by the enterprise admin',
      "Current date/time MUST be after or equal to the not-before date/time  listed in the 'nbf' or 'iat' claim",
      'access_denied_insufficient_permissions',
      'Signature verification error. The public key identified by "kid" must correspond to the private key used for signing.',
    ]) {
      expect(redact(words)).toBe(words);
    }
  });

  it('leaves codes of Node and OpenSSL unchanged, unless one contains a secret', () => {
    const code = 'ERR_OSSL_UNSUPPORTED_PRF_OR_CIPHER';
    const thrown = Object.assign(new Error('no'), { code });
    expect(sanitizedCause(thrown)).toMatchObject({ code });
    expect(sanitizedCause(thrown, [code])).toMatchObject({ code: '[redacted]' });
    const secret = 'K3Y7ABCDEF0123456789SECRET';
    const hidden = Object.assign(new Error('no'), { code: `ERR_${secret}` });
    for (const known of [[], [secret]])
      expect(inspect(sanitizedCause(hidden, known))).not.toContain(secret);
  });

  it('removes a short secret only where it is a whole word', () => {
    expect(redact('invalid_grant: d is invalid', ['d'])).toBe(
      'invalid_grant: [redacted] is invalid',
    );
    expect(redact('secret=hunter2, hunter2!', ['hunter2'])).toBe('[redacted], [redacted]!');
  });

  it('copies the name, code and message of a cause, two levels deep', () => {
    const third = new Error('third');
    const second = new Error('second', { cause: third });
    const cause = sanitizedCause(
      Object.assign(new TypeError('first', { cause: second }), {
        code: 'E_ONE',
        request: { body: echo },
      }),
    );
    expect(cause).toMatchObject({ name: 'TypeError', message: 'first', code: 'E_ONE' });
    expect(cause).not.toHaveProperty('request');
    expect(inspect(cause)).toContain('third');
    expect(sanitizedCause(broken).message).toContain('type function');
  });
});
