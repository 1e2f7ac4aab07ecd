import * as v from 'valibot';
import {
  isRecord,
  numberBetween,
  optionGroup,
  wholeNumberBetween,
} from '../credentials/field-checks.js';

/** How calls of the API are repeated. */
export interface ApiRetryOptions {
  /**
   * The number of requests of one call, including the first and the one after a refused token. From 2 to 10.
   * Default 5.
   */
  readonly attempts?: number;
  /** The longest wait before a request. A longer `Retry-After` ends the call. Milliseconds, at most 300,000. Default 60,000. */
  readonly maxDelayMs?: number;
  /**
   * Whether POST, PATCH and unknown methods are repeated after a 5xx, a reset or a timeout, too. The first request may have
   * worked, so this creates duplicates. Default false.
   */
  readonly retryPosts?: boolean;
}

export const apiRetryDefaults: Required<ApiRetryOptions> = {
  attempts: 5,
  maxDelayMs: 60_000,
  retryPosts: false,
};

/** Less than the longest `Retry-After` that is read, so that a longer one is noticed. */
const MAX_DELAY_MS = 300_000;

const settings = optionGroup({
  attempts: v.optional(wholeNumberBetween(2, 10), apiRetryDefaults.attempts),
  maxDelayMs: v.optional(numberBetween(1, MAX_DELAY_MS), apiRetryDefaults.maxDelayMs),
  retryPosts: v.optional(v.boolean('true or false'), apiRetryDefaults.retryPosts),
});

/** `true` means the defaults. Parsed to undefined if calls are not repeated. */
export const apiRetriesSchema = v.lazy((input) =>
  isRecord(input)
    ? settings
    : v.pipe(
        v.boolean('true, false or an object with attempts, maxDelayMs or retryPosts'),
        v.transform((isOn) => (isOn ? apiRetryDefaults : undefined)),
      ),
);
