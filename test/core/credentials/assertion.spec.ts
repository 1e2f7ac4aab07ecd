import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { BoxCredentials, Runtime } from 'nestjs-box-auth';
import { BoxEmulator } from 'nestjs-box-auth/testing';
import { BoxAuth } from '../../../lib/box/box-auth.js';
import { systemRuntime } from '../../../lib/core/runtime/runtime.js';
import { makeKeys } from '../../support/keys.js';
import { thrownBy } from '../../support/thrown.js';

const keys = makeKeys();
let emulator: BoxEmulator;
beforeAll(async () => {
  emulator = await BoxEmulator.start();
});
beforeEach(() => {
  emulator.heal();
  emulator.clearRequests();
  emulator.clockSkewMs = 0;
});
afterAll(() => emulator.stop());

const box = (credentials: BoxCredentials = { config: emulator.config }, options: object = {}) =>
  new BoxAuth({ credentials, apiUrl: emulator.url, ...options }).provider;

/** The headers and claims of the assertions that arrived, in order. */
function arrived(): { header: Record<string, unknown>; claims: Record<string, unknown> }[] {
  return emulator.tokenRequests.map(({ body }) => {
    const [header, claims] = (body?.['assertion'] ?? '')
      .split('.', 2)
      .map((part): unknown => JSON.parse(Buffer.from(part, 'base64url').toString()));
    return { header: header as Record<string, unknown>, claims: claims as Record<string, unknown> };
  });
}

describe('An assertion', () => {
  it('has exactly the claims that Box requires', async () => {
    const before = Math.floor(Date.now() / 1000);
    await box().getToken();
    const [{ header, claims } = { header: {}, claims: {} }] = arrived();
    const { clientID, appAuth } = emulator.config.boxAppSettings;
    expect(header).toEqual({ alg: 'RS256', kid: appAuth.publicKeyID, typ: 'JWT' });
    expect(claims).toEqual({
      iss: clientID,
      sub: emulator.config.enterpriseID,
      box_sub_type: 'enterprise',
      aud: 'https://api.box.com/oauth2/token',
      jti: expect.stringMatching(/^[0-9a-f-]{36}$/),
      exp: expect.any(Number),
    });
    expect(Number(claims['exp']) - before).toBeGreaterThanOrEqual(45);
    expect(Number(claims['exp']) - before).toBeLessThanOrEqual(47);
  });

  it('is for a user if the call names a user', async () => {
    const token = await box().getToken({ subject: { type: 'user', id: '11111' } });
    expect(arrived()[0]?.claims).toMatchObject({ sub: '11111', box_sub_type: 'user' });
    expect(token.subject).toEqual({ type: 'user', id: '11111' });
  });

  it.each(['RS256', 'RS384', 'RS512'] as const)(
    'is signed with %s if the credentials say so',
    async (algorithm) => {
      const { clientID, clientSecret } = emulator.config.boxAppSettings;
      emulator.registerPublicKey('mine', keys.publicKey);
      await box({
        clientId: clientID,
        clientSecret,
        publicKeyId: 'mine',
        privateKey: keys.forms['plain PKCS#1'],
        enterpriseId: emulator.config.enterpriseID ?? '',
        algorithm,
      }).getToken();
      expect(arrived()[0]?.header).toEqual({ alg: algorithm, kid: 'mine', typ: 'JWT' });
      emulator.removePublicKey('mine');
    },
  );

  it('has iat if assertion.issuedAt is set', async () => {
    await box(undefined, { assertion: { issuedAt: true } }).getToken();
    expect(arrived()[0]?.claims['iat']).toBeTypeOf('number');
  });

  it('has a new jti and a new exp at every attempt, also after 429 and 5xx', async () => {
    emulator.failNext('token', { kind: 'rate-limit', retryAfter: 0 });
    emulator.failNext('token', { kind: 'unavailable' });
    emulator.failNext('token', { kind: 'reset' });
    const random: Runtime = { ...systemRuntime, random: () => 0 };
    await box(undefined, { runtime: random }).getToken();
    const claims = arrived().map((assertion) => assertion.claims);
    expect(claims).toHaveLength(4);
    expect(new Set(claims.map(({ jti }) => jti)).size).toBe(4);
    expect(new Set(claims.map(({ exp }) => exp)).size).toBe(4);
  });

  it('is rejected with another key and with an unknown key id', async () => {
    const { clientID, clientSecret, appAuth } = emulator.config.boxAppSettings;
    const pair = {
      clientId: clientID,
      clientSecret,
      enterpriseId: emulator.config.enterpriseID ?? '',
      privateKey: keys.other,
    };
    expect(
      (await thrownBy(() => box({ ...pair, publicKeyId: appAuth.publicKeyID }).getToken())).code,
    ).toBe('signature_refused');
    expect((await thrownBy(() => box({ ...pair, publicKeyId: 'nobody' }).getToken())).code).toBe(
      'key_unknown',
    );
  });
});

describe('A wrong clock', () => {
  it.each([
    ['behind', 300_000],
    ['ahead', -300_000],
    ['a day behind', 86_400_000],
  ])('that is five minutes or more %s costs one more request, once', async (_, skewMs) => {
    emulator.clockSkewMs = skewMs;
    const provider = box();
    const token = await provider.getToken();
    expect(emulator.tokenRequests).toHaveLength(2);
    expect(Math.abs((token.expiresAt ?? 0) - (Date.now() + skewMs + 3_600_000))).toBeLessThan(
      3_000,
    );
    provider.flush();
    await provider.getToken();
    expect(emulator.tokenRequests).toHaveLength(3);
  });

  it('costs one more request with iat, too', async () => {
    emulator.clockSkewMs = -300_000;
    await box(undefined, { assertion: { issuedAt: true } }).getToken();
    expect(emulator.tokenRequests).toHaveLength(2);
  });
});
