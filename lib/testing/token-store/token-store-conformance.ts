import { randomUUID } from 'node:crypto';
import { AFTER_RESET, tokenStoreCases } from './token-store-cases.js';
import type { TokenStoreHarness } from './token-store-harness.js';

/** One rule that every store must follow. */
export interface TokenStoreCase {
  readonly name: string;
  /** Rejects with an AssertionError if the store breaks the rule. */
  readonly run: () => Promise<void>;
}

/**
 * Returns the rules of a `TokenStore` as test cases for any test runner: each `run` rejects with an AssertionError if the
 * store breaks its rule. Run the cases one at a time, in any order, as they share the store's clock. No case sleeps.
 *
 * @example
 * ```ts
 * import { describe, it } from 'node:test';
 * import type { TokenStore } from 'nestjs-box-auth';
 * import { tokenStoreConformance } from 'nestjs-box-auth/testing';
 *
 * declare function openMyStore(): Promise<TokenStore>;
 * declare function shiftExpiries(ms: number): Promise<void>;
 *
 * describe('MyStore', () => {
 *   for (const { name, run } of tokenStoreConformance({
 *     create: openMyStore,
 *     advance: shiftExpiries,
 *   })) {
 *     it(name, run);
 *   }
 * });
 * ```
 */
export function tokenStoreConformance(harness: TokenStoreHarness): readonly TokenStoreCase[] {
  return Object.entries(tokenStoreCases)
    .filter(([name]) => harness.reset !== undefined || name !== AFTER_RESET)
    .map(([name, runCase]) => ({
      name,
      run: async () => {
        const store = await harness.create();
        await runCase({
          create: () => harness.create(),
          advance: (ms) => harness.advance(ms),
          reset: async () => harness.reset?.(),
          store,
          id: `conformance ${randomUUID()}`,
        });
      },
    }));
}
