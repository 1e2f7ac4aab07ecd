import {
  type Acting,
  type ActingConnection,
  actingSubject,
  currentActing,
  type TenantCheck,
} from '../acting/acting.context.js';
import type { Subject } from '../credentials/subject.js';
import { BoxAuthError } from '../errors/box-auth.error.js';
import { hasListeners } from '../events/auth-channels.js';
import type { ApiRequestEvent, AuthEventSource } from '../events/auth-events.js';
import { untilAborted } from '../runtime/abort.js';
import type { MaybePromise } from '../runtime/maybe-promise.js';
import type { Runtime } from '../runtime/runtime.js';
import type { AccessToken } from '../token-endpoint/access-token.js';
import type { SubjectTokenDemand, TokenCache } from '../tokens/token-cache.js';
import { rejected } from '../tokens/rejection-throttle.js';
import { abortedBy, type WaitOptions } from './abort-sources.js';
import { ApiCallReport } from './api-call-report.js';
import type { AbortSources, ApiRetries, CallRetries } from './api-retries.js';
import { ORIGIN_BOUND_HEADERS } from './redirect.js';
import {
  mayCarryToken,
  mayCarryTokenTo,
  mayFollowWithToken,
  parseUrl,
  type UrlRules,
} from './url-rules.js';
import type { ResponseHead } from './www-authenticate.js';

/** Describes an issuer's headers: how a request carries the token and the acting user, and how a response refuses the token. */
export interface HeaderScheme {
  readonly tokenHeader: string;
  readonly formatToken: (value: string) => string;
  /** In lower case; undefined if the issuer does not support acting users. */
  readonly actingUserHeader?: string;
  /** Throws if the value of that header is not a valid user id. */
  readonly checkActingUser?: (value: string) => void;
  /** In lower case: other headers that only the issuer may see, such as the password of a shared link. */
  readonly confidentialHeaders?: readonly string[];
  /** Whether a response says that the token is no longer valid. */
  readonly refusesToken: (response: ResponseHead) => MaybePromise<boolean>;
}

/** The caller's headers, as the HTTP client will send them. */
export interface CallerHeaders {
  /** All values of the header `name` (lower case), joined by commas. */
  get(name: string): string | null | undefined;
}

/** The headers to add to a call, and the token in them. */
export interface Authorization {
  readonly headers: Readonly<Record<string, string>>;
  readonly token: AccessToken;
  /** The connection that the token is from; undefined for a token of the app. */
  readonly connection: ActingConnection | undefined;
  /** Undefined if nothing listens to the requests of the call. */
  readonly report: ApiCallReport | undefined;
  /** Undefined if calls are repeated only after a refused token. */
  readonly retries: CallRetries | undefined;
}

/** How a request of a call waits. */
export interface Admission {
  /** End the wait. */
  readonly sources: AbortSources;
  readonly isLongCall: boolean;
  /** Milliseconds to wait in any case. Default 0. */
  readonly delayMs?: number;
}

type ActingMode = ApiRequestEvent['acting'];

/** The tokens of an app, as its calls need them. */
export type AppTokens = Pick<
  TokenCache,
  'ownSubject' | 'peekFresh' | 'get' | 'replace' | 'invalidate'
>;

/** If the body has not begun by then, the caller gets the response. */
const BODY_WAIT_MS = 1000;

/** The time that the token of a long call still lives, at least: Box may check it again while the body arrives. */
const LONG_CALL_MS = 5 * 60_000;

/** Decides what to add to a call and whether its response refuses the token, for every HTTP client. */
export class OutgoingPolicy {
  /** Lower-case names of the headers that only the issuer understands and no other host may see. */
  readonly issuerHeaderNames: readonly string[];
  /** Lower-case names of all headers that must not leave the allowed origins, not even by a redirect. */
  readonly protectedHeaderNames: readonly string[];
  readonly #tokenHeaderName: string;

  constructor(
    private readonly tokens: AppTokens,
    private readonly scheme: HeaderScheme,
    private readonly rules: UrlRules,
    readonly runtime: Runtime,
    private readonly eventSource: AuthEventSource,
    /** The maximum number of bytes of a stream that clients keep to send it again. */
    readonly replayBufferBytes: number,
    /** Undefined if all calls are for the enterprise of the credentials. */
    private readonly tenants?: TenantCheck,
    private readonly retries?: ApiRetries,
  ) {
    const { tokenHeader, actingUserHeader, confidentialHeaders = [] } = scheme;
    this.#tokenHeaderName = tokenHeader.toLowerCase();
    this.issuerHeaderNames =
      actingUserHeader === undefined
        ? confidentialHeaders
        : [actingUserHeader, ...confidentialHeaders];
    this.protectedHeaderNames = [
      this.#tokenHeaderName,
      ...this.issuerHeaderNames,
      ...ORIGIN_BOUND_HEADERS,
    ];
  }

  /** The name of the issuer. */
  get issuer(): string {
    return this.eventSource.issuer;
  }

  /** Whether a call to `url` may carry a token. All other calls pass through unchanged. */
  allows(url: URL): boolean {
    return mayCarryToken(url, this.rules);
  }

  /** The same for `path`, with its query, at the origin of `base`. */
  allowsPath(path: string, base: URL): boolean {
    return mayCarryTokenTo(path, base, this.rules);
  }

  /** Whether a call may keep its token when a redirect leads it to `url`. */
  allowsRedirectTo(url: URL): boolean {
    return mayFollowWithToken(url, this.rules);
  }

  /**
   * Returns headers for a call to an allowed address, or undefined if the caller authorizes the call itself. The token of a
   * long call lives for at least 5 minutes, or three quarters of its lifetime if that is shorter.
   *
   * @throws BoxAuthError `acting_user_invalid` if the caller names an acting user that is not a user id, `enterprise_missing`
   * and `enterprise_not_allowed`
   */
  authorize(
    caller: CallerHeaders,
    options: WaitOptions = {},
    isLongCall = false,
  ): MaybePromise<Authorization | undefined> {
    const { actingUserHeader } = this.scheme;
    const callersUser = actingUserHeader === undefined ? undefined : caller.get(actingUserHeader);
    try {
      if (callersUser != null) this.scheme.checkActingUser?.(callersUser);
    } catch (error) {
      return rejected(error);
    }
    if (caller.get(this.#tokenHeaderName) != null) return undefined;
    const acting = this.#currentActing();
    const callersActing = callersUser == null ? acting : { ...acting, user: undefined };
    const via = callersUser == null ? viaOf(acting) : 'header';
    const report = this.#report(via, acting?.enterprise);
    const limited = callersUser ?? acting?.user?.id ?? acting?.connection?.key;
    const retries = this.retries?.begin(acting?.enterprise, limited);
    return this.#admitted(acting, options, () =>
      this.#authorization(callersActing, options, isLongCall, report, retries),
    );
  }

  /**
   * Waits until a request of the call may be sent. Returns `sent`, or after a wait its copy with the token that is current by
   * then.
   */
  admit(
    sent: Authorization,
    { sources, isLongCall, delayMs = 0 }: Admission,
  ): MaybePromise<Authorization> {
    const wait = sent.retries?.admit(delayMs, sources);
    return wait === undefined ? sent : wait.then(() => this.#refreshed(sent, sources, isLongCall));
  }

  /**
   * Returns headers for a call that another client makes.
   *
   * @throws BoxAuthError `origin_not_allowed`, `enterprise_missing` and `enterprise_not_allowed`
   */
  async headersFor(
    address: string | URL,
    options: WaitOptions = {},
  ): Promise<Record<string, string>> {
    const url = address instanceof URL ? address : parseUrl(address);
    if (url === undefined || !this.allows(url)) {
      const target = url === undefined ? 'a value that is not an absolute URL' : url.origin;
      return rejected(
        new BoxAuthError({
          code: 'origin_not_allowed',
          message: `No headers for ${target}: tokens are not sent there.`,
          ...this.rules.advice,
        }),
      );
    }
    const acting = this.#currentActing();
    const authorization = await this.#admitted(acting, options, () =>
      this.#authorization(acting, options, false),
    );
    return { ...authorization.headers };
  }

  /** Whether a response says that the token is no longer valid. */
  isTokenRefused(response: ResponseHead): MaybePromise<boolean> {
    return this.scheme.refusesToken({
      status: response.status,
      challenge: response.challenge,
      isEmpty: () => {
        const isEmpty = response.isEmpty();
        return typeof isEmpty === 'boolean' ? isEmpty : this.#withinBodyWait(isEmpty);
      },
    });
  }

  /** Replaces the refused token in `sent`, and only that one. Returns the headers with the new token. */
  async reauthorize(sent: Authorization, options: WaitOptions = {}): Promise<Authorization> {
    const token = await (sent.connection ?? this.tokens).replace(sent.token, {
      signal: options.signal ?? undefined,
    });
    return this.#withToken(sent, token);
  }

  /** Makes the next call request a new token, after the replay was refused as well. */
  invalidate(sent: Authorization): void {
    (sent.connection ?? this.tokens).invalidate(sent.token);
  }

  #refreshed(
    sent: Authorization,
    sources: AbortSources,
    isLongCall: boolean,
  ): MaybePromise<Authorization> {
    const { subject } = sent.token;
    const minValidityMs = isLongCall ? LONG_CALL_MS : undefined;
    const fresh = this.#peekFresh(sent.connection, subject, minValidityMs);
    if (fresh !== undefined) return this.#withToken(sent, fresh);
    return abortedBy(sources, async ({ signal }) =>
      this.#withToken(sent, await this.#get(sent.connection, { subject, signal, minValidityMs })),
    );
  }

  #withToken(sent: Authorization, token: AccessToken): Authorization {
    return { ...sent, token, headers: { ...sent.headers, ...this.#tokenHeader(token) } };
  }

  #peekFresh(
    connection: ActingConnection | undefined,
    subject: Subject | undefined,
    minValidityMs: number | undefined,
  ): AccessToken | undefined {
    return connection === undefined
      ? this.tokens.peekFresh(subject, minValidityMs)
      : connection.peekFresh(minValidityMs);
  }

  #get(connection: ActingConnection | undefined, demand: SubjectTokenDemand): Promise<AccessToken> {
    return connection === undefined ? this.tokens.get(demand) : connection.get(demand);
  }

  #report(via: ActingMode, enterprise: string | undefined): ApiCallReport | undefined {
    if (!hasListeners('api-request')) return undefined;
    return new ApiCallReport(this.runtime, this.eventSource, via, enterprise);
  }

  /** Undefined for an issuer without acting users. */
  #currentActing(): Acting | undefined {
    return this.scheme.actingUserHeader === undefined ? undefined : currentActing(this);
  }

  /** The result of `authorize`, once the enterprise of `acting` is admitted. */
  #admitted(
    acting: Acting | undefined,
    options: WaitOptions,
    authorize: () => MaybePromise<Authorization>,
  ): MaybePromise<Authorization> {
    // A connection belongs to a person, who chose the account.
    if (acting?.connection !== undefined) return authorize();
    let admission: Promise<void> | void;
    try {
      admission = this.tenants?.admit(acting, this.tokens.ownSubject);
    } catch (error) {
      return rejected(error);
    }
    if (admission === undefined) return authorize();
    return untilAborted(options.signal ?? undefined, admission).then(authorize, rejected);
  }

  #authorization(
    acting: Acting | undefined,
    options: WaitOptions,
    isLongCall: boolean,
    report?: ApiCallReport,
    retries?: CallRetries,
  ): MaybePromise<Authorization> {
    const minValidityMs = isLongCall ? LONG_CALL_MS : undefined;
    const connection = acting?.connection;
    const subject = actingSubject(acting);
    const fresh = this.#peekFresh(connection, subject, minValidityMs);
    if (fresh !== undefined) return this.#headersWith(fresh, acting, report, retries);
    const signal = options.signal ?? undefined;
    return this.#get(connection, { subject, signal, minValidityMs }).then((token) =>
      this.#headersWith(token, acting, report, retries),
    );
  }

  #headersWith(
    token: AccessToken,
    acting: Acting | undefined,
    report: ApiCallReport | undefined,
    retries: CallRetries | undefined,
  ): Authorization {
    const { actingUserHeader } = this.scheme;
    const headers = this.#tokenHeader(token);
    const user = acting?.user;
    if (user?.via === 'header' && actingUserHeader !== undefined) {
      headers[actingUserHeader] = user.id;
    }
    return { token, connection: acting?.connection, headers, report, retries };
  }

  #withinBodyWait(isEmpty: Promise<boolean>): Promise<boolean> {
    return new Promise((resolve, reject) => {
      const cancel = this.runtime.schedule(() => resolve(false), BODY_WAIT_MS);
      isEmpty.finally(cancel).then(resolve, reject);
    });
  }

  #tokenHeader(token: AccessToken): Record<string, string> {
    return { [this.scheme.tokenHeader]: this.scheme.formatToken(token.value) };
  }
}

function viaOf(acting: Acting | undefined): ActingMode {
  if (acting?.connection !== undefined) return 'connection';
  return acting?.user?.via ?? 'app';
}
