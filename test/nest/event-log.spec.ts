import { beforeEach, describe, expect, it } from 'vitest';
import { BoxAuthError, type BoxAuthErrorCode, type TokenEvent } from 'nestjs-box-auth';
import { BoxAuth } from '../../lib/box/box-auth.js';
import { EventLog } from '../../lib/nest/event-log.js';
import { FakeRuntime, settled } from '../support/fake-runtime.js';
import { refuse, ScriptedEndpoint } from '../support/scripted-endpoint.js';
import { thrownBy } from '../support/thrown.js';

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

const NONE =
  'error There is no token, and calls that need it fail: unavailable: This is unavailable. Do something.';
const AGAIN = 'log Tokens come again.';

describe('A failure is one line', () => {
  it('of what happened and what to do, where calls fail', () => {
    failed(0);
    expect(lines).toEqual([NONE]);
  });

  it.each(['renewal', 'forced-renewal'] as const)(
    'that says what is served meanwhile, and for how long, where it is a %s',
    (kind) => {
      failed(0, { kind, usableForMs: 594_900 });
      expect(lines).toEqual([
        'warn A token was not renewed: unavailable: This is unavailable. The old one is served meanwhile, for 595 s more. Do something.',
      ]);
    },
  );

  it('without a time for a token that ends nobody knows when', () => {
    failed(0, { kind: 'renewal', usableForMs: Infinity });
    expect(lines).toEqual([
      'warn A token was not renewed: unavailable: This is unavailable. The old one is served meanwhile. Do something.',
    ]);
  });

  it('a minute, however many calls it meets', () => {
    for (let ms = 0; ms < 3 * MINUTE; ms += 100) failed(ms);
    expect(lines).toEqual([NONE, NONE, NONE]);
  });

  it('and another for another code', () => {
    failed(0);
    failed(1, { error: unapproved });
    failed(2);
    failed(3, { error: unapproved });
    expect(lines).toHaveLength(2);
    expect(lines[1]).toContain('app_not_authorized');
  });

  it('and another as soon as the old token has ended, too', () => {
    failed(0, { kind: 'renewal', usableForMs: 1_000 });
    failed(2_000);
    failed(3_000);
    expect(lines.map((line) => line.split(' ')[0])).toEqual(['warn', 'error']);
  });

  it('that a clock which was set back does not hold back', () => {
    failed(60 * MINUTE);
    failed(0);
    expect(lines).toEqual([NONE, NONE]);
  });
});

describe('That tokens come again', () => {
  it('is told once, after a failure was told', () => {
    succeeded();
    failed(0);
    succeeded();
    succeeded();
    expect(lines).toEqual([NONE, AGAIN]);
  });

  it('is told once of several failures', () => {
    failed(0);
    failed(0, { error: errorOf('network', true) });
    succeeded({ outcome: 'shared' });
    expect(lines.slice(2)).toEqual([AGAIN]);
  });

  it('is not told of a failure that had no line', () => {
    failed(0);
    succeeded();
    failed(1_000);
    succeeded();
    expect(lines).toEqual([NONE, AGAIN]);
  });

  it('is told of an outage by the token of anybody', () => {
    failed(0);
    succeeded({ subjectType: 'user', isOwn: false });
    expect(lines).toEqual([NONE, AGAIN]);
  });

  it('is told of what somebody had to mend by a token of the app itself', () => {
    failed(0, { error: unapproved });
    succeeded({ subjectType: 'user', isOwn: false });
    expect(lines).toHaveLength(1);
    succeeded();
    expect(lines.slice(1)).toEqual([AGAIN]);
  });

  it('is told so also where the app itself is a user', () => {
    failed(0, { error: unapproved, subjectType: 'user' });
    succeeded({ subjectType: 'user' });
    expect(lines.slice(1)).toEqual([AGAIN]);
  });

  it('is told of credentials that nobody could read by a token of the app itself', () => {
    const error = errorOf('credentials_unavailable', false);
    failed(0, { error, subjectType: undefined });
    succeeded();
    expect(lines.slice(1)).toEqual([AGAIN]);
  });

  it('is not told of one user because another has a token', () => {
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

describe('The clock has a line', () => {
  it.each([
    [30_000, 'The clock of this machine is 30 s behind that of the token endpoint'],
    [301_400, 'The clock of this machine is 301 s behind that of the token endpoint'],
    [-90_000, 'The clock of this machine is 90 s ahead of that of the token endpoint'],
  ])('where it differs by %i ms', (offsetMs, line) => {
    log.write({ kind: 'clock-offset', offsetMs, previousOffsetMs: 0 });
    expect(lines).toHaveLength(1);
    expect(lines[0]).toContain(`warn ${line}`);
    expect(lines[0]).toContain('Set it (NTP)');
  });

  it.each([29_999, -29_999, 0])('but not for %i ms', (offsetMs) => {
    log.write({ kind: 'clock-offset', offsetMs, previousOffsetMs: 300_000 });
    expect(lines).toEqual([]);
  });
});

describe('The store has a line', () => {
  it('when it goes, with the reason, and when it is back', () => {
    log.write({ kind: 'store', state: 'away', cause: new Error('connect ECONNREFUSED') });
    log.write({ kind: 'store', state: 'back' });
    expect(lines).toEqual([
      'warn The token store is away (connect ECONNREFUSED): until it is back, the processes share no tokens.',
      'log The token store is back: the processes share their tokens again.',
    ]);
  });

  it('also when no reason is known', () => {
    log.write({ kind: 'store', state: 'away' });
    expect(lines).toEqual([
      'warn The token store is away: until it is back, the processes share no tokens.',
    ]);
  });
});

describe('A night of an app', () => {
  it('is a few lines: a renewal fails, the old token ends, tokens come again', async () => {
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
      /^warn A token was not renewed: unavailable: Box is not available\. Box answered 503 .* The old one is served meanwhile, for 595 s more\. /,
    );

    await runtime.advance(10 * MINUTE);
    await thrownBy(() => box.provider.getToken());
    await thrownBy(() => box.provider.getToken());
    expect(lines.slice(1)).toEqual([
      expect.stringMatching(/^error There is no token, and calls that need it fail: unavailable: /),
    ]);

    endpoint.otherwise = endpoint.grant;
    await runtime.advance(MINUTE);
    await box.provider.getToken();
    expect(lines.slice(2)).toEqual([AGAIN]);
  });

  it('has no line for a caller who was given the old token: the failure behind it has one', () => {
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
