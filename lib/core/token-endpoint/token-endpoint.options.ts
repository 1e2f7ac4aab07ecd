import * as v from 'valibot';
import {
  notAbove,
  numberBetween,
  optionGroup,
  wholeNumberBetween,
} from '../credentials/field-checks.js';

/** Limits for the attempts of a token request. */
export interface TokenEndpointOptions {
  /** Milliseconds for one attempt, at most 600,000. Default 10,000. */
  readonly timeoutMs?: number;
  /** The number of attempts, including the first, at most 100. Default 4. */
  readonly attempts?: number;
  /** Milliseconds for all attempts including the pauses, at most 600,000. Default 30,000. */
  readonly deadlineMs?: number;
}

export const tokenEndpointDefaults: Required<TokenEndpointOptions> = {
  timeoutMs: 10_000,
  attempts: 4,
  deadlineMs: 30_000,
};

const TEN_MINUTES_MS = 600_000;

export const tokenEndpointSchema = v.pipe(
  optionGroup({
    timeoutMs: v.optional(numberBetween(1, TEN_MINUTES_MS)),
    attempts: v.optional(wholeNumberBetween(1, 100), tokenEndpointDefaults.attempts),
    deadlineMs: v.optional(numberBetween(1, TEN_MINUTES_MS), tokenEndpointDefaults.deadlineMs),
  }),
  v.transform(({ timeoutMs, attempts, deadlineMs }): Required<TokenEndpointOptions> => ({
    // A deadline shorter than the default timeout shortens the attempts, too.
    timeoutMs: timeoutMs ?? Math.min(tokenEndpointDefaults.timeoutMs, deadlineMs),
    attempts,
    deadlineMs,
  })),
  notAbove('timeoutMs', 'deadlineMs'),
);
