import { LRUCache } from 'lru-cache';
import {
  catchError,
  defer,
  finalize,
  map,
  type Observable,
  type ObservableInput,
  of,
  switchMap,
  tap,
  throwError,
} from 'rxjs';
import type { Subject } from '../credentials/subject.js';
import { BoxAuthError } from '../errors/box-auth.error.js';
import type { EmitEvent } from '../events/auth-events.js';
import { abortable } from '../runtime/abort.js';
import { after } from '../runtime/after.js';
import { ageClockOf } from '../runtime/age-clock.js';
import type { Runtime } from '../runtime/runtime.js';
import { AccessToken } from '../token-endpoint/access-token.js';
import type { MintedToken } from '../token-endpoint/token-attempts.js';
import type { PreparedTokenRequest, PreviousTokens } from '../token-endpoint/token-endpoint.js';
import type { TokenSource } from './token-cache.js';
import { CachedToken } from './cached-token.js';
import { type CheckedClaim, checkedClaim } from './checked-claim.js';
import type { RenewalOptions } from './renewal.options.js';
import { type Pausable, SharedPause } from './shared-pause.js';
import { pausedError, storeUnavailable } from './store-errors.js';
import { StoreFailure, StoreGuard } from './store-guard.js';
import type { TokenStore } from './token-store.js';

const LEASE_MS = 1_500;
const FIRST_LOOK_MS = 50;
const MAX_LOOK_MS = 250;
const MAX_WAIT_MS = 30_000;
const MAX_DELAY_ALONE_MS = 500;
const MIN_PAUSE_MS = 1_000;

/** Where tokens are minted when no other process has one. */
interface Mints extends Pausable {
  readonly defaultSubject: Subject | undefined;
  checkSubject?(subject: Subject): void;
  prepare(
    subject: Subject | undefined,
    known: PreviousTokens,
    signal?: AbortSignal,
  ): ObservableInput<PreparedMint>;
  forgetRefusals(): void;
}

/** A prepared token request, whose result is a promise or an Observable. */
interface PreparedMint extends Omit<PreparedTokenRequest, 'mint'> {
  mint(signal?: AbortSignal): ObservableInput<MintedToken>;
}

/** What becomes of a token that is wanted while the store is away. */
export type OnStoreFailure = 'open' | 'closed';

/** One claimant's way through the store. */
interface Search {
  readonly identity: string;
  readonly owner: string;
  readonly prepared: PreparedMint;
  readonly known: PreviousTokens;
  /** How long it may still wait for other processes. */
  readonly leftMs: number;
  readonly newerThan: number;
  readonly lookMs: number;
  /** One token of the store was passed over already. */
  readonly isSecond: boolean;
}

/** Whose token was found in the store, and which one will not do. */
interface Finding extends Pick<Search, 'identity' | 'known'> {
  readonly prepared: Pick<PreparedMint, 'subject'>;
}

/**
 * Tokens of a whole fleet: what another process minted is taken from the store, one process mints what is missing, and the
 * others wait for it. Without the store each process goes its own way.
 */
export class SharedTokenSource implements TokenSource {
  readonly #guard: StoreGuard;
  readonly #pause: SharedPause;
  readonly #fences = new WeakMap<
    AccessToken,
    { readonly identity: string; readonly fence: number }
  >();
  /** The fence up to which tokens of an identity were refused or revoked: what is lost on the way to the store stays known. */
  readonly #gone = new LRUCache<string, number>({ max: 10_000 });
  #flushedAt = -Infinity;

  constructor(
    private readonly mints: Mints,
    private readonly store: TokenStore,
    private readonly onStoreFailure: OnStoreFailure,
    private readonly renewal: Required<RenewalOptions>,
    private readonly runtime: Runtime,
    emit: EmitEvent,
  ) {
    this.#guard = new StoreGuard(runtime, emit);
    this.#pause = new SharedPause(mints, store, this.#guard, runtime);
  }

  get defaultSubject(): Subject | undefined {
    return this.mints.defaultSubject;
  }

  checkSubject(subject: Subject): void {
    this.mints.checkSubject?.(subject);
  }

  /** Also forgets what is in the store by now: none of it is taken any more. */
  forgetRefusals(): void {
    this.#flushedAt = this.runtime.monotonic();
    this.mints.forgetRefusals();
  }

  mint(subject: Subject | undefined, known: PreviousTokens): Observable<MintedToken> {
    return abortable((signal) => this.mints.prepare(subject, known, signal)).pipe(
      switchMap((prepared) => {
        const { identity } = prepared;
        if (identity === undefined) return sent(prepared);
        return this.#invalidated(known.refused).pipe(
          switchMap(() =>
            this.#search({
              identity,
              owner: this.runtime.uniqueId(),
              prepared,
              known,
              leftMs: MAX_WAIT_MS,
              newerThan: Math.max(this.#fenceOf(known.current), this.#gone.get(identity) ?? 0),
              lookMs: FIRST_LOOK_MS,
              isSecond: false,
            }),
          ),
          catchError((error: unknown) =>
            error instanceof StoreFailure ? this.#alone(prepared, error) : throwError(() => error),
          ),
        );
      }),
    );
  }

  /** See `TokenSource`. */
  newer(token: AccessToken): Observable<MintedToken | undefined> {
    const held = this.#fences.get(token);
    if (held === undefined) return of(undefined);
    const { identity, fence } = held;
    const owner = this.runtime.uniqueId();
    return defer(() => {
      const sentAt = { wall: this.runtime.now(), monotonic: this.runtime.monotonic() };
      return this.#claim(identity, owner, fence).pipe(
        map((claim) => {
          // Only a look: release the lease, so that no other process waits for it.
          if (claim.state === 'claimed') {
            this.#tellStore(() => this.store.fail(identity, owner, 0, ''));
          }
          if (claim.state !== 'token') return undefined;
          const search = { identity, prepared: token, known: { refused: token } };
          return this.#taken(claim, search, sentAt);
        }),
        catchError(() => of(undefined)),
      );
    });
  }

  /** No other process shall find `token` any more. */
  forget(token: AccessToken): void {
    this.#invalidated(token).subscribe({ error: () => undefined });
  }

  #invalidated(token: AccessToken | undefined): Observable<void> {
    const held = token && this.#fences.get(token);
    if (held === undefined) return of(undefined);
    this.#gone.set(held.identity, Math.max(held.fence, this.#gone.get(held.identity) ?? 0));
    return this.#guard.ask(() => this.store.invalidate(held.identity, held.fence), ignore);
  }

  #fenceOf(token: AccessToken | undefined): number {
    return (token && this.#fences.get(token)?.fence) ?? 0;
  }

  #search(search: Search): Observable<MintedToken> {
    const { identity, owner, newerThan } = search;
    return defer(() => {
      const sentAt = { wall: this.runtime.now(), monotonic: this.runtime.monotonic() };
      return this.#claim(identity, owner, newerThan).pipe(
        switchMap((claim) => this.#follow(claim, search, sentAt)),
      );
    });
  }

  #claim(identity: string, owner: string, newerThan: number): Observable<CheckedClaim> {
    return this.#guard.ask(
      () => this.store.claim(identity, { owner, leaseMs: LEASE_MS, newerThan }),
      (result) => checkedClaim(result, newerThan),
    );
  }

  #follow(
    claim: CheckedClaim,
    search: Search,
    sentAt: MintedToken['requestedAt'],
  ): Observable<MintedToken> {
    switch (claim.state) {
      case 'token': {
        const mint = this.#taken(claim, search, sentAt);
        if (mint !== undefined) return of(mint);
        // One that is of no use may be passed over; a store that has nothing but such would be asked for ever.
        return search.isSecond
          ? throwError(() => new StoreFailure('none of its tokens can be used'))
          : this.#search({ ...search, newerThan: claim.fence, isSecond: true });
      }
      case 'claimed':
        return this.#mintForAll(search, claim.fence);
      case 'paused':
        return throwError(() => pausedError(claim));
      case 'leased':
        break;
    }
    return this.#lookAgain(search);
  }

  /**
   * The token of another process; undefined if it is not what is wanted. Its age is counted from `sentAt`, when the store
   * was asked: what the answer took makes no token younger.
   */
  #taken(
    claim: CheckedClaim & { state: 'token' },
    { identity, prepared, known }: Finding,
    sentAt: MintedToken['requestedAt'],
  ): MintedToken | undefined {
    const { token: stored, fence } = claim;
    const ageMs = Math.max(claim.ageMs, 0);
    const token = new AccessToken(stored.value, {
      subject: prepared.subject,
      expiresAt: stored.expiresAt ?? undefined,
      scopes: stored.scopes ?? undefined,
    });
    const mint: MintedToken = {
      token,
      lifetimeMs: stored.lifetimeMs ?? undefined,
      requestedAt: { wall: sentAt.wall - ageMs, monotonic: sentAt.monotonic - ageMs },
      isShared: true,
    };
    const { refused, current } = known;
    const wanted =
      stored.value !== refused?.value &&
      ageMs < sentAt.monotonic - this.#flushedAt &&
      (current === undefined || livesLonger(token, current)) &&
      new CachedToken(mint, this.renewal, this.runtime).isUsable;
    if (!wanted) return undefined;
    this.#fences.set(token, { identity, fence });
    return mint;
  }

  /** The lease is kept while the mint lasts; nobody waits for the store to learn of the outcome. */
  #mintForAll({ identity, owner, prepared }: Search, fence: number): Observable<MintedToken> {
    return defer(() => {
      let isOver = false;
      const stop = this.#keepLease(identity, owner, fence);
      const giveUp = (pauseMs: number, reason: string) =>
        this.#tellStore(() => this.store.fail(identity, owner, pauseMs, reason));
      return this.#pause.take().pipe(
        switchMap(() => sent(prepared)),
        tap({
          next: (mint) => {
            isOver = true;
            const { token, lifetimeMs, requestedAt } = mint;
            this.#fences.set(token, { identity, fence });
            const { value, expiresAt, scopes } = token;
            const stored = { value, expiresAt, lifetimeMs, scopes };
            // Of both clocks: a machine that slept over the mint has a dead token, which is for nobody.
            if (!new CachedToken(mint, this.renewal, this.runtime).isUsable) {
              giveUp(0, '');
              return;
            }
            const ageMs = ageClockOf(this.runtime).ageMs(requestedAt);
            this.#tellStore(() => this.store.publish(identity, fence, stored, ageMs));
          },
          error: (error: unknown) => {
            isOver = true;
            giveUp(pauseAfter(error), error instanceof BoxAuthError ? error.message : '');
          },
        }),
        finalize(() => {
          stop();
          if (!isOver) giveUp(0, '');
        }),
      );
    });
  }

  #keepLease(identity: string, owner: string, fence: number): () => void {
    let stop: () => void;
    const extend = () => {
      this.#tellStore(() =>
        this.store.claim(identity, { owner, leaseMs: LEASE_MS, newerThan: fence }),
      );
      stop = this.runtime.schedule(extend, LEASE_MS / 3);
    };
    stop = this.runtime.schedule(extend, LEASE_MS / 3);
    return () => stop();
  }

  /** What the store makes of it changes nothing for anybody who waits. */
  #tellStore(command: () => unknown): void {
    this.#guard.ask(command, ignore).subscribe({ error: () => undefined });
  }

  /** Somebody else is minting: looks in again, less and less often, and at last mints all the same. */
  #lookAgain(search: Search): Observable<MintedToken> {
    if (search.leftMs <= 0) return sent(search.prepared);
    const delayMs = search.lookMs * (0.5 + this.runtime.random());
    const next = {
      ...search,
      leftMs: search.leftMs - delayMs,
      lookMs: Math.min(search.lookMs * 2, MAX_LOOK_MS),
    };
    return after(this.runtime, delayMs).pipe(switchMap(() => this.#search(next)));
  }

  /** The store is away: after a moment of its own, so that a fleet does not come at once, each process mints. */
  #alone(prepared: PreparedMint, failure: StoreFailure): Observable<MintedToken> {
    if (this.onStoreFailure === 'closed') return throwError(() => storeUnavailable(failure));
    const delayMs = this.runtime.random() * MAX_DELAY_ALONE_MS;
    return after(this.runtime, delayMs).pipe(switchMap(() => sent(prepared)));
  }
}

/** The token of `prepared`; unsubscribing aborts the request. */
function sent(prepared: PreparedMint): Observable<MintedToken> {
  return abortable((signal) => prepared.mint(signal));
}

function ignore(): void {}

function livesLonger(
  { expiresAt: ours }: AccessToken,
  { expiresAt: theirs }: AccessToken,
): boolean {
  return ours === undefined || theirs === undefined ? ours !== theirs : ours > theirs;
}

/**
 * Only what the issuer answered is everybody's: that a process has no network is its own affair, and so is that its
 * credentials are refused, as others may have newer ones.
 */
function pauseAfter(error: unknown): number {
  if (!(error instanceof BoxAuthError) || !error.retryable || error.status === undefined) return 0;
  return Math.max(error.retryAfterMs ?? 0, MIN_PAUSE_MS);
}
