import { enterpriseOf, type Subject } from '../credentials/subject.js';
import { BoxAuthError } from '../errors/box-auth.error.js';
import type { EmitEvent } from '../events/auth-events.js';
import { delay } from '../runtime/delay.js';
import { ageClockOf, type Instant } from '../runtime/age-clock.js';
import { lruCache } from '../runtime/lru-cache.js';
import type { Runtime } from '../runtime/runtime.js';
import {
  AccessToken,
  type MintedToken,
  type PreparedTokenRequest,
  type PreviousTokens,
} from '../token-endpoint/access-token.js';
import type { RenewalOptions } from './renewal.options.js';
import { type PausableRequests, SharedPause } from './shared-pause.js';
import { type CheckedClaim, StoreFailure, StoreGuard } from './store-guard.js';
import { pausedError, storeUnavailable } from './token-errors.js';
import { isUsable } from './token-schedule.js';
import type { TokenSource } from './token-source.js';
import type { TokenStore } from './token-store.js';

const LEASE_MS = 1_500;
const MIN_LOOKUP_INTERVAL_MS = 50;
const MAX_LOOKUP_INTERVAL_MS = 250;
const MAX_WAIT_MS = 30_000;
const MAX_DELAY_WITHOUT_STORE_MS = 500;
const MIN_PAUSE_MS = 1_000;
const MAX_INVALIDATED_IDENTITIES = 10_000;
const MAX_FLUSHED_ENTERPRISES = 10_000;

/** The part of the token endpoint that this module uses. */
interface Endpoint extends PausableRequests {
  readonly defaultSubject: Subject | undefined;
  checkSubject?(subject: Subject): void;
  prepare(
    subject: Subject | undefined,
    previous: PreviousTokens,
    signal: AbortSignal,
  ): Promise<PreparedTokenRequest>;
  forgetRefusals(enterprise?: string): void;
}

/** Token requests while the store is unavailable: `open` sends them without it, `closed` fails. */
export type OnStoreFailure = 'open' | 'closed';

/** The right to request the token of `identity`. */
interface Lease {
  readonly identity: string;
  readonly owner: string;
  readonly fence: number;
}

/** The requirements for a token of the store. */
interface Wanted {
  readonly identity: string;
  readonly subject: Subject;
  readonly previous: PreviousTokens;
}

/**
 * Shares the tokens of a fleet through a store. One process requests a missing token and publishes it, and the others wait for
 * it. While the store is unavailable, each process requests its own.
 */
export class SharedTokenSource implements TokenSource {
  readonly #store: StoreGuard;
  readonly #pause: SharedPause;
  readonly #fences = new WeakMap<
    AccessToken,
    { readonly identity: string; readonly fence: number }
  >();
  /**
   * The highest fence of a refused or revoked token, for each identity. This process never takes such a token again, even if
   * the store missed its invalidation.
   */
  readonly #invalidatedFences = lruCache<number>(MAX_INVALIDATED_IDENTITIES);
  #flushedAt = -Infinity;
  /** The times of the flushes of single enterprises. */
  readonly #enterprisesFlushedAt = lruCache<number>(MAX_FLUSHED_ENTERPRISES);

  constructor(
    private readonly endpoint: Endpoint,
    store: TokenStore,
    private readonly onStoreFailure: OnStoreFailure,
    private readonly renewal: Required<RenewalOptions>,
    private readonly runtime: Runtime,
    emit: EmitEvent,
  ) {
    this.#store = new StoreGuard(store, runtime, emit);
    this.#pause = new SharedPause(endpoint, this.#store, runtime);
  }

  get defaultSubject(): Subject | undefined {
    return this.endpoint.defaultSubject;
  }

  checkSubject(subject: Subject): void {
    this.endpoint.checkSubject?.(subject);
  }

  /** Also ignores every token that is in the store by now, or only those of one enterprise. */
  forgetRefusals(enterprise?: string): void {
    const now = this.runtime.monotonic();
    if (enterprise === undefined) this.#flushedAt = now;
    else this.#enterprisesFlushedAt.set(enterprise, now);
    this.endpoint.forgetRefusals(enterprise);
  }

  async mint(
    subject: Subject | undefined,
    previous: PreviousTokens,
    signal: AbortSignal,
  ): Promise<MintedToken> {
    const request = await this.endpoint.prepare(subject, previous, signal);
    const { identity } = request;
    if (identity === undefined) return request.mint(signal);
    try {
      await this.#invalidate(previous.refused, signal);
      return await this.#findOrMint(request, identity, previous, signal);
    } catch (error) {
      if (!(error instanceof StoreFailure)) throw error;
      return this.#mintWithoutStore(request, error, signal);
    }
  }

  async findNewer(token: AccessToken): Promise<MintedToken | undefined> {
    const published = this.#fences.get(token);
    if (published === undefined) return undefined;
    const { identity, fence } = published;
    const owner = this.runtime.uniqueId();
    const sentAt = this.#now();
    try {
      const request = { owner, leaseMs: LEASE_MS, newerThan: fence };
      const claim = await this.#store.claim(identity, request);
      // This was only a lookup: release the lease, so that no other process waits for it.
      if (claim.state === 'claimed') this.#store.fail(identity, owner, 0, '');
      if (claim.state !== 'token') return undefined;
      const wanted = { identity, subject: token.subject, previous: { refused: token } };
      return this.#takeToken(claim, wanted, sentAt);
    } catch {
      return undefined;
    }
  }

  unshare(token: AccessToken): void {
    this.#invalidate(token).catch(() => undefined);
  }

  async #invalidate(token: AccessToken | undefined, signal?: AbortSignal): Promise<void> {
    const published = token && this.#fences.get(token);
    if (published === undefined) return;
    const { identity, fence } = published;
    this.#invalidatedFences.set(identity, Math.max(fence, this.#invalidatedFence(identity)));
    await this.#store.invalidate(identity, fence, signal);
  }

  /** Takes the token from the store, or requests it, or waits for the process that requests it. */
  async #findOrMint(
    request: PreparedTokenRequest,
    identity: string,
    previous: PreviousTokens,
    signal: AbortSignal,
  ): Promise<MintedToken> {
    const owner = this.runtime.uniqueId();
    const wanted = { identity, subject: request.subject, previous };
    let newerThan = Math.max(this.#fenceOf(previous.current), this.#invalidatedFence(identity));
    let hasSkippedToken = false;
    let lookupIntervalMs = MIN_LOOKUP_INTERVAL_MS;
    let waitedMs = 0;
    for (;;) {
      const sentAt = this.#now();
      const claimRequest = { owner, leaseMs: LEASE_MS, newerThan };
      const claim = await this.#store.claim(identity, claimRequest, signal);
      switch (claim.state) {
        case 'token': {
          const minted = this.#takeToken(claim, wanted, sentAt);
          if (minted !== undefined) return minted;
          // Skip one unusable token. Give up at the second, or a faulty store would be polled forever.
          if (hasSkippedToken) throw new StoreFailure('The store contains no usable token.');
          hasSkippedToken = true;
          newerThan = claim.fence;
          break;
        }
        case 'claimed':
          return this.#mintWithLease(request, { identity, owner, fence: claim.fence }, signal);
        case 'paused':
          throw pausedError(claim);
        case 'leased': {
          if (waitedMs >= MAX_WAIT_MS) return request.mint(signal);
          const pauseMs = lookupIntervalMs * (0.5 + this.runtime.random());
          await delay(this.runtime, pauseMs, signal);
          waitedMs += pauseMs;
          lookupIntervalMs = Math.min(lookupIntervalMs * 2, MAX_LOOKUP_INTERVAL_MS);
        }
      }
    }
  }

  /**
   * Returns the token of another process; undefined if it does not meet `Wanted`. Its age counts from `sentAt`, when the claim
   * was sent, so that a slow store does not make it look younger.
   */
  #takeToken(
    { token: stored, fence, ageMs: storedAgeMs }: CheckedClaim & { state: 'token' },
    { identity, subject, previous: { refused, current } }: Wanted,
    sentAt: Instant,
  ): MintedToken | undefined {
    const ageMs = Math.max(storedAgeMs, 0);
    const token = new AccessToken(stored.value, {
      subject,
      expiresAt: stored.expiresAt ?? undefined,
      scopes: stored.scopes ?? undefined,
    });
    const minted: MintedToken = {
      token,
      lifetimeMs: stored.lifetimeMs ?? undefined,
      requestedAt: { wall: sentAt.wall - ageMs, monotonic: sentAt.monotonic - ageMs },
      isShared: true,
    };
    const isWanted =
      stored.value !== refused?.value &&
      ageMs < sentAt.monotonic - this.#flushedAtOf(subject) &&
      (current === undefined || livesLonger(token, current)) &&
      isUsable(minted, this.renewal, this.runtime);
    if (!isWanted) return undefined;
    this.#fences.set(token, { identity, fence });
    return minted;
  }

  /** Requests a token and publishes it. Extends the lease meanwhile. */
  async #mintWithLease(
    request: PreparedTokenRequest,
    lease: Lease,
    signal: AbortSignal,
  ): Promise<MintedToken> {
    const { identity, owner, fence } = lease;
    const stopExtending = this.#keepLease(lease);
    try {
      await this.#pause.apply(signal);
      const minted = await request.mint(signal);
      this.#fences.set(minted.token, { identity, fence });
      // If the machine slept during the request, the token has expired: no other process could use it.
      if (isUsable(minted, this.renewal, this.runtime)) this.#publish(minted, lease);
      else this.#store.fail(identity, owner, 0, '');
      return minted;
    } catch (error) {
      const reason = error instanceof BoxAuthError ? error.message : '';
      this.#store.fail(identity, owner, pauseAfter(error), reason);
      throw error;
    } finally {
      stopExtending();
    }
  }

  #publish(
    { token: { value, expiresAt, scopes }, lifetimeMs, requestedAt }: MintedToken,
    { identity, fence }: Lease,
  ): void {
    const ageMs = ageClockOf(this.runtime).ageMs(requestedAt);
    this.#store.publish(identity, fence, { value, expiresAt, lifetimeMs, scopes }, ageMs);
  }

  /** Extends the lease until the returned function is called. */
  #keepLease({ identity, owner, fence }: Lease): () => void {
    let cancel: () => void;
    const schedule = () => {
      cancel = this.runtime.schedule(() => {
        this.#store.extendLease(identity, { owner, leaseMs: LEASE_MS, newerThan: fence });
        schedule();
      }, LEASE_MS / 3);
    };
    schedule();
    return () => cancel();
  }

  /** Each process requests its own token after a random delay, so that a fleet does not send all requests at once. */
  async #mintWithoutStore(
    request: PreparedTokenRequest,
    failure: StoreFailure,
    signal: AbortSignal,
  ): Promise<MintedToken> {
    if (this.onStoreFailure === 'closed') throw storeUnavailable(failure.cause);
    await delay(this.runtime, this.runtime.random() * MAX_DELAY_WITHOUT_STORE_MS, signal);
    return request.mint(signal);
  }

  #flushedAtOf(subject: Subject): number {
    const enterprise = enterpriseOf(subject);
    if (enterprise === undefined) return this.#flushedAt;
    return Math.max(this.#flushedAt, this.#enterprisesFlushedAt.get(enterprise) ?? -Infinity);
  }

  #fenceOf(token: AccessToken | undefined): number {
    return (token && this.#fences.get(token)?.fence) ?? 0;
  }

  #invalidatedFence(identity: string): number {
    return this.#invalidatedFences.get(identity) ?? 0;
  }

  #now(): Instant {
    return { wall: this.runtime.now(), monotonic: this.runtime.monotonic() };
  }
}

/** If only one of the two expiries is known, prefers the candidate. */
function livesLonger(
  { expiresAt: candidate }: AccessToken,
  { expiresAt: current }: AccessToken,
): boolean {
  return candidate === undefined || current === undefined
    ? candidate !== current
    : candidate > current;
}

/**
 * How long other processes must wait. Only a response of the issuer concerns them all: a process may have no network, or
 * older credentials than the others.
 */
function pauseAfter(error: unknown): number {
  if (!(error instanceof BoxAuthError) || !error.retryable || error.status === undefined) return 0;
  return Math.max(error.retryAfterMs ?? 0, MIN_PAUSE_MS);
}
