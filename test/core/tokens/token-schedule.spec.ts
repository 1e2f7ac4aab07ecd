import { describe, expect, it } from 'vitest';
import { renewalDefaults } from '../../../lib/core/tokens/renewal.options.js';
import { drawSchedule } from '../../../lib/core/tokens/token-schedule.js';

const S = 1_000;
const MINUTE = 60 * S;

/** Milliseconds before the expiry of a token: its refresh window, wait margin and expiry margin. */
const marginsOf = (lifetimeMs: number, random = 0) => {
  const { refreshMs, waitMs, expiryMs } = drawSchedule(lifetimeMs, renewalDefaults, random);
  return [refreshMs, waitMs, expiryMs].map((ageMs) => lifetimeMs - ageMs);
};

describe('The schedule of a token', () => {
  it.each([
    ['an hour: the last 10 minutes, at most', 60 * MINUTE, [10 * MINUTE, MINUTE, 5 * S]],
    ['40 minutes: the last fifth', 40 * MINUTE, [8 * MINUTE, MINUTE, 5 * S]],
    ['15 minutes: the last fifth', 15 * MINUTE, [3 * MINUTE, MINUTE, 5 * S]],
    ['9 minutes: the last 2 minutes, at least', 9 * MINUTE, [2 * MINUTE, MINUTE, 5 * S]],
    ['4 minutes: the last quarter, at most', 4 * MINUTE, [MINUTE, MINUTE, 5 * S]],
    ['8 seconds: the last quarter for all margins', 8 * S, [2 * S, 2 * S, 2 * S]],
  ])('has a refresh window that depends on the lifetime: %s', (_, lifetimeMs, margins) => {
    expect(marginsOf(lifetimeMs)).toEqual(margins);
  });

  it('starts the refresh window up to a quarter earlier by chance, but not the wait margin', () => {
    expect(marginsOf(60 * MINUTE, 1)).toEqual([12.5 * MINUTE, MINUTE, 5 * S]);
    expect(marginsOf(60 * MINUTE, 0.5)).toEqual([11.25 * MINUTE, MINUTE, 5 * S]);
  });
});
