import { type QueryExecutorProvider, type QueryResult, type RawBuilder, sql } from 'kysely';
import { BoxAuthError } from '../core/errors/box-auth.error.js';
import { sanitizedCause } from '../core/errors/redact.js';
import { optionInvalid, type SqlDialect } from './table-names.js';

type Statement = RawBuilder<unknown>;
export type SqlRow = Readonly<Record<string, unknown>>;

/** Executes statements by the Kysely of the app. */
export class SqlDatabase {
  readonly dialect: SqlDialect;
  readonly #db: QueryExecutorProvider;

  /** @throws BoxAuthError `option_invalid` */
  constructor(db: QueryExecutorProvider) {
    checkDatabase(db);
    // A plugin of the app, such as CamelCasePlugin, would rename the columns of results.
    this.#db = { getExecutor: () => db.getExecutor().withoutPlugins() };
    this.dialect = dialectOf(this.#db);
  }

  /** @throws BoxAuthError `vault_unavailable` */
  async execute(statement: Statement): Promise<void> {
    await this.rows(statement);
  }

  /** @throws BoxAuthError `vault_unavailable` */
  async rows(statement: Statement): Promise<readonly SqlRow[]> {
    try {
      return rowsOf(await statement.execute(this.#db));
    } catch (error) {
      throw vaultUnavailable(error);
    }
  }

  /**
   * Resolves with whether an update of one row changed it.
   *
   * @throws BoxAuthError `vault_unavailable`
   */
  async updates(statement: Statement): Promise<boolean> {
    if (this.dialect !== 'mysql') {
      return (await this.rows(sql`${statement} returning 1 as changed`)).length > 0;
    }
    try {
      return affectsRow(await statement.execute(this.#db));
    } catch (error) {
      throw vaultUnavailable(error);
    }
  }

  /**
   * Resolves with whether an insert of one row added it. False if there is one with its key.
   *
   * @throws BoxAuthError `vault_unavailable`
   */
  async inserts(statement: Statement): Promise<boolean> {
    if (this.dialect !== 'mysql') {
      return await this.updates(sql`${statement} on conflict do nothing`);
    }
    try {
      // `insert ignore` would also ignore values that do not fit, and shorten them.
      return affectsRow(await statement.execute(this.#db));
    } catch (error) {
      if (isDuplicateKey(error)) return false;
      throw vaultUnavailable(error);
    }
  }
}

function checkDatabase(db: unknown): void {
  // JavaScript callers may pass the pool of their driver.
  if (typeof db === 'object' && db !== null && 'getExecutor' in db) return;
  throw optionInvalid('database', 'an instance of Kysely');
}

/** By the SQL that it compiles. The class of its adapter may be from another copy of Kysely. */
function dialectOf(db: QueryExecutorProvider): SqlDialect {
  const compiled = sql`${sql.ref('a')} = ${1}`.compile(db);
  const dialect = DIALECTS[compiled.sql];
  if (dialect !== undefined) return dialect;
  throw optionInvalid('database', 'a Kysely for PostgreSQL, MySQL, MariaDB or SQLite');
}

const DIALECTS: Readonly<Record<string, SqlDialect>> = {
  '"a" = $1': 'postgres',
  '`a` = ?': 'mysql',
  '"a" = ?': 'sqlite',
};

function rowsOf({ rows }: QueryResult<unknown>): readonly SqlRow[] {
  return rows.filter((row): row is SqlRow => typeof row === 'object' && row !== null);
}

function affectsRow({ numAffectedRows }: QueryResult<unknown>): boolean {
  return numAffectedRows !== undefined && numAffectedRows > 0n;
}

const UNKNOWN_TABLE: ReadonlySet<unknown> = new Set(['42P01', 'ER_NO_SUCH_TABLE']);

function vaultUnavailable(error: unknown): BoxAuthError {
  const { message } = sanitizedCause(error);
  const isTableMissing = UNKNOWN_TABLE.has(codeOf(error)) || /no such table/.test(message);
  return new BoxAuthError({
    code: 'vault_unavailable',
    message: `A statement of the connection vault failed: ${message}`,
    hint: isTableMissing
      ? 'Create the tables: call migrateConnections(), or run the SQL that `npx nestjs-box-auth connections sql` prints.'
      : 'Check whether the database can be reached and its user may change the tables of the vault.',
    docs: 'https://kysely.dev/docs/dialects',
    retryable: true,
    cause: error,
  });
}

function isDuplicateKey(error: unknown): boolean {
  return codeOf(error) === 'ER_DUP_ENTRY';
}

function codeOf(error: unknown): unknown {
  return typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined;
}
