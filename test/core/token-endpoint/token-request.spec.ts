import { describe, expect, it } from 'vitest';
import {
  parseRetryAfter,
  readErrorResponse,
} from '../../../lib/core/token-endpoint/token-request.js';

const NOW = Date.parse('2026-03-01T12:00:00Z');

const respond = (body: string, type = 'application/json', status = 200) =>
  new Response(body, { status, headers: { 'content-type': type } });
describe('An error response', () => {
  const read = (body: unknown, type?: string) =>
    readErrorResponse(respond(JSON.stringify(body), type, 400), ['the-secret'], 7_000);

  it.each([
    [
      'is read in the format of RFC 6749',
      { error: 'invalid_client', error_description: 'No such client' },
    ],
    [
      'is read in the format of the API of Box',
      { code: 'invalid_client', message: 'No such client' },
    ],
    [
      'is read in the format of RFC 6749 if it has both',
      {
        error: 'invalid_client',
        error_description: 'No such client',
        code: 'other',
        message: 'Other',
      },
    ],
  ])('%s', async (_, body) => {
    expect(await read(body)).toMatchObject({
      status: 400,
      error: 'invalid_client',
      description: 'No such client',
      retryAfterMs: 7_000,
    });
  });

  it('is shown without its secrets', async () => {
    const { error, description, shown } = await read({ error: 'a the-secret', message: 'b' });
    expect([error, description].map((part) => shown(part ?? ''))).toEqual(['a [redacted]', 'b']);
  });

  it.each([
    ['is not JSON', { error: 'x', message: 'y' }, 'text/html'],
    ['is a list', ['x'], undefined],
    ['is too long', { error: 'x', message: 'y', more: ' '.repeat(70_000) }, undefined],
    ['has other fields', { error: { code: 5 }, message: ['y'] }, undefined],
  ])('has only its status if the body %s', async (_, body, type) => {
    expect(await read(body, type)).toMatchObject({
      status: 400,
      error: undefined,
      description: undefined,
    });
  });
});

describe('Retry-After', () => {
  it.each([
    ['0', 0],
    ['7', 7_000],
    [' 7 ', 7_000],
    ['600', 600_000],
    ['601', 600_000],
    ['99999999999999999999', 600_000],
    ['Sun, 01 Mar 2026 12:00:07 GMT', 7_000],
    ['  Sun, 01 Mar 2026 12:00:07 GMT ', 7_000],
    ['Sun, 01 Mar 2026 11:59:00 GMT', 0],
    ['Sun, 01 Mar 2026 12:10:01 GMT', 600_000],
  ])('of %j is in %i ms, at most ten minutes', (value, ms) => {
    expect(parseRetryAfter(value, NOW)).toBe(ms);
  });

  // Date.parse takes many of these for a date.
  it.each([null, '', ' ', 'soon', '-5', '1.5', '7 8', '0x10', '2026-03-01', '1e3'])(
    'of %j is ignored',
    (value) => {
      expect(parseRetryAfter(value, NOW)).toBeUndefined();
    },
  );
});
