import { randomUUID } from 'node:crypto';
import { connectionCases } from './connection-cases.js';
import type { ConnectionVaultHarness } from './connection-vault-harness.js';
import { leaseCases } from './lease-cases.js';
import { listCases } from './list-cases.js';
import { stateCases } from './state-cases.js';

/** One rule that every vault must follow. */
export interface ConnectionVaultCase {
  readonly name: string;
  /** Rejects with an AssertionError if the vault breaks the rule. */
  readonly run: () => Promise<void>;
}

/**
 * Returns the rules of a `ConnectionVault` as test cases for any test runner: each `run` rejects with an AssertionError if the
 * vault breaks its rule. Run the cases one at a time, in any order, as they share the vault's clock. No case sleeps.
 *
 * @example
 * ```ts
 * import { describe, it } from 'node:test';
 * import type { ConnectionVault } from 'nestjs-box-auth/sql';
 * import { connectionVaultConformance } from 'nestjs-box-auth/testing';
 *
 * declare function openMyVault(): Promise<ConnectionVault>;
 * declare function shiftExpiries(ms: number): Promise<void>;
 *
 * describe('MyVault', () => {
 *   for (const { name, run } of connectionVaultConformance({
 *     create: openMyVault,
 *     advance: shiftExpiries,
 *   })) {
 *     it(name, run);
 *   }
 * });
 * ```
 */
export function connectionVaultConformance(
  harness: ConnectionVaultHarness,
): readonly ConnectionVaultCase[] {
  const cases = { ...connectionCases, ...leaseCases, ...listCases, ...stateCases };
  return Object.entries(cases).map(([name, runCase]) => ({
    name,
    run: async () => {
      await runCase({
        create: () => harness.create(),
        advance: (ms) => harness.advance(ms),
        now: () => harness.now?.() ?? Date.now(),
        vault: await harness.create(),
        app: `conformance ${randomUUID()}`,
      });
    },
  }));
}
