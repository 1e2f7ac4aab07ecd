import { AsyncResource } from 'node:async_hooks';
import type { LRUCache } from 'lru-cache';
import { concat, defer, filter, from, type Observable, Subject as RxSubject } from 'rxjs';
import {
  checkedSubject,
  enterpriseOf,
  isSameSubject,
  type Subject,
  subjectKey,
} from '../credentials/subject.js';
import type { EmitEvent } from '../events/auth-events.js';
import { onAbort, untilAborted } from '../runtime/abort.js';
import { TickQueue } from '../runtime/event-loop.js';
import { lruCache } from '../runtime/lru-cache.js';
import type { Runtime } from '../runtime/runtime.js';
import type { AccessToken } from '../token-endpoint/access-token.js';
import { KeepWarm } from './keep-warm.js';
import type { RefreshFailure } from './refresh-failures.js';
import { rejected, RejectionThrottle } from './rejection-throttle.js';
import type { RenewalOptions } from './renewal.options.js';
import { closedError } from './token-errors.js';
import { type RefresherContext, type TokenDemand, TokenRefresher } from './token-refresher.js';
import type { TokenSource } from './token-source.js';

/** A demand that may name the subject of the token. */
export interface SubjectTokenDemand extends TokenDemand {
  /** Default: the subject of the credentials. */
  readonly subject?: Subject | undefined;
}

/** The tokens of one app: one for the app's own subject, and a bounded number for others (least recently used). */
export class TokenCache {
  readonly #context: RefresherContext;
  readonly #queue = new TickQueue();
  readonly #rejections: RejectionThrottle;
  readonly #asyncScope = new AsyncResource('nestjs-box-auth.TokenCache');
  readonly #own: TokenRefresher;
  readonly #others: LRUCache<string, TokenRefresher>;
  /** Refreshers with a running token request: they stay known after an eviction, so that each subject has only one. */
  readonly #minting = new Map<string, { readonly refresher: TokenRefresher }>();
  /** Refreshers that are kept warm are never evicted. */
  readonly #pinned = new Map<string, TokenRefresher>();
  readonly #keepWarm: KeepWarm;
  readonly #newTokens = new RxSubject<AccessToken>();
  readonly #closing = new AbortController();
  #evictions = 0;

  constructor(
    private readonly source: TokenSource,
    renewal: Required<RenewalOptions>,
    maxSubjects: number,
    runtime: Runtime,
    emit: EmitEvent,
  ) {
    this.#context = {
      source,
      run: (refresher, mint, signal) => this.#run(refresher, mint, signal),
      onToken: (token) => this.#newTokens.next(token),
      emit,
      options: renewal,
      runtime,
    };
    this.#rejections = new RejectionThrottle(renewal.minBackoffMs, runtime);
    this.#keepWarm = new KeepWarm(renewal, runtime);
    this.#own = new TokenRefresher(undefined, this.#context);
    this.#others = lruCache(maxSubjects, {
      dispose: (_refresher, _key, reason) => {
        if (reason === 'evict') this.#evictions += 1;
      },
    });
  }

  /** The subject of the credentials; undefined while a function has not returned them yet. */
  get ownSubject(): Subject | undefined {
    return this.source.defaultSubject;
  }

  /** How many subjects were evicted to make room for others. */
  get evictions(): number {
    return this.#evictions;
  }

  /**
   * Returns a usable token.
   *
   * @throws BoxAuthError `subject_invalid`, `closed`, or why there is no token
   */
  get(demand?: SubjectTokenDemand): Promise<AccessToken> {
    const signal = demand?.signal;
    let refresher: TokenRefresher;
    try {
      refresher = this.#refresherFor(demand?.subject);
    } catch (error) {
      return rejected(error);
    }
    const token = refresher.peekFresh(demand?.minValidityMs);
    return token === undefined || signal?.aborted === true
      ? this.#paced(refresher.get(demand), refresher, signal)
      : Promise.resolve(token);
  }

  /** The cached token, if no refresh is due yet and it lives for `minValidityMs`. */
  peekFresh(subject?: Subject, minValidityMs?: number): AccessToken | undefined {
    return this.#find(this.#otherSubject(subject))?.peekFresh(minValidityMs);
  }

  /** The cached token, if it may be handed out. */
  peek(subject?: Subject): AccessToken | undefined {
    return this.#find(this.#otherSubject(subject))?.usableToken;
  }

  /** Why there is no newer token for `subject`; undefined if the latest request succeeded. */
  failure(subject?: Subject): RefreshFailure | undefined {
    return this.#find(this.#otherSubject(subject))?.failure;
  }

  /** Emits the current token, then each newer one. Completes on `close`. */
  token$(subject?: Subject): Observable<AccessToken> {
    return defer(() => {
      const key = keyOf(this.#otherSubject(subject));
      const newTokens = this.#newTokens.pipe(
        filter((token) => keyOf(this.#undefinedIfOwn(token.subject)) === key),
      );
      return concat(from(this.get({ subject })), newTokens);
    });
  }

  /** Keeps the token of `subject` valid although no caller requests it, until `close`. */
  keepWarm(subject: Subject | undefined): void {
    const key = keyOf(this.#otherSubject(subject));
    const refresher = this.#refresherFor(subject);
    if (key !== undefined) this.#pinned.set(key, refresher);
    this.#keepWarm.add(refresher);
  }

  /** Forgets a refused token if it is still the current one. */
  invalidate(token: AccessToken): void {
    const refresher = this.#refresherHolding(token);
    if (refresher === undefined) return;
    refresher.invalidate(token);
    this.#keepWarm.refreshIfMissing(refresher);
  }

  /** Forgets a revoked token if it is still the current one, and stops sharing it. */
  drop(token: AccessToken): void {
    const refresher = this.#refresherHolding(token);
    if (refresher !== undefined) {
      refresher.drop(token);
      this.#keepWarm.refreshIfMissing(refresher);
    }
    this.source.unshare?.(token);
  }

  /**
   * Returns another token than `refused`, for a caller whose request was refused. Requests at most one such token per subject in
   * 10 s, counted from the token request. Takes a newer token of another process at any time.
   *
   * @throws BoxAuthError `token_refused_again` within these 10 s
   */
  replace(refused: AccessToken, demand: TokenDemand): Promise<AccessToken> {
    const refresher = this.#refresherHolding(refused) ?? this.#addRefresher(refused.subject);
    return this.#paced(refresher.replace(refused, demand), refresher, demand.signal);
  }

  /**
   * The result of `work`. Its signal is aborted when the cache is closed, or when the caller aborts `signal`.
   *
   * @throws BoxAuthError `closed`
   */
  async whileOpen<T>(work: (signal: AbortSignal) => Promise<T>, signal?: AbortSignal): Promise<T> {
    if (this.#isClosed) throw closedError();
    const ending = new AbortController();
    const ignoreClosing = onAbort(this.#closing.signal, () => ending.abort(closedError()));
    const ignoreSignal = signal && onAbort(signal, () => ending.abort(signal.reason));
    try {
      ending.signal.throwIfAborted();
      return await untilAborted(ending.signal, work(ending.signal));
    } finally {
      ignoreClosing();
      ignoreSignal?.();
    }
  }

  /** Forgets every token and which credentials were refused, or only the tokens and refusals of one enterprise. */
  flush(enterprise?: string): void {
    this.source.forgetRefusals(enterprise);
    const refreshers = new Set([
      this.#own,
      ...this.#pinned.values(),
      ...this.#others.values(),
      ...Array.from(this.#minting.values(), ({ refresher }) => refresher),
    ]);
    for (const refresher of refreshers) {
      const subject = refresher.subject ?? this.ownSubject;
      if (enterprise !== undefined && (subject && enterpriseOf(subject)) !== enterprise) continue;
      refresher.forget();
      this.#keepWarm.refreshIfMissing(refresher);
    }
  }

  /** Stops every timer and token request. Callers that wait for a token get a `closed` error. */
  close(): void {
    if (this.#isClosed) return;
    this.#keepWarm.close();
    this.#closing.abort();
    this.flush();
    this.#newTokens.complete();
    this.#rejections.release();
  }

  get #isClosed(): boolean {
    return this.#closing.signal.aborted;
  }

  /** Delays a rejection, so that a caller that retries at once does not block the event loop. */
  async #paced<T>(work: Promise<T>, subject: object, signal?: AbortSignal): Promise<T> {
    try {
      return await work;
    } catch (error) {
      await this.#rejections.delay(subject, signal);
      throw error;
    }
  }

  /** The refresher of `subject`, which is undefined for the app's own subject. */
  #find(subject: Subject | undefined): TokenRefresher | undefined {
    if (subject === undefined) return this.#own;
    const key = subjectKey(subject);
    return this.#pinned.get(key) ?? this.#others.get(key) ?? this.#minting.get(key)?.refresher;
  }

  #refresherFor(named: Subject | undefined): TokenRefresher {
    const subject = this.#otherSubject(named);
    if (subject === undefined) return this.#own;
    return this.#find(subject) ?? this.#addRefresher(subject);
  }

  /** The own subject may have changed since it got `token`, if the credentials come from a function. */
  #refresherHolding(token: AccessToken): TokenRefresher | undefined {
    return this.#own.holds(token) ? this.#own : this.#find(this.#undefinedIfOwn(token.subject));
  }

  #addRefresher(subject: Subject): TokenRefresher {
    const refresher = new TokenRefresher(subject, this.#context);
    this.#others.set(subjectKey(subject), refresher);
    return refresher;
  }

  /** A checked copy of the subject that a caller named; undefined for the app's own subject, named or not. */
  #otherSubject(named: Subject | undefined): Subject | undefined {
    if (named === undefined) return undefined;
    const subject = this.#undefinedIfOwn(checkedSubject(named));
    if (subject !== undefined) this.source.checkSubject?.(subject);
    return subject;
  }

  #undefinedIfOwn(subject: Subject): Subject | undefined {
    const own = this.ownSubject;
    return own !== undefined && isSameSubject(own, subject) ? undefined : subject;
  }

  /**
   * Runs the token request of `refresher` outside of every caller's async context, because all callers share it. The requests
   * of many subjects start one after another, but the app's own never waits.
   */
  async #run<T>(
    refresher: TokenRefresher,
    mint: () => Promise<T>,
    signal: AbortSignal,
  ): Promise<T> {
    if (this.#isClosed) throw closedError();
    const { subject } = refresher;
    if (subject === undefined) return this.#asyncScope.runInAsyncScope(mint);
    const key = subjectKey(subject);
    const entry = { refresher };
    this.#minting.set(key, entry);
    try {
      await this.#queue.next(signal);
      signal.throwIfAborted();
      return await this.#asyncScope.runInAsyncScope(mint);
    } finally {
      // After a flush, the next request of the same subject may be running already.
      if (this.#minting.get(key) === entry) {
        this.#minting.delete(key);
        if (!this.#others.has(key)) this.#others.set(key, refresher);
      }
    }
  }
}

function keyOf(subject: Subject | undefined): string | undefined {
  return subject === undefined ? undefined : subjectKey(subject);
}
