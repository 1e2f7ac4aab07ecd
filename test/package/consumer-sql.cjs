// An app that stores connections in SQLite: `node consumer-sql.cjs import`, or `… require`.
const { Kysely, SqliteDialect } = require('kysely');
const SqliteDatabase = require('libsql');

const byImport = process.argv[2] === 'import';

void (async () => {
  const { migrateConnections, SqlConnectionVault } = byImport
    ? await import('nestjs-box-auth/sql')
    : require('nestjs-box-auth/sql');

  const db = new Kysely({
    dialect: new SqliteDialect({ database: new SqliteDatabase(':memory:') }),
  });
  await migrateConnections(db);
  const vault = new SqlConnectionVault(db);
  /** @type {import('nestjs-box-auth/sql').ConnectionRow} */
  const row = {
    app: 'app',
    owner: 'ann',
    label: '',
    version: 1,
    status: 'active',
    refreshedAt: Date.now(),
    keyId: 'key',
    sealed: 'sealed',
  };
  process.stdout.write(`added: ${await vault.insert(row)}\n`);
  process.stdout.write(`added again: ${await vault.insert(row)}\n`);
  const [listed] = await vault.list({ app: 'app', limit: 10 });
  process.stdout.write(`${listed?.owner}\n`);
  await db.destroy();
})();
