import type { BoxAuthError } from '../errors/box-auth.error.js';
import { delay } from '../runtime/delay.js';
import type { Runtime } from '../runtime/runtime.js';
import { type CheckedClaim, StoreFailure, type StoreGuard } from './store-guard.js';
import { appPausedError } from './token-errors.js';

const CLAIM_MS = 1_000;
const LOOKUP_MS = 1;
const MAX_ATTEMPTS = 3;
const BETWEEN_ATTEMPTS_MS = 20;

/** Token requests of one app, which can be paused together. */
export interface PausableRequests {
  /** Names the app in the store; undefined until its credentials were read. */
  readonly appIdentity: string | undefined;
  /** Calls `listener` for each pause that a 429 begins in this process. */
  onPause(listener: (error: BoxAuthError) => void): void;
  pause(error: BoxAuthError): void;
}

/**
 * Shares the pause of a rate limited app with its other processes. The store keeps it under the identity of the app, as a
 * claim that failed. If the store is unavailable or busy, each process finds out about the limit by itself.
 */
export class SharedPause {
  readonly #owner: string;

  constructor(
    private readonly requests: PausableRequests,
    private readonly store: StoreGuard,
    private readonly runtime: Runtime,
  ) {
    this.#owner = runtime.uniqueId();
    requests.onPause((rateLimited) => void this.#share(rateLimited));
  }

  /** Pauses the requests of this process if another process was rate limited. Rejects only if `signal` is aborted. */
  async apply(signal: AbortSignal): Promise<void> {
    const claim = await this.#claim(LOOKUP_MS, signal).catch(ignoreStoreFailure);
    if (claim?.state === 'paused') this.requests.pause(appPausedError(claim));
  }

  async #share(rateLimited: BoxAuthError): Promise<void> {
    for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt++) {
      const claim = await this.#claim(CLAIM_MS).catch(ignoreStoreFailure);
      const { appIdentity } = this.requests;
      if (claim?.state === 'claimed' && appIdentity !== undefined) {
        this.store.fail(
          appIdentity,
          this.#owner,
          rateLimited.retryAfterMs ?? 0,
          rateLimited.message,
        );
      }
      if (claim?.state !== 'leased') return;
      // Another process is looking up the pause; its claim expires within a millisecond.
      if (attempt < MAX_ATTEMPTS) await delay(this.runtime, BETWEEN_ATTEMPTS_MS);
    }
  }

  /** A store offers no lookup without a claim, so a lookup is a claim of one millisecond. */
  async #claim(leaseMs: number, signal?: AbortSignal): Promise<CheckedClaim | undefined> {
    const { appIdentity } = this.requests;
    if (appIdentity === undefined) return undefined;
    return this.store.claim(appIdentity, { owner: this.#owner, leaseMs, newerThan: 0 }, signal);
  }
}

function ignoreStoreFailure(error: unknown): undefined {
  if (!(error instanceof StoreFailure)) throw error;
}
