import { randomUUID } from 'node:crypto';
import {
  webhookDeliveriesCases,
  type WebhookDeliveriesHarness,
} from './webhook-deliveries-cases.js';

/** One rule that every record of deliveries must follow. */
export interface WebhookDeliveriesCase {
  readonly name: string;
  /** Rejects with an AssertionError if the record breaks the rule. */
  readonly run: () => Promise<void>;
}

/**
 * Returns the rules of `WebhookDeliveries` as test cases for any test runner: each `run` rejects with an AssertionError if the
 * record breaks its rule. Run the cases one at a time, in any order, as they share the record's clock. No case sleeps.
 *
 * @example
 * ```ts
 * import { describe, it } from 'node:test';
 * import { webhookDeliveriesConformance } from 'nestjs-box-auth/testing';
 * import type { WebhookDeliveries } from 'nestjs-box-auth/webhooks';
 *
 * declare function openMyDeliveries(): Promise<WebhookDeliveries>;
 * declare function shiftExpiries(ms: number): Promise<void>;
 *
 * describe('MyDeliveries', () => {
 *   for (const { name, run } of webhookDeliveriesConformance({
 *     create: openMyDeliveries,
 *     advance: shiftExpiries,
 *   })) {
 *     it(name, run);
 *   }
 * });
 * ```
 */
export function webhookDeliveriesConformance(
  harness: WebhookDeliveriesHarness,
): readonly WebhookDeliveriesCase[] {
  return Object.entries(webhookDeliveriesCases).map(([name, runCase]) => ({
    name,
    run: async () => {
      await runCase({
        create: () => harness.create(),
        advance: (ms) => harness.advance(ms),
        deliveries: await harness.create(),
        event: `conformance ${randomUUID()}`,
      });
    },
  }));
}
