import {
  defer,
  firstValueFrom,
  type Observable,
  shareReplay,
  Subject as RxSubject,
  takeUntil,
} from 'rxjs';
import { enterpriseOf, type Subject } from '../credentials/subject.js';
import type { EmitEvent } from '../events/auth-events.js';
import { onAbort } from '../runtime/abort.js';
import { holdProcess } from '../runtime/delay.js';
import { ageMs, type Instant } from '../runtime/age-clock.js';
import type { Runtime } from '../runtime/runtime.js';
import type { AccessToken, MintedToken } from '../token-endpoint/access-token.js';
import { mintReporter, type MintReporter } from './mint-reporter.js';
import { type RefreshFailure, RefreshFailures } from './refresh-failures.js';
import type { RenewalOptions } from './renewal.options.js';
import { expiredOnArrival, MIN_REPLACEMENT_INTERVAL_MS, refusedAgain } from './token-errors.js';
import { CachedToken } from './token-schedule.js';
import type { TokenSource } from './token-source.js';

/** A token that arrives expired is requested once more. */
const MAX_REQUESTS_PER_MINT = 2;

/** Requirements of a caller for a token. */
export interface TokenDemand {
  /** Milliseconds that the token must still live, for a caller about to start something long. Default 0. */
  readonly minValidityMs?: number | undefined;
  /** Ends the wait of this caller, not the token request that others share. */
  readonly signal?: AbortSignal | undefined;
}

/** Dependencies that all refreshers of one app share. */
export interface RefresherContext {
  readonly source: TokenSource;
  /** Runs `mint`, the token request of `refresher`, as soon as it may start. */
  readonly run: <T>(
    refresher: TokenRefresher,
    mint: () => Promise<T>,
    signal: AbortSignal,
  ) => Promise<T>;
  /** Called with each token that a refresher puts into the cache. */
  readonly onToken: (token: AccessToken) => void;
  readonly emit: EmitEvent;
  readonly options: Required<RenewalOptions>;
  readonly runtime: Runtime;
}

/** A token request on its way. */
interface SharedMint {
  readonly token$: Observable<AccessToken>;
  /** Ends the request without a token. */
  readonly abandon: () => void;
}

/**
 * The token of one subject. All callers share one token request. The token is refreshed in the background before it expires,
 * and replaced when it is refused. Returning a valid token needs no I/O.
 */
export class TokenRefresher {
  #cached: CachedToken | undefined;
  #shared: SharedMint | undefined;
  /** The token that the next one replaces because it was refused. */
  #refused: AccessToken | undefined;
  /** When the last replacement of a refused token was requested, by this or another process. */
  #replacedAt: Instant | undefined;
  #lookup: Promise<void> | undefined;
  /** Created at the first failure: there are many subjects, and few fail. */
  #failures: RefreshFailures | undefined;

  /** `subject` is undefined for the default subject of the credentials. */
  constructor(
    readonly subject: Subject | undefined,
    private readonly context: RefresherContext,
  ) {}

  /** The cached token, if no refresh is due yet and it lives for `minValidityMs`. The hot path. */
  peekFresh(minValidityMs = 0): AccessToken | undefined {
    const cached = this.#cached;
    if (cached?.isOutsideRefreshWindow !== true) return undefined;
    return minValidityMs === 0 || cached.isValidFor(minValidityMs) ? cached.token : undefined;
  }

  /** The cached token, if it may be handed out. */
  get usableToken(): AccessToken | undefined {
    return this.#cached?.isUsable === true ? this.#cached.token : undefined;
  }

  /** Why there is no newer token; undefined if the latest request succeeded. */
  get failure(): RefreshFailure | undefined {
    return this.#failures?.latest;
  }

  /** Milliseconds until a refresh is due; 0 if it is due now. */
  get refreshInMs(): number {
    return Math.max(this.#cached?.refreshInMs ?? 0, 0);
  }

  /** A usable token: the cached one at once, or the result of the shared token request. */
  async get({ minValidityMs = 0, signal }: TokenDemand = {}): Promise<AccessToken> {
    for (let mints = 0; ;) {
      signal?.throwIfAborted();
      const cached = this.#cached;
      if (cached?.isOutsideWaitMargin === true && cached.isValidFor(minValidityMs)) {
        if (!cached.isOutsideRefreshWindow) this.#refreshInBackground();
        return cached.token;
      }
      const token = await this.#awaitMint(minValidityMs, signal);
      // The token of another process may not live long enough. Request one more, and accept that one.
      const isEnough = mints++ > 0 || this.#cached?.isValidFor(minValidityMs) !== false;
      if (token !== undefined && isEnough) return token;
    }
  }

  /** Whether `token` is the cached token. */
  holds(token: AccessToken): boolean {
    return this.#cached?.token.value === token.value;
  }

  /**
   * Forgets `token` if it is still the cached token (compare-and-set): the next caller gets another. A token that replaced a
   * refused one is kept for 10 s after its request: its age cannot be the reason, and it may work for other callers.
   */
  invalidate(token: AccessToken): void {
    if (this.holds(token) && this.#msSinceReplacement >= MIN_REPLACEMENT_INTERVAL_MS) {
      this.#refused = this.#cached?.token;
      this.#cached = undefined;
    }
  }

  /** Forgets `token` if it is still the cached token, without any time limit. */
  drop(token: AccessToken): void {
    if (this.holds(token)) this.#cached = undefined;
  }

  /**
   * Returns another token than `refused`.
   *
   * @throws BoxAuthError `token_refused_again` if `refused` itself was requested as a replacement less than 10 s ago
   */
  async replace(refused: AccessToken, demand: TokenDemand): Promise<AccessToken> {
    this.invalidate(refused);
    const token = await this.get(demand);
    if (token.value !== refused.value) return token;
    await this.#takeNewer(token);
    const newer = await this.get(demand);
    if (newer.value !== refused.value) return newer;
    throw refusedAgain(token, MIN_REPLACEMENT_INTERVAL_MS - this.#msSinceReplacement);
  }

  /** Takes the token of another process that has replaced `token` already. All callers share one lookup. */
  #takeNewer(token: AccessToken): Promise<void> {
    this.#lookup ??= this.#lookUpNewer(token).finally(() => {
      this.#lookup = undefined;
    });
    return this.#lookup;
  }

  async #lookUpNewer(token: AccessToken): Promise<void> {
    const minted = await this.context.source.findNewer?.(token);
    if (minted === undefined || !this.holds(token)) return;
    this.#refused = token;
    const report = this.#reporter();
    if (this.#cache(minted)) report.succeeded(minted);
  }

  /** Refreshes the token in the background if that is due. */
  refreshIfDue(): void {
    if (this.#cached?.isOutsideRefreshWindow !== true) this.#refreshInBackground();
  }

  /** Forgets everything, and abandons the shared token request: callers that wait for it get the token of a new one. */
  forget(): void {
    this.#cached = undefined;
    this.#refused = undefined;
    this.#replacedAt = undefined;
    this.#failures = undefined;
    const shared = this.#shared;
    this.#shared = undefined;
    shared?.abandon();
  }

  /** Undefined if the wait ended without a token and without an error: look again. */
  async #awaitMint(
    minValidityMs: number,
    signal: AbortSignal | undefined,
  ): Promise<AccessToken | undefined> {
    const { runtime } = this.context;
    // A caller that can use the old token waits for at most half of what that has to live.
    const patienceMs = (this.#oldToken(minValidityMs)?.usableForMs ?? Infinity) / 2;
    const release = holdProcess(runtime);
    try {
      const minted = firstValueFrom(this.#joinMint(), { defaultValue: undefined });
      const token = await within(runtime, patienceMs, signal, minted);
      return token ?? this.#serveOldToken(minValidityMs);
    } catch (error) {
      signal?.throwIfAborted();
      const oldToken = this.#serveOldToken(minValidityMs);
      if (oldToken === undefined) throw error;
      return oldToken;
    } finally {
      release();
    }
  }

  /** The old token, for a caller that waited for a new one in vain. */
  #serveOldToken(minValidityMs: number): AccessToken | undefined {
    const old = this.#oldToken(minValidityMs);
    if (old === undefined) return undefined;
    const { token, usableForMs } = old;
    this.context.emit({
      kind: 'stale-served',
      subjectType: token.subject.type,
      isOwn: this.subject === undefined,
      enterprise: this.#tenant,
      fingerprint: token.fingerprint,
      usableForMs,
    });
    return token;
  }

  /** The cached token, if it may be handed out and lives long enough for the caller. */
  #oldToken(minValidityMs: number): CachedToken | undefined {
    const cached = this.#cached;
    return cached?.isUsable === true && cached.isValidFor(minValidityMs) ? cached : undefined;
  }

  #refreshInBackground(): void {
    if (this.#failures?.isPaused !== true) this.#joinMint();
  }

  /**
   * Joins the token request on its way, or starts one. All callers share it, and none of them cancels it.
   *
   * @throws BoxAuthError the latest failure, while its pause lasts
   */
  #joinMint(): Observable<AccessToken> {
    if (this.#shared !== undefined) return this.#shared.token$;
    const pauseError = this.#failures?.pauseError;
    if (pauseError !== undefined) throw pauseError;
    const controller = new AbortController();
    const { signal } = controller;
    const abandoned = new RxSubject<void>();
    const token$ = defer(() => this.context.run(this, () => this.#mint(signal), signal)).pipe(
      takeUntil(abandoned),
      shareReplay({ bufferSize: 1, refCount: false }),
    );
    const abandon = () => {
      abandoned.next();
      controller.abort();
    };
    const shared = { token$, abandon };
    this.#shared = shared;
    const end = () => {
      if (this.#shared === shared) this.#shared = undefined;
    };
    // Starts the request. Its failure is recorded, and each caller that waits for it gets the error.
    token$.subscribe({ error: end, complete: end });
    return token$;
  }

  async #mint(signal: AbortSignal): Promise<AccessToken> {
    const report = this.#reporter();
    try {
      const minted = await this.#requestToken(signal);
      report.succeeded(minted);
      return minted.token;
    } catch (thrown) {
      signal.throwIfAborted();
      this.#failures ??= new RefreshFailures(this.context.options, this.context.runtime);
      const error = this.#failures.record(thrown);
      report.failed(error);
      throw error;
    }
  }

  /** Requests a token and caches it. */
  async #requestToken(signal: AbortSignal): Promise<MintedToken> {
    for (let requests = 1; ; requests++) {
      const previous = { refused: this.#refused, current: this.#cached?.token };
      const minted = await this.context.source.mint(this.subject, previous, signal);
      signal.throwIfAborted();
      if (this.#cache(minted)) return minted;
      // A machine that slept during the request wakes up with an expired token.
      if (requests === MAX_REQUESTS_PER_MINT) throw expiredOnArrival(minted.token);
    }
  }

  /** Caches a token, unless it has expired already. */
  #cache(minted: MintedToken): boolean {
    const cached = new CachedToken(minted, this.context.options, this.context.runtime);
    if (!cached.isUsable) return false;
    this.#cached = cached;
    if (this.#refused !== undefined) this.#replacedAt = minted.requestedAt;
    this.#refused = undefined;
    this.#failures = undefined;
    this.context.onToken(minted.token);
    return true;
  }

  #reporter(): MintReporter {
    const { source, runtime, emit } = this.context;
    const kind = this.#cached === undefined ? 'mint' : 'renewal';
    const mint = {
      kind: this.#refused === undefined ? kind : 'forced-renewal',
      isOwn: this.subject === undefined,
      enterprise: this.#tenant,
      subjectType: () => (this.subject ?? source.defaultSubject)?.type,
      usableForMs: () => this.#oldToken(0)?.usableForMs ?? 0,
    } as const;
    return mintReporter(mint, runtime, emit);
  }

  /** The enterprise of the subject, if that is not the one of the credentials. */
  get #tenant(): string | undefined {
    return this.subject && enterpriseOf(this.subject);
  }

  get #msSinceReplacement(): number {
    const { runtime } = this.context;
    return this.#replacedAt === undefined ? Infinity : ageMs(runtime, this.#replacedAt);
  }
}

/** The result of `work`; undefined after `timeoutMs`. Rejects with the reason of `signal` once that is aborted. */
async function within<T>(
  runtime: Runtime,
  timeoutMs: number,
  signal: AbortSignal | undefined,
  work: Promise<T>,
): Promise<T | undefined> {
  if (timeoutMs === Infinity && signal === undefined) return work;
  const stops: (() => void)[] = [];
  const end = new Promise<undefined>((resolve, reject) => {
    if (timeoutMs !== Infinity) {
      stops.push(runtime.schedule(() => resolve(undefined), timeoutMs));
    }
    if (signal !== undefined) stops.push(onAbort(signal, () => reject(signal.reason)));
  });
  try {
    return await Promise.race([work, end]);
  } finally {
    for (const stop of stops) stop();
  }
}
