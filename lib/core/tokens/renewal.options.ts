import * as v from 'valibot';
import { notAbove, numberBetween, optionGroup } from '../credentials/field-checks.js';

/** When tokens are refreshed. Every margin is capped at a quarter of the token's lifetime. */
export interface RenewalOptions {
  /** A token is never handed out when it has less than this to live. Milliseconds, at most a day. Default 5,000. */
  readonly expiryMarginMs?: number;
  /** Callers wait for a new token when the old one has less than this to live. Milliseconds, at most a day. Default 60,000. */
  readonly waitMarginMs?: number;
  /** The share of a token's lifetime, at its end, in which it is refreshed in the background. From 0 to 1. Default 0.2. */
  readonly windowRatio?: number;
  /** The shortest such window. Milliseconds, at most a day. Default 120,000. */
  readonly minWindowMs?: number;
  /** The longest such window. Milliseconds, at most a day. Default 600,000. */
  readonly maxWindowMs?: number;
  /** The pause after the first failed refresh; each further pause is twice as long. Milliseconds, at most a day. Default 1,000. */
  readonly minBackoffMs?: number;
  /** The longest pause after failed refreshes. Milliseconds, at most a day. Default 60,000. */
  readonly maxBackoffMs?: number;
}

export const renewalDefaults: Required<RenewalOptions> = {
  expiryMarginMs: 5_000,
  waitMarginMs: 60_000,
  windowRatio: 0.2,
  minWindowMs: 120_000,
  maxWindowMs: 600_000,
  minBackoffMs: 1_000,
  maxBackoffMs: 60_000,
};

const DAY_MS = 86_400_000;

const duration = numberBetween(0, DAY_MS);

export const renewalSchema = v.pipe(
  optionGroup({
    expiryMarginMs: v.optional(duration, renewalDefaults.expiryMarginMs),
    waitMarginMs: v.optional(duration, renewalDefaults.waitMarginMs),
    windowRatio: v.optional(numberBetween(0, 1), renewalDefaults.windowRatio),
    minWindowMs: v.optional(duration, renewalDefaults.minWindowMs),
    maxWindowMs: v.optional(duration, renewalDefaults.maxWindowMs),
    minBackoffMs: v.optional(duration, renewalDefaults.minBackoffMs),
    maxBackoffMs: v.optional(duration, renewalDefaults.maxBackoffMs),
  }),
  notAbove('expiryMarginMs', 'waitMarginMs'),
  notAbove('minWindowMs', 'maxWindowMs'),
  notAbove('minBackoffMs', 'maxBackoffMs'),
);
