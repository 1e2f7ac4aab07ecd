import { type BoxEmulator } from 'nestjs-box-auth/testing';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  clientOf,
  get,
  invalidGrant,
  mint,
  oauthRefusal,
  postAssertion,
  postClientCredentials,
  postForm,
  request,
  tokenIn,
} from './box-client.js';
import { startEmulator, type TestClock } from './emulator-fixture.js';
import { makeAssertion } from './hand-made-assertion.js';

let clock: TestClock;
let emulator: BoxEmulator;
beforeEach(async () => {
  ({ clock, emulator } = await startEmulator());
});
afterEach(() => emulator.stop());

const MISSING = 'Invalid grant_type parameter or parameter missing';
const BAD_CLIENT = oauthRefusal('invalid_client', 'The client credentials are invalid');
const CCG_REFUSED = invalidGrant('Grant credentials are invalid');
const NO_USER_TOKENS = oauthRefusal(
  'invalid_request',
  'Cannot obtain user token based on the enterprise configuration for your app',
);

describe('The token endpoint', () => {
  test.each(['application/json', 'text/plain', 'multipart/form-data; boundary=x'])(
    'rejects a valid body with the content type %s',
    async (contentType) => {
      const form = new URLSearchParams({
        grant_type: 'client_credentials',
        ...clientOf(emulator),
        box_subject_type: 'enterprise',
        box_subject_id: emulator.config.enterpriseID,
      });
      const send = (type: string) =>
        postForm(
          emulator,
          '/oauth2/token',
          {},
          { body: form.toString(), headers: { 'content-type': type } },
        );
      expect(await send(contentType)).toMatchObject(oauthRefusal('invalid_request', MISSING));
      expect(await send('Application/X-WWW-Form-Urlencoded ; charset=utf-8')).toMatchObject({
        status: 200,
      });
    },
  );

  test.for(['', 'password', 'urn:ietf:params:oauth:grant-type:saml2-bearer'])(
    'rejects the grant type "%s"',
    async (grantType) => {
      const fields = { grant_type: grantType, ...clientOf(emulator) };
      expect(await postForm(emulator, '/oauth2/token', fields)).toMatchObject(
        oauthRefusal('invalid_request', MISSING),
      );
    },
  );

  test('rejects a grant that the app may not use', async () => {
    const fields = { grant_type: 'refresh_token', ...clientOf(emulator) };
    expect(await postForm(emulator, '/oauth2/token', fields)).toMatchObject(
      oauthRefusal('invalid_request', 'The grant type is unauthorized for this client_id'),
    );
  });

  test('rejects a grant that the emulator was started without', async () => {
    await emulator.stop();
    ({ emulator } = await startEmulator({ grants: ['jwt-bearer'] }));
    expect(await postClientCredentials(emulator)).toMatchObject(
      oauthRefusal('invalid_request', 'The grant type is unauthorized for this client_id'),
    );
    expect(await mint(emulator)).toBeTypeOf('string');
  });

  test('rejects a repeated parameter, even with the same value', async () => {
    const form = new URLSearchParams({ grant_type: 'client_credentials', ...clientOf(emulator) });
    form.append('client_id', clientOf(emulator).client_id);
    expect(await postForm(emulator, '/oauth2/token', form)).toMatchObject(
      oauthRefusal('invalid_request', 'Parameters must not be included more than once: client_id'),
    );
  });

  test.for(['authorization', 'as-user'])('rejects the header %s', async (name) => {
    const response = await request(`${emulator.url}/oauth2/token`, {
      method: 'POST',
      headers: { [name]: name === 'as-user' ? '11111' : 'Bearer x' },
      body: new URLSearchParams({ grant_type: 'client_credentials', ...clientOf(emulator) }),
    });
    expect(response).toMatchObject(
      oauthRefusal('invalid_request', `The ${name} header must not be sent to this endpoint.`),
    );
  });

  test('rejects parameters in the URL, even with a valid body', async () => {
    const fields = {
      grant_type: 'client_credentials',
      ...clientOf(emulator),
      box_subject_type: 'enterprise',
      box_subject_id: emulator.config.enterpriseID,
    };
    expect(await postForm(emulator, '/oauth2/token?trace=1', fields)).toMatchObject(
      oauthRefusal('invalid_request', 'Parameters must be sent in the body, not in the URL.'),
    );
  });

  test('rejects a body of more than 64 KiB', async () => {
    const statuses: number[] = [];
    for (const bytes of [64 * 1024, 64 * 1024 + 1]) {
      const headers = { 'content-type': 'application/x-www-form-urlencoded' };
      const init = { body: 'assertion='.padEnd(bytes, 'x'), headers };
      statuses.push((await postForm(emulator, '/oauth2/token', {}, init)).status);
    }
    expect(statuses).toEqual([400, 413]);
  });

  test('rejects any method but POST', async () => {
    const response = await request(`${emulator.url}/oauth2/token`);
    expect(response.status).toBe(405);
    expect(response.headers.get('allow')).toBe('POST');
  });

  test.for(['client_id', 'client_secret'])('rejects an assertion with a wrong %s', async (name) => {
    const assertion = makeAssertion(emulator.config);
    const responses = [
      await postAssertion(emulator, assertion, { [name]: 'wrong' }),
      await postAssertion(emulator, assertion, { [name]: '' }),
    ];
    for (const response of responses) expect(response).toMatchObject(BAD_CLIENT);
    // A rejected client does not use up the assertion.
    tokenIn(await postAssertion(emulator, assertion));
  });

  test('rejects a request without an assertion', async () => {
    expect(await postAssertion(emulator, '')).toMatchObject(
      oauthRefusal('invalid_request', MISSING),
    );
  });

  test('omits expires_in for a lifetime of null, and sends 0 for 0', async () => {
    emulator.tokenLifetimeS = null;
    const first = await postAssertion(emulator, makeAssertion(emulator.config));
    emulator.tokenLifetimeS = 0;
    const second = await postAssertion(emulator, makeAssertion(emulator.config));
    expect(first.json).not.toHaveProperty('expires_in');
    expect(second.json).toHaveProperty('expires_in', 0);

    clock.nowMs += 365 * 86_400_000;
    for (const response of [first, second]) {
      expect(await get(emulator, '/2.0/users/me', tokenIn(response))).toMatchObject({
        status: 200,
      });
    }
  });
});

describe('Client credentials', () => {
  test('get a token for the enterprise and for a user', async () => {
    const enterprise = tokenIn(await postClientCredentials(emulator));
    const user = tokenIn(
      await postClientCredentials(emulator, { box_subject_type: 'user', box_subject_id: '22222' }),
    );
    expect(await get(emulator, '/2.0/users/me', enterprise)).toMatchObject({
      json: { id: emulator.serviceAccountId },
    });
    expect(await get(emulator, '/2.0/users/me', user)).toMatchObject({ json: { id: '22222' } });
  });

  test.for([
    { client_secret: 'wrong' },
    { client_id: 'wrong' },
    { box_subject_id: '1' },
    { box_subject_id: '' },
    { box_subject_type: 'external' },
    { box_subject_type: 'user' },
    { box_subject_type: 'user', box_subject_id: '99999' },
  ])('are rejected with the same text for every failure: %o', async (changes) => {
    expect(await postClientCredentials(emulator, { ...changes })).toMatchObject(CCG_REFUSED);
  });
});

describe('The state of the app', () => {
  test('without the authorization of the admin, no grant gets a token', async () => {
    emulator.authorized = false;
    expect(await postAssertion(emulator, makeAssertion(emulator.config))).toMatchObject(
      oauthRefusal('unauthorized_client', 'This app is not authorized by the enterprise admin'),
    );
    expect(await postClientCredentials(emulator)).toMatchObject(CCG_REFUSED);
    emulator.authorized = true;
    await mint(emulator);
  });

  test('without user tokens, only the enterprise gets a token', async () => {
    emulator.userTokensEnabled = false;
    const claims = { sub: '11111', box_sub_type: 'user' };
    expect(await postAssertion(emulator, makeAssertion(emulator.config, { claims }))).toMatchObject(
      NO_USER_TOKENS,
    );
    await mint(emulator);
  });

  test('the service account never gets a user token', async () => {
    const claims = { sub: emulator.serviceAccountId, box_sub_type: 'user' };
    expect(await postAssertion(emulator, makeAssertion(emulator.config, { claims }))).toMatchObject(
      NO_USER_TOKENS,
    );
  });
});

describe('Revocation', () => {
  test('revokes a token and responds with an empty 200', async () => {
    const token = await mint(emulator);
    const response = await postForm(emulator, '/oauth2/revoke', { ...clientOf(emulator), token });
    expect(response).toMatchObject({ status: 200, text: '' });
    expect(await get(emulator, '/2.0/users/me', token)).toMatchObject({ status: 401 });
  });

  test('of an unknown token is a 200 too', async () => {
    const fields = { ...clientOf(emulator), token: 'unknown' };
    expect(await postForm(emulator, '/oauth2/revoke', fields)).toMatchObject({ status: 200 });
  });

  test('is rejected for a wrong client, and the token stays valid', async () => {
    const token = await mint(emulator);
    const fields = { ...clientOf(emulator), client_secret: 'wrong', token };
    expect(await postForm(emulator, '/oauth2/revoke', fields)).toMatchObject(BAD_CLIENT);
    expect(await get(emulator, '/2.0/users/me', token)).toMatchObject({ status: 200 });
  });

  test('follows the rules of the token endpoint, and requires a token', async () => {
    const token = await mint(emulator);
    const twice = new URLSearchParams({ ...clientOf(emulator), token });
    twice.append('token', token);
    expect(await postForm(emulator, '/oauth2/revoke', twice)).toMatchObject(
      oauthRefusal('invalid_request', 'Parameters must not be included more than once: token'),
    );
    expect(await postForm(emulator, '/oauth2/revoke', clientOf(emulator))).toMatchObject(
      oauthRefusal('invalid_request', 'The token parameter is required.'),
    );
  });

  test('by the test revokes one token or all', async () => {
    const [first, second] = [await mint(emulator), await mint(emulator)];
    emulator.revokeToken(first);
    expect(await get(emulator, '/2.0/users/me', first)).toMatchObject({ status: 401 });
    expect(await get(emulator, '/2.0/users/me', second)).toMatchObject({ status: 200 });
    emulator.revokeAllTokens();
    expect(await get(emulator, '/2.0/users/me', second)).toMatchObject({ status: 401 });
  });
});
