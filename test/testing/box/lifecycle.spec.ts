import { createPrivateKey, createPublicKey } from 'node:crypto';
import { spawnSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { BoxEmulator } from 'nestjs-box-auth/testing';
import { rolldown } from 'rolldown';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import {
  clientOf,
  get,
  mint,
  postAssertion,
  postClientCredentials,
  postForm,
  request,
} from './box-client.js';
import { deferred } from '../../support/deferred.js';
import { NOW_MS, startEmulator } from './emulator-fixture.js';
import { makeAssertion } from './hand-made-assertion.js';

let emulator: BoxEmulator;
beforeEach(async () => {
  ({ emulator } = await startEmulator());
});
afterEach(() => emulator.stop());

describe('A start', () => {
  test('creates a config.json in the format of Box’s console', async () => {
    const fresh = await BoxEmulator.start();
    await fresh.stop();
    const { boxAppSettings, enterpriseID } = fresh.config;
    expect(boxAppSettings.clientID).toMatch(/^[0-9a-z]{32}$/);
    expect(boxAppSettings.clientSecret).toMatch(/^[0-9a-z]{32}$/);
    expect(boxAppSettings.appAuth.publicKeyID).toMatch(/^[0-9a-z]{8}$/);
    expect(enterpriseID).toMatch(/^[0-9]+$/);

    const { privateKey, passphrase } = boxAppSettings.appAuth;
    expect(privateKey).toMatch(/^-----BEGIN ENCRYPTED PRIVATE KEY-----\n/);
    const key = createPrivateKey({ key: privateKey, passphrase });
    expect(key.asymmetricKeyDetails).toMatchObject({ modulusLength: 2048 });
    expect(() => createPrivateKey({ key: privateKey, passphrase: 'wrong' })).toThrow(
      /bad decrypt/i,
    );
    expect(JSON.parse(JSON.stringify(fresh.config))).toEqual(fresh.config);
  });

  test('creates a different app each time', async () => {
    const fresh = await BoxEmulator.start();
    await fresh.stop();
    const ids = [fresh, emulator].map(({ config }) => config.boxAppSettings.clientID);
    expect(new Set(ids).size).toBe(2);
    const keys = [fresh, emulator].map(({ config }) => config.boxAppSettings.appAuth.privateKey);
    expect(new Set(keys).size).toBe(2);
  });

  test('accepts the app of another emulator, but not its tokens', async () => {
    const token = await mint(emulator);
    const second = await BoxEmulator.start({ config: emulator.config });
    expect(second.config).toEqual(emulator.config);
    expect(await postClientCredentials(second)).toMatchObject({ status: 200 });
    expect(await get(second, '/2.0/users/me', token)).toMatchObject({ status: 401 });
    await second.stop();
  });

  test('uses the given port, and fails if it is in use', async () => {
    const { port } = new URL(emulator.url);
    await expect(
      BoxEmulator.start({ config: emulator.config, port: Number(port) }),
    ).rejects.toMatchObject({ code: 'EADDRINUSE' });

    await emulator.stop();
    const second = await BoxEmulator.start({ config: emulator.config, port: Number(port) });
    expect(second.url).toBe(emulator.url);
    await second.stop();
  });

  test('creates the given users', async () => {
    const second = await BoxEmulator.start({
      config: emulator.config,
      users: [{ id: '7', name: 'Eve', login: 'eve@example.com' }],
    });
    const response = await get(second, '/2.0/users', tokenOf(await postClientCredentials(second)));
    await second.stop();
    expect(response.json).toMatchObject({ total_count: 1, entries: [{ id: '7', name: 'Eve' }] });
  });

  test('rejects an invalid lifetime', async () => {
    await expect(BoxEmulator.start({ tokenLifetimeS: -1 })).rejects.toThrow(RangeError);
    expect(() => (emulator.tokenLifetimeS = 0.5)).toThrow(RangeError);
  });

  test('registers the public half of its private key', async () => {
    const { publicKeyID, privateKey, passphrase } = emulator.config.boxAppSettings.appAuth;
    emulator.removePublicKey(publicKeyID);
    const publicKey = createPublicKey(createPrivateKey({ key: privateKey, passphrase }));
    emulator.registerPublicKey(publicKeyID, publicKey);
    expect(await mint(emulator)).toBeTypeOf('string');
  });
});

describe('The log', () => {
  test('has each request with its subject and status', async () => {
    const token = await mint(emulator, '22222');
    const path = '/2.0/users/me?fields=id';
    await get(emulator, path, token, { 'X-Custom': 'Yes' });
    await get(emulator, path, 'unknown', { 'as-user': '11111' });
    const { client_id: clientId } = clientOf(emulator);
    const subject = { type: 'user', id: '22222' };
    expect(emulator.tokenRequests).toMatchObject([
      {
        method: 'POST',
        path: '/oauth2/token',
        status: 200,
        subject,
        body: { client_id: clientId },
      },
    ]);
    expect(emulator.apiRequests).toMatchObject([
      {
        method: 'GET',
        path,
        status: 200,
        subject,
        headers: { authorization: `Bearer ${token}`, 'x-custom': 'Yes' },
      },
      { method: 'GET', path, status: 401, actingUser: '11111' },
    ]);
    expect(emulator.apiRequests[0]).not.toHaveProperty('actingUser');
    expect(emulator.apiRequests[1]).not.toHaveProperty('subject');
    expect(emulator.requests).toEqual([...emulator.tokenRequests, ...emulator.apiRequests]);
  });

  test('has no subject if the request names none', async () => {
    for (const sub of [11111, undefined]) {
      const claims = { sub, box_sub_type: 'user' };
      await postAssertion(emulator, makeAssertion(emulator.config, { claims }));
    }
    await postClientCredentials(emulator, { box_subject_type: 'external' });
    expect(emulator.tokenRequests).toHaveLength(3);
    for (const record of emulator.tokenRequests) expect(record).not.toHaveProperty('subject');
  });

  test('has the subject of an expired or revoked token', async () => {
    const token = await mint(emulator);
    emulator.revokeAllTokens();
    await get(emulator, '/2.0/users/me', token);
    expect(emulator.apiRequests).toMatchObject([
      { status: 401, subject: { type: 'enterprise', id: emulator.config.enterpriseID } },
    ]);
  });

  test('is cleared without resetting the counts', async () => {
    await mint(emulator);
    emulator.clearRequests();
    expect(emulator.requests).toEqual([]);
    await mint(emulator);
    expect(emulator.requests).toHaveLength(1);
    expect(emulator.mints).toBe(2);
  });

  test('counts concurrent token requests, in total and by subject', async () => {
    const { promise: until, resolve: release } = deferred();
    emulator.always('token', { kind: 'hold', until });
    const alice = { box_subject_type: 'user', box_subject_id: '11111' };
    const responses = [{}, {}, alice].map((fields) => postClientCredentials(emulator, fields));
    await vi.waitFor(() => expect(emulator.tokenRequests).toHaveLength(3));
    release();
    await Promise.all(responses);
    await postClientCredentials(emulator);

    const { enterpriseID } = emulator.config;
    expect(emulator.mostConcurrentMints).toBe(3);
    expect(emulator.mostConcurrentMintsFor({ type: 'enterprise', id: enterpriseID })).toBe(2);
    expect(emulator.mostConcurrentMintsFor({ type: 'user', id: '11111' })).toBe(1);
    expect(emulator.mostConcurrentMintsFor({ type: 'user', id: '22222' })).toBe(0);
  });

  test('does not count sequential requests as concurrent', async () => {
    for (let count = 0; count < 20; count += 1) await postClientCredentials(emulator);
    expect(emulator.mostConcurrentMints).toBe(1);
  });

  test('has revocations in all requests only', async () => {
    await postForm(emulator, '/oauth2/revoke', { ...clientOf(emulator), token: 'x' });
    expect(emulator.requests).toMatchObject([{ path: '/oauth2/revoke', body: { token: 'x' } }]);
    expect(emulator.tokenRequests).toEqual([]);
    expect(emulator.apiRequests).toEqual([]);
  });
});

describe('A test that fakes its timers', () => {
  afterEach(() => vi.useRealTimers());

  test('still gets responses, with the fake time', async () => {
    const own = await BoxEmulator.start({ config: emulator.config });
    vi.useFakeTimers({ now: NOW_MS });
    const token = tokenOf(await postClientCredentials(own));
    vi.setSystemTime(NOW_MS + 3_600_000);
    const response = await get(own, '/2.0/users/me', token);
    await own.stop();
    expect(response.status).toBe(401);
    expect(response.headers.get('date')).toBe(new Date(NOW_MS + 3_600_000).toUTCString());
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
    { kind: 'hang' },
    { kind: 'delay', ms: 3_600_000 },
    { kind: 'hold', until: new Promise(() => undefined) },
  ] as const)('ends a pending request: $kind', async (fault) => {
    emulator.failNext('api', fault);
    const response = Promise.allSettled([request(`${emulator.url}/2.0/users/me`)]);
    await vi.waitFor(() => expect(emulator.requests).toHaveLength(1));
    await emulator.stop();
    expect(await response).toMatchObject([{ status: 'rejected' }]);
  });

  test('lets the process exit', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'box-emulator-'));
    try {
      const input = fileURLToPath(new URL('../../../lib/testing/index.ts', import.meta.url));
      const bundle = await rolldown({ input, platform: 'node' });
      const file = join(folder, 'testing.mjs');
      await bundle.write({ file, format: 'esm', codeSplitting: false });
      await bundle.close();
      await writeFile(join(folder, 'main.mjs'), SCRIPT);
      const child = spawnSync(process.execPath, [join(folder, 'main.mjs')], { timeout: 20_000 });
      expect(child.stderr.toString()).toBe('');
      expect(child.stdout.toString()).toBe('stopped\n');
      expect(child.status).toBe(0);
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});

// Neither a failed start nor a stop during a request may keep the process alive.
const SCRIPT = `
import { BoxEmulator } from './testing.mjs';
const emulator = await BoxEmulator.start();
const port = Number(new URL(emulator.url).port);
await BoxEmulator.start({ port }).catch(() => undefined);
for (const kind of ['hang', 'delay', 'hold']) {
  emulator.failNext('api', { kind, ms: 3_600_000, until: new Promise(() => undefined) });
}
const calls = [1, 2, 3].map(() => fetch(emulator.url).catch(() => undefined));
while (emulator.requests.length < 3) await new Promise(setImmediate);
await emulator.stop();
await Promise.all(calls);
console.log('stopped');
`;

function tokenOf({ text }: { readonly text: string }): string {
  return /"access_token":"(\w+)"/.exec(text)?.[1] ?? '';
}
