import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { BoxEmulator } from 'nestjs-box-auth/testing';
import { BoxAuth } from '../../lib/box/box-auth.js';
import { systemRuntime } from '../../lib/core/runtime/runtime.js';
import { deferred } from '../support/deferred.js';
import { settled } from '../support/fake-runtime.js';
import { thrownBy } from '../support/thrown.js';

let emulator: BoxEmulator;
let box: BoxAuth;
beforeAll(async () => {
  emulator = await BoxEmulator.start();
});
beforeEach(() => {
  emulator.heal();
  emulator.clearRequests();
  box = new BoxAuth({
    credentials: { config: emulator.config },
    apiUrl: emulator.url,
    runtime: { ...systemRuntime, random: () => 0 }, // no pause before a retry
  });
});
afterAll(() => emulator.stop());

const alice = { type: 'user', id: '11111' } as const;
const statusWith = async (token: string) =>
  (await fetch(`${emulator.url}/2.0/users/me`, { headers: { authorization: `Bearer ${token}` } }))
    .status;
const revocations = () => emulator.requests.filter(({ path }) => path === '/oauth2/revoke');

describe('revoke', () => {
  it('revokes the token at Box, and the next call gets another one', async () => {
    const first = await box.provider.getToken();
    expect(await statusWith(first.value)).toBe(200);
    await box.provider.revoke();
    expect(await statusWith(first.value)).toBe(401);
    expect(box.provider.peekToken()).toBeUndefined();
    const { clientID, clientSecret } = emulator.config.boxAppSettings;
    expect(revocations().map(({ body }) => body)).toEqual([
      { client_id: clientID, client_secret: clientSecret, token: first.value },
    ]);
    const second = await box.provider.getToken();
    expect(await statusWith(second.value)).toBe(200);
    // Nobody was refused: a token that is refused now is replaced as ever.
    emulator.revokeToken(second.value);
    expect((await box.fetch('/2.0/users/me')).status).toBe(200);
  });

  it('revokes the token of one subject only', async () => {
    const own = await box.provider.getToken();
    const hers = await box.provider.getToken({ subject: alice });
    await box.provider.revoke(alice);
    expect(await statusWith(hers.value)).toBe(401);
    expect(box.provider.peekToken(alice)).toBeUndefined();
    expect(await statusWith(own.value)).toBe(200);
    expect(box.provider.peekToken()).toBe(own);
  });

  it.each([['5'], [{}], [{ type: 'User', id: '1' }]])(
    'rejects an invalid subject: %j',
    async (bad) => {
      const error = await thrownBy(() => box.provider.revoke(bad as never));
      expect(error.code).toBe('subject_invalid');
    },
  );

  it('sends nothing without a token', async () => {
    await box.provider.revoke();
    await box.provider.revoke(alice);
    expect(emulator.requests).toEqual([]);
  });

  it('keeps the token if the revocation fails, so that the caller can retry', async () => {
    const token = await box.provider.getToken();
    emulator.always('revoke', { kind: 'status', status: 503 });
    box = new BoxAuth({
      credentials: { config: emulator.config },
      apiUrl: emulator.url,
      tokenEndpoint: { attempts: 1 },
    });
    const kept = await box.provider.getToken();
    expect((await thrownBy(() => box.provider.revoke())).code).toBe('unavailable');
    expect(box.provider.peekToken()).toBe(kept);
    emulator.heal();
    await box.provider.revoke();
    expect(await statusWith(kept.value)).toBe(401);
    expect(await statusWith(token.value)).toBe(200);
  });

  it('is retried automatically, like a token request', async () => {
    await box.provider.getToken();
    emulator.failNext('revoke', { kind: 'status', status: 503 });
    await box.provider.revoke();
    expect(revocations()).toHaveLength(2);
  });

  it('keeps a token that replaced the revoked one meanwhile', async () => {
    const first = await box.provider.getToken();
    const answer = deferred();
    emulator.failNext('revoke', { kind: 'hold', until: answer.promise });
    const revoked = box.provider.revoke();
    box.provider.invalidate(first);
    const second = await box.provider.getToken();
    answer.resolve();
    await revoked;
    expect(box.provider.peekToken()).toBe(second);
  });

  it('is aborted when the app closes', async () => {
    await box.provider.getToken();
    emulator.always('revoke', { kind: 'hang' });
    const closed = thrownBy(() => box.provider.revoke());
    await settled();
    box.close();
    expect((await closed).code).toBe('closed');
  });

  it('fails with a clear error for a developer token', async () => {
    box = new BoxAuth({ credentials: { developerToken: 'a-developer-token' } });
    await box.provider.getToken();
    const error = await thrownBy(() => box.provider.revoke());
    expect(error.code).toBe('revocation_unsupported');
    expect(error.retryable).toBe(false);
  });
});
