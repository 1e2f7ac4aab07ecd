import { beforeEach, describe, expect, it } from 'vitest';
import { BoxAuthError, type BoxAuthErrorDetails } from '../../../lib/core/errors/box-auth.error.js';
import { FailureLog } from '../../../lib/core/errors/failure-log.js';

const MINUTE = 60_000;

let now: number;
let lines: string[];
let log: FailureLog;

beforeEach(() => {
  now = 1_000_000;
  lines = [];
  const logger = {
    warn: (line: string) => void lines.push(`warn ${line}`),
    error: (line: string) => void lines.push(`error ${line}`),
  };
  log = new FailureLog(logger, () => now);
});

function fail(details: Partial<BoxAuthErrorDetails> = {}, statusCode = 502): void {
  const error = new BoxAuthError({
    code: 'client_invalid',
    message: 'm.',
    hint: 'h.',
    docs: 'd',
    ...details,
  });
  log.write(error, { statusCode, message: '', error: '' });
}

describe('The log of failed requests', () => {
  it('has the cause and the fix: as an error, or as a warning if the client must correct its request', () => {
    fail();
    fail({ code: 'unavailable' }, 500);
    fail({ code: 'acting_user_missing' }, 499);
    expect(lines).toEqual([
      'error client_invalid: m. h.',
      'error unavailable: m. h.',
      'warn acting_user_missing: m. h.',
    ]);
  });

  it.each(['connection_missing', 'reauthorization_required'] as const)(
    'has no line about %s, which the person can fix',
    (code) => {
      fail({ code }, 401);
      expect(lines).toEqual([]);
    },
  );

  it('has one line a minute for each code and status, and then the number of others', () => {
    fail({ status: 400 });
    fail({ status: 400 });
    fail({ status: 401 });
    now += MINUTE - 1;
    fail({ status: 400 });
    now += 1;
    fail({ status: 400 });
    fail({ status: 400 });
    now += MINUTE;
    fail({ status: 400 });
    now += MINUTE;
    fail({ status: 400 });
    const line = 'error client_invalid: m. h.';
    expect(lines).toEqual([
      line,
      line,
      `${line} 2 more requests failed like this since the last such line.`,
      `${line} 1 more request failed like this since the last such line.`,
      line,
    ]);
  });
});
