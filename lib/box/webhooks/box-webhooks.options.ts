import * as v from 'valibot';
import { objectWithMethods, parseOption, parseOptions } from '../../core/app/option-checks.js';
import { optionGroup, wholeNumberBetween } from '../../core/credentials/field-checks.js';
import { type Runtime, systemRuntime } from '../../core/runtime/runtime.js';
import type { WebhookDeliveries } from './webhook-deliveries.js';
import { WebhookAdmissions } from './webhook-handling.js';
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

/** The options of an app that receives webhooks. */
export interface BoxWebhooksOptions extends BoxWebhookVerification {
  /**
   * Remembers which events were handled, so that a repeated delivery is not handled twice: a `MemoryWebhookDeliveries` or a
   * `RedisWebhookDeliveries`. Default none: each delivery is handled.
   */
  readonly deliveries?: WebhookDeliveries | undefined;
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

const deliveriesOption = v.optional(
  objectWithMethods<WebhookDeliveries>('claim', 'complete', 'release'),
);

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

/** An app that receives webhooks. */
export interface BoxWebhooks {
  readonly verifier: WebhookVerifier;
  readonly admissions: WebhookAdmissions;
}

/**
 * Creates an app that receives webhooks. `extraOptionNames` are options that are set in the same object and checked elsewhere.
 *
 * @throws BoxAuthError `option_invalid`
 */
export function createBoxWebhooks(
  { deliveries: given, ...options }: BoxWebhooksOptions,
  extraOptionNames: readonly string[] = [],
): BoxWebhooks {
  const verifier = createVerifier(options, ['deliveries', ...extraOptionNames]);
  const deliveries = parseOption(deliveriesOption, 'deliveries', given);
  return {
    verifier,
    admissions: new WebhookAdmissions(deliveries, options.runtime ?? systemRuntime),
  };
}
