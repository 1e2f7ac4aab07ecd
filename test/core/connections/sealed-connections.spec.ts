import { beforeEach, describe, expect, it } from 'vitest';
import { HOUR_MS, KEY, TestConnection } from '../../support/connections.js';
import { thrownBy } from '../../support/thrown.js';

/** A row that the first release wrote. */
const OLD_ROW = {
  ...KEY,
  version: 7,
  status: 'active',
  refreshedAt: 1,
  keyId: 'any',
  sealed:
    '3ga9nsbQkCOHdlHuC6F-jH-yBQN6R1csyVuLJsLlK7ZckjJJZgF-1B-qjCIIsUjNJNYptfjF7cXU2LOJfPts4cyVKZ4Paq1pPP3qB345vmPD3NNN2G4x8aavagXeCWdz2VMCrDZSDUNDaZMJf1fVBP4ptFmO1WUwTX4iiEwzCBKQnJZwJjbLGrqf7iJXo15s8d2IJH_kEgJWBQ6wy-HcK5jIGeV4nQ',
} as const;

let connection: TestConnection;
beforeEach(() => {
  connection = new TestConnection();
});

describe('A row of the vault', () => {
  it('of the first release can be opened', async () => {
    const { record } = await connection.rows().open(OLD_ROW);
    expect(record).toEqual({
      accessToken: 'AT-1',
      refreshToken: 'RT-1',
      obtainedAt: 1,
      connectedAt: 1,
      person: { id: '11111', login: 'ann@example.com', name: 'Ann' },
    });
  });

  it.each([
    ['app', 'other'],
    ['owner', 'eve'],
    ['label', 'work'],
    ['version', 8],
    ['sealed', 'AAAA'],
  ])('is unreadable with another %s', async (field, value) => {
    const row = { ...OLD_ROW, [field]: value };
    expect(await thrownBy(() => connection.rows().open(row))).toMatchObject({
      code: 'vault_unreadable',
      message: 'The vault contains a connection that cannot be decrypted.',
    });
  });

  it('has whole milliseconds, the key and a version, and no secret in clear text', async () => {
    await connection.connect({ obtainedAt: 1.9 });
    const row = await connection.stored.load(KEY);
    expect(row).toEqual({
      ...KEY,
      version: 7,
      status: 'active',
      refreshedAt: 1,
      keyId: expect.stringMatching(/^[\w-]{8}$/) as string,
      sealed: expect.stringMatching(/^[\w-]+$/) as string,
    });
  });

  it('gets the next version with each change, and keeps it if another process was faster', async () => {
    await connection.connect();
    const rows = connection.rows();
    const content = { record: connection.record('2'), status: 'active' } as const;
    expect(await rows.replace(KEY, 7, content)).toMatchObject({ version: 8 });
    expect(await rows.replace(KEY, 7, content)).toBeUndefined();
    expect(await rows.insert(KEY, 1, content)).toBeUndefined();
    expect(await rows.load(KEY)).toMatchObject({ row: { version: 8 } });
  });

  it('is missing if there is none', async () => {
    expect(await connection.rows().load(KEY)).toBeUndefined();
  });
});

describe('The sealed text of a row', () => {
  const opened = (text: string) => {
    const seal = { keyId: 'id', seal: () => '', open: () => text };
    return connection.rows(connection.stored, seal).open(OLD_ROW);
  };
  const record = { ...new TestConnection().record('1'), expiresAt: undefined };

  it('can lack the lifetime of the access token and the enterprise of the person', async () => {
    const { lifetimeMs: _, ...withoutLifetime } = record;
    const text = JSON.stringify(withoutLifetime);
    expect((await opened(text)).record).toEqual(JSON.parse(text));
  });

  it.each([
    'no JSON',
    'null',
    '{}',
    JSON.stringify({ ...record, accessToken: 'two words' }),
    JSON.stringify({ ...record, refreshToken: '' }),
    JSON.stringify({ ...record, obtainedAt: null }),
    JSON.stringify({ ...record, connectedAt: 'now' }),
    JSON.stringify({ ...record, person: { id: 7 } }),
    JSON.stringify({ ...record, person: { ...record.person, enterprise: 7 } }),
  ])('is unreadable if it is %s', async (text) => {
    expect(await thrownBy(() => opened(text))).toMatchObject({ code: 'vault_unreadable' });
  });
});

describe('A token of the vault', () => {
  it('without a known lifetime is used until it is refused', async () => {
    await connection.connect({ lifetimeMs: undefined, expiresAt: undefined });
    connection.runtime.freeze(1_000 * HOUR_MS);
    const { token, lifetimeMs } = await connection.process().mint(undefined, {});
    expect([token.value, token.expiresAt, lifetimeMs]).toEqual(['AT-1', undefined, undefined]);
    expect(connection.exchanged).toEqual([]);
  });
});
