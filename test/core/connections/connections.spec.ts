import { beforeEach, describe, expect, it } from 'vitest';
import { ConnectionTokens } from '../../../lib/core/connections/connection-tokens.js';
import { Connections } from '../../../lib/core/connections/connections.js';
import type { ConnectionVault } from '../../../lib/core/connections/connection-vault.js';
import type { OAuthClient } from '../../../lib/core/connections/oauth-client.js';
import { HOUR_MS, KEY, TestConnection } from '../../support/connections.js';
import { thrownBy } from '../../support/thrown.js';

const DAY_MS = 24 * HOUR_MS;

let connection: TestConnection;
let changes: unknown[];
let revoked: string[];
beforeEach(() => {
  connection = new TestConnection();
  changes = [];
  revoked = [];
});

function connectionsWith(vaultChanges: Partial<ConnectionVault> = {}, keyId = 'new'): Connections {
  const context = connection.context(vaultChanges);
  const client: Pick<OAuthClient, 'revoke'> = {
    revoke: async (refreshToken) => {
      revoked.push(refreshToken);
    },
  };
  return new Connections({
    app: 'app',
    client: client as OAuthClient,
    connections: context.connections,
    vault: context.vault,
    tokens: new ConnectionTokens(context, () => undefined, 10),
    keyId,
    idleLifetimeMs: 60 * DAY_MS,
    onChange: (change) => changes.push(change),
    runtime: connection.runtime,
  });
}

async function connectOwners(...owners: string[]): Promise<void> {
  for (const owner of owners) {
    const content = { record: connection.record(owner), status: 'active' } as const;
    await connection.rows().insert({ ...KEY, owner }, 1, content);
  }
}

describe('A connection', () => {
  it('shows the person, its times and when it ends, and no token', async () => {
    const connectedAt = connection.runtime.now();
    const person = { id: '11111', login: 'ann@example.com', name: 'Ann', enterprise: '7' };
    await connection.connect({ person, obtainedAt: connectedAt + DAY_MS });
    expect(await connectionsWith().get(KEY)).toStrictEqual({
      owner: 'ann',
      label: '',
      user: person,
      status: 'active',
      connectedAt,
      refreshedAt: connectedAt + DAY_MS,
      expiresAt: connectedAt + 61 * DAY_MS,
    });
  });

  it('of a person without an enterprise names none', async () => {
    await connection.connect();
    expect((await connectionsWith().get(KEY))?.user).toStrictEqual({
      id: '11111',
      login: 'ann@example.com',
      name: 'Ann',
    });
  });
});

describe('A page of connections', () => {
  it('ends with the position of the next page, until there is none', async () => {
    await connectOwners('a', 'b', 'c', 'd', 'e', 'f');
    const connections = connectionsWith();
    const first = await connections.list({ limit: 3 });
    const second = await connections.list({ limit: 3, after: first.next });
    expect(first.connections.map(({ owner }) => owner)).toEqual(['a', 'b', 'c']);
    expect(second.connections.map(({ owner }) => owner)).toEqual(['d', 'e', 'f']);
    expect(second).not.toHaveProperty('next');
  });

  it('has 100 connections by default', async () => {
    await connectOwners(...Array.from({ length: 101 }, (_, index) => `owner-${index}`));
    const { connections, next } = await connectionsWith().list({});
    expect(connections).toHaveLength(100);
    expect(next).toEqual(expect.any(String));
  });

  const PAGE = 'the `next` of a page';
  it.each([
    ['limit', 0, 'a whole number from 1 to 1000'],
    ['limit', 1_001, 'a whole number from 1 to 1000'],
    ['limit', '2', 'a whole number from 1 to 1000'],
    ['after', 7, PAGE],
    ['after', 'x', PAGE],
    ['after', Buffer.from('["ann"]').toString('base64url'), PAGE],
    ['after', Buffer.from('["",""]').toString('base64url'), PAGE],
  ])('refuses the %s %j', async (name, value, expected) => {
    expect(await thrownBy(() => connectionsWith().list({ [name]: value }))).toMatchObject({
      code: 'option_invalid',
      message: `Invalid \`${name}\`: expected ${expected}.`,
      hint: `Correct \`${name}\` where the method is called.`,
      docs: 'https://datatracker.ietf.org/doc/html/rfc6749#section-6',
    });
  });

  it('can be of 1 or of 1,000 connections', async () => {
    await connectOwners('a');
    for (const limit of [1, 1_000]) {
      expect((await connectionsWith().list({ limit })).connections).toHaveLength(1);
    }
  });
});

describe('Disconnecting', () => {
  it('revokes the refresh token, and reports the change', async () => {
    await connection.connect();
    expect(await connectionsWith().disconnect(KEY, true)).toBe(true);
    expect(revoked).toEqual(['RT-1']);
    expect(changes).toEqual(['disconnected']);
    expect(await connection.stored.load(KEY)).toBeUndefined();
  });

  it('changes nothing without a connection', async () => {
    expect(await connectionsWith().disconnect(KEY, true)).toBe(false);
    expect(revoked).toEqual([]);
    expect(changes).toEqual([]);
  });
});

describe('The refresh of idle connections', () => {
  it('concerns connections that were not refreshed for 30 days by default', async () => {
    await connectOwners('a');
    connection.runtime.freeze(1);
    await connectOwners('b');
    connection.runtime.freeze(30 * DAY_MS);
    expect(await connectionsWith().refreshIdle({})).toEqual({ refreshed: 1, lost: 0, failed: 0 });
    expect(connection.exchanged).toEqual(['RT-a']);
  });

  it('replaces a token that is still valid', async () => {
    await connectOwners('a');
    connection.runtime.freeze(1);
    expect(await connectionsWith().refreshIdle({ idleForMs: 0 })).toMatchObject({ refreshed: 1 });
    expect(connection.exchanged).toEqual(['RT-a']);
  });

  it('goes on after a connection that is lost, fails or is unreadable', async () => {
    await connectOwners('a', 'b', 'c', 'd');
    const row = await connection.stored.load({ ...KEY, owner: 'd' });
    if (row !== undefined) await connection.stored.replace({ ...row, sealed: 'AAAA' }, 1);
    connection.runtime.freeze(31 * DAY_MS);
    connection.respond = async (refreshToken) => {
      if (refreshToken === 'RT-a') return connection.refuse();
      if (refreshToken === 'RT-b') throw new Error('503');
      return connection.grant(`${refreshToken}+`);
    };
    expect(await connectionsWith().refreshIdle({})).toEqual({ refreshed: 1, lost: 1, failed: 2 });
  });

  it('runs for eight connections at the same time', async () => {
    await connectOwners(...Array.from('abcdefghij'));
    connection.runtime.freeze(31 * DAY_MS);
    let running = 0;
    let most = 0;
    connection.respond = async (refreshToken) => {
      most = Math.max(most, ++running);
      await new Promise((resolve) => {
        connection.runtime.schedule(() => resolve(undefined), 100);
      });
      running -= 1;
      return connection.grant(`${refreshToken}+`);
    };
    const counts = connectionsWith().refreshIdle({});
    await connection.runtime.advance(1_000);
    expect(await counts).toMatchObject({ refreshed: 10 });
    expect(most).toBe(8);
  });

  it.each([
    ['idleForMs', -1, 'a whole number from 0 to 5184000000'],
    ['idleForMs', 60 * DAY_MS + 1, 'a whole number from 0 to 5184000000'],
    ['limit', 0, 'a whole number from 1 to 1000'],
  ])('refuses the %s %j', async (name, value, expected) => {
    expect(await thrownBy(() => connectionsWith().refreshIdle({ [name]: value }))).toMatchObject({
      code: 'option_invalid',
      message: `Invalid \`${name}\`: expected ${expected}.`,
    });
  });
});

describe('The change of the secret', () => {
  it('encrypts connections again, and counts the connections that are left', async () => {
    await connectOwners('a', 'b', 'c');
    expect(await connectionsWith().rekey({ limit: 2 })).toEqual({ rekeyed: 2, left: 1 });
    expect(await connection.stored.load({ ...KEY, owner: 'a' })).toMatchObject({ version: 2 });
  });

  it('keeps the status of a connection', async () => {
    await connectOwners('a');
    const key = { ...KEY, owner: 'a' };
    const content = { record: connection.record('a'), status: 'reauthorization_required' } as const;
    await connection.rows().replace(key, 1, content);
    await connectionsWith().rekey({});
    expect(await connection.stored.load(key)).toMatchObject({
      version: 3,
      status: 'reauthorization_required',
    });
  });

  it('does not count a connection that another process has changed meanwhile', async () => {
    await connectOwners('a');
    const connections = connectionsWith({ replace: async () => false });
    expect(await connections.rekey({})).toEqual({ rekeyed: 0, left: 1 });
  });

  it('has none left if the vault counted fewer than it returned', async () => {
    await connectOwners('a');
    const row = await connection.stored.load({ ...KEY, owner: 'a' });
    const listOtherKeys = async () => ({ rows: row === undefined ? [] : [row], total: 0 });
    expect(await connectionsWith({ listOtherKeys }).rekey({})).toEqual({ rekeyed: 1, left: 0 });
  });

  it('stops while the vault is unavailable', async () => {
    await connectOwners('a');
    const replace = () => Promise.reject(new Error('away'));
    expect(await thrownBy(() => connectionsWith({ replace }).rekey({}))).toMatchObject({
      code: 'vault_unavailable',
    });
  });

  it('refuses the limit 1,001', async () => {
    expect(await thrownBy(() => connectionsWith().rekey({ limit: 1_001 }))).toMatchObject({
      code: 'option_invalid',
      message: 'Invalid `limit`: expected a whole number from 1 to 1000.',
    });
  });
});

describe('The health of the vault', () => {
  it.each([-1, 0.5, 2 ** 31, '1', null])('refuses the timeoutMs %j', async (timeoutMs) => {
    expect(await thrownBy(() => connectionsWith().health({ timeoutMs }))).toMatchObject({
      code: 'option_invalid',
      message: 'Invalid `timeoutMs`: expected a whole number from 0 to 2147483647.',
    });
  });

  it('is waited for 2 s by default', async () => {
    const health = connectionsWith({ list: () => new Promise(() => undefined) }).health({});
    await connection.runtime.advance(2_000);
    expect(await health).toMatchObject({
      state: 'down',
      code: 'timeout',
      hint: 'Check the load of its database, and whether its pool has enough connections.',
    });
  });
});
