import {
  catchError,
  defer,
  firstValueFrom,
  map,
  Observable,
  race,
  retry,
  shareReplay,
  tap,
  throwError,
} from 'rxjs';
import type { Subject } from '../credentials/subject.js';
import { after, holdProcess } from '../runtime/after.js';
import { ageMs, type Instant } from '../runtime/age-clock.js';
import type { EmitEvent, TokenEvent } from '../events/auth-events.js';
import type { Runtime } from '../runtime/runtime.js';
import type { AccessToken } from '../token-endpoint/access-token.js';
import type { MintedToken } from '../token-endpoint/token-attempts.js';
import type { PreviousTokens } from '../token-endpoint/token-endpoint.js';
import { aborted } from './aborted.js';
import { CachedToken } from './cached-token.js';
import { mintReporter } from './mint-reporter.js';
import {
  BETWEEN_FORCED_MINTS_MS,
  expiredOnArrival,
  isExpiredOnArrival,
  refusedAgain,
} from './renewal-errors.js';
import { type Failing, RenewalFailures } from './renewal-failures.js';
import type { RenewalOptions } from './renewal.options.js';

/** What a caller asks of a token. */
export interface TokenDemand {
  /** Milliseconds that the token must still live, for a caller about to start something long. Default 0. */
  readonly minValidityMs?: number | undefined;
  /** Ends this caller's wait, not the mint that others share. */
  readonly signal?: AbortSignal | undefined;
}

/** A mint that is on its way. */
interface Minting {
  readonly token$: Observable<AccessToken>;
  /** Ends it without a token. */
  abandon: () => void;
}

/** What all renewing tokens of an app share. */
export interface RefresherContext {
  readonly mint: (subject: Subject | undefined, known: PreviousTokens) => Observable<MintedToken>;
  /** A token that another process requested after `token`, if there is one. Mints none, and never fails. */
  readonly newer: (token: AccessToken) => Observable<MintedToken | undefined>;
  /**
   * Calls `begin` when `renewing` may mint: many that are wanted at once begin one after the other. Returns what gives the
   * turn up.
   */
  readonly turn: (renewing: TokenRefresher, begin: () => void) => () => void;
  /** The mint is over, or was given up. */
  readonly ended: (renewing: TokenRefresher) => void;
  readonly adopted: (token: AccessToken) => void;
  /** Runs `task` in no caller's async context: a mint is of all callers, and so is what follows from it. */
  readonly outside: (task: () => void) => void;
  /** Whom the credentials stand for, as far as that is known. */
  readonly defaultSubject: () => Subject | undefined;
  readonly emit: EmitEvent;
  readonly options: Required<RenewalOptions>;
  readonly runtime: Runtime;
}

/**
 * The token of one subject: minted once for all who ask, renewed in the background before it expires, replaced when
 * it is refused. A valid token is returned from a field; the shared mint is only touched to get another.
 */
export class TokenRefresher {
  #adopted: CachedToken | undefined;
  #minting: Minting | undefined;
  #refused: AccessToken | undefined;
  /** When the last token that replaced a refused one was requested, here or by another process. */
  #forcedAt: Instant | undefined;
  #look: Promise<void> | undefined;
  /** There are many subjects, and few that fail. */
  #failures: RenewalFailures | undefined;

  /** `subject` is undefined for the one that the credentials stand for. */
  constructor(
    readonly subject: Subject | undefined,
    private readonly context: RefresherContext,
  ) {}

  /** The token, if nothing but using it is to be done. The hot path. */
  get fresh(): AccessToken | undefined {
    return this.#adopted?.isFresh === true ? this.#adopted.token : undefined;
  }

  /** The token, if it may be used. */
  get usable(): AccessToken | undefined {
    return this.#adopted?.isUsable === true ? this.#adopted.token : undefined;
  }

  /** Why no other token comes, if none does. */
  get failing(): Failing | undefined {
    return this.#failures?.failing;
  }

  /** Milliseconds until somebody should ask, to have it renewed in time; 0 if now. */
  get freshForMs(): number {
    return Math.max(this.#adopted?.freshForMs ?? 0, 0);
  }

  /** A token that may be used, now if there is one: only a caller that would get none waits for a mint. */
  async get({ minValidityMs = 0, signal }: TokenDemand = {}): Promise<AccessToken> {
    for (let mints = 0; ;) {
      signal?.throwIfAborted();
      const adopted = this.#adopted;
      if (adopted?.isOutsideWaitMargin === true && adopted.lives(minValidityMs)) {
        if (!adopted.isFresh) this.#renewInBackground();
        return adopted.token;
      }
      const token = await this.#awaitMint(minValidityMs, signal);
      // What another process minted may not live long enough; then one more is asked for, and that has to do.
      const isEnough = mints++ > 0 || this.#adopted?.lives(minValidityMs) !== false;
      if (token !== undefined && isEnough) return token;
    }
  }

  /** Whether `token` is the current one. */
  holds(token: AccessToken): boolean {
    return this.#adopted?.token.value === token.value;
  }

  /**
   * Forgets `token` if it is still the current one: the next caller gets another (compare-and-set). One that replaced a
   * refused one is kept until 10 s after it was requested: what Box refuses then is not the age of the token, and others
   * may be served with it.
   */
  invalidate(token: AccessToken): void {
    if (
      this.#adopted !== undefined &&
      this.holds(token) &&
      this.#sinceForcedMs >= BETWEEN_FORCED_MINTS_MS
    ) {
      this.#refused = this.#adopted.token;
      this.#adopted = undefined;
    }
  }

  /** Forgets `token` if it is still the current one, however it came. */
  drop(token: AccessToken): void {
    if (this.holds(token)) this.#adopted = undefined;
  }

  /** Another token than `refused`, for a caller who was refused with it. */
  async replace(refused: AccessToken, demand: TokenDemand): Promise<AccessToken> {
    this.invalidate(refused);
    const token = await this.get(demand);
    if (token.value !== refused.value) return token;
    await this.#takeNewer(token);
    const newer = await this.get(demand);
    if (newer.value !== refused.value) return newer;
    throw refusedAgain(token, BETWEEN_FORCED_MINTS_MS - this.#sinceForcedMs);
  }

  /** Another process may have replaced `token` already. All callers share one look at the store. */
  #takeNewer(token: AccessToken): Promise<void> {
    this.#look ??= firstValueFrom(this.context.newer(token))
      .then((mint) => {
        if (mint === undefined || !this.holds(token)) return;
        this.#refused = token;
        const tell = this.#telling();
        this.#adopt(mint);
        tell.succeeded(mint);
      })
      .finally(() => {
        this.#look = undefined;
      });
    return this.#look;
  }

  /** Has the token renewed if it is time for that; nobody waits. */
  keepFresh(): void {
    if (this.#adopted?.isFresh !== true) this.#renewInBackground();
  }

  /** Forgets everything, and what is on its way. Those who wait for it get the token of a new mint. */
  forget(): void {
    this.#adopted = undefined;
    this.#refused = undefined;
    this.#forcedAt = undefined;
    this.#failures = undefined;
    const minting = this.#minting;
    this.#minting = undefined;
    minting?.abandon();
  }

  /** Undefined if the wait ended without a token and without an error: look again. */
  async #awaitMint(
    minValidityMs: number,
    signal: AbortSignal | undefined,
  ): Promise<AccessToken | undefined> {
    const inReserve = this.#inReserve(minValidityMs);
    const release = holdProcess(this.context.runtime);
    try {
      // A caller with a token in reserve waits for at most half of what that has to live.
      const patience =
        inReserve === undefined ? [] : [after(this.context.runtime, inReserve.usableForMs / 2)];
      const ends = signal === undefined ? patience : [...patience, aborted(signal)];
      const minting = this.#sharedMint();
      const wait = ends.length === 0 ? minting : race(minting, ...ends);
      const token = await firstValueFrom(wait, { defaultValue: undefined });
      return token ?? this.#reserve(minValidityMs);
    } catch (error) {
      signal?.throwIfAborted();
      const reserve = this.#reserve(minValidityMs);
      if (reserve === undefined) throw error;
      return reserve;
    } finally {
      release();
    }
  }

  /** The old token, for somebody who waited for a new one that did not come. */
  #reserve(minValidityMs: number): AccessToken | undefined {
    const reserve = this.#inReserve(minValidityMs);
    if (reserve === undefined) return undefined;
    const { token, usableForMs } = reserve;
    this.context.emit({
      kind: 'stale-served',
      subjectType: token.subject.type,
      isOwn: this.subject === undefined,
      fingerprint: token.fingerprint,
      usableForMs,
    });
    return token;
  }

  /** The old token, when it may still be used and is good enough for the caller. */
  #inReserve(minValidityMs: number): CachedToken | undefined {
    const adopted = this.#adopted;
    return adopted?.isUsable === true && adopted.lives(minValidityMs) ? adopted : undefined;
  }

  #renewInBackground(): void {
    if (this.#failures?.isPausing !== true) this.#sharedMint();
  }

  /** The mint that is on its way, or a new one: started here, shared by all, never cancelled by one of them. */
  #sharedMint(): Observable<AccessToken> {
    if (this.#minting !== undefined) return this.#minting.token$;
    const pause = this.#failures?.pause();
    if (pause !== undefined) return throwError(() => pause);
    const minting: Minting = {
      token$: new Observable<AccessToken>((subscriber) => {
        minting.abandon = () => subscriber.complete();
        subscriber.add(() => {
          if (this.#minting === minting) this.#minting = undefined;
          this.context.ended(this);
        });
        const begin = () => defer(() => this.#mint()).subscribe(subscriber);
        subscriber.add(this.context.turn(this, begin));
      }).pipe(shareReplay({ bufferSize: 1, refCount: false })),
      abandon: () => undefined,
    };
    this.#minting = minting;
    // This subscription is what starts it. Its failure is on record; those who wait for it are told on their own.
    this.context.outside(() => minting.token$.subscribe({ error: () => undefined }));
    return minting.token$;
  }

  #mint(): Observable<AccessToken> {
    const tell = this.#telling();
    return defer(() =>
      this.context.mint(this.subject, {
        refused: this.#refused,
        current: this.#adopted?.token,
      }),
    ).pipe(
      tap((mint) => this.#adopt(mint)),
      // A machine that fell asleep over a mint wakes up with a dead token: ask once more.
      retry({
        count: 1,
        delay: (error: unknown) => (isExpiredOnArrival(error) ? [0] : throwError(() => error)),
      }),
      map((mint) => {
        tell.succeeded(mint);
        return mint.token;
      }),
      catchError((thrown: unknown) => {
        const error = this.#failed(thrown);
        tell.failed(error);
        throw error;
      }),
    );
  }

  #telling(): ReturnType<typeof mintReporter> {
    return mintReporter(this.context, {
      kind: this.#kindOfMint(),
      subject: this.subject,
      usableForMs: () => this.#inReserve(0)?.usableForMs ?? 0,
    });
  }

  #failed(error: unknown): unknown {
    const { options, runtime } = this.context;
    this.#failures ??= new RenewalFailures(options, runtime);
    return this.#failures.record(error);
  }

  #adopt(mint: MintedToken): void {
    const adopted = new CachedToken(mint, this.context.options, this.context.runtime);
    if (!adopted.isUsable) throw expiredOnArrival(mint.token);
    this.#adopted = adopted;
    if (this.#refused !== undefined) this.#forcedAt = mint.requestedAt;
    this.#refused = undefined;
    this.#failures = undefined;
    this.context.adopted(mint.token);
  }

  #kindOfMint(): TokenEvent['kind'] {
    if (this.#refused !== undefined) return 'forced-renewal';
    return this.#adopted === undefined ? 'mint' : 'renewal';
  }

  get #sinceForcedMs(): number {
    return this.#forcedAt === undefined ? Infinity : ageMs(this.context.runtime, this.#forcedAt);
  }
}
