import { createHash } from 'node:crypto';
import { type BoxEmulator } from 'nestjs-box-auth/testing';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  clientOf,
  type Fields,
  get,
  invalidGrant,
  oauthRefusal,
  postAssertion,
  postClientCredentials,
  postForm,
  tokenIn,
} from '../box-client.js';
import { startEmulator, type TestClock } from '../emulator-fixture.js';
import { makeAssertion } from '../hand-made-assertion.js';
import { ALICE, BOB, codeFor, connect, oauthClientOf, postCode } from './oauth-requests.js';

const UNKNOWN_CODE = invalidGrant("Auth code doesn't exist or is invalid for the client");
const UNAUTHORIZED_GRANT = oauthRefusal(
  'invalid_request',
  'The grant type is unauthorized for this client_id',
);
const VERIFIER = 'a-verifier.of_43~characters-or-more-0123456789';
const PKCE = {
  code_challenge: createHash('sha256').update(VERIFIER).digest('base64url'),
  code_challenge_method: 'S256',
};

let clock: TestClock;
let emulator: BoxEmulator;
beforeEach(async () => {
  ({ clock, emulator } = await startEmulator());
});
afterEach(() => emulator.stop());

describe('An authorization code', () => {
  test('gets a pair of tokens of the user', async () => {
    const response = await postCode(emulator, codeFor(emulator, BOB));
    expect(response).toMatchObject({
      status: 200,
      json: {
        access_token: expect.stringMatching(/^\w{32}$/),
        expires_in: 3600,
        refresh_token: expect.stringMatching(/^\w{64}$/),
        restricted_to: [],
        token_type: 'bearer',
      },
    });
    expect(response.headers.get('cache-control')).toBe('no-store');
    expect(await get(emulator, '/2.0/users/me', tokenIn(response))).toMatchObject({
      json: { id: BOB },
    });
  });

  test('names the scopes that the user granted', async () => {
    const code = codeFor(emulator, ALICE, { scope: 'root_readonly item_share' });
    expect((await postCode(emulator, code)).json).toMatchObject({
      restricted_to: [{ scope: 'root_readonly' }, { scope: 'item_share' }],
    });
  });

  test('works once', async () => {
    const code = codeFor(emulator);
    const token = tokenIn(await postCode(emulator, code));
    expect(await postCode(emulator, code)).toMatchObject(UNKNOWN_CODE);
    expect(await get(emulator, '/2.0/users/me', token)).toMatchObject({ status: 200 });
  });

  test('works once for two concurrent requests', async () => {
    const code = codeFor(emulator);
    const responses = await Promise.all([postCode(emulator, code), postCode(emulator, code)]);
    expect(new Set(responses.map(({ status }) => status))).toEqual(new Set([200, 400]));
  });

  test('expires after 30 s', async () => {
    const [first, second] = [codeFor(emulator), codeFor(emulator)];
    clock.nowMs += 29_999;
    tokenIn(await postCode(emulator, first));
    clock.nowMs += 1;
    expect(await postCode(emulator, second)).toMatchObject(
      invalidGrant('The authorization code has expired'),
    );
  });

  test.for<[string, Fields, object]>([
    ['that is unknown', { code: 'unknown' }, UNKNOWN_CODE],
    [
      'that is missing',
      { code: '' },
      oauthRefusal('invalid_request', 'Invalid grant_type parameter or parameter missing'),
    ],
    [
      'with another redirect URI',
      { redirect_uri: 'http://localhost:3000/other' },
      invalidGrant('The redirect URI differs from the one of the authorization request'),
    ],
  ])('%s is rejected', async ([, changes, expected]) => {
    expect(await postCode(emulator, codeFor(emulator), changes)).toMatchObject(expected);
  });

  test.for<Fields>([
    { client_secret: 'wrong' },
    { client_secret: '' },
    { client_id: 'wrong' },
    { client_id: '' },
  ])('is rejected for the client %o, and stays unused', async (changes) => {
    const code = codeFor(emulator);
    expect(await postCode(emulator, code, changes)).toMatchObject(
      oauthRefusal('invalid_client', 'The client credentials are invalid'),
    );
    tokenIn(await postCode(emulator, code));
  });

  test('accepts the redirect URI of the authorization request', async () => {
    const { redirectUri } = emulator.oauthApp;
    for (const redirect_uri of [redirectUri, redirectUri.replace('3000', '4000')]) {
      const code = codeFor(emulator, ALICE, { redirect_uri });
      expect(await postCode(emulator, code, { redirect_uri })).toMatchObject({ status: 200 });
    }
  });

  test('with a challenge requires the verifier', async () => {
    const redeem = (fields: Fields) => postCode(emulator, codeFor(emulator, ALICE, PKCE), fields);
    tokenIn(await redeem({ code_verifier: VERIFIER }));
    for (const code_verifier of ['', `${VERIFIER}x`, PKCE.code_challenge]) {
      expect(await redeem({ code_verifier })).toMatchObject(
        invalidGrant('The code_verifier is invalid'),
      );
    }
  });

  test('with a challenge is used up by a wrong verifier', async () => {
    const code = codeFor(emulator, ALICE, PKCE);
    await postCode(emulator, code, { code_verifier: 'wrong' });
    expect(await postCode(emulator, code, { code_verifier: VERIFIER })).toMatchObject(UNKNOWN_CODE);
  });

  test('rejects a verifier that is too short, even if it matches', async () => {
    const short = 'x'.repeat(42);
    const code_challenge = createHash('sha256').update(short).digest('base64url');
    const code = codeFor(emulator, ALICE, { ...PKCE, code_challenge });
    expect(await postCode(emulator, code, { code_verifier: short })).toMatchObject({ status: 400 });
  });

  test('without a challenge rejects a verifier', async () => {
    const response = await postCode(emulator, codeFor(emulator), { code_verifier: VERIFIER });
    expect(response).toMatchObject(invalidGrant('The code_verifier is invalid'));
  });

  test('of a user who was deleted is rejected', async () => {
    const code = codeFor(emulator, BOB);
    const admin = tokenIn(await postClientCredentials(emulator));
    const url = `${emulator.url}/2.0/users/${BOB}?force=true`;
    await fetch(url, { method: 'DELETE', headers: { authorization: `Bearer ${admin}` } });
    expect(await postCode(emulator, code)).toMatchObject(UNKNOWN_CODE);
  });

  test('is not used if Box fails before it processes the request', async () => {
    const code = codeFor(emulator);
    emulator.failNext('token', { kind: 'unavailable' });
    expect(await postCode(emulator, code)).toMatchObject({ status: 503 });
    tokenIn(await postCode(emulator, code));
  });

  test('is used if only the response is lost', async () => {
    const code = codeFor(emulator);
    emulator.failNext('token', { kind: 'reset', processed: true });
    await expect(postCode(emulator, code)).rejects.toThrow('fetch failed');
    expect(await postCode(emulator, code)).toMatchObject(UNKNOWN_CODE);
  });

  test('is recorded with its grant, its user and their enterprise', async () => {
    const code = codeFor(emulator, BOB);
    await postCode(emulator, code);
    expect(emulator.tokenRequests).toMatchObject([
      {
        body: { grant_type: 'authorization_code', code },
        subject: { type: 'user', id: BOB },
        enterprise: emulator.config.enterpriseID,
        status: 200,
      },
    ]);
    expect(emulator.mostConcurrentMintsFor({ type: 'user', id: BOB })).toBe(1);
  });
});

describe('The two apps', () => {
  test('have different grants', async () => {
    for (const grant_type of ['authorization_code', 'refresh_token']) {
      const fields = { grant_type, ...clientOf(emulator), code: codeFor(emulator) };
      expect(await postForm(emulator, '/oauth2/token', fields)).toMatchObject(UNAUTHORIZED_GRANT);
    }
    const client = oauthClientOf(emulator);
    const assertion = makeAssertion(emulator.config);
    expect(await postAssertion(emulator, assertion, client)).toMatchObject(UNAUTHORIZED_GRANT);
    expect(await postClientCredentials(emulator, client)).toMatchObject(UNAUTHORIZED_GRANT);
  });

  test('are independent: the admin withdraws the authorization of one', async () => {
    const { access } = await connect(emulator);
    emulator.authorized = false;
    expect(await get(emulator, '/2.0/users/me', access)).toMatchObject({ status: 200 });
    await connect(emulator, BOB);
  });
});
