import { randomUUID } from 'node:crypto';
import { CamelCasePlugin, type Kysely, sql } from 'kysely';
import {
  type ConnectionRow,
  type ConnectionVault,
  migrateConnections,
  SqlConnectionVault,
} from 'nestjs-box-auth/sql';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connectionTables } from '../../lib/sql/connection-tables.js';
import { tableNames } from '../../lib/sql/table-names.js';
import { engines, type TestDatabase } from '../support/sql-databases.js';
import { thrownBy } from '../support/thrown.js';

const dialects = { PostgreSQL: 'postgres', MariaDB: 'mysql', SQLite: 'sqlite' } as const;

const row: ConnectionRow = {
  app: 'app',
  owner: 'Änn 😀 ',
  label: '',
  version: 1,
  status: 'active',
  refreshedAt: 1_767_225_600_123,
  keyId: 'key',
  sealed: 'sealed-0123456789-sealed',
};
const state = { app: 'app', hash: 'h'.repeat(43), expiresAt: 1_767_225_600_123, sealed: 'sealed' };

/** Uses each column of a database once, for an app of its own. */
async function roundTrip(vault: ConnectionVault): Promise<void> {
  const app = randomUUID();
  const own = { ...row, app };
  const lease = { holder: 'holder', version: 1, leaseMs: 60_000 };
  expect(await vault.insert(own)).toBe(true);
  expect(await vault.insert(own)).toBe(false);
  for (let extended = 0; extended < 20; extended++) {
    expect(await vault.lease(own, lease)).toBe(true);
  }
  expect(await vault.lease(own, { ...lease, holder: 'other' })).toBe(false);
  expect(await vault.load(own)).toEqual(own);
  expect(await vault.list({ app, limit: 2 })).toEqual([own]);
  expect(await vault.listIdle({ app, refreshedBefore: 9e15, limit: 2 })).toEqual([own]);
  expect(await vault.replace({ ...own, version: 2 }, 1)).toBe(true);
  const started = { ...state, app, expiresAt: Date.now() };
  await vault.putState(started);
  expect(await vault.useState(app, state.hash)).toEqual({ state: started, isFirstUse: true });
  expect(await vault.useState(app, state.hash)).toEqual({ state: started, isFirstUse: false });
  await vault.remove(own);
  expect(await vault.load(own)).toBeUndefined();
}

for (const [name, engine] of Object.entries(engines)) {
  const dialect = dialects[name as keyof typeof dialects];

  engine.describe(`SqlConnectionVault and migrateConnections in ${name}`, () => {
    let database: TestDatabase;
    let db: Kysely<unknown>;

    beforeAll(async () => {
      database = await engine.create();
      db = database.open();
    });

    afterAll(() => database.drop());

    const bound = (text: string) => (dialect === 'mysql' ? Buffer.from(text) : text);

    it('reports missing tables, and how to create them', async () => {
      const vault = new SqlConnectionVault(db, { prefix: 'missing_' });
      for (const call of [
        () => vault.load(row),
        () => vault.insert(row),
        () => vault.replace(row, 1),
      ]) {
        const error = await thrownBy(call);
        expect(error).toMatchObject({ code: 'vault_unavailable', retryable: true });
        expect(error.message).toMatch(/ exist|no such table/);
        expect(error.hint).toContain('migrateConnections()');
        expect(`${error.message} ${JSON.stringify(error)}`).not.toContain(row.sealed);
      }
    });

    it('creates the tables when several processes start at once, and keeps them', async () => {
      const pools = Array.from({ length: 5 }, () => database.open());
      await Promise.all(pools.map((pool) => migrateConnections(pool)));
      const vault = new SqlConnectionVault(db);
      await vault.insert(row);
      await migrateConnections(db);
      expect(await vault.load(row)).toEqual(row);
      await expect(roundTrip(vault)).resolves.toBeUndefined();
    });

    it('has the tables that the command line prints', async () => {
      const options = { prefix: 'Printed_' };
      for (const statement of connectionTables(dialect, tableNames(options))) {
        await sql.raw(statement).execute(db);
      }
      await expect(roundTrip(new SqlConnectionVault(db, options))).resolves.toBeUndefined();
      await migrateConnections(db, options);
    });

    it('works with a Kysely with plugins', async () => {
      const plugged = database.open().withPlugin(new CamelCasePlugin()).withSchema('elsewhere');
      await migrateConnections(plugged);
      await expect(roundTrip(new SqlConnectionVault(plugged))).resolves.toBeUndefined();
    });

    it('ends leases by the clock of the database, in milliseconds', async () => {
      const vault = new SqlConnectionVault(db);
      const own = { ...row, app: randomUUID() };
      await vault.insert(own);
      const before = Date.now();
      await vault.lease(own, { holder: 'holder', version: 1, leaseMs: 5_000.5 });
      const { rows } = await sql<{
        lease_ends_at: unknown;
      }>`select lease_ends_at from box_connections where app = ${bound(own.app)}`.execute(db);
      const endsAt = Number(rows[0]?.lease_ends_at);
      // The database is on this machine.
      expect(endsAt).toBeGreaterThanOrEqual(before + 5_000);
      expect(endsAt).toBeLessThanOrEqual(Date.now() + 5_002);
      expect(Number.isInteger(endsAt)).toBe(true);
    });

    it('rejects text that databases would change', async () => {
      const vault = new SqlConnectionVault(db);
      for (const owner of ['a\0', 'a\ud800']) {
        const error = await thrownBy(() => vault.load({ ...row, owner }));
        expect(error.code).toBe('option_invalid');
      }
    });
  });
}

engines.PostgreSQL.describe('SqlConnectionVault in PostgreSQL', () => {
  let database: TestDatabase;

  beforeAll(async () => {
    database = await engines.PostgreSQL.create();
  });

  afterAll(() => database.drop());

  it('uses another schema', async () => {
    const db = database.open();
    await sql`create schema vault`.execute(db);
    await migrateConnections(db, { schema: 'vault', prefix: '' });
    await expect(
      roundTrip(new SqlConnectionVault(db, { schema: 'vault', prefix: '' })),
    ).resolves.toBeUndefined();
    await expect(sql`select * from vault.connections`.execute(db)).resolves.toBeDefined();
  });

  it.each([
    ['BigInt for bigint', { types: { getTypeParser: () => (text: string) => asBigInt(text) } }],
    ['another time zone', { options: '-c TimeZone=Asia/Tokyo' }],
    ['serializable transactions', { options: '-c default_transaction_isolation=serializable' }],
  ])('works with a pool that uses %s', async (_, options) => {
    const db = database.open(options);
    await migrateConnections(db);
    await expect(roundTrip(new SqlConnectionVault(db))).resolves.toBeUndefined();
  });
});

function asBigInt(text: string): unknown {
  return /^\d+$/.test(text) ? BigInt(text) : text;
}

engines.MariaDB.describe('SqlConnectionVault in MariaDB', () => {
  let database: TestDatabase;

  beforeAll(async () => {
    database = await engines.MariaDB.create();
  });

  afterAll(() => database.drop());

  it.each<[string, object]>([
    ['returns numbers as text', { supportBigNumbers: true, bigNumberStrings: true }],
    ['uses latin1', { charset: 'latin1' }],
    [
      'returns bytes as text',
      {
        typeCast: (
          field: { type: string; string(encoding: string): string },
          next: () => unknown,
        ) => (field.type === 'VAR_STRING' ? field.string('utf8') : next()),
      },
    ],
  ])('works with a pool that %s', async (_, options) => {
    const db = database.open(options);
    await migrateConnections(db);
    await expect(roundTrip(new SqlConnectionVault(db))).resolves.toBeUndefined();
  });

  it('extends a lease within the same millisecond, also if only changed rows count', async () => {
    const db = database.open({ flags: ['-FOUND_ROWS'], connectionLimit: 1 });
    await sql`set timestamp = 1767225600.123`.execute(db);
    await migrateConnections(db);
    await expect(roundTrip(new SqlConnectionVault(db))).resolves.toBeUndefined();
  });

  it('works in any time zone and SQL mode', async () => {
    const db = database.open({ connectionLimit: 1 });
    await sql`set time_zone = '+09:00', sql_mode = 'ANSI,NO_BACKSLASH_ESCAPES'`.execute(db);
    await migrateConnections(db);
    const vault = new SqlConnectionVault(db);
    await expect(roundTrip(vault)).resolves.toBeUndefined();
    await vault.putState({ ...state, expiresAt: Date.now() - 3_500_000 });
    await vault.putState({ ...state, hash: 'other', expiresAt: Date.now() - 3_700_000 });
    expect(await vault.useState('app', state.hash)).toBeDefined();
    expect(await vault.useState('app', 'other')).toBeUndefined();
  });
});

describe('The options of SqlConnectionVault', () => {
  it.each([
    ['database', undefined, {}],
    ['database', { query: () => undefined }, {}],
    ['prefix', {}, { prefix: 'a"b' }],
    ['prefix', {}, { prefix: 'x'.repeat(33) }],
    ['schema', {}, { schema: '' }],
    ['schema', {}, { schema: 5 }],
  ])('are checked: %s', async (name, db, options) => {
    const create = async () => new SqlConnectionVault(db as never, options as never);
    for (const call of [create, () => migrateConnections(db as never, options as never)]) {
      const error = await thrownBy(call);
      expect(error.code).toBe('option_invalid');
      expect(error.message).toContain(`Invalid ${name} of the connection tables`);
    }
  });
});
