import { randomUUID } from 'node:crypto';
import { AFTER_RESET, tokenStoreCases } from './token-store-cases.js';
import type { TokenStoreHarness } from './token-store-harness.js';

/** One rule that every store keeps. */
export interface TokenStoreCase {
  readonly name: string;
  /** Rejects if the store does not do what its name says. */
  readonly run: () => Promise<void>;
}

/**
 * What is expected of a `TokenStore`, case by case, for any test runner: each `run` rejects with an AssertionError if
 * the store does otherwise. Cases need no sleeping and no order, but are run one at a time, as time passes for all of them.
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
    .map(([name, play]) => ({
      name,
      run: async () => {
        const store = await harness.create();
        await play({
          create: () => harness.create(),
          advance: (ms) => harness.advance(ms),
          reset: async () => harness.reset?.(),
          store,
          id: `conformance ${randomUUID()}`,
        });
      },
    }));
}
