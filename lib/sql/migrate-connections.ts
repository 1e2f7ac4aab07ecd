import { type QueryExecutorProvider, sql } from 'kysely';
import { connectionTables } from './connection-tables.js';
import { SqlDatabase } from './sql-database.js';
import { type ConnectionTablesOptions, tableNames } from './table-names.js';

/**
 * Creates the tables of a {@link SqlConnectionVault}, unless they exist. Several processes may call it at once. The user of the
 * database needs the right to create tables; without it, run the SQL of `npx nestjs-box-auth connections sql` instead.
 *
 * @throws BoxAuthError `option_invalid`, `vault_unavailable`
 *
 * @example
 * ```ts
 * import { Kysely, MysqlDialect } from 'kysely';
 * import { createPool } from 'mysql2';
 * import { migrateConnections } from 'nestjs-box-auth/sql';
 *
 * const pool = createPool(process.env['DATABASE_URL'] ?? 'mysql://root@localhost/app');
 * const db = new Kysely({ dialect: new MysqlDialect({ pool }) });
 *
 * await migrateConnections(db, { prefix: 'portal_' });
 * ```
 */
export async function migrateConnections(
  db: QueryExecutorProvider,
  options?: ConnectionTablesOptions,
): Promise<void> {
  const names = tableNames(options);
  const database = new SqlDatabase(db);
  const statements = connectionTables(database.dialect, names);
  // PostgreSQL: two processes that create a table at once fail, even with `if not exists`.
  const all = database.dialect === 'postgres' ? [inOneTransaction(statements)] : statements;
  for (const statement of all) await database.execute(sql.raw(statement));
}

function inOneTransaction(statements: readonly string[]): string {
  return `do $$ begin
perform pg_advisory_xact_lock(hashtext('nestjs-box-auth connections'));
${statements.map((statement) => `${statement};`).join('\n')}
end $$`;
}
