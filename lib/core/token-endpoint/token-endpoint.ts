import {
  catchError,
  defer,
  firstValueFrom,
  map,
  type Observable,
  of,
  race,
  retry,
  switchMap,
  tap,
  throwError,
} from 'rxjs';
import {
  type CredentialsSource,
  credentialsError,
  type ParsedCredentials,
  type ParsedCredentialsList,
} from '../credentials/credentials-source.js';
import { type Subject, subjectKey } from '../credentials/subject.js';
import { BoxAuthError } from '../errors/box-auth.error.js';
import type { EmitEvent } from '../events/auth-events.js';
import { awaited } from '../runtime/after.js';
import type { Runtime } from '../runtime/runtime.js';
import { ProcessFrozen, TimeBudget } from '../runtime/time-budget.js';
import type { AccessToken } from './access-token.js';
import { areUnused, useStaticToken } from './static-token.js';
import type { Issuer } from './issuer.js';
import { RefusedCredentials } from './refused-credentials.js';
import { type FormMaker, type MintedToken, TokenAttempts } from './token-attempts.js';
import type { TokenEndpointOptions } from './token-endpoint.options.js';
import type { Fetch } from './token-request.js';

/** Whom a token is wanted for, and why. */
interface Wanted {
  /** Undefined for the subject that the credentials stand for. */
  readonly subject: Subject | undefined;
  /** The token that is no longer taken, if that is why another is wanted. */
  readonly refused: AccessToken | undefined;
  readonly budget: TimeBudget;
}

/** What the one who wants a token has already. */
export interface PreviousTokens {
  /** The token that is no longer taken, if that is why another is wanted. */
  readonly refused?: AccessToken | undefined;
  /** The token that is to be renewed. */
  readonly current?: AccessToken | undefined;
}

/** A mint that has its credentials, and waits to be started. */
export interface PreparedMint {
  /** The same in all processes that could use its token; undefined if there is nothing to share. */
  readonly identity: string | undefined;
  readonly subject: Subject;
  mint(): Observable<MintedToken>;
}

/** Mints tokens with the credentials as they are now, the key that works first; does not ask what was just refused. */
export class TokenEndpoint<Credentials extends ParsedCredentials> {
  readonly #attempts: TokenAttempts;
  readonly #refused: RefusedCredentials;
  /** The fingerprint of the credentials that last got a token. */
  #working: string | undefined;
  #lastRead: ParsedCredentialsList<Credentials> | undefined;
  #appIdentity: string | undefined;

  constructor(
    private readonly issuer: Issuer<Credentials>,
    private readonly credentials: Pick<
      CredentialsSource<object, Credentials>,
      'read' | 'subject' | 'isFunction'
    >,
    private readonly options: Required<TokenEndpointOptions>,
    fetch: Fetch,
    private readonly runtime: Runtime,
    emit: EmitEvent,
  ) {
    this.#attempts = new TokenAttempts(issuer, options, fetch, runtime, emit);
    this.#refused = new RefusedCredentials(runtime);
  }

  /** The same in all processes of the app, whatever the subject; undefined until its credentials were read. */
  get appIdentity(): string | undefined {
    return this.#appIdentity;
  }

  /** Each pause of the app that a 429 began, as the error of that 429. */
  get pauses(): Observable<BoxAuthError> {
    return this.#attempts.pauses;
  }

  /** Sends nothing for `error.retryAfterMs`, as another process of the app was rate limited. */
  pause(error: BoxAuthError): void {
    this.#attempts.pause(error);
  }

  /** Whom the credentials stand for, as far as is known without asking a function for them. */
  get defaultSubject(): Subject | undefined {
    return this.credentials.subject;
  }

  /** @throws BoxAuthError `subject_invalid` for an id that the issuer cannot know */
  checkSubject(subject: Subject): void {
    this.issuer.checkSubject?.(subject);
  }

  /**
   * One token for `subject`, or for the one that the credentials stand for. Nothing happens before it is subscribed to;
   * unsubscribing aborts the request.
   */
  mint(subject: Subject | undefined, known: PreviousTokens = {}): Observable<MintedToken> {
    return this.prepare(subject, known).pipe(switchMap((prepared) => prepared.mint()));
  }

  /** A mint with the credentials as they are now. */
  prepare(subject: Subject | undefined, known: PreviousTokens): Observable<PreparedMint> {
    return defer(() => {
      const { refused } = known;
      const budget = this.#budget();
      return this.#read(budget, known).pipe(
        map((list) => {
          const credentials = this.#workingFirst(list);
          const whom = subject ?? credentials[0].subject;
          return {
            identity: this.#identity(credentials[0], whom),
            subject: whom,
            mint: () => defer(() => this.#mintWithAny(credentials, { subject, refused, budget })),
          };
        }),
      );
    });
  }

  /** Reads the credentials, so that a mistake in them is known before a token is wanted. */
  async readCredentials(): Promise<void> {
    await firstValueFrom(awaited(this.runtime, this.#read(this.#budget())));
  }

  /** One token in exchange for another (RFC 8693): the form says which. It is nobody's but the caller's. */
  exchange(makeForm: FormMaker, subject: Subject): Observable<AccessToken> {
    const mint = defer(() => this.#attempts.token(makeForm, subject, this.#budget()));
    return awaited(this.runtime, mint).pipe(map(({ token }) => token));
  }

  /** Tells `url` of something, tried as often as a token request: a revocation (RFC 7009). */
  notice(url: string, makeForm: FormMaker): Observable<void> {
    const notice = defer(() => this.#attempts.notice(url, makeForm, this.#budget()));
    return awaited(this.runtime, notice);
  }

  /** The credentials that the next mint would be asked for with. */
  async currentCredentials(): Promise<Credentials> {
    const [first] = this.#workingFirst(await firstValueFrom(this.#read(this.#budget())));
    return first;
  }

  /** Forgets which credentials were refused. The clock is kept: it has nothing to do with them. */
  forgetRefusals(): void {
    this.#refused.clear();
    this.#lastRead = undefined;
  }

  #identity({ clientId }: Credentials, { type, id }: Subject): string | undefined {
    if (clientId === undefined) return undefined;
    const app = [this.issuer.name, this.issuer.tokenUrl, clientId];
    this.#appIdentity = JSON.stringify(app);
    return JSON.stringify([...app, type, id]);
  }

  #budget(): TimeBudget {
    return new TimeBudget(this.runtime, this.options.deadlineMs);
  }

  /** A function that returns tokens is only called for one that takes the place of those in `known`, or of an expired one. */
  #read(
    budget: TimeBudget,
    { refused, current }: PreviousTokens = {},
  ): Observable<ParsedCredentialsList<Credentials>> {
    const lastRead = this.#lastRead;
    if (lastRead !== undefined && areUnused(lastRead, [refused, current], this.runtime.now())) {
      return of(lastRead);
    }
    const { deadlineMs } = this.options;
    return race(
      defer(() => this.credentials.read()),
      budget.failAfter(deadlineMs, () =>
        credentialsError(`gave none within ${deadlineMs} ms`, this.issuer.docs),
      ),
    ).pipe(
      retry({
        delay: (error: unknown) => (error instanceof ProcessFrozen ? [0] : throwError(() => error)),
      }),
      tap((list) => (this.#lastRead = list)),
    );
  }

  #workingFirst(list: ParsedCredentialsList<Credentials>): ParsedCredentialsList<Credentials> {
    const working = list.find(({ fingerprint }) => fingerprint === this.#working);
    if (working === undefined) return list;
    return [working, ...list.filter((credentials) => credentials !== working)];
  }

  /** While keys are rotated there are several: a refusal of one key is no reason not to try the next. */
  #mintWithAny(
    [first, ...others]: readonly Credentials[],
    wanted: Wanted,
  ): Observable<MintedToken> {
    if (first === undefined) throw new TypeError('there are no credentials');
    return this.#mintWith(first, wanted).pipe(
      catchError((error: unknown) =>
        others.length > 0 && error instanceof BoxAuthError && this.#isAboutKey(first, error)
          ? this.#mintWithAny(others, wanted)
          : throwError(() => error),
      ),
    );
  }

  #isAboutKey({ staticToken }: Credentials, error: BoxAuthError): boolean {
    return staticToken !== undefined || this.issuer.isKeyError(error);
  }

  #mintWith(
    credentials: Credentials,
    { subject, refused, budget }: Wanted,
  ): Observable<MintedToken> {
    if (credentials.staticToken !== undefined) {
      const { staticToken } = credentials;
      const wanted = { subject, refused, isFromFunction: this.credentials.isFunction };
      return defer(() => [useStaticToken(staticToken, credentials.subject, wanted, this.runtime)]);
    }
    const { fingerprint } = credentials;
    const whom = subject ?? credentials.subject;
    const makeForm: FormMaker = async (attempt) => {
      // Others may have been refused while this request waited to be sent.
      this.#throwIfRefused(fingerprint, whom);
      return this.issuer.tokenForm(credentials, whom, attempt);
    };
    return defer(() => {
      this.#throwIfRefused(fingerprint, whom);
      return this.#attempts.token(makeForm, whom, budget, subject === undefined);
    }).pipe(
      tap({
        next: () => {
          this.#working = fingerprint;
          this.#refused.forget(fingerprint, subjectKey(whom));
        },
        error: (error: unknown) => {
          // Only what was answered: that a network fails says nothing of the credentials.
          if (error instanceof BoxAuthError && !error.retryable && error.status !== undefined) {
            this.#refused.remember(fingerprint, subjectKey(whom), error);
          }
        },
      }),
    );
  }

  #throwIfRefused(fingerprint: string, whom: Subject): void {
    const remembered = this.#refused.recall(fingerprint, subjectKey(whom));
    if (remembered !== undefined) throw remembered;
  }
}
