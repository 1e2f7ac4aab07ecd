import { describe, expect, it } from 'vitest';
import { renewalDefaults } from '../../../lib/core/tokens/renewal.options.js';
import { drawSchedule } from '../../../lib/core/tokens/token-schedule.js';

const S = 1_000;
const MINUTE = 60 * S;

/** How long before its end a token of `lifetimeMs` turns, in milliseconds. */
const marginsOf = (lifetimeMs: number, random = 0) => {
  const { refreshMs, waitMs, expiryMs } = drawSchedule(lifetimeMs, renewalDefaults, random);
  return [refreshMs, waitMs, expiryMs].map((turn) => lifetimeMs - turn);
};

describe('A token turns before its end', () => {
  it.each([
    ['an hour: its last 10 minutes, at most', 60 * MINUTE, [10 * MINUTE, MINUTE, 5 * S]],
    ['40 minutes: its last fifth', 40 * MINUTE, [8 * MINUTE, MINUTE, 5 * S]],
    ['15 minutes: its last fifth', 15 * MINUTE, [3 * MINUTE, MINUTE, 5 * S]],
    ['9 minutes: its last 2 minutes, at least', 9 * MINUTE, [2 * MINUTE, MINUTE, 5 * S]],
    ['4 minutes: its last quarter, at most', 4 * MINUTE, [MINUTE, MINUTE, 5 * S]],
    ['8 seconds: its last quarter, whatever it is for', 8 * S, [2 * S, 2 * S, 2 * S]],
  ])('if it lives %s', (_, lifetimeMs, margins) => {
    expect(marginsOf(lifetimeMs)).toEqual(margins);
  });

  it('by chance a quarter earlier to be renewed, but no sooner to be waited for', () => {
    expect(marginsOf(60 * MINUTE, 1)).toEqual([12.5 * MINUTE, MINUTE, 5 * S]);
    expect(marginsOf(60 * MINUTE, 0.5)).toEqual([11.25 * MINUTE, MINUTE, 5 * S]);
  });
});
