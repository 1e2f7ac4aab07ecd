import { expect, it } from 'vitest';
import { RepeatLimit } from '../../../lib/core/runtime/repeat-limit.js';

it('RepeatLimit admits one line a minute for each cause, and counts the others', () => {
  const limit = new RepeatLimit();
  expect(limit.admit('a', 0)).toBe(0);
  expect(limit.admit('a', 1)).toBeUndefined();
  expect(limit.admit('b', 1)).toBe(0);
  expect(limit.admit('a', 59_999)).toBeUndefined();
  expect(limit.admit('a', 60_000)).toBe(2);
  expect(limit.admit('a', 120_000)).toBe(0);
});

it('RepeatLimit admits a line after the clock was set back', () => {
  const limit = new RepeatLimit();
  expect(limit.admit('a', 3_600_000)).toBe(0);
  expect(limit.admit('a', 0)).toBe(0);
});
