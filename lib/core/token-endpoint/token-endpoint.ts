import {
  type CredentialsSource,
  type ParsedCredentials,
  type ParsedCredentialsList,
} from '../credentials/credentials-source.js';
import { credentialsUnavailable } from '../credentials/credentials-errors.js';
import { enterpriseOf, type Subject } from '../credentials/subject.js';
import { BoxAuthError } from '../errors/box-auth.error.js';
import type { EmitEvent } from '../events/auth-events.js';
import { holdingProcess } from '../runtime/delay.js';
import type { Runtime } from '../runtime/runtime.js';
import { ProcessFrozen, TimeBudget } from '../runtime/time-budget.js';
import type {
  AccessToken,
  MintedToken,
  PreparedTokenRequest,
  PreviousTokens,
} from './access-token.js';
import { accessTokenGrant, type FormMaker, type Grant, revocation } from './grant.js';
import { areUnused, useStaticToken } from './static-token.js';
import type { Fetch, Issuer } from './issuer.js';
import { isRefusal, repeated, scopeOf } from './known-error-responses.js';
import { timeoutError, unreachableError } from './network-errors.js';
import { RefusedCredentials } from './refused-credentials.js';
import { TokenAttempts } from './token-attempts.js';
import type { TokenEndpointOptions } from './token-endpoint.options.js';

/** One token request. */
interface TokenRequest {
  /** Undefined for the subject of the credentials. */
  readonly subject: Subject | undefined;
  /** The token that was refused, if it is to be replaced. */
  readonly refused: AccessToken | undefined;
  readonly budget: TimeBudget;
  readonly signal: AbortSignal | undefined;
}

/** Requests tokens with the current credentials. Tries the key that worked last first, and does not repeat refused requests. */
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
    private readonly fetch: Fetch,
    private readonly runtime: Runtime,
    private readonly emit: EmitEvent,
  ) {
    this.#attempts = new TokenAttempts(issuer, options, fetch, runtime, emit);
    this.#refused = new RefusedCredentials(runtime);
  }

  /** Identifies the app: the same in all of its processes, for all subjects. Undefined until its credentials were read. */
  get appIdentity(): string | undefined {
    return this.#appIdentity;
  }

  /** Calls `listener` each time that a 429 starts a pause, with the error of that 429. */
  onPause(listener: (error: BoxAuthError) => void): void {
    this.#attempts.onPause(listener);
  }

  /** Pauses all requests for `error.retryAfterMs`, because another process of the app was rate limited. */
  pause(error: BoxAuthError): void {
    this.#attempts.pause(error);
  }

  /** The subject of the credentials; undefined if a function provides them and was not called yet. */
  get defaultSubject(): Subject | undefined {
    return this.credentials.subject;
  }

  /** @throws BoxAuthError `subject_invalid` for an id that cannot exist at the issuer */
  checkSubject(subject: Subject): void {
    this.issuer.checkSubject?.(subject);
  }

  /**
   * Requests a token for `subject`, or for the subject of the credentials if that is undefined. Aborting `signal` aborts the
   * request.
   */
  async mint(
    subject: Subject | undefined,
    previous: PreviousTokens = {},
    signal?: AbortSignal,
  ): Promise<MintedToken> {
    const prepared = await this.prepare(subject, previous, signal);
    return prepared.mint(signal);
  }

  /** Reads the credentials for a token request. */
  async prepare(
    subject: Subject | undefined,
    previous: PreviousTokens,
    signal?: AbortSignal,
  ): Promise<PreparedTokenRequest> {
    const { refused } = previous;
    const budget = this.#budget();
    const credentials = this.#workingFirst(await this.#read(budget, previous, signal));
    const requested = subject ?? credentials[0].subject;
    return {
      identity: this.#identity(credentials[0], requested),
      subject: requested,
      mint: (mintSignal) =>
        this.#mintWithAny(credentials, { subject, refused, budget, signal: mintSignal }),
    };
  }

  /** Reads the credentials, so that a mistake in them is reported before a token is needed. */
  async readCredentials(): Promise<void> {
    await holdingProcess(this.runtime, () => this.#read(this.#budget()));
  }

  /** Sends a grant other than the app's own, such as a token exchange (RFC 8693). Aborting `signal` aborts the request. */
  exchange<Kept>(grant: Grant<Kept>, signal?: AbortSignal): Promise<Kept> {
    return holdingProcess(this.runtime, () =>
      this.#attempts.send(grant, { budget: this.#budget(), signal }),
    );
  }

  /** Sends a revocation (RFC 7009) to `url`, with the retries of a token request. */
  async revoke(url: string, makeForm: FormMaker, signal?: AbortSignal): Promise<void> {
    await holdingProcess(this.runtime, () =>
      this.#attempts.send(revocation(makeForm), { url, budget: this.#budget(), signal }),
    );
  }

  /** The credentials that the next token request would use. */
  async currentCredentials(): Promise<Credentials> {
    const [first] = this.#workingFirst(await this.#read(this.#budget()));
    return first;
  }

  /** Forgets which credentials were refused, or only the refusals of one enterprise. Keeps the clock. */
  forgetRefusals(enterprise?: string): void {
    this.#refused.clear(enterprise);
    if (enterprise === undefined) this.#lastRead = undefined;
  }

  #identity({ clientId }: Credentials, { type, id, enterprise }: Subject): string | undefined {
    if (clientId === undefined) return undefined;
    const app = [this.issuer.name, this.issuer.tokenUrl, clientId];
    this.#appIdentity = JSON.stringify(app);
    const subject = enterprise === undefined ? [type, id] : [type, id, enterprise];
    return JSON.stringify([...app, ...subject]);
  }

  #budget(): TimeBudget {
    return new TimeBudget(this.runtime, this.options.deadlineMs);
  }

  /** Calls a function that returns tokens only to replace an expired token or the tokens in `previous`. */
  async #read(
    budget: TimeBudget,
    { refused, current }: PreviousTokens = {},
    signal?: AbortSignal,
  ): Promise<ParsedCredentialsList<Credentials>> {
    const lastRead = this.#lastRead;
    if (lastRead !== undefined && areUnused(lastRead, [refused, current], this.runtime.now())) {
      return lastRead;
    }
    const { deadlineMs } = this.options;
    const tooLate = () =>
      credentialsUnavailable(`returned no credentials within ${deadlineMs} ms`, this.issuer.docs);
    for (;;) {
      try {
        const read = () => this.credentials.read();
        this.#lastRead = await budget.run(deadlineMs, tooLate, read, signal);
        return this.#lastRead;
      } catch (error) {
        if (!(error instanceof ProcessFrozen)) throw error;
      }
    }
  }

  #workingFirst(list: ParsedCredentialsList<Credentials>): ParsedCredentialsList<Credentials> {
    const working = list.find(({ fingerprint }) => fingerprint === this.#working);
    if (working === undefined) return list;
    return [working, ...list.filter((credentials) => credentials !== working)];
  }

  /** During a rotation there are several keys: if one is refused, the next may be accepted. */
  async #mintWithAny(
    list: ParsedCredentialsList<Credentials>,
    request: TokenRequest,
  ): Promise<MintedToken> {
    let [credentials] = list;
    for (let index = 1; ; index++) {
      try {
        return await this.#mintWith(credentials, request);
      } catch (error) {
        const next = list[index];
        if (next === undefined || !this.#isAboutKey(credentials, error)) throw error;
        credentials = next;
      }
    }
  }

  #isAboutKey({ staticToken }: Credentials, error: unknown): boolean {
    return (
      error instanceof BoxAuthError && (staticToken !== undefined || this.issuer.isKeyError(error))
    );
  }

  async #mintWith(
    credentials: Credentials,
    { subject, refused, budget, signal }: TokenRequest,
  ): Promise<MintedToken> {
    const { staticToken, fingerprint } = credentials;
    if (staticToken !== undefined) {
      const wanted = { subject, refused, isFromFunction: this.credentials.isFunction };
      return useStaticToken(staticToken, credentials.subject, wanted, this.runtime);
    }
    const requested = subject ?? credentials.subject;
    const makeForm: FormMaker = async (attempt) => {
      // Another request may have been refused while this one waited to be sent.
      this.#throwIfRefused(fingerprint, requested);
      return this.issuer.tokenForm(credentials, requested, attempt);
    };
    this.#throwIfRefused(fingerprint, requested);
    try {
      const minted = await this.#attempts.send(accessTokenGrant(makeForm, requested), {
        budget,
        goesFirst: subject === undefined,
        signal,
      });
      this.#working = fingerprint;
      await this.#verify(minted.token, budget, signal);
      this.#refused.forget(fingerprint, requested);
      return minted;
    } catch (thrown) {
      // A network failure proves nothing about the credentials.
      if (!isRefusal(thrown)) throw thrown;
      const error = subject === undefined ? thrown : ofTenant(subject, thrown);
      const isFirst = this.#refused.remember(fingerprint, requested, error);
      if (isFirst && error.code === 'app_not_authorized' && subject?.type === 'enterprise') {
        this.emit({ kind: 'tenant-unauthorized', enterprise: subject.id, error });
      }
      throw error;
    }
  }

  /** Checks a new token with one request, in the time that is left for the token request. */
  async #verify(
    token: AccessToken,
    budget: TimeBudget,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    const { issuer } = this;
    const { timeoutMs, deadlineMs } = this.options;
    const timeout = () =>
      timeoutError(issuer, { waitedMs: deadlineMs - budget.leftMs, attempts: 1 });
    const verify = async (ending: AbortSignal) => issuer.verifyToken?.(token, this.fetch, ending);
    for (;;) {
      try {
        return await budget.run(timeoutMs, timeout, verify, signal);
      } catch (error) {
        signal?.throwIfAborted();
        if (error instanceof ProcessFrozen) continue;
        throw error instanceof BoxAuthError ? error : unreachableError(issuer, error);
      }
    }
  }

  #throwIfRefused(fingerprint: string, subject: Subject): void {
    const remembered = this.#refused.recall(fingerprint, subject);
    if (remembered !== undefined) throw remembered;
  }
}

/** Names the tenant in a refusal that is not about the client. */
function ofTenant(subject: Subject, error: BoxAuthError): BoxAuthError {
  const enterprise = enterpriseOf(subject);
  if (enterprise === undefined || error.enterprise !== undefined || scopeOf(error) === 'client') {
    return error;
  }
  return repeated(error, { message: `Enterprise ${enterprise}: ${error.message}`, enterprise });
}
