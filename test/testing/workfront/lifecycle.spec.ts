import { createPrivateKey, generateKeyPairSync } from 'node:crypto';
import { inspect } from 'node:util';
import { WorkfrontEmulator } from 'nestjs-box-auth/testing';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { request } from '../box/box-client.js';
import {
  EXCHANGE,
  get,
  makeJwt,
  mint,
  postJwt,
  PROJECTS,
  startWorkfront,
} from './workfront-fixture.js';

let emulator: WorkfrontEmulator;
beforeEach(async () => {
  ({ emulator } = await startWorkfront());
});
afterEach(() => emulator.stop());

describe('A start', () => {
  test('creates credentials in the format of Workfront’s page', async () => {
    const fresh = await WorkfrontEmulator.start();
    await fresh.stop();
    const { privateKey, ...ids } = fresh.credentials;
    expect(Object.keys(ids)).toEqual(['clientId', 'clientSecret', 'customerId', 'userId']);
    for (const id of Object.values(ids)) expect(id).toMatch(/^[0-9a-f]{32}$/);
    expect(new Set(Object.values(ids)).size).toBe(4);
    expect(privateKey).toMatch(/^-----BEGIN PRIVATE KEY-----\n/);
    expect(createPrivateKey(privateKey).asymmetricKeyDetails).toMatchObject({
      modulusLength: 2048,
    });
    expect(privateKey).not.toBe(emulator.credentials.privateKey);
  });

  test('accepts the credentials of another emulator, but not its sessions', async () => {
    const session = await mint(emulator);
    const { emulator: second } = await startWorkfront(emulator.credentials);
    expect(second.credentials).toEqual(emulator.credentials);
    expect(await postJwt(second, await makeJwt(emulator))).toMatchObject({ status: 200 });
    expect(await get(second, PROJECTS, session)).toMatchObject({ status: 401 });
    await second.stop();
  });

  test('accepts single credentials and all other options', async () => {
    const { emulator: second } = await startWorkfront({
      customerId: 'customer',
      userId: 'user',
      clockSkewMs: 5,
      sessionLifetimeS: 60,
      maxConcurrentApiRequests: 3,
      onExchange: () => ({ kind: 'unavailable' }),
    });
    const response = await postJwt(second);
    await second.stop();
    expect(response).toMatchObject({ status: 503 });
    expect(second).toMatchObject({
      clockSkewMs: 5,
      sessionLifetimeS: 60,
      maxConcurrentApiRequests: 3,
      credentials: { customerId: 'customer', userId: 'user' },
    });
  });

  test('uses the real clock by default', async () => {
    const { privateKey } = emulator.credentials;
    const real = await WorkfrontEmulator.start({ privateKey });
    const claims = { exp: Math.floor(Date.now() / 1000) + 60 };
    const response = await postJwt(real, await makeJwt(real, { claims }));
    await real.stop();
    expect(response).toMatchObject({ status: 200 });
  });

  test('uses the given port, and fails if it is in use', async () => {
    const port = Number(new URL(emulator.url).port);
    await expect(startWorkfront({ port })).rejects.toMatchObject({ code: 'EADDRINUSE' });
    await emulator.stop();
    const { emulator: second } = await startWorkfront({ port });
    await second.stop();
    expect(second.url).toBe(emulator.url);
  });

  test('rejects an invalid lifetime', async () => {
    await expect(WorkfrontEmulator.start({ sessionLifetimeS: -1 })).rejects.toThrow(RangeError);
    expect(() => (emulator.sessionLifetimeS = 0.5)).toThrow(RangeError);
  });

  test('rejects a private key that is invalid or not RSA', async () => {
    const { privateKey } = generateKeyPairSync('ec', {
      namedCurve: 'P-256',
      publicKeyEncoding: { type: 'spki', format: 'pem' },
      privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
    });
    await expect(WorkfrontEmulator.start({ privateKey })).rejects.toThrow(TypeError);
    await expect(WorkfrontEmulator.start({ privateKey: 'no key' })).rejects.toThrow('DECODER');
  });
});

describe('The log', () => {
  test('has each request with its subject and status', async () => {
    const session = await mint(emulator);
    await get(emulator, `${PROJECTS}?name=x`, session);
    emulator.endSession(session);
    await get(emulator, PROJECTS, session);
    await get(emulator, PROJECTS, 'unknown');
    const { clientId, userId } = emulator.credentials;
    const subject = { type: 'user', id: userId };
    expect(emulator.exchangeRequests).toMatchObject([
      { method: 'POST', path: EXCHANGE, status: 200, subject, body: { client_id: clientId } },
    ]);
    expect(emulator.apiRequests).toMatchObject([
      { path: `${PROJECTS}?name=x`, status: 200, subject, headers: { sessionid: session } },
      { path: PROJECTS, status: 401, subject },
      { path: PROJECTS, status: 401 },
    ]);
    expect(emulator.apiRequests[2]).not.toHaveProperty('subject');
    expect(emulator.requests).toEqual([...emulator.exchangeRequests, ...emulator.apiRequests]);
  });

  test('has no subject if the JWT has none', async () => {
    await postJwt(emulator, 'no JWT');
    await postJwt(emulator, await makeJwt(emulator, { claims: { sub: undefined } }));
    for (const record of emulator.exchangeRequests) expect(record).not.toHaveProperty('subject');
  });

  test('is cleared with the refusals, without resetting the counts', async () => {
    await mint(emulator);
    await postJwt(emulator, 'no JWT');
    const { refusals } = emulator;
    emulator.clearRequests();
    expect([emulator.requests, emulator.refusals]).toEqual([[], []]);
    expect(refusals).toHaveLength(1);
    await mint(emulator);
    expect(emulator.requests).toHaveLength(1);
    expect(emulator.mints).toBe(2);
  });

  test('is not visible when the emulator is inspected, nor is a secret', async () => {
    const session = await mint(emulator);
    const shown = inspect(emulator, { depth: Infinity }) + JSON.stringify(emulator);
    const { clientSecret, privateKey } = emulator.credentials;
    for (const secret of [session, clientSecret, privateKey.slice(40, 80)]) {
      expect(shown).not.toContain(secret);
    }
  });
});

describe('A stop', () => {
  test('closes both servers, and may be repeated', async () => {
    await Promise.all([emulator.stop(), emulator.stop()]);
    await emulator.stop();
    for (const url of [emulator.url, emulator.downloadUrl]) {
      await expect(request(url)).rejects.toMatchObject({ cause: { code: 'ECONNREFUSED' } });
    }
  });

  test('happens at the end of an await using scope', async () => {
    await emulator[Symbol.asyncDispose]();
    await expect(request(emulator.url)).rejects.toThrow('fetch failed');
  });

  test.each([
    ['exchange', { kind: 'hang' }],
    ['exchange', { kind: 'delay', ms: 3_600_000 }],
    ['api', { kind: 'hold', until: new Promise(() => undefined) }],
  ] as const)('ends a pending request to the %s: %o', async (target, fault) => {
    emulator.failNext(target, fault);
    const path = target === 'api' ? PROJECTS : EXCHANGE;
    const response = Promise.allSettled([request(emulator.url + path)]);
    await vi.waitFor(() => expect(emulator.requests).toHaveLength(1));
    await emulator.stop();
    expect(await response).toMatchObject([{ status: 'rejected' }]);
  });
});
