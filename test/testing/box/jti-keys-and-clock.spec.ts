import { createPrivateKey, generateKeyPairSync, randomUUID, sign } from 'node:crypto';
import { type BoxEmulator } from 'nestjs-box-auth/testing';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { get, invalidGrant, mint, postAssertion, request, tokenIn } from './box-client.js';
import { NOW_MS, startEmulator } from './emulator-fixture.js';
import { claimsFor, headerFor, makeAssertion, signingInput } from './hand-made-assertion.js';

let emulator: BoxEmulator;
beforeEach(async () => {
  ({ emulator } = await startEmulator());
});
afterEach(() => emulator.stop());

const UNIQUE_JTI = "Please check the 'jti' claim. A unique 'jti' value is required.";
const NO_KEY = '"kid" invalid, unable to lookup correct key';

describe('A jti', () => {
  test('is accepted once', async () => {
    const assertion = makeAssertion(emulator.config);
    tokenIn(await postAssertion(emulator, assertion));
    expect(await postAssertion(emulator, assertion)).toMatchObject(invalidGrant(UNIQUE_JTI));
  });

  test('counts as used in another assertion, too', async () => {
    const claims = { jti: randomUUID() };
    tokenIn(await postAssertion(emulator, makeAssertion(emulator.config, { claims })));
    const again = { ...claims, sub: '11111', box_sub_type: 'user' };
    expect(
      await postAssertion(emulator, makeAssertion(emulator.config, { claims: again })),
    ).toMatchObject(invalidGrant(UNIQUE_JTI));
  });

  test.for([
    { kind: 'unavailable' },
    { kind: 'rate-limit', retryAfter: 1 },
    { kind: 'garbage' },
  ] as const)('counts as used after the fault $kind', async (fault) => {
    const assertion = makeAssertion(emulator.config);
    emulator.failNext('token', fault);
    await postAssertion(emulator, assertion);
    expect(await postAssertion(emulator, assertion)).toMatchObject(invalidGrant(UNIQUE_JTI));
    expect(emulator.mints).toBe(0);
  });

  test('counts as used after a connection reset', async () => {
    const assertion = makeAssertion(emulator.config);
    emulator.failNext('token', { kind: 'reset' });
    await expect(postAssertion(emulator, assertion)).rejects.toThrow('fetch failed');
    expect(await postAssertion(emulator, assertion)).toMatchObject(invalidGrant(UNIQUE_JTI));
  });

  test('counts as used after a rejection for another claim', async () => {
    const jti = randomUUID();
    const expired = makeAssertion(emulator.config, { claims: { jti, exp: NOW_MS / 1000 } });
    expect(await postAssertion(emulator, expired)).toMatchObject({ status: 400 });
    const fresh = makeAssertion(emulator.config, { claims: { jti } });
    expect(await postAssertion(emulator, fresh)).toMatchObject(invalidGrant(UNIQUE_JTI));
  });

  test('does not count as used if the signature is invalid', async () => {
    const assertion = makeAssertion(emulator.config);
    const [header = '', claims = ''] = assertion.split('.');
    const forged = `${header}.${claims}.${'A'.repeat(342)}`;
    expect(await postAssertion(emulator, forged)).toMatchObject({ status: 400 });
    tokenIn(await postAssertion(emulator, assertion));
  });
});

function signedBy(kid: string | undefined, pem: string) {
  const input = signingInput(headerFor(emulator.config, { kid }), claimsFor(emulator.config));
  const signature = sign('sha256', Buffer.from(input), createPrivateKey(pem));
  return postAssertion(emulator, `${input}.${signature.toString('base64url')}`);
}

describe('Keys', () => {
  const { publicKey, privateKey } = generateKeyPairSync('rsa', {
    modulusLength: 2048,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  });

  test('are selected by kid, also when there are two', async () => {
    emulator.registerPublicKey('newkey01', publicKey);
    expect(await signedBy('newkey01', privateKey)).toMatchObject({ status: 200 });
    expect(await mint(emulator)).toBeTypeOf('string');
  });

  test('require a kid if there are several', async () => {
    emulator.registerPublicKey('newkey01', publicKey);
    expect(await signedBy(undefined, privateKey)).toMatchObject(invalidGrant(NO_KEY));
  });

  test('are rejected after they are removed', async () => {
    emulator.registerPublicKey('newkey01', publicKey);
    emulator.removePublicKey(emulator.config.boxAppSettings.appAuth.publicKeyID);
    expect(await postAssertion(emulator, makeAssertion(emulator.config))).toMatchObject(
      invalidGrant(NO_KEY),
    );
    expect(await signedBy('newkey01', privateKey)).toMatchObject({ status: 200 });
  });

  test('must be RSA', () => {
    const elliptic = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    expect(() => emulator.registerPublicKey('newkey01', elliptic.publicKey)).toThrow(TypeError);
  });
});

describe('The clock of Box', () => {
  test('is in the Date of every response', async () => {
    emulator.clockSkewMs = 300_000;
    const expected = new Date(NOW_MS + 300_000).toUTCString();
    const responses = [
      await postAssertion(emulator, 'wrong'),
      await get(emulator, '/2.0/users/me', 'wrong'),
      await request(`${emulator.downloadUrl}/download`),
    ];
    expect(responses.map(({ headers }) => headers.get('date'))).toEqual([
      expected,
      expected,
      expected,
    ]);
  });

  test('decides that an assertion has expired when it is five minutes ahead', async () => {
    emulator.clockSkewMs = 300_000;
    expect(await postAssertion(emulator, makeAssertion(emulator.config))).toMatchObject(
      invalidGrant(
        "Current date/time MUST be before the expiration date/time listed in the 'exp' claim",
      ),
    );
  });

  test('decides that iat and exp are in the future when it is five minutes behind', async () => {
    emulator.clockSkewMs = -300_000;
    expect(await postAssertion(emulator, makeAssertion(emulator.config))).toMatchObject(
      invalidGrant("Please check the 'exp' claim."),
    );
    const claims = { exp: NOW_MS / 1000 - 300 + 45, iat: NOW_MS / 1000 };
    expect(await postAssertion(emulator, makeAssertion(emulator.config, { claims }))).toMatchObject(
      invalidGrant(
        "Current date/time MUST be after or equal to the not-before date/time  listed in the 'nbf' or 'iat' claim",
      ),
    );
  });

  test('accepts an assertion with its own time', async () => {
    emulator.clockSkewMs = 300_000;
    const claims = { exp: NOW_MS / 1000 + 300 + 45, iat: NOW_MS / 1000 + 300 };
    const response = await postAssertion(emulator, makeAssertion(emulator.config, { claims }));
    expect(response).toMatchObject({ status: 200 });
  });
});
