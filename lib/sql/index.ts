export type * from '../core/connections/connection-vault.js';
export { migrateConnections } from './migrate-connections.js';
export { SqlConnectionVault } from './sql-connection-vault.js';
export type { ConnectionTablesOptions } from './table-names.js';
