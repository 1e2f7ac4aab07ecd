import { type AuthEvent, type BoxAuthErrorCode, onAuthEvent } from 'nestjs-box-auth';
import type { BoxConnections } from 'nestjs-box-auth/connections';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { connectionsAppOf } from '../../../lib/box/connections/app-of-connections.js';
import { EventLog } from '../../../lib/core/events/event-log.js';
import { ALICE, BOB, ConnectedBox, DAY_MS, outcome } from '../../support/box-connections.js';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

let box: ConnectedBox;
let lines: string[];
beforeEach(async () => {
  box = await ConnectedBox.start();
  await box.connect();
  await box.connect({ owner: 'ben', binding: 'the session of ben' }, BOB);
  lines = [];
  logOf(box.connections);
});
afterEach(() => box.stop());

function logOf(connections: BoxConnections): void {
  const write = (level: string) => (line: string) => lines.push(`${level} ${line}`);
  const log = new EventLog({ log: write('log'), warn: write('warn'), error: write('error') });
  connectionsAppOf(connections)?.events.subscribe((event) => log.write(event));
}

/** Makes the vault unavailable until the returned function is called. */
function loseVault(): () => void {
  const load = box.vault.load.bind(box.vault);
  box.vault.load = () => Promise.reject(new Error('connect ECONNREFUSED'));
  return () => {
    box.vault.load = load;
  };
}

const tokenOf = (owner: string) => outcome(box.advanceUntil(box.connections.getToken(owner)));

const FAILED = (code: BoxAuthErrorCode) =>
  expect.stringMatching(
    `^error Token request failed \\(${code}\\); calls that need this token fail\\. `,
  ) as string;
const RECOVERED = 'log Token requests succeed again.';

describe('The log of connections', () => {
  it('reports a vault that is unavailable once a minute, and its end', async () => {
    const heal = loseVault();
    for (let times = 0; times < 3; times++) {
      expect(await tokenOf('ann')).toBe('vault_unavailable');
      expect(await tokenOf('ben')).toBe('vault_unavailable');
    }
    expect(lines).toEqual([FAILED('vault_unavailable')]);
    expect(lines[0]).toContain('Check whether its database can be reached.');
    await box.runtime.advance(MINUTE_MS);
    expect(await tokenOf('ann')).toBe('vault_unavailable');
    expect(lines).toHaveLength(2);
    heal();
    await box.runtime.advance(MINUTE_MS);
    expect(await tokenOf('ann')).toBe('resolved');
    expect(lines.slice(2)).toEqual([RECOVERED]);
  });

  it('has no line about a person who has not connected an account, or has to connect it again', async () => {
    box.emulator.revokeUserConnection(ALICE);
    box.runtime.freeze(2 * HOUR_MS);
    expect(await tokenOf('eve')).toBe('connection_missing');
    expect(await tokenOf('ann')).toBe('reauthorization_required');
    box.runtime.freeze(31 * DAY_MS);
    await box.advanceUntil(box.connections.refreshIdle());
    expect(lines).toEqual([]);
  });

  it('does not take a token from the vault for the end of an outage of Box', async () => {
    box.runtime.freeze(2 * HOUR_MS);
    expect(await outcome(box.advanceUntil(box.open().getToken('ben')))).toBe('resolved');
    box.emulator.always('token', { kind: 'unavailable' });
    expect(await tokenOf('ann')).toBe('unavailable');
    expect(await tokenOf('ben')).toBe('resolved');
    expect(lines).toEqual([FAILED('unavailable')]);
    box.emulator.heal('token');
    await box.runtime.advance(MINUTE_MS);
    expect(await tokenOf('ann')).toBe('resolved');
    expect(lines.slice(1)).toEqual([RECOVERED]);
  });

  it('reports why idle connections could not be refreshed', async () => {
    box.runtime.freeze(31 * DAY_MS);
    const wrongSecret = box.open({ clientSecret: 'not-the-secret-of-the-app' });
    logOf(wrongSecret);
    expect(await box.advanceUntil(wrongSecret.refreshIdle())).toMatchObject({ failed: 2 });
    expect(lines).toEqual([FAILED('client_invalid')]);
  });
});

describe('The token events of connections', () => {
  let events: AuthEvent[];
  let stops: (() => void)[];
  beforeEach(() => {
    events = [];
    stops = (['mint', 'renewal', 'forced-renewal', 'stale-served'] as const).map((kind) =>
      onAuthEvent(kind, (event) => events.push(event)),
    );
  });
  afterEach(() => {
    for (const stop of stops) stop();
  });

  it('name no user of the app as their subject, and say whether the token came from the vault', async () => {
    await tokenOf('ann');
    box.runtime.freeze(2 * HOUR_MS);
    await tokenOf('ben');
    const ofConnection = { subjectType: 'connection', isOwn: false, enterprise: undefined };
    expect(events).toMatchObject([
      { ...ofConnection, kind: 'mint', outcome: 'shared' },
      { ...ofConnection, kind: 'mint', outcome: 'minted' },
    ]);
    expect(JSON.stringify(events)).not.toMatch(new RegExp(`ann|ben|${ALICE}|${BOB}`));
  });

  it('have one for the old token that a caller gets during an outage', async () => {
    await tokenOf('ann');
    box.emulator.always('token', { kind: 'unavailable' });
    box.runtime.freeze(59 * MINUTE_MS);
    await tokenOf('ann');
    expect(events).toContainEqual(
      expect.objectContaining({ kind: 'stale-served', subjectType: 'connection' }),
    );
  });

  it('have one for each refresh of an idle connection', async () => {
    box.runtime.freeze(31 * DAY_MS);
    await box.advanceUntil(box.connections.refreshIdle());
    const renewal = { kind: 'renewal', outcome: 'minted', subjectType: 'connection', isOwn: false };
    expect(events).toMatchObject([renewal, renewal]);
    for (const event of events) {
      expect('usableForMs' in event && event.usableForMs).toBeGreaterThan(50 * MINUTE_MS);
    }
  });
});
