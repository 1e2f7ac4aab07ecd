import { describe, expect, it } from 'vitest';
import { parseRetryAfter } from '../../../lib/core/token-endpoint/retry-after.js';

const NOW = Date.parse('2026-03-01T12:00:00Z');

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
  ])('%j is some milliseconds from now, ten minutes at most: %i', (value, ms) => {
    expect(parseRetryAfter(value, NOW)).toBe(ms);
  });

  // Date.parse takes many of these for a date.
  it.each([null, '', ' ', 'soon', '-5', '1.5', '7 8', '0x10', '2026-03-01', '1e3'])(
    '%j is neither seconds nor a date, and says nothing',
    (value) => {
      expect(parseRetryAfter(value, NOW)).toBeUndefined();
    },
  );
});
