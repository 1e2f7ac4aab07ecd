import { AsyncResource } from 'node:async_hooks';
import { LRUCache } from 'lru-cache';
import {
  concat,
  defer,
  filter,
  from,
  ignoreElements,
  type Observable,
  type ObservableInput,
  of,
  race,
  Subject as Signal,
  throwIfEmpty,
} from 'rxjs';
import { checkedSubject, isSameSubject, type Subject, subjectKey } from '../credentials/subject.js';
import type { EmitEvent } from '../events/auth-events.js';
import { abortable } from '../runtime/abort.js';
import { TickQueue } from '../runtime/tick-queue.js';
import type { Runtime } from '../runtime/runtime.js';
import type { AccessToken } from '../token-endpoint/access-token.js';
import type { MintedToken } from '../token-endpoint/token-attempts.js';
import type { PreviousTokens } from '../token-endpoint/token-endpoint.js';
import { rejected, RejectionPace } from './rejection-pace.js';
import { closedError, mintEmpty } from './renewal-errors.js';
import type { Failing } from './renewal-failures.js';
import type { RenewalOptions } from './renewal.options.js';
import { type RefresherContext, TokenRefresher, type TokenDemand } from './token-refresher.js';

const MAX_TIMER_MS = 60_000; // a timer stands still while the machine sleeps, a token does not
const MIN_TIMER_MS = 100;

/** A demand that may name whom the token is for. */
export interface SubjectTokenDemand extends TokenDemand {
  /** Default: the subject that the credentials stand for. */
  readonly subject?: Subject | undefined;
}

/** Where tokens come from: the token endpoint, for what this room needs of it. */
export interface TokenSource {
  readonly defaultSubject: Subject | undefined;
  /** @throws BoxAuthError `subject_invalid` for an id that the issuer cannot know */
  checkSubject?(subject: Subject): void;
  mint(
    subject: Subject | undefined,
    known: PreviousTokens,
    signal: AbortSignal,
  ): ObservableInput<MintedToken>;
  forgetRefusals(): void;
  /** A token that another process requested after `token`, if there is one. Mints none, and never fails. */
  newer?(token: AccessToken): Observable<MintedToken | undefined>;
  /** Nobody else shall be given this token, if others could be. */
  forget?(token: AccessToken): void;
}

/** The tokens of one app: one for whom the credentials stand for, and a bounded number for others (the least used goes). */
export class TokenCache {
  readonly #context: RefresherContext;
  readonly #pace = new TickQueue();
  readonly #rejections: RejectionPace;
  readonly #own: TokenRefresher;
  readonly #others: LRUCache<string, TokenRefresher>;
  /** What is being minted stays known, however many others are asked for meanwhile: one mint a subject at a time. */
  readonly #minting = new Map<string, TokenRefresher>();
  readonly #adoptions = new Signal<AccessToken>();
  /** Those that are kept warm are not pushed out by others. */
  readonly #warm = new Map<string, TokenRefresher>();
  readonly #outside = new AsyncResource('nestjs-box-auth.TokenCache');
  readonly #timers = new Map<TokenRefresher, () => void>();
  /** Renews one that is kept warm, and sets its timer anew. */
  readonly #warmers = new Map<TokenRefresher, () => void>();
  #evictions = 0;
  #isClosed = false;

  constructor(
    private readonly source: TokenSource,
    private readonly renewal: Required<RenewalOptions>,
    maxSubjects: number,
    private readonly runtime: Runtime,
    emit: EmitEvent,
  ) {
    this.#context = {
      // A mint that just ended would have callers look again for ever.
      mint: (subject, known) =>
        abortable((signal) => source.mint(subject, known, signal)).pipe(throwIfEmpty(mintEmpty)),
      newer: (token) => source.newer?.(token) ?? of(undefined),
      turn: (renewing, begin) => this.#turn(renewing, begin),
      ended: (renewing) => this.#ended(renewing),
      adopted: (token) => this.#adoptions.next(token),
      outside: (task) => this.#outside.runInAsyncScope(task),
      defaultSubject: () => source.defaultSubject,
      emit,
      options: renewal,
      runtime,
    };
    this.#rejections = new RejectionPace(renewal.minBackoffMs, runtime);
    this.#own = new TokenRefresher(undefined, this.#context);
    this.#others = new LRUCache({
      max: maxSubjects,
      dispose: (_token, _key, reason) => {
        if (reason === 'evict') this.#evictions += 1;
      },
    });
  }

  /** How many subjects were forgotten to make room for others. */
  get evictions(): number {
    return this.#evictions;
  }

  get(demand?: SubjectTokenDemand): Promise<AccessToken> {
    const signal = demand?.signal;
    let renewing: TokenRefresher;
    try {
      renewing = this.#of(demand?.subject);
    } catch (error) {
      return rejected(error);
    }
    const fresh = demand?.minValidityMs === undefined ? renewing.fresh : undefined;
    return fresh === undefined || signal?.aborted === true
      ? this.#paced(renewing.get(demand), renewing, signal)
      : Promise.resolve(fresh);
  }

  /** The token, if nothing but using it is to be done: who finds it here has nothing to wait for. */
  fresh(subject?: Subject): AccessToken | undefined {
    return this.#known(this.#other(subject))?.fresh;
  }

  peek(subject?: Subject): AccessToken | undefined {
    return this.#known(this.#other(subject))?.usable;
  }

  /** Why no other token comes for `subject`, if none does. */
  failing(subject?: Subject): Failing | undefined {
    return this.#known(this.#other(subject))?.failing;
  }

  /** The token as it is now, then each that takes its place; completes on `close`. */
  token$(subject?: Subject): Observable<AccessToken> {
    return defer(() => {
      const key = keyOf(this.#other(subject));
      const later = this.#adoptions.pipe(
        filter((token) => keyOf(this.#unlessOwn(token.subject)) === key),
      );
      return concat(from(this.get({ subject })), later);
    });
  }

  /**
   * Keeps the token of `subject` valid without anybody asking, until `close`. What fails is tried again as ever.
   * The timers hold no process.
   */
  keepWarm(subject: Subject | undefined): void {
    const key = keyOf(this.#other(subject));
    const renewing = this.#of(subject);
    if (key !== undefined) this.#warm.set(key, renewing);
    if (this.#warmers.has(renewing)) return;
    const renewInTime = () => {
      if (this.#isClosed) return;
      this.#timers.get(renewing)?.();
      renewing.keepFresh();
      const inMs = Math.max(renewing.freshForMs, this.renewal.minBackoffMs, MIN_TIMER_MS);
      this.#timers.set(renewing, this.runtime.schedule(renewInTime, Math.min(inMs, MAX_TIMER_MS)));
    };
    this.#warmers.set(renewing, renewInTime);
    renewInTime();
  }

  invalidate(token: AccessToken): void {
    this.#afterwardsWarm(this.#holderOf(token), (holder) => holder.invalidate(token));
  }

  /** Forgets `token` if it is still the current one: nobody refused it, it is just not there any more. */
  drop(token: AccessToken): void {
    this.#afterwardsWarm(this.#holderOf(token), (holder) => holder.drop(token));
    this.source.forget?.(token);
  }

  /**
   * Another token than `refused`, for a caller whom Box refused with it: at most one such mint a subject in 10 s, counted
   * from the token request. A newer token of another process is taken at any time.
   *
   * @throws BoxAuthError `token_refused_again` within these 10 s
   */
  replace(refused: AccessToken, demand: TokenDemand): Promise<AccessToken> {
    const holder = this.#holderOf(refused) ?? this.#begin(refused.subject);
    return this.#paced(holder.replace(refused, demand), holder, demand.signal);
  }

  /** `source`, until `close`: then a `closed` error. */
  whileOpen<T>(source: Observable<T>): Observable<T> {
    return defer(() => {
      if (this.#isClosed) throw closedError();
      return race(source, this.#adoptions.pipe(ignoreElements(), throwIfEmpty(closedError)));
    });
  }

  /** Forgets every token, and which credentials were refused. */
  flush(): void {
    this.source.forgetRefusals();
    const known = new Set([
      this.#own,
      ...this.#warm.values(),
      ...this.#others.values(),
      ...this.#minting.values(),
    ]);
    for (const renewing of known) this.#afterwardsWarm(renewing, () => renewing.forget());
  }

  /** One that is kept warm is renewed as soon as it has no token, and not when the old one would have been due. */
  #afterwardsWarm(
    renewing: TokenRefresher | undefined,
    change: (holder: TokenRefresher) => void,
  ): void {
    if (renewing === undefined) return;
    change(renewing);
    if (renewing.usable === undefined) this.#warmers.get(renewing)?.();
  }

  /** Ends everything: who waits gets a `closed` error. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.flush();
    this.#adoptions.complete();
    for (const cancel of this.#timers.values()) cancel();
    this.#rejections.release();
  }

  /** All tokens that callers wait for pass here, so that no failure rejects within the same turn of the event loop. */
  async #paced<T>(asked: Promise<T>, subject: object, signal?: AbortSignal): Promise<T> {
    try {
      return await asked;
    } catch (error) {
      await this.#rejections.delay(subject, signal);
      throw error;
    }
  }

  /** `other` is undefined for the app's own subject. */
  #known(other: Subject | undefined): TokenRefresher | undefined {
    if (other === undefined) return this.#own;
    const key = subjectKey(other);
    return this.#warm.get(key) ?? this.#others.get(key) ?? this.#minting.get(key);
  }

  /** Who has `token` now. The own subject may have changed since it was given, if a function gives the credentials. */
  #holderOf(token: AccessToken): TokenRefresher | undefined {
    return this.#own.holds(token) ? this.#own : this.#known(this.#unlessOwn(token.subject));
  }

  #of(given: Subject | undefined): TokenRefresher {
    const other = this.#other(given);
    if (other === undefined) return this.#own;
    return this.#known(other) ?? this.#begin(other);
  }

  #begin(subject: Subject): TokenRefresher {
    const renewing = new TokenRefresher(subject, this.#context);
    this.#others.set(subjectKey(subject), renewing);
    return renewing;
  }

  /**
   * What a caller passed, checked and copied, before anything is kept for it. Undefined for the app's own subject, however
   * it is named.
   */
  #other(given: Subject | undefined): Subject | undefined {
    if (given === undefined) return undefined;
    const subject = this.#unlessOwn(checkedSubject(given));
    if (subject !== undefined) this.source.checkSubject?.(subject);
    return subject;
  }

  #unlessOwn(subject: Subject): Subject | undefined {
    const own = this.source.defaultSubject;
    return own !== undefined && isSameSubject(own, subject) ? undefined : subject;
  }

  #turn(renewing: TokenRefresher, begin: () => void): () => void {
    if (this.#isClosed) throw closedError();
    const { subject } = renewing;
    if (subject !== undefined) {
      this.#minting.set(subjectKey(subject), renewing);
      return this.#pace.enqueue(begin);
    }
    // There is one of it, and everybody's: it waits behind nobody.
    begin();
    return () => undefined;
  }

  #ended(renewing: TokenRefresher): void {
    if (renewing.subject === undefined) return;
    const key = subjectKey(renewing.subject);
    if (this.#minting.get(key) !== renewing) return;
    this.#minting.delete(key);
    if (!this.#others.has(key)) this.#others.set(key, renewing);
  }
}

function keyOf(subject: Subject | undefined): string | undefined {
  return subject === undefined ? undefined : subjectKey(subject);
}
