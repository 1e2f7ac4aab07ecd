import { Kysely, PostgresDialect } from 'kysely';
import { migrateConnections, SqlConnectionVault } from 'nestjs-box-auth/sql';
import { Pool } from 'pg';

/** Creates the tables of connections, unless they exist, and returns a vault that uses them. */
export async function postgresVault(connectionString: string): Promise<SqlConnectionVault> {
  const pool = new Pool({ connectionString, allowExitOnIdle: true });
  // Without these listeners, a restart of PostgreSQL ends the process.
  pool.on('error', () => undefined);
  pool.on('connect', (client) => client.on('error', () => undefined));
  const db = new Kysely({ dialect: new PostgresDialect({ pool }) });
  await migrateConnections(db);
  return new SqlConnectionVault(db);
}
