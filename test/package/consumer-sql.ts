import { type Generated, Kysely, MysqlDialect } from 'kysely';
import {
  type ConnectionTablesOptions,
  type ConnectionVault,
  migrateConnections,
  SqlConnectionVault,
} from 'nestjs-box-auth/sql';

interface Tables {
  readonly document: { readonly id: Generated<number>; readonly title: string };
}

declare const dialect: MysqlDialect;
const db = new Kysely<Tables>({ dialect });
const options: ConnectionTablesOptions = { prefix: 'portal_' };

export const vault: ConnectionVault = new SqlConnectionVault(db, options);

export function migrate(): Promise<void> {
  return migrateConnections(db, options);
}
