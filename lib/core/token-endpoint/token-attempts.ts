import { defer, firstValueFrom, Observable, race, retry, switchMap, throwError } from 'rxjs';
import type { Subject } from '../credentials/subject.js';
import { BoxAuthError } from '../errors/box-auth.error.js';
import type { EmitEvent } from '../events/auth-events.js';
import { abortable, onAbort } from '../runtime/abort.js';
import { after } from '../runtime/after.js';
import { ageMs, type Instant } from '../runtime/age-clock.js';
import type { Runtime } from '../runtime/runtime.js';
import { ProcessFrozen, type TimeBudget } from '../runtime/time-budget.js';
import { AccessToken } from './access-token.js';
import { ClockTrials } from './clock-trials.js';
import type { Attempt, Issuer } from './issuer.js';
import { RequestGate } from './request-gate.js';
import { parseRetryAfter } from './retry-after.js';
import { ServerClock } from './server-clock.js';
import type { TokenEndpointOptions } from './token-endpoint.options.js';
import { type Fetch, postForm, readGrant, readRefusal, UnusableAnswer } from './token-request.js';
import { timeoutError, unreachableError, unsignedError, type Wait } from './unreachable.js';

/** A token that was just granted, and when it was asked for: its life counts from there, to be on the safe side. */
export interface MintedToken {
  readonly token: AccessToken;
  readonly lifetimeMs: number | undefined;
  readonly requestedAt: Instant;
  /** Another process asked for it. */
  readonly isShared: boolean;
}

type Form = Readonly<Record<string, string>>;

/** Makes the form of a token request, anew for every attempt. */
export type FormMaker = (attempt: Attempt) => Promise<Form>;

type Reader<T> = (response: Response, requestedAt: MintedToken['requestedAt']) => Promise<T>;

interface Question<T> {
  readonly url: string;
  readonly makeForm: FormMaker;
  /** Sent before the requests of others that wait. */
  readonly goesFirst: boolean;
  /** Reads an answer of status 2xx. */
  readonly read: Reader<T>;
}

type Asked<T> = Pick<Question<T>, 'url' | 'read'> & {
  readonly form: Form;
  /** By which offset to our clock it was signed. */
  readonly offsetMs: number;
  readonly trials: ClockTrials;
};

const FIRST_PAUSE_MS = 500;
const MAX_PAUSE_MS = 8000;

/** Requests to a token endpoint: each attempt signed anew, what passes retried. */
export class TokenAttempts {
  readonly #clock: ServerClock;
  readonly #gate: RequestGate;
  #onPause: (error: BoxAuthError) => void = () => undefined;

  constructor(
    private readonly issuer: Issuer<never>,
    private readonly options: Required<TokenEndpointOptions>,
    private readonly fetch: Fetch,
    private readonly runtime: Runtime,
    emit: EmitEvent,
  ) {
    this.#clock = new ServerClock(runtime, emit);
    this.#gate = new RequestGate(runtime, (error) => this.#onPause(error));
  }

  /** Calls `listener` for each pause that a 429 begins. */
  onPause(listener: (error: BoxAuthError) => void): void {
    this.#onPause = listener;
  }

  /** Sends nothing for `error.retryAfterMs`. */
  pause(error: BoxAuthError): void {
    this.#gate.pause(error);
  }

  /** Requests a token with the form that `makeForm` makes. No attempt and no pause lasts longer than `budget` does. */
  token(
    makeForm: FormMaker,
    subject: Subject,
    budget: TimeBudget,
    signal?: AbortSignal,
    goesFirst = false,
  ): Promise<MintedToken> {
    const read: Reader<MintedToken> = (response, requestedAt) =>
      this.#granted(response, subject, requestedAt);
    const url = this.issuer.tokenUrl;
    return ended(signal, this.#request({ url, makeForm, goesFirst, read }, budget));
  }

  /** Sends a revocation to `url`; only the status of its response counts. Otherwise like a token request. */
  revoke(
    url: string,
    makeForm: FormMaker,
    budget: TimeBudget,
    signal?: AbortSignal,
  ): Promise<void> {
    return ended(signal, this.#request({ url, makeForm, goesFirst: false, read: discard }, budget));
  }

  #request<T>({ makeForm, goesFirst, url, read }: Question<T>, budget: TimeBudget): Observable<T> {
    const trials = new ClockTrials(this.#clock);
    let number = 0;
    let retries = 0;
    const wait = () => ({
      waitedMs: this.options.deadlineMs - budget.leftMs,
      attempts: number,
    });
    const timeout = () => timeoutError(this.issuer, wait());
    const request = defer(() => {
      const offsetMs = trials.next();
      const attempt: Attempt = {
        number: number++,
        serverNow: this.runtime.now() + offsetMs,
        uniqueId: this.runtime.uniqueId(),
        omitIssuedAt: trials.omitsIssuedAt,
      };
      return this.#signed(makeForm, attempt, budget, wait).pipe(
        switchMap((form) => this.#answered({ url, read, form, offsetMs, trials }, budget, timeout)),
      );
    });
    return defer(() =>
      this.#gate.through(request, { budget, timeout, goesFirst: goesFirst || number > 0 }),
    ).pipe(
      retry({
        delay: (error: unknown) => {
          if (error instanceof ProcessFrozen) return [0];
          if (!(error instanceof BoxAuthError)) return throwError(() => error);
          if (trials.mayHelp(error)) return [0];
          // The gate holds back what was rate limited, with everything else of the app.
          const pauseMs = error.status === 429 ? 0 : this.#pause(error, retries);
          retries += 1;
          const isTooLate = Math.max(pauseMs, this.#gate.opensInMs) >= budget.leftMs;
          if (!error.retryable || retries >= this.options.attempts || isTooLate) {
            return throwError(() => trials.verdict(error));
          }
          budget.spend(pauseMs);
          return after(this.runtime, pauseMs);
        },
      }),
    );
  }

  /** Full jitter, so that processes that failed together do not come back together; `Retry-After` is the floor. */
  #pause(error: BoxAuthError, retries: number): number {
    const longest = Math.min(FIRST_PAUSE_MS * 2 ** retries, MAX_PAUSE_MS);
    return (error.retryAfterMs ?? 0) + this.runtime.random() * longest;
  }

  /** The form of a request. A key that is open here signs at once; one that is elsewhere may not answer. */
  #signed(
    makeForm: FormMaker,
    attempt: Attempt,
    budget: TimeBudget,
    wait: () => Wait,
  ): Observable<Form> {
    return race(
      defer(() => makeForm(attempt)),
      budget.failAfter(this.options.timeoutMs, () => unsignedError(wait())),
    );
  }

  #answered<T>(asked: Asked<T>, budget: TimeBudget, timeout: () => BoxAuthError): Observable<T> {
    return race(
      abortable((signal) => this.#ask(asked, signal)),
      budget.failAfter(this.options.timeoutMs, timeout),
    );
  }

  async #ask<T>({ url, form, offsetMs, trials, read }: Asked<T>, signal: AbortSignal): Promise<T> {
    const requestedAt = this.#now();
    try {
      const response = await postForm(this.fetch, url, form, signal);
      const durationMs = ageMs(this.runtime, requestedAt);
      this.#clock.learn(response.headers, { receivedAt: this.runtime.now(), durationMs });
      if (!response.ok) {
        throw await this.#refusal(response, form, this.#clock.offsetOf('issuer') - offsetMs);
      }
      trials.accepted();
      return await read(response, requestedAt);
    } catch (error) {
      throw error instanceof BoxAuthError ? error : unreachableError(this.issuer, error);
    }
  }

  async #granted(
    response: Response,
    subject: Subject,
    requestedAt: MintedToken['requestedAt'],
  ): Promise<MintedToken> {
    const grant = await readGrant(response);
    const expiresAt =
      grant.lifetimeMs === undefined
        ? undefined
        : requestedAt.wall + this.#clock.offsetMs + grant.lifetimeMs;
    const token = new AccessToken(grant.value, { ...grant, subject, expiresAt });
    return { token, lifetimeMs: grant.lifetimeMs, requestedAt, isShared: false };
  }

  async #refusal(
    response: Response,
    form: Form,
    clockErrorMs: number,
  ): Promise<BoxAuthError | UnusableAnswer> {
    if (response.status < 400) {
      await response.body?.cancel();
      return new UnusableAnswer(`it redirects (status ${response.status})`);
    }
    const retryAfterMs = parseRetryAfter(response.headers.get('retry-after'), this.#clock.now());
    const refusal = await readRefusal(response, secretsOf(form), retryAfterMs);
    return this.issuer.toError({ ...refusal, clockErrorMs });
  }

  #now(): MintedToken['requestedAt'] {
    return { wall: this.runtime.now(), monotonic: this.runtime.monotonic() };
  }
}

async function discard(response: Response): Promise<void> {
  await response.body?.cancel();
}

function secretsOf(form: Readonly<Record<string, string>>): string[] {
  return Object.entries(form)
    .filter(([name]) => /secret|assertion|token$/.test(name))
    .map(([, value]) => value);
}

/** The result of `source`, which is unsubscribed from when `signal` is aborted. */
function ended<T>(signal: AbortSignal | undefined, source: Observable<T>): Promise<T> {
  if (signal === undefined) return firstValueFrom(source);
  const aborted = new Observable<never>((subscriber) =>
    onAbort(signal, () => subscriber.error(signal.reason)),
  );
  return firstValueFrom(race(source, aborted));
}
