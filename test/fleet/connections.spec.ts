import { setTimeout as delay } from 'node:timers/promises';
import { BoxConnections } from 'nestjs-box-auth/connections';
import { migrateConnections, SqlConnectionVault } from 'nestjs-box-auth/sql';
import { BoxEmulator } from 'nestjs-box-auth/testing';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { engines, type TestDatabase } from '../support/sql-databases.js';
import { ConnectionFleet } from './connection-fleet.js';
import { MEMBER_SECRET } from './connection-messages.js';
import { until } from './fleet.js';

// A longer run: FLEET_SECONDS=60 FLEET_OWNERS=50 FLEET_PROCESSES=8 npx vitest run test/fleet/connections.spec.ts
const SECONDS = Number(process.env['FLEET_SECONDS'] ?? 0);
const OWNERS = Number(process.env['FLEET_OWNERS'] ?? 12);
const PROCESSES = Number(process.env['FLEET_PROCESSES'] ?? 4);
const KILL_EVERY_MS = 300;
const TOKEN_LIFETIME_S = 4;
const MAX_TEST_MS = SECONDS * 1_000 + 120_000;

let emulator: BoxEmulator;
let database: TestDatabase;
let connections: BoxConnections;
let fleet: ConnectionFleet | undefined;
const owners = Array.from({ length: OWNERS }, (_, number) => `owner ${number}`);

beforeEach(async () => {
  database = await engines.PostgreSQL.create();
  const users = owners.map((name, number) => ({
    id: String(1_000 + number),
    name,
    login: `user-${number}@example.com`,
  }));
  emulator = await BoxEmulator.start({ users, tokenLifetimeS: TOKEN_LIFETIME_S });
  const db = database.open();
  await migrateConnections(db);
  const { clientId, clientSecret, redirectUri } = emulator.oauthApp;
  connections = new BoxConnections({
    clientId,
    clientSecret,
    redirectUri,
    secret: MEMBER_SECRET,
    vault: new SqlConnectionVault(db),
    apiUrl: emulator.url,
  });
  for (const [number, owner] of owners.entries()) {
    const url = await connections.authorizationUrl({ owner, binding: 'a session' });
    const query = emulator.consent(url, { userId: String(1_000 + number) });
    await connections.complete({ owner, binding: 'a session', query });
  }
});
afterEach(async () => {
  await fleet?.end();
  fleet = undefined;
  await connections.close();
  await emulator.stop();
  await database.drop();
});

async function startFleet(): Promise<ConnectionFleet> {
  const { clientId, clientSecret } = emulator.oauthApp;
  fleet = await ConnectionFleet.start(PROCESSES, {
    databaseUrl: database.url,
    apiUrl: emulator.url,
    client: { clientId, clientSecret },
    owners,
    callers: 4,
    pauseMs: 20,
  });
  return fleet;
}

/** Counts the refreshes from now on, and the pairs that Box issued. */
function countRefreshes(): () => { readonly requests: number; readonly pairs: number } {
  const mintsBefore = emulator.mints;
  emulator.clearRequests();
  return () => ({ requests: emulator.tokenRequests.length, pairs: emulator.mints - mintsBefore });
}

/** Runs until enough pairs were issued, and for the time of a longer run. */
async function runUntil(isEnough: () => boolean): Promise<void> {
  const end = performance.now() + SECONDS * 1_000;
  await until(() => isEnough() && performance.now() >= end);
}

/** Failures that mean that a person would have to connect again. All others are transient. */
const LOST = new Set(['connection_missing', 'reauthorization_required', 'vault_unreadable']);

/** Stops the fleet. Expects that no owner has lost the connection: each can make a call in a process without any token. */
async function expectNoneLost(running: ConnectionFleet): Promise<void> {
  await running.stop();
  expect([...running.failures.keys()].filter((failure) => LOST.has(failure))).toEqual([]);
  const results = await Promise.all(
    owners.map((owner) => connections.runAs(owner, () => connections.fetch('/2.0/users/me'))),
  );
  expect(results.map(({ status }) => status)).toEqual(owners.map(() => 200));
  const { connections: listed } = await connections.list({ limit: 1_000 });
  expect(listed.map(({ status }) => status)).toEqual(owners.map(() => 'active'));
}

engines.PostgreSQL.describe('The connections of a fleet', () => {
  it('are refreshed once for all processes', { timeout: MAX_TEST_MS }, async () => {
    const count = countRefreshes();
    const running = await startFleet();
    await runUntil(() => count().pairs >= 2 * OWNERS);
    await expectNoneLost(running);
    const { requests, pairs } = count();
    show({ requests, pairs, ...running.summary });
    expect(requests / pairs).toBeLessThanOrEqual(1.05);
  });

  it('survive processes that are killed', { timeout: MAX_TEST_MS }, async () => {
    const count = countRefreshes();
    const running = await startFleet();
    const kills = setInterval(() => running.killOne(), KILL_EVERY_MS);
    await runUntil(() => count().pairs >= OWNERS && running.kills >= 10);
    clearInterval(kills);
    await expectNoneLost(running);
    const { requests, pairs } = count();
    show({ requests, pairs, ...running.summary });
    expect(requests).toBeLessThanOrEqual(1.05 * pairs + running.kills);
  });

  it('survive restarts of the database', { timeout: MAX_TEST_MS }, async () => {
    const count = countRefreshes();
    const running = await startFleet();
    let interruptions = 0;
    const end = new AbortController();
    const interrupting = (async () => {
      while (!end.signal.aborted) {
        await database.interrupt?.(300);
        interruptions += 1;
        await delay(700);
      }
    })();
    await runUntil(() => count().pairs >= OWNERS && interruptions >= 4);
    end.abort();
    await interrupting;
    await expectNoneLost(running);
    expect(running.failures.get('vault_unavailable')).toBeGreaterThan(0);
    show({ interruptions, ...count(), ...running.summary });
  });
});

/** For the output of the tests only. */
function show(figures: object): void {
  console.log(figures);
}
