import { BoxAuthModule, BoxFetch, BoxTokenProvider, onAuthEvent } from 'nestjs-box-auth';
import { BoxConnections, type BoxConnectionsOptions } from 'nestjs-box-auth/connections';
import { BoxEmulator } from 'nestjs-box-auth/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { MemoryConnectionVault } from '../../../lib/testing/connection-vault/memory-connection-vault.js';

const SECRET = 'a secret of the vault, 0123456789abcdef';
const REDIRECT_URI = 'http://localhost:3000/box/callback';
const ALICE = '11111';
const BOB = '22222';

let emulator: BoxEmulator;
let vault: MemoryConnectionVault;
let connections: BoxConnections;
const opened: BoxConnections[] = [];

function open(changes: Partial<BoxConnectionsOptions> = {}): BoxConnections {
  const { clientId, clientSecret, redirectUri } = emulator.oauthApp;
  const created = new BoxConnections({
    clientId,
    clientSecret,
    redirectUri,
    secret: SECRET,
    vault,
    apiUrl: emulator.url,
    ...changes,
  });
  opened.push(created);
  return created;
}

beforeEach(async () => {
  emulator = await BoxEmulator.start({ redirectUris: [REDIRECT_URI] });
  vault = new MemoryConnectionVault();
  connections = open();
});
afterEach(async () => {
  await Promise.all(opened.splice(0).map((each) => each.close()));
  await emulator.stop();
});

const signIn = { owner: 'ann', binding: 'the session of ann' };

async function connect(changes: Partial<typeof signIn & { label: string }> = {}, userId = ALICE) {
  const request = { ...signIn, ...changes };
  const url = await connections.authorizationUrl({ ...request, returnTo: '/files?sort=name' });
  const query = emulator.consent(url, { userId });
  return connections.complete({ ...request, query });
}

/** The id of the user that Box sees. */
async function whoAmI(owner: string, label?: string): Promise<unknown> {
  const response = await connections.runAs(owner, () => connections.fetch('/2.0/users/me'), label);
  const { id } = (await response.json()) as { id: string };
  return id;
}

const codeOf = (work: Promise<unknown>) =>
  work.then(
    () => 'resolved',
    (error: { code?: string }) => error.code,
  );

describe('A sign-in', () => {
  it('connects an account', async () => {
    const { connection, returnTo } = await connect();
    expect(returnTo).toBe('/files?sort=name');
    expect(connection).toEqual({
      owner: 'ann',
      label: '',
      user: {
        id: ALICE,
        login: expect.stringContaining('@'),
        name: 'Alice',
        enterprise: emulator.enterpriseId,
      },
      status: 'active',
      connectedAt: expect.any(Number),
      refreshedAt: expect.any(Number),
      expiresAt: connection.refreshedAt + 60 * 86_400_000,
    });
    expect(await connections.get('ann')).toEqual(connection);
    expect(await whoAmI('ann')).toBe(ALICE);
  });
});
