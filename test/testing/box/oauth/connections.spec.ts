import { type BoxEmulator } from 'nestjs-box-auth/testing';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  clientOf,
  get,
  invalidGrant,
  mint,
  oauthRefusal,
  postClientCredentials,
  postExchange,
  postForm,
  tokenIn,
} from '../box-client.js';
import { NOW_MS, startEmulator, type TestClock } from '../emulator-fixture.js';
import {
  ALICE,
  BOB,
  connect,
  oauthClientOf,
  type Pair,
  postRefresh,
  refresh,
} from './oauth-requests.js';

let clock: TestClock;
let emulator: BoxEmulator;
let alice: Pair;
let bob: Pair;
beforeEach(async () => {
  ({ clock, emulator } = await startEmulator());
  alice = await connect(emulator, ALICE);
  bob = await connect(emulator, BOB);
});
afterEach(() => emulator.stop());

const statusOf = async (token: string, path = '/2.0/users/me') =>
  (await get(emulator, path, token)).status;
const revoke = (token: string, client = oauthClientOf(emulator)) =>
  postForm(emulator, '/oauth2/revoke', { ...client, token });

/** What a call and a refresh with these tokens get. */
async function stateOf({ access, refresh: token }: Pair): Promise<object> {
  const call = await statusOf(access);
  const { status, json } = await postRefresh(emulator, token);
  return status === 200 ? { call, refresh: status } : { call, refresh: json };
}

const ACTIVE = { call: 200, refresh: 200 };
const ENDED = {
  call: 401,
  refresh: { error: 'invalid_grant', error_description: 'Invalid refresh token' },
};

describe('A token of a user', () => {
  test('has the rights of the user', async () => {
    const file = emulator.addFile({ name: 'a.txt', content: 'The plan', ownerId: ALICE });
    expect(await statusOf(alice.access, `/2.0/files/${file.id}`)).toBe(200);
    expect(await statusOf(bob.access, `/2.0/files/${file.id}`)).toBe(404);
    expect(await statusOf(alice.access, '/2.0/users')).toBe(403);
    const me = await get(emulator, '/2.0/users/me?fields=enterprise', alice.access);
    expect(me.json).toMatchObject({ id: ALICE, enterprise: { id: emulator.config.enterpriseID } });
  });

  test('may not act for others', async () => {
    const response = await get(emulator, '/2.0/users/me', alice.access, { 'as-user': BOB });
    expect(response.status).toBe(403);
  });

  test('can be downscoped, without a client or by its own', async () => {
    const scope = { scope: 'root_readonly' };
    for (const client of [{}, oauthClientOf(emulator), { client_id: emulator.oauthApp.clientId }]) {
      const token = tokenIn(await postExchange(emulator, alice.access, { ...scope, ...client }));
      expect(await statusOf(token)).toBe(200);
    }
    expect(
      await postExchange(emulator, alice.access, { ...scope, ...clientOf(emulator) }),
    ).toMatchObject(invalidGrant('Please check the subject_token. It is not valid.'));
    const mixed = { ...clientOf(emulator), client_secret: emulator.oauthApp.clientSecret };
    expect(await postExchange(emulator, alice.access, { ...scope, ...mixed })).toMatchObject(
      oauthRefusal('invalid_client', 'The client credentials are invalid'),
    );
  });
});

describe('The connections', () => {
  test('list the consents with a valid refresh token', async () => {
    clock.nowMs += 1000;
    await refresh(emulator, bob.refresh);
    const connectedAtMs = NOW_MS;
    const lifetimeMs = 60 * 86_400_000;
    expect(emulator.connections).toEqual([
      { userId: ALICE, connectedAtMs, refreshedAtMs: NOW_MS, expiresAtMs: NOW_MS + lifetimeMs },
      {
        userId: BOB,
        connectedAtMs,
        refreshedAtMs: clock.nowMs,
        expiresAtMs: clock.nowMs + lifetimeMs,
      },
    ]);
    expect(JSON.stringify(emulator.connections)).not.toContain(alice.refresh);
  });

  test('of a user end when they remove the app, with all their tokens', async () => {
    const again = await connect(emulator, ALICE);
    const own = await mint(emulator, ALICE);
    const scope = { scope: 'root_readonly' };
    const downscoped = tokenIn(await postExchange(emulator, alice.access, scope));
    emulator.revokeUserConnection(ALICE);
    expect(await stateOf(alice)).toEqual(ENDED);
    expect(await stateOf(again)).toEqual(ENDED);
    expect(await statusOf(downscoped)).toBe(401);
    expect(await statusOf(own)).toBe(200);
    expect(await stateOf(bob)).toEqual(ACTIVE);
    expect(emulator.connections).toMatchObject([{ userId: BOB }]);
    expect(await stateOf(await connect(emulator, ALICE))).toEqual(ACTIVE);
  });

  test('of a deleted user end', async () => {
    const admin = tokenIn(await postClientCredentials(emulator));
    const url = `${emulator.url}/2.0/users/${BOB}?force=true`;
    await fetch(url, { method: 'DELETE', headers: { authorization: `Bearer ${admin}` } });
    expect(await stateOf(bob)).toEqual(ENDED);
  });
});

describe('A revocation by the OAuth app', () => {
  test.for(['access', 'refresh'] as const)('of the %s token ends both tokens', async (name) => {
    expect(await revoke(alice[name])).toMatchObject({ status: 200, text: '' });
    expect(await stateOf(alice)).toEqual(ENDED);
    expect(await stateOf(bob)).toEqual(ACTIVE);
  });

  test.for(['access', 'refresh'] as const)(
    'of the old %s token ends both pairs during the grace',
    async (name) => {
      const second = await refresh(emulator, alice.refresh);
      await revoke(alice[name]);
      expect(await stateOf(alice)).toEqual(ENDED);
      expect(await stateOf(second)).toEqual(ENDED);
    },
  );

  test('of tokens that were replaced has no effect', async () => {
    const second = await refresh(emulator, alice.refresh);
    expect(await statusOf(second.access)).toBe(200);
    await revoke(alice.access);
    await revoke(alice.refresh);
    expect(await stateOf(second)).toEqual(ACTIVE);
  });

  test('of an expired access token ends its refresh token', async () => {
    clock.nowMs += 3_600_000;
    await revoke(alice.access);
    expect(await stateOf(alice)).toEqual(ENDED);
  });

  test('of a downscoped token ends only that token', async () => {
    const scope = { scope: 'root_readonly' };
    const downscoped = tokenIn(await postExchange(emulator, alice.access, scope));
    await revoke(downscoped);
    expect(await statusOf(downscoped)).toBe(401);
    expect(await stateOf(alice)).toEqual(ACTIVE);
  });

  test('does not reach tokens of the other app, nor the other way round', async () => {
    const own = await mint(emulator, ALICE);
    await revoke(own);
    expect(await statusOf(own)).toBe(200);
    for (const token of [alice.access, alice.refresh]) await revoke(token, clientOf(emulator));
    expect(await stateOf(alice)).toEqual(ACTIVE);
  });

  test('is rejected with the secret of the other app', async () => {
    const client = { ...clientOf(emulator), client_id: emulator.oauthApp.clientId };
    expect(await revoke(alice.access, client)).toMatchObject(
      oauthRefusal('invalid_client', 'The client credentials are invalid'),
    );
    expect(await stateOf(alice)).toEqual(ACTIVE);
  });
});
