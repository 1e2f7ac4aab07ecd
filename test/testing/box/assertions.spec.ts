import { spawnSync } from 'node:child_process';
import {
  constants,
  createHmac,
  createPrivateKey,
  createPublicKey,
  createSign,
  generateKeyPairSync,
  randomUUID,
  sign,
} from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BoxEmulator } from 'nestjs-box-auth/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { invalidGrant, postAssertion, tokenIn } from './box-client.js';
import { NOW_MS } from './emulator-fixture.js';
import { claimsFor, headerFor, makeAssertion, signingInput } from './hand-made-assertion.js';

const NOW_S = NOW_MS / 1000;
const CHECK_EXP = "Please check the 'exp' claim.";
const CHECK_SUB = "Please check the 'sub' claim. The 'sub' specified is invalid.";
const CHECK_JTI = "Please check the 'jti' claim.";
const EXPIRED =
  "Current date/time MUST be before the expiration date/time listed in the 'exp' claim";
const NOT_YET =
  "Current date/time MUST be after or equal to the not-before date/time  listed in the 'nbf' or 'iat' claim";
const NO_KEY = '"kid" invalid, unable to lookup correct key';
const NOT_SIGNED_BY_KEY =
  'Signature verification error. The public key identified by "kid" must correspond to the private key used for signing.';
const NO_JWT = 'The assertion is not a JWT.';
const CHECK_ALG = "Please check the 'alg' header. RS256, RS384 or RS512 is required.";

// The tests share an emulator, as each assertion has its own jti.
let emulator: BoxEmulator;
beforeAll(async () => {
  emulator = await BoxEmulator.start({ now: () => NOW_MS });
});
afterAll(() => emulator.stop());

function privateKey() {
  const { privateKey: key, passphrase } = emulator.config.boxAppSettings.appAuth;
  return createPrivateKey({ key, passphrase });
}

function post(changes: { header?: object; claims?: object }) {
  return postAssertion(
    emulator,
    makeAssertion(emulator.config, {
      header: { ...changes.header },
      claims: { ...changes.claims },
    }),
  );
}

function signedInput(header: object = {}) {
  const { config } = emulator;
  return signingInput(headerFor(config, { ...header }), claimsFor(config));
}

describe('An assertion gets an access token', () => {
  test('in Box’s response, which must not be cached', async () => {
    const response = await post({});
    expect(response).toMatchObject({
      status: 200,
      json: {
        expires_in: 3600,
        restricted_to: [],
        token_type: 'bearer',
      },
    });
    expect(tokenIn(response)).toMatch(/^[0-9a-z]{32}$/);
    expect(response.headers.get('cache-control')).toBe('no-store');
  });

  test.each(['RS256', 'RS384', 'RS512'])('when it is signed with %s', async (alg) => {
    expect(await post({ header: { alg } })).toMatchObject({ status: 200 });
  });

  test('when node:crypto signed it as a stream', async () => {
    const input = signedInput();
    const signature = createSign('RSA-SHA256').update(input).sign(privateKey(), 'base64url');
    expect(await postAssertion(emulator, `${input}.${signature}`)).toMatchObject({ status: 200 });
  });

  test('when openssl signed it with the encrypted key of config.json', async () => {
    const input = signedInput();
    const { privateKey: key, passphrase } = emulator.config.boxAppSettings.appAuth;
    const folder = await mkdtemp(join(tmpdir(), 'box-emulator-'));
    try {
      const file = join(folder, 'key.pem');
      await writeFile(file, key);
      const openssl = spawnSync(
        'openssl',
        ['dgst', '-sha256', '-sign', file, '-passin', 'env:PASSPHRASE'],
        { input, env: { ...process.env, PASSPHRASE: passphrase } },
      );
      expect(openssl.stderr.toString()).toBe('');
      tokenIn(await postAssertion(emulator, `${input}.${openssl.stdout.toString('base64url')}`));
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  test.each([
    ['no typ', { header: { typ: undefined } }],
    ['no kid, as one key only is registered', { header: { kid: undefined } }],
    ['a user as its subject', { claims: { sub: '11111', box_sub_type: 'user' } }],
    ['an exp one second ahead', { claims: { exp: NOW_S + 1 } }],
    ['an exp 60 seconds ahead', { claims: { exp: NOW_S + 60 } }],
    ['an iat and an nbf of this very second', { claims: { iat: NOW_S, nbf: NOW_S } }],
    ['claims that Box does not know', { claims: { name: 'Ada' } }],
  ])('with %s', async (_what, changes) => {
    expect(await post(changes)).toMatchObject({ status: 200 });
  });

  test.each([16, 128])('with a jti of %i characters', async (length) => {
    const jti = randomUUID().repeat(4).slice(0, length);
    expect(await post({ claims: { jti } })).toMatchObject({ status: 200 });
  });
});

describe('An assertion is rejected', () => {
  test.each([
    ['an unknown kid', { header: { kid: 'unknown1' } }, NO_KEY],
    ['a kid that is no string', { header: { kid: 1 } }, NO_KEY],
    ['a typ other than JWT', { header: { typ: 'at+jwt' } }, "Please check the 'typ' header."],
    ['an extension', { header: { crit: ['b64'] } }, "Please check the 'crit' header."],
    ['another iss', { claims: { iss: 'someone-else' } }, "Please check the 'iss' claim."],
    ['no iss', { claims: { iss: undefined } }, "Please check the 'iss' claim."],
    ['no aud', { claims: { aud: undefined } }, "Please check the 'aud' claim."],
    [
      'a list as aud',
      { claims: { aud: ['https://api.box.com/oauth2/token'] } },
      "Please check the 'aud' claim.",
    ],
    ['another enterprise', { claims: { sub: '1' } }, CHECK_SUB],
    ['a user called an enterprise', { claims: { sub: '11111' } }, CHECK_SUB],
    ['an unknown user', { claims: { sub: '99999', box_sub_type: 'user' } }, CHECK_SUB],
    ['a sub that is a number', { claims: { sub: 11111, box_sub_type: 'user' } }, CHECK_SUB],
    ['no box_sub_type', { claims: { box_sub_type: undefined } }, CHECK_SUB],
    ['an unknown box_sub_type', { claims: { box_sub_type: 'external' } }, CHECK_SUB],
    ['no exp', { claims: { exp: undefined } }, CHECK_EXP],
    ['an exp that is a string', { claims: { exp: String(NOW_S + 45) } }, CHECK_EXP],
    ['an exp in fractions', { claims: { exp: NOW_S + 45.5 } }, CHECK_EXP],
    ['an exp 61 seconds ahead', { claims: { exp: NOW_S + 61 } }, CHECK_EXP],
    ['an exp in milliseconds', { claims: { exp: NOW_MS + 45_000 } }, CHECK_EXP],
    ['an exp of this very second', { claims: { exp: NOW_S } }, EXPIRED],
    ['an iat one second ahead', { claims: { iat: NOW_S + 1 } }, NOT_YET],
    ['an nbf one second ahead', { claims: { nbf: NOW_S + 1 } }, NOT_YET],
    ['an iat that is a string', { claims: { iat: String(NOW_S) } }, NOT_YET],
    ['no jti', { claims: { jti: undefined } }, CHECK_JTI],
    ['a jti that is a number', { claims: { jti: 1234567890123456 } }, CHECK_JTI],
    ['a jti of 15 characters', { claims: { jti: 'x'.repeat(15) } }, CHECK_JTI],
    ['a jti of 129 characters', { claims: { jti: 'x'.repeat(129) } }, CHECK_JTI],
  ])('for %s', async (_what, changes, description) => {
    expect(await post(changes)).toMatchObject(invalidGrant(description));
  });

  test("for the emulator's URL as aud: only Box's is accepted", async () => {
    const aud = `${emulator.url}/oauth2/token`;
    expect(await post({ claims: { aud } })).toMatchObject(
      invalidGrant("Please check the 'aud' claim."),
    );
  });

  test.each([
    ['nothing like a JWT', 'assertion'],
    ['two parts', 'e30.e30'],
    ['four parts', 'e30.e30.e30.e30'],
    ['a header that is no object', 'W10.e30.AAAA'],
    ['a header that is no JSON', '____.e30.AAAA'],
  ])('for %s', async (_what, assertion) => {
    expect(await postAssertion(emulator, assertion)).toMatchObject(invalidGrant(NO_JWT));
  });

  test('for base64 padding, which a JWT must not have', async () => {
    const assertion = makeAssertion(emulator.config);
    expect(await postAssertion(emulator, `${assertion}==`)).toMatchObject(invalidGrant(NO_JWT));
  });

  test('for alg none, with and without a signature', async () => {
    const input = signedInput({ alg: 'none' });
    for (const assertion of [
      `${input}.`,
      makeAssertion(emulator.config, { header: { alg: 'none' } }),
    ]) {
      expect(await postAssertion(emulator, assertion)).toMatchObject(invalidGrant(CHECK_ALG));
    }
  });

  test('for HS256 with the public key as its secret', async () => {
    const input = signedInput({ alg: 'HS256' });
    const secret = createPublicKey(privateKey()).export({ type: 'spki', format: 'pem' });
    const mac = createHmac('sha256', secret).update(input).digest('base64url');
    expect(await postAssertion(emulator, `${input}.${mac}`)).toMatchObject(invalidGrant(CHECK_ALG));
  });

  test('for PS256 and ES256, even with a valid signature', async () => {
    const ps256 = signedInput({ alg: 'PS256' });
    const es256 = signedInput({ alg: 'ES256' });
    const elliptic = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const signatures = [
      [ps256, { key: privateKey(), padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 }],
      [es256, { key: elliptic.privateKey, dsaEncoding: 'ieee-p1363' }],
    ] as const;
    for (const [input, key] of signatures) {
      const signature = sign('sha256', Buffer.from(input), key).toString('base64url');
      expect(await postAssertion(emulator, `${input}.${signature}`)).toMatchObject(
        invalidGrant(CHECK_ALG),
      );
    }
  });

  test('for a hash other than that of alg', async () => {
    const input = signedInput({ alg: 'RS512' });
    const signature = sign('sha256', Buffer.from(input), privateKey()).toString('base64url');
    expect(await postAssertion(emulator, `${input}.${signature}`)).toMatchObject(
      invalidGrant(NOT_SIGNED_BY_KEY),
    );
  });

  test('for a signature of another key', async () => {
    const input = signedInput();
    const stranger = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const signature = sign('sha256', Buffer.from(input), stranger.privateKey);
    expect(
      await postAssertion(emulator, `${input}.${signature.toString('base64url')}`),
    ).toMatchObject(invalidGrant(NOT_SIGNED_BY_KEY));
  });

  test('for the first failure in the documented order', async () => {
    const wrong = { iss: 'x', aud: 'x', sub: 'x', exp: 'x', iat: 'x', jti: 'x' };
    const { config } = emulator;
    const right = claimsFor(config);
    const texts: string[] = [];
    for (const name of Object.keys(wrong)) {
      const response = await post({ claims: { ...wrong } });
      texts.push(/'(\w+)' claim/.exec(response.text)?.[1] ?? '');
      Object.assign(wrong, { [name]: right[name] });
    }
    expect(texts).toEqual(['iss', 'aud', 'sub', 'exp', 'iat', 'jti']);
  });
});
