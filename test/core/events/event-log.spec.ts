import { beforeEach, describe, expect, it } from 'vitest';
import { BoxAuthError, type BoxAuthErrorCode, type TokenEvent } from 'nestjs-box-auth';
import { BoxAuth } from '../../../lib/box/box-auth.js';
import { EventLog } from '../../../lib/core/events/event-log.js';
import { FakeRuntime, settled } from '../../support/fake-runtime.js';
import { refuse, ScriptedEndpoint } from '../../support/scripted-endpoint.js';
import { TENANT, TenantBox, tenantApp, unauthorized } from '../../support/tenant-box.js';
import { thrownBy } from '../../support/thrown.js';

const MINUTE = 60_000;

let lines: string[];
let log: EventLog;
beforeEach(() => {
  lines = [];
  const write = (level: string) => (message: unknown) => lines.push(`${level} ${String(message)}`);
  log = new EventLog({ log: write('log'), warn: write('warn'), error: write('error') });
});

const errorOf = (code: BoxAuthErrorCode, retryable: boolean) =>
  new BoxAuthError({
    code,
    message: `This is ${code}.`,
    hint: 'Do something.',
    docs: 'https://example.com/',
    retryable,
  });
const outage = errorOf('unavailable', true);
const unapproved = errorOf('app_not_authorized', false);

function succeeded(event: Partial<TokenEvent> = {}): void {
  log.write({
    kind: 'mint',
    subjectType: 'enterprise',
    isOwn: true,
    outcome: 'minted',
    startedAt: 0,
    durationMs: 100,
    usableForMs: 50 * MINUTE,
    ...event,
  });
}
function failed(startedAt: number, event: Partial<TokenEvent> = {}): void {
  succeeded({ outcome: 'failed', error: outage, usableForMs: 0, startedAt, ...event });
}

const FAILED =
  'error Token request failed (unavailable); calls that need this token fail. This is unavailable. Do something.';
const RECOVERED = 'log Token requests succeed again.';

describe('The log line of a failed token request', () => {
  it('names the failure and the fix if calls fail', () => {
    failed(0);
    expect(lines).toEqual([FAILED]);
  });

  it.each(['renewal', 'forced-renewal'] as const)(
    'says how long the current token is served after a failed %s',
    (kind) => {
      failed(0, { kind, usableForMs: 594_900 });
      expect(lines).toEqual([
        'warn Token refresh failed (unavailable); serving the current token for another 9 min. This is unavailable. Do something.',
      ]);
    },
  );

  it('gives the last two minutes of the current token in seconds', () => {
    failed(0, { kind: 'renewal', usableForMs: 119_400 });
    expect(lines).toEqual([
      'warn Token refresh failed (unavailable); serving the current token for another 119 s. This is unavailable. Do something.',
    ]);
  });

  it('gives no time for a current token without a known expiry', () => {
    failed(0, { kind: 'renewal', usableForMs: Infinity });
    expect(lines).toEqual([
      'warn Token refresh failed (unavailable); serving the current token. This is unavailable. Do something.',
    ]);
  });

  it('is written once a minute, however many calls fail', () => {
    for (let ms = 0; ms < 3 * MINUTE; ms += 100) failed(ms);
    expect(lines).toEqual([FAILED, FAILED, FAILED]);
  });

  it('is written for each code', () => {
    failed(0);
    failed(1, { error: unapproved });
    failed(2);
    failed(3, { error: unapproved });
    expect(lines).toHaveLength(2);
    expect(lines[1]).toContain('app_not_authorized');
  });

  it('is written again as soon as the current token has expired', () => {
    failed(0, { kind: 'renewal', usableForMs: 1_000 });
    failed(2_000);
    failed(3_000);
    expect(lines.map((line) => line.split(' ')[0])).toEqual(['warn', 'error']);
  });

  it('is not suppressed by a clock that was set back', () => {
    failed(60 * MINUTE);
    failed(0);
    expect(lines).toEqual([FAILED, FAILED]);
  });
});

describe('The log line of a recovery', () => {
  it('is written once, after a logged failure', () => {
    succeeded();
    failed(0);
    succeeded();
    succeeded();
    expect(lines).toEqual([FAILED, RECOVERED]);
  });

  it('is written once after several failures', () => {
    failed(0);
    failed(0, { error: errorOf('network', true) });
    succeeded({ outcome: 'shared' });
    expect(lines.slice(2)).toEqual([RECOVERED]);
  });

  it('is not written after a failure that was not logged', () => {
    failed(0);
    succeeded();
    failed(1_000);
    succeeded();
    expect(lines).toEqual([FAILED, RECOVERED]);
  });

  it('is written after an outage for a token of any subject', () => {
    failed(0);
    succeeded({ subjectType: 'user', isOwn: false });
    expect(lines).toEqual([FAILED, RECOVERED]);
  });

  it('is written after an error that needed a fix only for a token of the app itself', () => {
    failed(0, { error: unapproved });
    succeeded({ subjectType: 'user', isOwn: false });
    expect(lines).toHaveLength(1);
    succeeded();
    expect(lines.slice(1)).toEqual([RECOVERED]);
  });

  it('is written for a token of the app itself also if its subject is a user', () => {
    failed(0, { error: unapproved, subjectType: 'user' });
    succeeded({ subjectType: 'user' });
    expect(lines.slice(1)).toEqual([RECOVERED]);
  });

  it('is written after unreadable credentials for a token of the app itself', () => {
    const error = errorOf('credentials_unavailable', false);
    failed(0, { error, subjectType: undefined });
    succeeded();
    expect(lines.slice(1)).toEqual([RECOVERED]);
  });

  it('is not written for the failure of one user when another user gets a token', () => {
    failed(0, {
      error: errorOf('subject_refused', false),
      subjectType: 'user',
      isOwn: false,
    });
    succeeded({ subjectType: 'user', isOwn: false });
    succeeded();
    expect(lines).toHaveLength(1);
  });
});

describe('The log line of a tenant', () => {
  const UNAUTHORIZED =
    'warn The app is not authorized for a tenant; calls for this enterprise fail, others work. Enterprise 7: This is app_not_authorized. Do something.';
  const AUTHORIZED = 'log Enterprise 7 has authorized the app again.';
  const refusalOf = (code: BoxAuthErrorCode, enterprise: string) =>
    errorOf(code, false).with({
      message: `Enterprise ${enterprise}: This is ${code}.`,
      enterprise,
    });
  const ofTenant = { isOwn: false, enterprise: '7' };

  /** What the token endpoint emits for each refused request of a tenant. */
  function refused(startedAt: number, event: Partial<TokenEvent> = {}): void {
    failed(startedAt, { ...ofTenant, error: refusalOf('app_not_authorized', '7'), ...event });
  }
  function unauthorizedTenant(): void {
    const error = refusalOf('app_not_authorized', '7');
    log.write({ kind: 'tenant-unauthorized', enterprise: '7', error });
  }

  it('is written once while it has not authorized the app, however many calls fail', () => {
    unauthorizedTenant();
    for (let ms = 0; ms < 10 * MINUTE; ms += 10_000) refused(ms);
    refused(0, { subjectType: 'user' });
    refused(0, { kind: 'renewal', usableForMs: 60_000 });
    expect(lines).toEqual([UNAUTHORIZED]);
  });

  it('is written when it has authorized the app again, once', () => {
    unauthorizedTenant();
    refused(0);
    succeeded({ isOwn: false, enterprise: '8' });
    succeeded();
    expect(lines).toHaveLength(1);
    succeeded({ ...ofTenant, subjectType: 'user' });
    succeeded(ofTenant);
    expect(lines).toEqual([UNAUTHORIZED, AUTHORIZED]);
    unauthorizedTenant();
    expect(lines.slice(2)).toEqual([UNAUTHORIZED]);
  });

  it('is written for another failure of such a tenant', () => {
    unauthorizedTenant();
    failed(0, ofTenant);
    expect(lines.slice(1)).toEqual([FAILED]);
    succeeded({ isOwn: false, enterprise: '8' });
    expect(lines.slice(2)).toEqual([RECOVERED]);
  });

  it('is written for each tenant that is refused, and does not hide a refusal of the app itself', () => {
    for (const enterprise of ['7', '8', '7']) {
      failed(0, { isOwn: false, enterprise, error: refusalOf('grant_invalid', enterprise) });
    }
    failed(0, { error: errorOf('grant_invalid', false) });
    failed(1, { error: errorOf('grant_invalid', false) });
    expect(lines).toEqual([
      'error Token request failed (grant_invalid); calls that need this token fail. Enterprise 7: This is grant_invalid. Do something.',
      'error Token request failed (grant_invalid); calls that need this token fail. Enterprise 8: This is grant_invalid. Do something.',
      'error Token request failed (grant_invalid); calls that need this token fail. This is grant_invalid. Do something.',
    ]);
  });

  it('does not hide the recovery of the app itself', () => {
    failed(0, { error: errorOf('grant_invalid', false) });
    failed(2 * MINUTE, { ...ofTenant, error: refusalOf('grant_invalid', '7') });
    succeeded();
    expect(lines.slice(2)).toEqual([RECOVERED]);
  });

  it('is not written for the recovery of the app itself', () => {
    failed(0, { ...ofTenant, error: refusalOf('grant_invalid', '7') });
    succeeded();
    succeeded(ofTenant);
    expect(lines).toHaveLength(1);
  });

  it('is written once for all tenants in an outage or if the client is refused', () => {
    for (const enterprise of ['7', '8']) {
      failed(0, { isOwn: false, enterprise });
      failed(0, { isOwn: false, enterprise, error: errorOf('client_invalid', false) });
    }
    expect(lines).toHaveLength(2);
  });
});

describe('The log line of a clock offset', () => {
  it.each([
    [30_000, "Clock of this machine is 30 s behind the token endpoint's"],
    [301_400, "Clock of this machine is 301 s behind the token endpoint's"],
    [-90_000, "Clock of this machine is 90 s ahead of the token endpoint's"],
  ])('is written for an offset of %i ms', (offsetMs, line) => {
    log.write({ kind: 'clock-offset', offsetMs, previousOffsetMs: 0 });
    expect(lines).toHaveLength(1);
    expect(lines[0]).toContain(`warn ${line}`);
    expect(lines[0]).toContain('Set the clock (NTP)');
  });

  it.each([29_999, -29_999, 0])('is not written for an offset of %i ms', (offsetMs) => {
    log.write({ kind: 'clock-offset', offsetMs, previousOffsetMs: 300_000 });
    expect(lines).toEqual([]);
  });
});

describe('The log line of the token store', () => {
  it('is written when the store fails, with the reason, and when it recovers', () => {
    log.write({ kind: 'store', state: 'away', cause: new Error('connect ECONNREFUSED') });
    log.write({ kind: 'store', state: 'back' });
    expect(lines).toEqual([
      'warn Token store unavailable (connect ECONNREFUSED); processes share no tokens until it recovers.',
      'log Token store available again; processes share tokens again.',
    ]);
  });

  it('is written without a reason if none is known', () => {
    log.write({ kind: 'store', state: 'away' });
    expect(lines).toEqual([
      'warn Token store unavailable; processes share no tokens until it recovers.',
    ]);
  });
});

describe('The debug line of a token request', () => {
  beforeEach(() => {
    log = new EventLog({
      log: () => undefined,
      warn: () => undefined,
      error: () => undefined,
      debug: (line) => lines.push(line),
    });
  });

  it('has subject type, lifetime, fingerprint and duration of a new token', () => {
    succeeded({ fingerprint: 'q7Zk2LmN8xYw', durationMs: 119.6, usableForMs: 3_594_900 });
    expect(lines).toEqual([
      'Token request (mint) succeeded: subject type enterprise, usable for 3595 s, fingerprint q7Zk2LmN8xYw, duration 120 ms.',
    ]);
  });

  it('says if another process requested the token', () => {
    succeeded({ kind: 'renewal', outcome: 'shared', subjectType: 'user', fingerprint: 'f' });
    expect(lines).toEqual([
      'Token request (renewal) was served by the store: subject type user, usable for 3000 s, fingerprint f, duration 100 ms.',
    ]);
  });

  it('says if the token of a connection was in the vault', () => {
    succeeded({ outcome: 'shared', subjectType: 'connection', fingerprint: 'f' });
    expect(lines).toEqual([
      'Token request (mint) was served by the vault: subject type connection, usable for 3000 s, fingerprint f, duration 100 ms.',
    ]);
  });

  it('is written for an unknown lifetime', () => {
    succeeded({ fingerprint: 'f', usableForMs: Infinity });
    expect(lines[0]).toContain('usable for an unknown time');
  });

  it('names the enterprise of a tenant', () => {
    succeeded({ fingerprint: 'f', isOwn: false, enterprise: '7' });
    failed(0, { subjectType: 'user', isOwn: false, enterprise: '7' });
    expect(lines).toEqual([
      'Token request (mint) succeeded: subject type enterprise, enterprise 7, usable for 3000 s, fingerprint f, duration 100 ms.',
      'Token request (mint) failed: subject type user, enterprise 7, code unavailable, duration 100 ms.',
    ]);
  });

  it('is written for each failure, with its code', () => {
    failed(0, { subjectType: undefined });
    failed(1);
    expect(lines).toEqual([
      'Token request (mint) failed: subject type unknown, code unavailable, duration 100 ms.',
      'Token request (mint) failed: subject type enterprise, code unavailable, duration 100 ms.',
    ]);
  });
});

describe('The log of an app', () => {
  it('has three lines for an outage: the refresh fails, the token expires, token requests succeed again', async () => {
    const runtime = new FakeRuntime();
    const endpoint = new ScriptedEndpoint(runtime);
    const box = new BoxAuth({
      credentials: { clientId: 'client', clientSecret: 'secret', enterpriseId: '1' },
      fetch: endpoint.fetch,
      runtime,
      tokenEndpoint: { attempts: 1 },
    });
    box.events.subscribe((event) => log.write(event));
    await box.provider.getToken();
    expect(lines).toEqual([]);

    endpoint.otherwise = refuse(endpoint, 503, 'unavailable', 'Unavailable');
    await runtime.advance(50 * MINUTE);
    await box.provider.getToken();
    await settled();
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatch(
      /^warn Token refresh failed \(unavailable\); serving the current token for another 9 min\. Box is not available\. Box returned 503 /,
    );

    await runtime.advance(10 * MINUTE);
    await thrownBy(() => box.provider.getToken());
    await thrownBy(() => box.provider.getToken());
    expect(lines.slice(1)).toEqual([
      expect.stringMatching(
        /^error Token request failed \(unavailable\); calls that need this token fail\. /,
      ),
    ]);

    endpoint.otherwise = endpoint.grant;
    await runtime.advance(MINUTE);
    await box.provider.getToken();
    expect(lines.slice(2)).toEqual([RECOVERED]);
  });

  it('has two lines for a tenant that removes the app and authorizes it again', async () => {
    const box = new TenantBox();
    const runtime = new FakeRuntime();
    const app = tenantApp(box, { runtime });
    app.events.subscribe((event) => log.write(event));
    const call = () =>
      app.provider.runFor({ enterprise: TENANT }, () => app.fetch('/2.0/users/me'));
    await call();
    box.onToken = (subject) => (subject === `enterprise:${TENANT}` ? unauthorized() : undefined);
    await runtime.advance(60 * MINUTE);
    for (let time = 0; time < 5; time++) {
      await thrownBy(call);
      await app.fetch('/2.0/users/me');
      await runtime.advance(MINUTE);
    }
    expect(lines).toEqual([
      'warn The app is not authorized for a tenant; calls for this enterprise fail, others work. Enterprise 7: The Box admin has not authorized this app. Box returned 400 (unauthorized_client: This app is not authorized by the enterprise admin). Ask an admin to authorize the client id under Admin Console > Integrations > Platform Apps Manager. This is needed again after every change of scopes.',
    ]);
    box.clear();
    await call();
    expect(lines.slice(1)).toEqual(['log Enterprise 7 has authorized the app again.']);
  });

  it('has no line for serving the current token, as the failure is logged', () => {
    log.write({
      kind: 'stale-served',
      subjectType: 'user',
      isOwn: true,
      fingerprint: 'abc',
      usableForMs: 55_000,
    });
    expect(lines).toEqual([]);
  });
});
