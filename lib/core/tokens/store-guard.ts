import * as v from 'valibot';
import { isTokenValue } from '../credentials/field-checks.js';
import { sanitizedCause } from '../errors/redact.js';
import type { EmitEvent } from '../events/auth-events.js';
import type { Runtime } from '../runtime/runtime.js';
import { withTimeLimit } from '../runtime/time-budget.js';
import type { ClaimRequest, StoredToken, TokenStore } from './token-store.js';

const COMMAND_TIMEOUT_MS = 200;
const MIN_REST_MS = 1_000;
const MAX_REST_MS = 30_000;

/** The store did not execute a command; the process continues without it. */
export class StoreFailure extends Error {}

const finite = v.pipe(v.number(), v.finite());

const storedToken = v.object({
  value: v.custom<string>(isTokenValue),
  lifetimeMs: v.nullish(finite),
  expiresAt: v.nullish(finite),
  scopes: v.nullish(v.array(v.string())),
});

const claimSchema = v.variant('state', [
  v.object({ state: v.literal('token'), token: storedToken, fence: finite, ageMs: finite }),
  v.object({ state: v.literal('claimed'), fence: finite }),
  v.object({ state: v.literal('leased') }),
  v.object({ state: v.literal('paused'), forMs: finite, reason: v.string() }),
]);

/** A checked copy of a `Claim`. A field is null if the store cannot keep undefined. */
export type CheckedClaim = v.InferOutput<typeof claimSchema>;

/**
 * Protects the process from its store. No command takes longer than 200 ms, and no invalid claim gets through. After a failure
 * no command is sent for 1 s, then for twice as long after each further failure, up to 30 s.
 */
export class StoreGuard {
  #failures = 0;
  #restUntil = -Infinity;

  constructor(
    private readonly store: TokenStore,
    private readonly runtime: Runtime,
    private readonly emit: EmitEvent,
  ) {}

  /** @throws StoreFailure, also for an invalid claim: an application may have written the store */
  claim(identity: string, request: ClaimRequest, signal?: AbortSignal): Promise<CheckedClaim> {
    return this.#send(async () => {
      const claim: unknown = await this.store.claim(identity, request);
      return parseClaim(claim, request.newerThan);
    }, signal);
  }

  /** @throws StoreFailure */
  async invalidate(identity: string, fence: number, signal?: AbortSignal): Promise<void> {
    await this.#send(() => this.store.invalidate(identity, fence), signal);
  }

  /** Extends the lease of `request.owner`. Does not wait for the store. */
  extendLease(identity: string, request: ClaimRequest): void {
    this.#sendOnly(() => this.store.claim(identity, request));
  }

  /** Publishes a token. Does not wait for the store. */
  publish(identity: string, fence: number, token: StoredToken, ageMs: number): void {
    this.#sendOnly(() => this.store.publish(identity, fence, token, ageMs));
  }

  /** Ends the lease of `owner` without a token. Does not wait for the store. */
  fail(identity: string, owner: string, pauseMs: number, reason: string): void {
    this.#sendOnly(() => this.store.fail(identity, owner, pauseMs, reason));
  }

  #sendOnly(command: () => Promise<unknown>): void {
    this.#send(command).catch(() => undefined); // the guard has recorded the failure
  }

  async #send<T>(command: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    if (this.#isResting) throw new StoreFailure('The store failed a moment ago.');
    const toError = () => new StoreFailure(`No response within ${COMMAND_TIMEOUT_MS} ms.`);
    const limit = { runtime: this.runtime, limitMs: COMMAND_TIMEOUT_MS, toError, signal };
    try {
      // Only time in which this process runs counts: a frozen process does not make the store slow.
      const result = await withTimeLimit(limit, async () => command());
      this.#succeeded();
      return result;
    } catch (error) {
      signal?.throwIfAborted();
      this.#failed(error);
      throw new StoreFailure('A command of the store failed.', { cause: error });
    }
  }

  // Commands that end during a rest were sent before it: their results neither extend nor end it.
  get #isResting(): boolean {
    return this.runtime.monotonic() < this.#restUntil;
  }

  #succeeded(): void {
    if (this.#failures === 0 || this.#isResting) return;
    this.#failures = 0;
    this.emit({ kind: 'store', state: 'back' });
  }

  #failed(cause: unknown): void {
    if (this.#isResting) return;
    const longestMs = Math.min(MIN_REST_MS * 2 ** this.#failures, MAX_REST_MS);
    this.#restUntil = this.runtime.monotonic() + longestMs * (0.5 + this.runtime.random() / 2);
    this.#failures += 1;
    if (this.#failures === 1) {
      this.emit({ kind: 'store', state: 'away', cause: sanitizedCause(cause) });
    }
  }
}

/** @throws Error that names the invalid field, without its value */
function parseClaim(returned: unknown, newerThan: number): CheckedClaim {
  const result = v.safeParse(claimSchema, returned);
  if (!result.success) {
    const field = v.getDotPath(result.issues[0]);
    const problem = field === null ? 'it is not an object' : `"${field}" is missing or invalid`;
    throw new Error(`The token store returned an invalid claim: ${problem}.`);
  }
  const claim = result.output;
  if (claim.state === 'token' && claim.fence <= newerThan) {
    throw new Error('The token store returned a token that is not newer than requested.');
  }
  return claim;
}
