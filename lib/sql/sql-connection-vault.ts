import { type QueryExecutorProvider, type RawBuilder, sql } from 'kysely';
import type {
  ConnectionKey,
  ConnectionRow,
  ConnectionVault,
  IdleRequest,
  LeaseRequest,
  ListRequest,
  OtherKeysRequest,
  StateRow,
} from '../core/connections/connection-vault.js';
import { connectionRowOf, keyText, stateRowOf } from './column-values.js';
import { SqlDatabase } from './sql-database.js';
import { type ConnectionTablesOptions, type SqlDialect, tableNames } from './table-names.js';

const KEPT_AFTER_EXPIRY_MS = 3_600_000;

const CONNECTION = sql.raw('app, owner, label, version, status, refreshed_at, key_id, sealed');
const STATE = sql.raw('app, hash, expires_at, sealed');

/** Milliseconds since the epoch, by the clock of the database and in no time zone. */
const NOW: Readonly<Record<SqlDialect, RawBuilder<number>>> = {
  postgres: sql`floor(extract(epoch from clock_timestamp()) * 1000)::bigint`,
  mysql: sql`timestampdiff(microsecond, timestamp'1970-01-01 00:00:00', utc_timestamp(3)) div 1000`,
  sqlite: sql`cast(round((julianday('now') - 2440587.5) * 86400000) as integer)`,
};

/**
 * Stores connections in PostgreSQL, MySQL, MariaDB or SQLite, by the Kysely of the app. Create the tables first, with
 * {@link migrateConnections} or `npx nestjs-box-auth connections sql`.
 *
 * Each method is one statement outside of a transaction, except that `putState` also deletes expired sign-ins, and that MySQL
 * needs a second statement for `useState`. Leases end by the clock of the database. The plugins of the Kysely are not used.
 *
 * @throws BoxAuthError `option_invalid` from the constructor; the methods reject with `vault_unavailable`
 *
 * @example
 * ```ts
 * import { Kysely, PostgresDialect } from 'kysely';
 * import { migrateConnections, SqlConnectionVault } from 'nestjs-box-auth/sql';
 * import { Pool } from 'pg';
 *
 * const pool = new Pool({ connectionString: process.env['DATABASE_URL'] });
 * const db = new Kysely({ dialect: new PostgresDialect({ pool }) });
 *
 * await migrateConnections(db);
 * const vault = new SqlConnectionVault(db);
 * ```
 */
export class SqlConnectionVault implements ConnectionVault {
  readonly #db: SqlDatabase;
  readonly #connections: RawBuilder<unknown>;
  readonly #states: RawBuilder<unknown>;
  readonly #now: RawBuilder<number>;

  /** `db` is a Kysely of any schema. The app connects and destroys it. */
  constructor(db: QueryExecutorProvider, options?: ConnectionTablesOptions) {
    const names = tableNames(options);
    this.#db = new SqlDatabase(db);
    this.#connections = sql.id(...names.connections);
    this.#states = sql.id(...names.states);
    this.#now = NOW[this.#db.dialect];
  }

  /** See `ConnectionVault`. */
  async load(key: ConnectionKey): Promise<ConnectionRow | undefined> {
    const [row] = await this.#db.rows(
      sql`select ${CONNECTION} from ${this.#connections} where ${this.#has(key)}`,
    );
    return row && connectionRowOf(row);
  }

  /** See `ConnectionVault`. */
  async insert(row: ConnectionRow): Promise<boolean> {
    const { app, owner, label, version, status, refreshedAt, keyId, sealed } = row;
    return await this.#db.inserts(
      sql`insert into ${this.#connections} (${CONNECTION}) values (${this.#text(app)}, ${this.#text(owner)},
        ${this.#text(label)}, ${version}, ${status}, ${Math.floor(refreshedAt)}, ${this.#text(keyId)}, ${sealed})`,
    );
  }

  /** See `ConnectionVault`. */
  async replace(row: ConnectionRow, expectedVersion: number): Promise<boolean> {
    const { version, status, refreshedAt, keyId, sealed } = row;
    return await this.#db.updates(
      sql`update ${this.#connections} set version = ${version}, status = ${status},
        refreshed_at = ${Math.floor(refreshedAt)}, key_id = ${this.#text(keyId)}, sealed = ${sealed},
        lease_holder = null, lease_ends_at = null
        where ${this.#has(row)} and version = ${expectedVersion}`,
    );
  }

  /** See `ConnectionVault`. */
  async lease(key: ConnectionKey, request: LeaseRequest): Promise<boolean> {
    const holder = this.#text(request.holder);
    const endsAt = sql`${this.#now} + ${Math.ceil(request.leaseMs)}`;
    return await this.#db.updates(
      sql`update ${this.#connections}
        set lease_ends_at = ${this.#differing(endsAt, holder)}, lease_holder = ${holder}
        where ${this.#has(key)} and version = ${request.version}
        and (lease_holder is null or lease_holder = ${holder} or lease_ends_at <= ${this.#now})`,
    );
  }

  /** See `ConnectionVault`. */
  async release(key: ConnectionKey, holder: string): Promise<void> {
    await this.#db.execute(
      sql`update ${this.#connections} set lease_holder = null, lease_ends_at = null
        where ${this.#has(key)} and lease_holder = ${this.#text(holder)}`,
    );
  }

  /** See `ConnectionVault`. */
  async remove(key: ConnectionKey): Promise<void> {
    await this.#db.execute(sql`delete from ${this.#connections} where ${this.#has(key)}`);
  }

  /** See `ConnectionVault`. */
  async list({ app, after, limit }: ListRequest): Promise<readonly ConnectionRow[]> {
    const rows = await this.#db.rows(
      sql`select ${CONNECTION} from ${this.#connections}
        where app = ${this.#text(app)} ${after ? this.#isAfter(after) : sql``}
        order by owner, label limit ${limit}`,
    );
    return rows.map(connectionRowOf);
  }

  /** See `ConnectionVault`. */
  async listIdle({ app, refreshedBefore, limit }: IdleRequest): Promise<readonly ConnectionRow[]> {
    const rows = await this.#db.rows(
      sql`select ${CONNECTION} from ${this.#connections}
        where app = ${this.#text(app)} and status = 'active' and refreshed_at < ${Math.ceil(refreshedBefore)}
        order by refreshed_at limit ${limit}`,
    );
    return rows.map(connectionRowOf);
  }

  /** See `ConnectionVault`. */
  async listOtherKeys({ app, keyId, limit }: OtherKeysRequest) {
    const key = this.#text(keyId);
    // An index serves two ranges, but not `<>`.
    const isOther = sql`app = ${this.#text(app)} and (key_id < ${key} or key_id > ${key})`;
    const [[counted], rows] = await Promise.all([
      this.#db.rows(sql`select count(*) as total from ${this.#connections} where ${isOther}`),
      this.#db.rows(
        sql`select ${CONNECTION} from ${this.#connections} where ${isOther} limit ${limit}`,
      ),
    ]);
    return { rows: rows.map(connectionRowOf), total: Number(counted?.['total']) };
  }

  /** See `ConnectionVault`. */
  async putState({ app, hash, expiresAt, sealed }: StateRow): Promise<void> {
    await this.#db.execute(
      sql`insert into ${this.#states} (${STATE})
        values (${this.#text(app)}, ${this.#text(hash)}, ${expiresAt}, ${sealed})`,
    );
    await this.#db.execute(
      sql`delete from ${this.#states} where expires_at < ${this.#now} - ${KEPT_AFTER_EXPIRY_MS}`,
    );
  }

  /** See `ConnectionVault`. */
  async useState(
    app: string,
    hash: string,
  ): Promise<{ readonly state: StateRow; readonly isFirstUse: boolean } | undefined> {
    const hasHash = sql`app = ${this.#text(app)} and hash = ${this.#text(hash)}`;
    const count = sql`update ${this.#states} set uses = uses + 1 where ${hasHash}`;
    if (this.#db.dialect !== 'mysql') {
      const [used] = await this.#db.rows(sql`${count} returning ${STATE}, uses`);
      return used && { state: stateRowOf(used), isFirstUse: Number(used['uses']) === 1 };
    }
    const isFirstUse = await this.#db.updates(sql`${count} and uses = 0`);
    const [state] = await this.#db.rows(sql`select ${STATE} from ${this.#states} where ${hasHash}`);
    return state && { state: stateRowOf(state), isFirstUse };
  }

  #has({ app, owner, label }: ConnectionKey): RawBuilder<unknown> {
    return sql`app = ${this.#text(app)} and owner = ${this.#text(owner)} and label = ${this.#text(label)}`;
  }

  /** MySQL uses no index for `(owner, label) > (?, ?)`. */
  #isAfter(position: Pick<ConnectionKey, 'owner' | 'label'>): RawBuilder<unknown> {
    const owner = this.#text(position.owner);
    return sql`and owner >= ${owner} and (owner > ${owner} or label > ${this.#text(position.label)})`;
  }

  /** MySQL can report a row as unaffected if its values remain the same. */
  #differing(endsAt: RawBuilder<unknown>, holder: string | Buffer): RawBuilder<unknown> {
    if (this.#db.dialect !== 'mysql') return endsAt;
    return sql`${endsAt} + coalesce(lease_holder = ${holder} and lease_ends_at = ${endsAt}, 0)`;
  }

  #text(text: string): string | Buffer {
    return keyText(text, this.#db.dialect);
  }
}
