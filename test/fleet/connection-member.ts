// One process of an app with connections: makes calls for random owners until its parent stops or kills it.
import { setTimeout as delay } from 'node:timers/promises';
import { Kysely, PostgresDialect } from 'kysely';
import { Pool } from 'pg';
import { BoxConnections } from '../../lib/box/connections/box-connections.js';
import { BoxAuthError } from '../../lib/core/errors/box-auth.error.js';
import { SqlConnectionVault } from '../../lib/sql/index.js';
import { MEMBER_SECRET, type MemberOptions, type MemberReport } from './connection-messages.js';

const { databaseUrl, apiUrl, client, owners, callers, pauseMs }: MemberOptions = JSON.parse(
  process.argv[2] ?? '{}',
);

const pool = new Pool({ connectionString: databaseUrl, max: 4 });
// Without these listeners, a restart of PostgreSQL ends the process.
pool.on('error', () => undefined);
pool.on('connect', (opened) => opened.on('error', () => undefined));
const connections = new BoxConnections({
  ...client,
  redirectUri: 'http://localhost:3000/box/callback',
  secret: MEMBER_SECRET,
  vault: new SqlConnectionVault(new Kysely({ dialect: new PostgresDialect({ pool }) })),
  apiUrl,
});

let calls = 0;
let failures: string[] = [];
const stopping = new AbortController();

async function caller(): Promise<void> {
  while (!stopping.signal.aborted) {
    const owner = owners[Math.floor(Math.random() * owners.length)] ?? '';
    calls += 1;
    try {
      const response = await connections.runAs(owner, () => connections.fetch('/2.0/users/me'));
      await response.arrayBuffer();
      if (!response.ok) failures.push(`status ${response.status}`);
    } catch (error) {
      failures.push(error instanceof BoxAuthError ? error.code : String(error));
    }
    await delay(pauseMs * (0.5 + Math.random()));
  }
}

function report(): void {
  process.send?.({ calls, failures } satisfies MemberReport);
  calls = 0;
  failures = [];
}

process.on('disconnect', () => process.exit());
process.once('message', () => stopping.abort());
const reporting = setInterval(report, 100);
await Promise.all(Array.from({ length: callers }, caller));
clearInterval(reporting);
await connections.close();
await pool.end();
report();
process.disconnect();
