import { firstValueFrom, map, type Observable, race } from 'rxjs';
import { type ActingUser, currentActingUser } from '../acting/acting-user.context.js';
import { BoxAuthError } from '../errors/box-auth.error.js';
import { after } from '../runtime/after.js';
import type { Runtime } from '../runtime/runtime.js';
import type { AccessToken } from '../token-endpoint/access-token.js';
import type { TokenCache } from '../tokens/token-cache.js';
import { rejected } from '../tokens/rejection-pace.js';
import type { Patience } from './patience.js';
import { HEADERS_OF_ONE_ORIGIN } from './redirect.js';
import { mayCarryToken, urlOf, type UrlRules } from './url-rules.js';

/** How a token and an acting user stand in headers, and how an answer speaks of them: a description of the issuer. */
export interface HeaderScheme {
  readonly tokenHeader: string;
  readonly formatToken: (value: string) => string;
  /** Lower case; undefined if the issuer knows no acting users. */
  readonly actingUserHeader?: string;
  /** Throws for a value of that header that the issuer would not take for a user. */
  readonly checkActingUser?: (value: string) => void;
  /** Lower case: what callers may send to the issuer and no other host may see, such as the password of a shared link. */
  readonly confidentialHeaders?: readonly string[];
  /** Whether an answer says that the token is no longer good. */
  readonly refusesToken: (answer: AnswerHead) => MaybePromise<boolean>;
}

/** The headers that the caller set, as the HTTP client will send them: one that is not sent is not there. */
export interface CallerHeaders {
  /** All values of the header `name`, which is in lower case, joined by commas. */
  get(name: string): string | null | undefined;
}

/** The headers that a call gets, and the token in them. */
export interface Authorization {
  readonly headers: Readonly<Record<string, string>>;
  readonly token: AccessToken;
}

/** A promise only where there is something to wait for: each costs a call as much as a token from memory. */
type MaybePromise<T> = T | Promise<T>;

/** What an answer shows of whether the token was refused. */
export interface AnswerHead {
  readonly status: number;
  readonly challenge: string | null | undefined;
  /** Only asked when the challenge does not tell. */
  readonly isEmpty: () => MaybePromise<boolean>;
}

/** A response as a client has it: `isEmpty` emits once the body has begun or ended, and lets go of it when unsubscribed. */
export interface ResponseHead extends Omit<AnswerHead, 'isEmpty'> {
  readonly isEmpty: () => boolean | Observable<boolean>;
}

/** A body that has not begun by then is not waited for: the caller gets the response. */
const BODY_WAIT_MS = 1000;

/** What goes onto a call and what its answer means for the token: the same for every HTTP client. */
export class OutgoingPolicy {
  constructor(
    private readonly tokens: TokenCache,
    private readonly scheme: HeaderScheme,
    private readonly rules: UrlRules,
    readonly runtime: Runtime,
  ) {}

  /** Names, in lower case, of the headers that only the issuer understands and no other host may see. */
  get issuerHeaderNames(): readonly string[] {
    const { actingUserHeader, confidentialHeaders = [] } = this.scheme;
    return actingUserHeader === undefined
      ? confidentialHeaders
      : [actingUserHeader, ...confidentialHeaders];
  }

  /** Names, in lower case, of the headers that no redirect takes out of the allowed origins. */
  get headerNames(): readonly string[] {
    return [this.#tokenHeaderName, ...this.issuerHeaderNames, ...HEADERS_OF_ONE_ORIGIN];
  }

  /** Whether a call to `url` gets headers; anything else passes through untouched. */
  allows(url: URL): boolean {
    return mayCarryToken(url, this.rules);
  }

  /**
   * Headers for a call to an allowed address; undefined if the caller identifies the call on its own.
   *
   * @throws BoxAuthError `acting_user_invalid` if the caller names an acting user that is not a user id
   */
  authorize(
    caller: CallerHeaders,
    patience: Patience = {},
  ): MaybePromise<Authorization | undefined> {
    const { actingUserHeader } = this.scheme;
    const named = actingUserHeader === undefined ? undefined : caller.get(actingUserHeader);
    try {
      if (named != null) this.scheme.checkActingUser?.(named);
    } catch (error) {
      return rejected(error);
    }
    if (caller.get(this.#tokenHeaderName) != null) return undefined;
    return this.#authorization(named == null ? currentActingUser(this) : undefined, patience);
  }

  /**
   * Headers for a call that some other client makes.
   *
   * @throws BoxAuthError `origin_not_allowed`
   */
  async headersFor(url: string | URL, patience: Patience = {}): Promise<Record<string, string>> {
    const address = url instanceof URL ? url : urlOf(url);
    if (address === undefined || !this.allows(address)) {
      const where = address === undefined ? 'what is not an absolute URL' : address.origin;
      return rejected(
        new BoxAuthError({
          code: 'origin_not_allowed',
          message: `No headers for ${where}: a token must not go there.`,
          ...this.rules.advice,
        }),
      );
    }
    return { ...(await this.#authorization(currentActingUser(this), patience)).headers };
  }

  /** Whether an answer says that the token is no longer good. */
  isTokenRefused({ status, challenge, isEmpty }: ResponseHead): MaybePromise<boolean> {
    return this.scheme.refusesToken({
      status,
      challenge,
      isEmpty: () => {
        const known = isEmpty();
        return typeof known === 'boolean' ? known : this.#withinBodyWait(known);
      },
    });
  }

  /** The token in `sent` was refused: forgets exactly that one, and returns headers with another. */
  async reauthorize(sent: Authorization, patience: Patience = {}): Promise<Authorization> {
    const token = await this.tokens.replace(sent.token, {
      signal: patience.signal ?? undefined,
    });
    return { token, headers: { ...sent.headers, ...this.#tokenHeader(token) } };
  }

  /** The renewed token was refused, too: the answer goes to the caller, and the next call gets another token, or why not. */
  refused(sent: Authorization): void {
    this.tokens.invalidate(sent.token);
  }

  /** A refused token, and a body that was a stream: the next call gets a new token, this one cannot be repeated. */
  notReplayable(): BoxAuthError {
    return new BoxAuthError({
      code: 'body_not_replayable',
      message:
        'The token of this call was refused and has been renewed, but the call cannot be repeated: its body was a stream, which is consumed.',
      hint: 'Make the call again with a new stream; or send a string, a Buffer, a Blob or FormData, which are repeated by themselves.',
      docs: 'https://fetch.spec.whatwg.org/#http-network-or-cache-fetch',
      retryable: true,
      status: 401,
    });
  }

  #authorization(user: ActingUser | undefined, patience: Patience): MaybePromise<Authorization> {
    const { actingUserHeader } = this.scheme;
    const subject =
      actingUserHeader !== undefined && user?.via === 'token'
        ? ({ type: 'user', id: user.id } as const)
        : undefined;
    const fresh = this.tokens.fresh(subject);
    return fresh === undefined
      ? this.tokens
          .get({ subject, signal: patience.signal ?? undefined })
          .then((token) => this.#headersWith(token, user))
      : this.#headersWith(fresh, user);
  }

  #headersWith(token: AccessToken, user: ActingUser | undefined): Authorization {
    const { actingUserHeader } = this.scheme;
    const headers = this.#tokenHeader(token);
    if (user?.via === 'header' && actingUserHeader !== undefined) {
      headers[actingUserHeader] = user.id;
    }
    return { token, headers };
  }

  #withinBodyWait(isEmpty: Observable<boolean>): Promise<boolean> {
    const overdue = after(this.runtime, BODY_WAIT_MS).pipe(map(() => false));
    return firstValueFrom(race(isEmpty, overdue));
  }

  get #tokenHeaderName(): string {
    return this.scheme.tokenHeader.toLowerCase();
  }

  #tokenHeader(token: AccessToken): Record<string, string> {
    return { [this.scheme.tokenHeader]: this.scheme.formatToken(token.value) };
  }
}
