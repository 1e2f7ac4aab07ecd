import * as v from 'valibot';
import { notAbove, numberBetween, optionGroup } from '../credentials/field-checks.js';

/**
 * When a token is renewed. Every margin is capped at a quarter of the token's lifetime. All in milliseconds, at most a day,
 * but one.
 */
export interface RenewalOptions {
  /** A token is never handed out when it has less than this to live. Default 5,000. */
  readonly expiryMarginMs?: number;
  /** Callers wait for a new token when the old one has less than this to live. Default 60,000. */
  readonly waitMarginMs?: number;
  /** The share of a token's lifetime, at its end, in which it is renewed in the background. Default 0.2. */
  readonly windowRatio?: number;
  /** The shortest such window. Default 120,000. */
  readonly minWindowMs?: number;
  /** The longest such window. Default 600,000. */
  readonly maxWindowMs?: number;
  /** The first pause after a failed renewal; each further one is twice as long. Default 1,000. */
  readonly minBackoffMs?: number;
  /** The longest pause after failed renewals. Default 60,000. */
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

const MAX_MARGIN = 1 / 4;
const JITTER = 1 / 4;

/** When, in milliseconds after it was asked for, a token's life turns. */
export interface TokenSchedule {
  /** From here on it is renewed in the background. */
  readonly refreshMs: number;
  /** From here on callers wait for the new one. */
  readonly waitMs: number;
  /** From here on it is not handed out. */
  readonly expiryMs: number;
}

/** Draws when a token of `lifetimeMs` is renewed: `random`, from 0 to 1, spreads the processes of a fleet. */
export function drawSchedule(
  lifetimeMs: number,
  options: Required<RenewalOptions>,
  random: number,
): TokenSchedule {
  const longest = lifetimeMs * MAX_MARGIN;
  const window = Math.min(
    Math.max(lifetimeMs * options.windowRatio, options.minWindowMs),
    options.maxWindowMs,
    longest,
  );
  return {
    refreshMs: lifetimeMs - window * (1 + JITTER * random),
    waitMs: lifetimeMs - Math.min(options.waitMarginMs, longest),
    expiryMs: lifetimeMs - Math.min(options.expiryMarginMs, longest),
  };
}
