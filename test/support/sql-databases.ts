import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Kysely, MysqlDialect, PostgresDialect, sql, SqliteDialect } from 'kysely';
import SqliteDatabase from 'libsql';
import { createPool } from 'mysql2';
import { Client, Pool } from 'pg';
import { createConnection } from 'mysql2/promise';
import { describe } from 'vitest';

/** The database of one spec. */
export interface TestDatabase {
  /** Its address, for another process. */
  readonly url: string;
  /** Opens another pool, like another process. `options` are for the pool of the driver. */
  open(options?: object): Kysely<unknown>;
  /** Closes the connections of all processes, and accepts new ones after `ms`, like a server that restarts. PostgreSQL only. */
  interrupt?(ms: number): Promise<void>;
  /** Closes all pools, and deletes the database. */
  drop(): Promise<void>;
}

interface Engine {
  /** Skips where the server is missing, except on CI, which must have it. */
  readonly describe: typeof describe | typeof describe.skip;
  create(): Promise<TestDatabase>;
}

const POSTGRES = new URL(process.env['POSTGRES_URL'] ?? 'postgres://postgres@127.0.0.1:5432');
const MYSQL = new URL(process.env['MYSQL_URL'] ?? 'mysql://root@127.0.0.1:3306');

/** Every kind of database that is tested, by name. */
export const engines: Readonly<Record<'PostgreSQL' | 'MariaDB' | 'SQLite', Engine>> = {
  PostgreSQL: {
    describe: await describeWith('PostgreSQL', POSTGRES, () => onPostgres('select 1')),
    create: async () => {
      const name = uniqueName();
      // The collation of the database sorts and compares unlike that of the vault.
      await onPostgres(
        `create database ${name} template template0 encoding UTF8 locale_provider icu icu_locale 'en-US'`,
      );
      return databaseOf(
        at(POSTGRES, name),
        (options) => {
          const pool = new Pool({ connectionString: at(POSTGRES, name), max: 8, ...options });
          pool.on('error', () => undefined);
          pool.on('connect', (client) => client.on('error', () => undefined));
          return new Kysely({ dialect: new PostgresDialect({ pool }) });
        },
        () => onPostgres(`drop database ${name} with (force)`),
        async (ms) => {
          await onPostgres(`alter database ${name} with allow_connections false`);
          await onPostgres(
            `select pg_terminate_backend(pid) from pg_stat_activity where datname = '${name}'`,
          );
          await delay(ms);
          await onPostgres(`alter database ${name} with allow_connections true`);
        },
      );
    },
  },
  MariaDB: {
    describe: await describeWith('MariaDB', MYSQL, () => onMysql('select 1')),
    create: async () => {
      const name = uniqueName();
      await onMysql(`create database ${name}`);
      return databaseOf(
        at(MYSQL, name),
        (options) => {
          const pool = createPool({ uri: at(MYSQL, name), connectionLimit: 8, ...options });
          return new Kysely({ dialect: new MysqlDialect({ pool }) });
        },
        () => onMysql(`drop database ${name}`),
      );
    },
  },
  SQLite: {
    describe,
    create: async () => {
      const folder = await mkdtemp(join(tmpdir(), 'nestjs-box-auth-sqlite-'));
      return databaseOf(
        join(folder, 'connections.db'),
        () => openSqlite(join(folder, 'connections.db')),
        () => rm(folder, { recursive: true }),
      );
    },
  },
};

function openSqlite(file: string): Kysely<unknown> {
  const database = new SqliteDatabase(file, { timeout: 5_000 });
  database.pragma('journal_mode = wal');
  // Nothing here has to survive a power failure.
  database.pragma('synchronous = off');
  return new Kysely({ dialect: new SqliteDialect({ database }) });
}

function databaseOf(
  url: string,
  open: (options?: object) => Kysely<unknown>,
  remove: () => Promise<unknown>,
  interrupt?: (ms: number) => Promise<void>,
): TestDatabase {
  const opened: Kysely<unknown>[] = [];
  return {
    url,
    ...(interrupt && { interrupt }),
    open: (options) => {
      const db = open(options);
      opened.push(db);
      return db;
    },
    drop: async () => {
      await Promise.all(opened.map((db) => db.destroy()));
      await remove();
    },
  };
}

/** Advances the clock by which leases end and sign-ins are deleted: moves all of these times back. */
export async function advance(db: Kysely<unknown>, ms: number): Promise<void> {
  await sql`update box_connections set lease_ends_at = lease_ends_at - ${ms}`.execute(db);
  await sql`update box_connection_states set expires_at = expires_at - ${ms}`.execute(db);
}

async function describeWith(name: string, { host }: URL, connect: () => Promise<unknown>) {
  try {
    await connect();
    return describe;
  } catch {
    console.warn(`${name} does not respond at ${host}. Skipping the tests that need it.`);
    return process.env['CI'] === 'true' ? describe : describe.skip;
  }
}

async function onPostgres(statement: string): Promise<void> {
  const client = new Client({ connectionString: at(POSTGRES, 'postgres') });
  await client.connect();
  try {
    await client.query(statement);
  } finally {
    await client.end();
  }
}

async function onMysql(statement: string): Promise<void> {
  const connection = await createConnection({ uri: MYSQL.href });
  try {
    await connection.query(statement);
  } finally {
    await connection.end();
  }
}

function at(server: URL, database: string): string {
  return new URL(`/${database}`, server).href;
}

function uniqueName(): string {
  return `box_test_${randomBytes(8).toString('hex')}`;
}
