import { defer, map, Observable, race, retry, switchMap, tap, throwError } from 'rxjs';
import type { CredentialsSource, Opened } from '../credentials/credentials-source.js';
import { type Subject, subjectKey } from '../credentials/subject.js';
import { BoxAuthError } from '../errors/box-auth.error.js';
import type { BoxAuthErrorCode } from '../errors/error-codes.js';
import { after } from '../runtime/after.js';
import type { Runtime } from '../runtime/runtime.js';
import { AccessToken } from './access-token.js';
import type { Attempt, Issuer } from './issuer.js';
import { RefusedCredentials } from './refused-credentials.js';
import { parseRetryAfter } from './retry-after.js';
import { ServerClock } from './server-clock.js';
import type { TokenEndpointOptions } from './token-endpoint.options.js';
import { type Fetch, postForm, readGrant, readRefusal, UnusableAnswer } from './token-request.js';
import { timeoutError, unreachableError } from './unreachable.js';

/** A token that was just granted, and when it was asked for: its life counts from there, to be on the safe side. */
export interface Mint {
  readonly token: AccessToken;
  readonly lifetimeMs: number | undefined;
  readonly askedAt: { readonly wall: number; readonly monotonic: number };
}

/** Refusals that another assertion, signed at the issuer's time, can mend: answered once, at once. */
const MENDED_BY_SIGNING_ANEW: ReadonlySet<BoxAuthErrorCode> = new Set([
  'assertion_expired',
  'assertion_not_yet_valid',
  'assertion_replayed',
]);

const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 8000;

/** Asks an issuer for tokens: signs anew for each attempt, retries what passes, and tells clearly what does not. */
export class TokenEndpoint<Credentials extends Opened> {
  readonly clock: ServerClock;
  readonly #refused: RefusedCredentials;

  constructor(
    private readonly issuer: Issuer<Credentials>,
    private readonly credentials: Pick<CredentialsSource<object, Credentials>, 'read' | 'current'>,
    private readonly options: Required<TokenEndpointOptions>,
    private readonly fetch: Fetch,
    private readonly runtime: Runtime,
  ) {
    this.clock = new ServerClock(runtime);
    this.#refused = new RefusedCredentials(runtime);
  }

  /** Whom the credentials stand for, as far as is known without asking a function for them. */
  get defaultSubject(): Subject | undefined {
    return this.credentials.current?.subject;
  }

  /**
   * One token for `asked`, or for the subject that the credentials stand for. Nothing happens before it is subscribed to;
   * unsubscribing aborts the request. `refused` is the token that is no longer taken, if that is why another is wanted.
   */
  mint(asked: Subject | undefined, refused?: AccessToken): Observable<Mint> {
    return defer(() => {
      const deadline = this.runtime.monotonic() + this.options.deadlineMs;
      const granted = defer(() => this.credentials.read()).pipe(
        switchMap((credentials) => this.#mintWith(credentials, asked, refused, deadline)),
      );
      return race(granted, this.#timeout(this.options.deadlineMs));
    });
  }

  /** Forgets which credentials were refused. The clock is kept: it has nothing to do with them. */
  forgetRefusals(): void {
    this.#refused.clear();
  }

  #mintWith(
    credentials: Credentials,
    asked: Subject | undefined,
    refused: AccessToken | undefined,
    deadline: number,
  ): Observable<Mint> {
    const { givenToken, fingerprint } = credentials;
    if (givenToken !== undefined) {
      return defer(() => [
        this.#takeGiven(givenToken.reveal(), credentials.subject, asked, refused),
      ]);
    }
    const subject = asked ?? credentials.subject;
    const remembered = this.#refused.recall(fingerprint, subjectKey(subject));
    if (remembered !== undefined) {
      return throwError(() => remembered);
    }
    return this.#attempts(credentials, subject, deadline).pipe(
      tap({
        next: () => this.#refused.forget(fingerprint, subjectKey(subject)),
        error: (error: unknown) => {
          // Only what was answered: that a network fails says nothing of the credentials.
          if (error instanceof BoxAuthError && !error.retryable && error.status !== undefined) {
            this.#refused.remember(fingerprint, subjectKey(subject), error);
          }
        },
      }),
    );
  }

  #takeGiven(
    value: string,
    own: Subject,
    asked: Subject | undefined,
    refused: AccessToken | undefined,
  ): Mint {
    if (value === refused?.value) {
      throw new BoxAuthError({
        code: 'developer_token_expired',
        message: `${this.issuer.name} no longer takes the developer token ${refused.fingerprint}.`,
        hint: 'Developer tokens live 60 minutes: make another in the developer console, or use a key pair, which renews itself.',
        docs: 'https://developer.box.com/guides/authentication/tokens/developer-tokens/',
      });
    }
    if (asked !== undefined && subjectKey(asked) !== subjectKey(own)) {
      throw new BoxAuthError({
        code: 'subject_unsupported',
        message: `A token was asked for ${subjectKey(asked)}, but the credentials are a token themselves, of one user.`,
        hint: 'Use a key pair or client credentials to get tokens for others.',
        docs: this.issuer.docs,
      });
    }
    return {
      token: new AccessToken(value, { subject: own }),
      lifetimeMs: undefined,
      askedAt: this.#now(),
    };
  }

  #attempts(credentials: Credentials, subject: Subject, deadline: number): Observable<Mint> {
    const mended = new Set<BoxAuthErrorCode>();
    let number = 0;
    let retries = 0;
    return defer(() => {
      const attempt: Attempt = {
        number: number++,
        serverNow: this.clock.now(),
        uniqueId: this.runtime.uniqueId(),
        omitIssuedAt: mended.has('assertion_not_yet_valid'),
      };
      return race(
        abortable((signal) => this.#ask(credentials, subject, attempt, signal)),
        this.#timeout(this.options.timeoutMs),
      );
    }).pipe(
      retry({
        delay: (error: unknown) => {
          if (!(error instanceof BoxAuthError)) return throwError(() => error);
          if (MENDED_BY_SIGNING_ANEW.has(error.code) && !mended.has(error.code)) {
            mended.add(error.code);
            return [0];
          }
          const pauseMs = this.#pause(error, retries++);
          const inTime = this.runtime.monotonic() + pauseMs < deadline;
          return error.retryable && retries < this.options.attempts && inTime
            ? after(this.runtime, pauseMs, { holdProcess: true })
            : throwError(() => error);
        },
      }),
    );
  }

  /** Full jitter, so that processes that failed together do not come back together; `Retry-After` is the floor. */
  #pause(error: BoxAuthError, retries: number): number {
    const longest = Math.min(FIRST_PAUSE_MS * 2 ** retries, LONGEST_PAUSE_MS);
    return (error.retryAfterMs ?? 0) + this.runtime.random() * longest;
  }

  async #ask(
    credentials: Credentials,
    subject: Subject,
    attempt: Attempt,
    signal: AbortSignal,
  ): Promise<Mint> {
    const form = await this.issuer.tokenForm(credentials, subject, attempt);
    const askedAt = this.#now();
    try {
      const response = await postForm(this.fetch, this.issuer.tokenUrl, form, signal);
      const durationMs = this.runtime.monotonic() - askedAt.monotonic;
      this.clock.learn(response.headers, { receivedAt: this.runtime.now(), durationMs });
      if (!response.ok) {
        throw await this.#refusal(response, form);
      }
      const grant = await readGrant(response);
      const expiresAt =
        grant.lifetimeMs === undefined
          ? undefined
          : askedAt.wall + this.clock.offsetMs + grant.lifetimeMs;
      const token = new AccessToken(grant.value, { ...grant, subject, expiresAt });
      return { token, lifetimeMs: grant.lifetimeMs, askedAt };
    } catch (error) {
      throw error instanceof BoxAuthError ? error : unreachableError(this.issuer, error);
    }
  }

  async #refusal(
    response: Response,
    form: Readonly<Record<string, string>>,
  ): Promise<BoxAuthError | UnusableAnswer> {
    if (response.status >= 300 && response.status < 400) {
      await response.body?.cancel();
      return new UnusableAnswer(`it redirects (status ${response.status})`);
    }
    const retryAfterMs = parseRetryAfter(response.headers.get('retry-after'), this.clock.now());
    return this.issuer.refusalError(await readRefusal(response, secretsOf(form), retryAfterMs));
  }

  #timeout(ms: number): Observable<never> {
    return after(this.runtime, ms).pipe(
      map(() => {
        throw timeoutError(this.issuer, ms);
      }),
    );
  }

  #now(): Mint['askedAt'] {
    return { wall: this.runtime.now(), monotonic: this.runtime.monotonic() };
  }
}

function secretsOf(form: Readonly<Record<string, string>>): string[] {
  return Object.entries(form)
    .filter(([name]) => /secret|assertion|token$/.test(name))
    .map(([, value]) => value);
}

/** A promise as an Observable whose unsubscription aborts the work. */
function abortable<T>(work: (signal: AbortSignal) => Promise<T>): Observable<T> {
  return new Observable((subscriber) => {
    const controller = new AbortController();
    work(controller.signal).then(
      (value) => {
        subscriber.next(value);
        subscriber.complete();
      },
      (error: unknown) => subscriber.error(error),
    );
    return () => controller.abort();
  });
}
