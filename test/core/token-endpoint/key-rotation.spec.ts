import { generateKeyPairSync, sign as signWith } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { BoxCredentials, BoxCredentialsSource, SigningFunction } from 'nestjs-box-auth';
import { BoxEmulator } from 'nestjs-box-auth/testing';
import { BoxAuth } from '../../../lib/box/box-auth.js';
import { FakeRuntime, settled } from '../../support/fake-runtime.js';
import { ScriptedEndpoint } from '../../support/scripted-endpoint.js';
import { thrownBy } from '../../support/thrown.js';

const pair = () => generateKeyPairSync('rsa', { modulusLength: 2048 });
const older = pair();
const newer = pair();
const pem = ({ privateKey }: ReturnType<typeof pair>) =>
  privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();

let emulator: BoxEmulator;
beforeAll(async () => {
  emulator = await BoxEmulator.start();
});
beforeEach(() => {
  emulator.heal();
  emulator.clearRequests();
  emulator.registerPublicKey('older', older.publicKey);
  emulator.removePublicKey('newer');
});
afterAll(() => emulator.stop());

const client = () => ({
  clientId: emulator.config.boxAppSettings.clientID,
  clientSecret: emulator.config.boxAppSettings.clientSecret,
  enterpriseId: emulator.config.enterpriseID ?? '',
});
const oldPair = (): BoxCredentials => ({
  ...client(),
  publicKeyId: 'older',
  privateKey: pem(older),
});
const newPair = (): BoxCredentials => ({
  ...client(),
  publicKeyId: 'newer',
  privateKey: pem(newer),
});
const box = (credentials: BoxCredentialsSource) =>
  new BoxAuth({ credentials, apiUrl: emulator.url }).provider;

/** The key ids of the assertions that arrived. */
const kids = () =>
  emulator.tokenRequests.map(({ body }) => {
    const header: unknown = JSON.parse(
      Buffer.from(body?.['assertion']?.split('.')[0] ?? '', 'base64url').toString(),
    );
    return (header as { kid: string }).kid;
  });

describe('During a key rotation', () => {
  it('the next key is tried when Box does not know the first, and is then used first', async () => {
    const provider = box([newPair(), oldPair()]);
    await provider.getToken();
    expect(kids()).toEqual(['newer', 'older']);
    provider.flush();
    await provider.getToken();
    expect(kids()).toEqual(['newer', 'older', 'older']);
  });

  it('the first key is used again when Box knows it and no longer knows the other', async () => {
    const provider = box([newPair(), oldPair()]);
    await provider.getToken();
    emulator.registerPublicKey('newer', newer.publicKey);
    emulator.removePublicKey('older');
    provider.flush();
    await provider.getToken();
    expect(kids()).toEqual(['newer', 'older', 'older', 'newer']);
  });

  it('the next key is tried when the signature of the first key is refused', async () => {
    emulator.registerPublicKey('newer', older.publicKey);
    await box([newPair(), oldPair()]).getToken();
    expect(kids()).toEqual(['newer', 'older']);
  });

  it('no other key is tried after a refusal that is not about the key', async () => {
    emulator.always('token', {
      kind: 'refuse',
      error: 'unauthorized_client',
      errorDescription: 'not authorized',
    });
    expect((await thrownBy(() => box([newPair(), oldPair()]).getToken())).code).toBe(
      'app_not_authorized',
    );
    expect(kids()).toEqual(['newer']);
  });

  it('the error is that of the last key when all are refused, and requests are not repeated at once', async () => {
    emulator.removePublicKey('older');
    const provider = box(() => [newPair(), oldPair()]);
    expect((await thrownBy(() => provider.getToken())).code).toBe('key_unknown');
    expect((await thrownBy(() => provider.getToken())).code).toBe('key_unknown');
    expect(kids()).toEqual(['newer', 'older']);
  });

  it('each key is tried once, beginning with the one that worked, and the last refusal is the error', async () => {
    const provider = box([newPair(), oldPair()]);
    await provider.getToken();
    emulator.removePublicKey('older');
    emulator.registerPublicKey('newer', older.publicKey);
    provider.flush();
    expect((await thrownBy(() => provider.getToken())).code).toBe('signature_refused');
    expect(kids().slice(2)).toEqual(['older', 'newer']);
  });

  it.each([
    [
      'no key',
      () => [],
      'Invalid credentials: expected one or more key pairs or tokens, received an empty list',
    ],
    [
      'keys of two subjects',
      () => [oldPair(), { ...newPair(), enterpriseId: '2' }],
      'Invalid credentials[1]: expected the subject of credentials[0], received another subject',
    ],
    [
      'a key that is wrong',
      () => [oldPair(), { ...newPair(), privateKey: '' }],
      'Invalid credentials[1]:\n  - privateKey: expected the private key in PEM',
    ],
  ])('a list with %s fails at bootstrap', async (_, credentials, message) => {
    const error = await thrownBy(() => box(credentials() as BoxCredentials[]));
    expect(error.code).toBe('config_invalid');
    expect(error.message).toContain(message);
  });
});

describe('A key in an external signer', () => {
  const hashes = { RS256: 'sha256', RS384: 'sha384', RS512: 'sha512' };
  const kms: SigningFunction = async (signingInput, algorithm) => {
    await settled();
    return signWith(hashes[algorithm], signingInput, older.privateKey);
  };
  const external = (sign: SigningFunction): BoxCredentials => ({
    ...client(),
    publicKeyId: 'older',
    sign,
  });

  it.each(['RS256', 'RS384', 'RS512'] as const)('signs with %s', async (algorithm) => {
    const token = await box({ ...external(kms), algorithm }).getToken();
    expect(token.value).toBeDefined();
    expect(kids()).toEqual(['older']);
  });

  const onFakeTime = (sign: SigningFunction) => {
    const runtime = new FakeRuntime();
    const endpoint = new ScriptedEndpoint(runtime);
    const { provider } = new BoxAuth({
      credentials: external(sign),
      fetch: endpoint.fetch,
      runtime,
    });
    return { runtime, endpoint, provider };
  };

  it.each<[string, SigningFunction, string]>([
    [
      'throws',
      () => {
        throw new Error('AccessDenied');
      },
      'The sign function of the credentials failed',
    ],
    [
      'rejects',
      () => Promise.reject(new Error('Throttled')),
      'The sign function of the credentials failed',
    ],
    ['gives nothing', () => new Uint8Array(), 'returned no signature'],
    ['gives text', () => 'signature' as unknown as Uint8Array, 'returned no signature'],
    ['hangs', () => new Promise(() => undefined), 'was not signed within'],
  ])('that %s causes a typed error before the deadline', async (_, sign, message) => {
    const { runtime, endpoint, provider } = onFakeTime(sign);
    const work = thrownBy(() => provider.getToken());
    await runtime.advance(30_000);
    const error = await work;
    expect(error).toMatchObject({ code: 'signer_failed', retryable: true });
    expect(error.message).toContain(message);
    expect(error.hint).toMatch(/KMS, HSM or vault/);
    expect(error.docs).toMatch(/^https:\/\//);
    expect(endpoint.received).toEqual([]);
  });

  it('that never responds causes an error that states the whole wait', async () => {
    const { runtime, provider } = onFakeTime(() => new Promise(() => undefined));
    const work = thrownBy(() => provider.getToken());
    await runtime.advance(30_000);
    expect((await work).message).toBe('The assertion was not signed within 30 s (3 attempts).');
  });

  it('that fails to respond once is called again', async () => {
    let asked = 0;
    const { runtime, endpoint, provider } = onFakeTime(() =>
      ++asked === 1 ? new Promise(() => undefined) : new Uint8Array([1]),
    );
    const work = provider.getToken();
    await runtime.advance(12_000);
    await expect(work).resolves.toBeDefined();
    expect(endpoint.received).toHaveLength(1);
  });
});
