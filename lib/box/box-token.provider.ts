import { defer, mergeMap, type Observable } from 'rxjs';
import {
  type Acting,
  type ActingConnection,
  actingSubject,
  contextForApp,
  currentActing,
  runInContext,
} from '../core/acting/acting.context.js';
import type { AppAuth } from '../core/app/app-auth.js';
import type { ClientTransport } from '../core/http/client-transport.js';
import type { Subject } from '../core/credentials/subject.js';
import { BoxAuthError } from '../core/errors/box-auth.error.js';
import { untilAborted } from '../core/runtime/abort.js';
import type { AccessToken } from '../core/token-endpoint/access-token.js';
import { rejected } from '../core/tokens/rejection-throttle.js';
import type { SubjectTokenDemand } from '../core/tokens/token-cache.js';
import { checkedActingUserId } from './acting-user.js';
import type { BoxCredentials, ParsedBoxCredentials } from './credentials/box-credentials.js';
import type { Downscoping, DownscopeRequest } from './downscope.js';
import type { Revocation } from './revocation.js';
import { checkedEnterpriseId, checkedRunFor, type RunForOptions, type Tenants } from './tenants.js';

/** The Box app behind a token provider, as the provider and the HTTP clients use it. */
export interface BoxApp extends AppAuth<BoxCredentials, ParsedBoxCredentials> {
  /** The server of uploads. */
  readonly uploadUrl: string;
  /** Replaces the transport of HTTP clients. Undefined: each client sends its own calls. */
  readonly transport: ClientTransport | undefined;
  readonly downscoping: Downscoping;
  readonly revocation: Revocation;
  readonly tenants: Tenants;
}

// Symbol.for: one process may load the ES module and the CommonJS build.
const BOX_APP = Symbol.for('nestjs-box-auth.BoxAuth');

/** The app behind a provider. Undefined if a test replaced the provider by an object with only its methods. */
export function boxAuthOf(provider: BoxTokenProvider): BoxApp | undefined {
  return provider[BOX_APP];
}

/** The error of an HTTP client whose token provider was replaced. */
export function providerReplacedError(): BoxAuthError {
  return new BoxAuthError({
    code: 'provider_replaced',
    message:
      'A call to Box needs a token, but BoxTokenProvider was replaced by an object that cannot provide one to HTTP clients.',
    hint: 'In tests, override it with the provider of a FakeBox from nestjs-box-auth/testing, which also responds to the calls. Or replace the code that makes the call.',
    docs: 'https://docs.nestjs.com/fundamentals/testing',
  });
}

/**
 * Provides valid Box access tokens. Inject it for calls that are sent by neither `BoxFetch` nor one of the HTTP
 * interceptors.
 *
 * @example
 * ```ts
 * import { Injectable } from '@nestjs/common';
 * import { BoxTokenProvider } from 'nestjs-box-auth';
 *
 * @Injectable()
 * export class Archive {
 *   constructor(private readonly box: BoxTokenProvider) {}
 *
 *   async whoAmI(): Promise<unknown> {
 *     const url = 'https://api.box.com/2.0/users/me';
 *     const response = await fetch(url, { headers: await this.box.getHeaders(url) });
 *     return response.json();
 *   }
 * }
 * ```
 */
export class BoxTokenProvider {
  readonly #box: BoxApp;

  /** @internal Created by `BoxAuthModule`, or by `boxAuth` of `nestjs-box-auth/express`. */
  constructor(box: BoxApp) {
    this.#box = box;
  }

  /** @internal For the HTTP clients that use this provider. */
  get [BOX_APP](): BoxApp {
    return this.#box;
  }

  /**
   * Returns a valid token: from memory, or by one token request that all concurrent callers share.
   *
   * `subject` defaults to the enterprise that `@ForEnterprise` or `runFor` selects, else to the subject of the credentials. The
   * acting user has no effect, but inside `@AsConnectedUser` the default is the person's own token. `minValidityMs` (default 0) is how many milliseconds the token
   * must still be valid. `signal` ends the wait of this caller only.
   *
   * @throws BoxAuthError with the code of a refused token request (`app_not_authorized`, `client_invalid`, …), or
   * `timeout`, `network`, `unavailable`, `rate_limited`, `response_invalid`, `expired_on_arrival`,
   * `credentials_unavailable`, `signer_failed`, `enterprise_missing`, `enterprise_not_allowed` or `closed`
   */
  getToken(options?: SubjectTokenDemand): Promise<AccessToken> {
    const { tokens } = this.#box;
    const connection = this.#connectionFor(options?.subject);
    if (connection !== undefined) return connection.get(options);
    return this.#servesTenants
      ? this.#forSubject(options, (subject) => tokens.get({ ...options, subject }))
      : tokens.get(options);
  }

  /**
   * Returns the token in memory if it is valid, and if `tenants` contains its enterprise. Never sends a request and never calls a
   * function `tenants`: only the enterprises that it admitted for the current request count.
   */
  peekToken(subject?: Subject): AccessToken | undefined {
    const connection = this.#connectionFor(subject);
    if (connection !== undefined) return connection.peek();
    const { tenants, tokens } = this.#box;
    const known = tenants.knownSubject(this.#acting, subject, tokens.ownSubject);
    return known && tokens.peek(known.subject);
  }

  /** Emits the current token (requesting it if there is none), then each token that replaces it. Completes on shutdown. */
  token$(subject?: Subject): Observable<AccessToken> {
    const { tokens } = this.#box;
    if (!this.#servesTenants) return tokens.token$(subject);
    const acting = this.#acting;
    return defer(() => this.#forSubject({ subject }, async (admitted) => admitted, acting)).pipe(
      mergeMap((admitted) => tokens.token$(admitted)),
    );
  }

  /**
   * Returns the headers for a call to `url`: the bearer token and, if there is an acting user, `as-user`.
   *
   * @throws BoxAuthError `origin_not_allowed` if `url` must not receive a token, and the errors of `getToken`
   */
  getHeaders(
    url: string | URL,
    options?: { readonly signal?: AbortSignal },
  ): Promise<Record<string, string>> {
    return this.#box.policy.headersFor(url, options);
  }

  /**
   * Forgets `token`, which Box refused with a 401, if it is still the current one. The next caller gets a new token. A
   * token that was requested to replace a refused one is kept for 10 s, because its age cannot be the reason.
   */
  invalidate(token: AccessToken): void {
    this.#box.tokens.invalidate(token);
    this.#acting?.connection?.invalidate(token);
  }

  /**
   * Returns a token with fewer rights, for a less trusted place such as a previewer in a browser. The provider does not
   * keep it. With an acting user, Box derives it from a user access token of that user, so it never exceeds the user's
   * rights. Inside `@AsConnectedUser`, Box derives it from the person's own token.
   *
   * @throws BoxAuthError `downscope_invalid`, `scope_refused`, `resource_refused` and the errors of `getToken`
   *
   * @example
   * ```ts
   * import type { BoxTokenProvider } from 'nestjs-box-auth';
   *
   * async function previewToken(box: BoxTokenProvider, fileId: string): Promise<string> {
   *   const token = await box.downscope({
   *     scopes: ['base_preview'],
   *     resource: `https://api.box.com/2.0/files/${fileId}`,
   *   });
   *   return token.value;
   * }
   * ```
   */
  downscope(request: DownscopeRequest): Promise<AccessToken> {
    const user = this.#acting?.user;
    const actingUser = user && actingSubject({ user: { id: user.id, via: 'token' } });
    const { subject = actingUser, signal } = request;
    const { downscoping, tokens } = this.#box;
    const connection = this.#connectionFor(subject);
    if (connection !== undefined) return downscoping.downscope(request, connection);
    return this.#forSubject({ subject, signal }, (admitted) =>
      downscoping.downscope(request, {
        get: (demand) => tokens.get({ ...demand, subject: admitted }),
        invalidate: (token) => tokens.invalidate(token),
      }),
    );
  }

  /**
   * Revokes the token of `subject` at Box (RFC 7009) and forgets it. The next call requests a new one. `subject` defaults
   * as in `getToken`. Does nothing without a token in memory.
   *
   * Tokens that this one replaced, and tokens of other processes, stay valid until they expire.
   *
   * @throws BoxAuthError `revocation_unsupported` if the credentials are a fixed token, `subject_invalid`, and the errors
   * of `getToken`. If it fails, the token is kept.
   */
  revoke(subject?: Subject): Promise<void> {
    return this.#forSubject({ subject }, (admitted) => this.#box.revocation.revoke(admitted));
  }

  /**
   * Runs `fn` with `user` as the acting user of every call that it makes with this Box app, across awaits, timers and
   * streams. Other Box apps keep their acting user; if they have none, they act for `user` too. For jobs outside of
   * requests; in handlers use `@AsUser`.
   *
   * @throws BoxAuthError `acting_user_invalid` if `user` is not an id of 1 to 20 digits
   *
   * @example
   * ```ts
   * import { BoxFetch, BoxTokenProvider } from 'nestjs-box-auth';
   *
   * export async function nightly(box: BoxTokenProvider, boxFetch: BoxFetch): Promise<void> {
   *   await box.runAs('11111', () => boxFetch('/2.0/folders/0/items'));
   * }
   * ```
   */
  runAs<T>(user: string, fn: () => T): T {
    const acting = {
      ...this.#acting,
      connection: undefined,
      user: { id: checkedActingUserId(user), via: 'header' },
    } as const;
    return runInContext(contextForApp(this.#box.policy, acting), fn);
  }

  /**
   * Runs `fn` for `enterprise`, one of the option `tenants`: every call that `fn` makes with this Box app has a token of that
   * enterprise, across awaits, timers and streams, and acts for `user`. Without `user`, its calls act for the service account of
   * the enterprise, also inside `runAs` and `@AsUser`. For jobs outside of requests; in handlers use `@ForEnterprise`.
   *
   * @throws BoxAuthError before `fn` runs: `enterprise_missing`, `enterprise_not_allowed`, `acting_user_invalid`,
   * `option_invalid`
   *
   * @example
   * ```ts
   * import { BoxFetch, BoxTokenProvider } from 'nestjs-box-auth';
   *
   * export async function nightly(
   *   box: BoxTokenProvider,
   *   boxFetch: BoxFetch,
   *   enterprises: string[],
   * ): Promise<void> {
   *   for (const enterprise of enterprises) {
   *     await box.runFor({ enterprise }, () => boxFetch('/2.0/folders/0/items'));
   *   }
   * }
   * ```
   */
  async runFor<T>(options: RunForOptions, fn: () => T | Promise<T>): Promise<T> {
    const { policy, tenants, tokens } = this.#box;
    let acting: Acting;
    try {
      acting = { ...checkedRunFor(options), source: this.#acting?.source ?? {} };
      await tenants.admit(acting, tokens.ownSubject);
    } catch (error) {
      return rejected(error);
    }
    return runInContext(contextForApp(policy, acting), fn);
  }

  /**
   * Forgets every token, or those of one enterprise. Call it after the scopes of the app changed and an admin authorized the
   * app again.
   *
   * @throws BoxAuthError `enterprise_not_allowed` if `enterprise` is not an enterprise id
   */
  flush(options: { readonly enterprise?: string } = {}): void {
    if ('enterprise' in options) {
      this.#box.tokens.flush(checkedEnterpriseId(options.enterprise, 'flush'));
    } else {
      this.#box.tokens.flush();
    }
  }

  get #acting(): Acting | undefined {
    return currentActing(this.#box.policy);
  }

  /** The connection of the current code, unless a caller names a subject. */
  #connectionFor(subject: Subject | undefined): ActingConnection | undefined {
    return subject === undefined ? this.#acting?.connection : undefined;
  }

  /** Whether the current code may be for another enterprise than that of the credentials. */
  get #servesTenants(): boolean {
    return this.#box.tenants.areConfigured || this.#acting?.enterprise !== undefined;
  }

  /** Calls `use` with the subject that a method is for: the named one, or that of the enterprise of `acting`. */
  async #forSubject<T>(
    { subject: named, signal }: SubjectTokenDemand = {},
    use: (subject: Subject | undefined) => Promise<T>,
    acting = this.#acting,
  ): Promise<T> {
    const { tenants, tokens } = this.#box;
    let subject: Subject | undefined;
    try {
      const admission = tenants.admittedSubject(acting, named, tokens.ownSubject);
      subject = await untilAborted(signal, admission);
    } catch (error) {
      return rejected(error);
    }
    return use(subject);
  }
}
