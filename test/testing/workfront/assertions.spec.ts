import { spawnSync } from 'node:child_process';
import { createPrivateKey, createPublicKey, generateKeyPairSync, randomUUID } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CompactSign, FlattenedSign, SignJWT, UnsecuredJWT } from 'jose';
import { type WorkfrontEmulator } from 'nestjs-box-auth/testing';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { NOW_MS, type TestClock } from '../box/emulator-fixture.js';
import {
  claimsFor,
  lastReason,
  makeJwt,
  mint,
  NOW_S,
  postJwt,
  startWorkfront,
} from './workfront-fixture.js';

const REFUSED = { status: 400, json: { error: 'invalid_grant', error_description: 'Invalid JWT' } };

let clock: TestClock;
let emulator: WorkfrontEmulator;
beforeEach(async () => {
  ({ clock, emulator } = await startWorkfront());
});
afterEach(() => emulator.stop());

describe('A JWT gets a session', () => {
  test.each([
    ['no typ', { header: { typ: undefined } }],
    ['a kid, which is not looked at', { header: { kid: 'any' } }],
    ['no jti', { claims: { jti: undefined } }],
    ['an aud, which is not looked at', { claims: { aud: 'any' } }],
    ['an exp one second ahead', { claims: { exp: NOW_S + 1 } }],
    ['an exp 180 seconds ahead', { claims: { exp: NOW_S + 180 } }],
    ['an iat of this very second', { claims: { iat: NOW_S } }],
    ['an iat 5 seconds ahead', { claims: { iat: NOW_S + 5 } }],
    ['an nbf 5 seconds ahead', { claims: { nbf: NOW_S + 5 } }],
  ])('with %s', async (_what, changes) => {
    expect(await postJwt(emulator, await makeJwt(emulator, changes))).toMatchObject({
      status: 200,
    });
  });
});

describe('A JWT is rejected', () => {
  test.each([
    ['the client id as iss', 'issuer', { iss: 'clientId' }],
    ['the user id as iss', 'issuer', { iss: 'userId' }],
    ['the customer id as sub', 'subject', { sub: 'customerId' }],
    ['the client id as sub', 'subject', { sub: 'clientId' }],
  ] as const)('for %s', async (_what, reason, changes) => {
    const { credentials } = emulator;
    const claims = Object.fromEntries(
      Object.entries(changes).map(([name, of]) => [name, credentials[of]]),
    );
    const response = await postJwt(emulator, await makeJwt(emulator, { claims }));
    expect(response).toMatchObject(REFUSED);
    expect(lastReason(emulator)).toBe(reason);
  });

  test('for the client id as iss, which the refusal explains', async () => {
    const claims = { iss: emulator.credentials.clientId };
    await postJwt(emulator, await makeJwt(emulator, { claims }));
    expect(emulator.refusals).toEqual([
      {
        target: 'exchange',
        reason: 'issuer',
        detail: 'The iss is the client id; it must be the customer id.',
        status: 400,
      },
    ]);
  });

  test.each([
    ['no iss', 'issuer', { iss: undefined }],
    ['no sub', 'subject', { sub: undefined }],
    ['no exp', 'expiry-missing', { exp: undefined }],
    ['an exp that is a string', 'expiry-missing', { exp: String(NOW_S + 60) }],
    ['an exp in fractions', 'expiry-missing', { exp: NOW_S + 60.5 }],
    ['an exp of this very second', 'expired', { exp: NOW_S }],
    ['an exp 181 seconds ahead', 'expiry-too-far', { exp: NOW_S + 181 }],
    ['an exp in milliseconds', 'expiry-too-far', { exp: NOW_MS + 60_000 }],
    ['an iat 6 seconds ahead', 'not-yet-valid', { iat: NOW_S + 6 }],
    ['an nbf 6 seconds ahead', 'not-yet-valid', { nbf: NOW_S + 6 }],
    ['an iat that is a string', 'not-yet-valid', { iat: String(NOW_S) }],
  ])('for %s', async (_what, reason, claims) => {
    // jose itself would reject some of these.
    const input = new TextEncoder().encode(JSON.stringify(claimsFor(emulator, claims)));
    const jwt = await new CompactSign(input)
      .setProtectedHeader({ alg: 'RS256' })
      .sign(createPrivateKey(emulator.credentials.privateKey));
    expect(await postJwt(emulator, jwt)).toMatchObject(REFUSED);
    expect(lastReason(emulator)).toBe(reason);
  });

  test.each(['RS384', 'RS512', 'PS256'])('for %s, even with a valid signature', async (alg) => {
    expect(await postJwt(emulator, await makeJwt(emulator, { header: { alg } }))).toMatchObject(
      REFUSED,
    );
    expect(lastReason(emulator)).toBe('algorithm');
  });

  test('for ES256, even with its key registered', async () => {
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    expect(() => emulator.registerPublicKey(publicKey)).toThrow(TypeError);
    const jwt = await makeJwt(emulator, { header: { alg: 'ES256' }, key: privateKey });
    expect(await postJwt(emulator, jwt)).toMatchObject(REFUSED);
    expect(lastReason(emulator)).toBe('algorithm');
  });

  test('for alg none, with and without a signature', async () => {
    const unsecured = new UnsecuredJWT(claimsFor(emulator)).encode();
    const [, , signature = ''] = (await makeJwt(emulator)).split('.');
    for (const jwt of [unsecured, `${unsecured}${signature}`]) {
      expect(await postJwt(emulator, jwt)).toMatchObject(REFUSED);
      expect(lastReason(emulator)).toBe('algorithm');
    }
  });

  test('for HS256 with the public key as its secret', async () => {
    const publicKey = createPublicKey(emulator.credentials.privateKey);
    const jwt = await new SignJWT(claimsFor(emulator))
      .setProtectedHeader({ alg: 'HS256' })
      .sign(Buffer.from(publicKey.export({ type: 'spki', format: 'pem' })));
    expect(await postJwt(emulator, jwt)).toMatchObject(REFUSED);
    expect(lastReason(emulator)).toBe('algorithm');
  });

  test('for a key that is not registered', async () => {
    const { privateKey: key } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    expect(await postJwt(emulator, await makeJwt(emulator, { key }))).toMatchObject(REFUSED);
    expect(lastReason(emulator)).toBe('signature');
  });

  test('for a typ other than JWT, and for an extension', async () => {
    const other = await makeJwt(emulator, { header: { typ: 'at+jwt' } });
    const payload = new TextEncoder().encode(JSON.stringify(claimsFor(emulator)));
    const extended = await new FlattenedSign(payload)
      .setProtectedHeader({ alg: 'RS256', 'urn:example': true, crit: ['urn:example'] })
      .sign(createPrivateKey(emulator.credentials.privateKey), { crit: { 'urn:example': true } });
    for (const jwt of [
      other,
      `${extended.protected ?? ''}.${extended.payload}.${extended.signature}`,
    ]) {
      expect(await postJwt(emulator, jwt)).toMatchObject(REFUSED);
      expect(lastReason(emulator)).toBe('header');
    }
  });

  test.each(['jwt', 'e30.e30', 'e30.e30.e30.e30', 'W10.e30.AAAA', '____.e30.AAAA'])(
    'when it is not a JWT: %s',
    async (text) => {
      expect(await postJwt(emulator, text)).toMatchObject(REFUSED);
      expect(lastReason(emulator)).toBe('malformed-jwt');
    },
  );

  test('without a signature', async () => {
    const [header = '', claims = ''] = (await makeJwt(emulator)).split('.');
    expect(await postJwt(emulator, `${header}.${claims}.`)).toMatchObject(REFUSED);
    expect(lastReason(emulator)).toBe('malformed-jwt');
  });
});

describe('A JWT is accepted once', () => {
  test('and rejected the second time', async () => {
    const jwt = await makeJwt(emulator);
    expect(await postJwt(emulator, jwt)).toMatchObject({ status: 200 });
    expect(await postJwt(emulator, jwt)).toMatchObject(REFUSED);
    expect(lastReason(emulator)).toBe('replayed');
    expect(emulator.mints).toBe(1);
  });

  test('even if it is signed again with the same claims', async () => {
    const claims = { jti: randomUUID() };
    expect(await postJwt(emulator, await makeJwt(emulator, { claims }))).toMatchObject({
      status: 200,
    });
    expect(await postJwt(emulator, await makeJwt(emulator, { claims }))).toMatchObject(REFUSED);
    expect(lastReason(emulator)).toBe('replayed');
  });

  test.each([{ kind: 'unavailable' }, { kind: 'reset' }] as const)(
    'even if that ended in a fault: $kind',
    async (fault) => {
      const jwt = await makeJwt(emulator);
      emulator.failNext('exchange', fault);
      await Promise.allSettled([postJwt(emulator, jwt)]);
      expect(await postJwt(emulator, jwt)).toMatchObject(REFUSED);
      expect(lastReason(emulator)).toBe('replayed');
    },
  );

  test('even if it was rejected for its time', async () => {
    const jwt = await makeJwt(emulator, { claims: { exp: NOW_S + 181 } });
    expect(await postJwt(emulator, jwt)).toMatchObject(REFUSED);
    clock.nowMs += 60_000;
    expect(await postJwt(emulator, jwt)).toMatchObject(REFUSED);
    expect(lastReason(emulator)).toBe('replayed');
  });

  test('but is not used up by a wrong client secret or a wrong key', async () => {
    const jwt = await makeJwt(emulator);
    expect(await postJwt(emulator, jwt, { client_secret: 'guessed' })).toMatchObject({
      status: 401,
    });
    const publicKey = createPublicKey(emulator.credentials.privateKey);
    const { publicKey: other } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    emulator.registerPublicKey(other);
    emulator.removePublicKey(publicKey);
    expect(await postJwt(emulator, jwt)).toMatchObject(REFUSED);
    expect(lastReason(emulator)).toBe('signature');
    emulator.registerPublicKey(publicKey);
    expect(await postJwt(emulator, jwt)).toMatchObject({ status: 200 });
  });
});

describe('The clock of Workfront', () => {
  test('decides whether a JWT is valid', async () => {
    emulator.clockSkewMs = 60_000;
    expect(await postJwt(emulator)).toMatchObject(REFUSED);
    expect(lastReason(emulator)).toBe('expired');
    emulator.clockSkewMs = -121_000;
    expect(await postJwt(emulator)).toMatchObject(REFUSED);
    expect(lastReason(emulator)).toBe('expiry-too-far');
    emulator.clockSkewMs = 59_000;
    expect(await postJwt(emulator)).toMatchObject({ status: 200 });
  });

  test('is in the Date of every response', async () => {
    emulator.clockSkewMs = 300_000;
    const { headers } = await postJwt(emulator);
    expect(headers.get('date')).toBe(new Date(NOW_MS + 300_000).toUTCString());
    expect(emulator.clockSkewMs).toBe(300_000);
  });

  test('advances', async () => {
    const jwt = await makeJwt(emulator);
    clock.nowMs += 60_000;
    expect(await postJwt(emulator, jwt)).toMatchObject(REFUSED);
    expect(lastReason(emulator)).toBe('expired');
  });
});

describe('A key', () => {
  test('is accepted from its registration to its removal, next to another key', async () => {
    const { privateKey: key, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const pem = publicKey.export({ type: 'spki', format: 'pem' }).toString();
    emulator.registerPublicKey(pem);
    expect(await postJwt(emulator, await makeJwt(emulator, { key }))).toMatchObject({
      status: 200,
    });
    expect(await mint(emulator)).toBeTypeOf('string');

    emulator.removePublicKey(pem);
    expect(await postJwt(emulator, await makeJwt(emulator, { key }))).toMatchObject(REFUSED);
    expect(await mint(emulator)).toBeTypeOf('string');
  });

  test('can be removed by its private key, which leaves none', async () => {
    emulator.removePublicKey(emulator.credentials.privateKey);
    expect(await postJwt(emulator)).toMatchObject(REFUSED);
    expect(lastReason(emulator)).toBe('signature');
  });

  test("can be registered as the certificate of Adobe's openssl command", async () => {
    const folder = await mkdtemp(join(tmpdir(), 'workfront-emulator-'));
    try {
      const made = spawnSync(
        'openssl',
        [
          ...'req -x509 -sha256 -nodes -newkey rsa:2048 -subj /CN=test'.split(' '),
          ...'-keyout private.key -out certificate_pub.crt'.split(' '),
        ],
        { cwd: folder },
      );
      expect(made.status).toBe(0);
      emulator.registerPublicKey(await readFile(join(folder, 'certificate_pub.crt'), 'utf8'));
      const privateKey = await readFile(join(folder, 'private.key'), 'utf8');
      expect(privateKey.split('\n', 1)).toEqual(emulator.credentials.privateKey.split('\n', 1));
      const key = createPrivateKey(privateKey);
      expect(await postJwt(emulator, await makeJwt(emulator, { key }))).toMatchObject({
        status: 200,
      });
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});
