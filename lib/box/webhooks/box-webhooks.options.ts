import * as v from 'valibot';
import { objectWithMethods, parseOptions } from '../../core/app/option-checks.js';
import { optionGroup, wholeNumberBetween } from '../../core/credentials/field-checks.js';
import { type Runtime, systemRuntime } from '../../core/runtime/runtime.js';
import { type BoxWebhookKeys, keysOption, WebhookKeys } from './webhook-keys.js';
import { WebhookVerifier } from './webhook-verifier.js';

/** The keys of the app, and the time in which a delivery is accepted. */
export interface BoxWebhookVerification {
  /**
   * The app's primary signature key, a list of keys, or a function that returns them and is called for each webhook. Verifies
   * the header `box-signature-primary`.
   */
  readonly primaryKey?: BoxWebhookKeys;
  /** The same for the secondary signature key and the header `box-signature-secondary`. Either signature is enough. */
  readonly secondaryKey?: BoxWebhookKeys;
  /** How long after Box has sent it a delivery is accepted, in milliseconds. Default 600,000. */
  readonly maxAgeMs?: number | undefined;
  /** How far the clock of this machine may be behind that of Box, in milliseconds. Default 60,000. */
  readonly skewMs?: number | undefined;
  /** Clock, timers and randomness, for tests. Default the system's. */
  readonly runtime?: Runtime | undefined;
}

const milliseconds = wholeNumberBetween(0, Number.MAX_SAFE_INTEGER);

/** The schemas and defaults of `BoxWebhookVerification`. */
const verificationOptions = {
  primaryKey: v.optional(keysOption),
  secondaryKey: v.optional(keysOption),
  maxAgeMs: v.nullish(milliseconds, 600_000),
  skewMs: v.nullish(milliseconds, 60_000),
  runtime: v.nullish(
    objectWithMethods<Runtime>('now', 'monotonic', 'schedule', 'random', 'uniqueId'),
    systemRuntime,
  ),
} satisfies Record<keyof BoxWebhookVerification, v.GenericSchema>;

const verificationGroup = optionGroup(verificationOptions);

/**
 * Creates the verifier of an app. `extraOptionNames` are options that are set in the same object and checked elsewhere.
 *
 * @throws BoxAuthError `option_invalid`
 */
export function createVerifier(
  options: BoxWebhookVerification,
  extraOptionNames: readonly string[] = [],
): WebhookVerifier {
  const { maxAgeMs, skewMs, runtime, ...keys } = parseOptions(
    verificationGroup,
    options,
    extraOptionNames,
  );
  return new WebhookVerifier(new WebhookKeys(keys, runtime), { maxAgeMs, skewMs }, runtime);
}
