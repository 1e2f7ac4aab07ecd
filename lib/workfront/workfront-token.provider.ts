import type { Observable } from 'rxjs';
import type { AppAuth } from '../core/app/app-auth.js';
import { BoxAuthError } from '../core/errors/box-auth.error.js';
import type { AccessToken } from '../core/token-endpoint/access-token.js';
import type { TokenDemand } from '../core/tokens/token-refresher.js';
import type { ParsedWorkfrontCredentials, WorkfrontCredentials } from './workfront-credentials.js';

/** The Workfront application behind a token provider, as the provider and the HTTP clients use it. */
export type WorkfrontApp = AppAuth<WorkfrontCredentials, ParsedWorkfrontCredentials>;

// Symbol.for: one process may load the ES module and the CommonJS build.
const WORKFRONT_APP = Symbol.for('nestjs-box-auth.WorkfrontAuth');

/** The app behind a provider. Undefined if a test replaced the provider by an object with only its methods. */
export function workfrontAuthOf(provider: WorkfrontTokenProvider): WorkfrontApp | undefined {
  return provider[WORKFRONT_APP];
}

/** The error of an HTTP client whose token provider was replaced. */
export function workfrontProviderReplacedError(): BoxAuthError {
  return new BoxAuthError({
    code: 'provider_replaced',
    message:
      'A call to Workfront needs a session, but WorkfrontTokenProvider was replaced by an object that cannot provide one to HTTP clients.',
    hint: 'In tests, start a WorkfrontEmulator from nestjs-box-auth/testing and pass its url and credentials. Or replace the code that makes the call.',
    docs: 'https://docs.nestjs.com/fundamentals/testing',
  });
}

/**
 * Provides valid Workfront sessions. Inject it for calls that are sent by neither `WorkfrontFetch` nor the axios
 * interceptor.
 *
 * @example
 * ```ts
 * import { Injectable } from '@nestjs/common';
 * import { WorkfrontTokenProvider } from 'nestjs-box-auth/workfront';
 *
 * @Injectable()
 * export class Reports {
 *   constructor(private readonly workfront: WorkfrontTokenProvider) {}
 *
 *   async projects(): Promise<unknown> {
 *     const url = 'https://acme.my.workfront.com/attask/api/v17.0/proj/search';
 *     const response = await fetch(url, { headers: await this.workfront.getHeaders(url) });
 *     return response.json();
 *   }
 * }
 * ```
 */
export class WorkfrontTokenProvider {
  readonly #workfront: WorkfrontApp;

  /** @internal Created by `WorkfrontAuthModule`. */
  constructor(workfront: WorkfrontApp) {
    this.#workfront = workfront;
  }

  /** @internal For the HTTP clients that use this provider. */
  get [WORKFRONT_APP](): WorkfrontApp {
    return this.#workfront;
  }

  /**
   * Returns a valid session: from memory, or by one token request that all concurrent callers share. A session without a
   * lifetime (`expires_in` missing or 0) is used until Workfront refuses it.
   *
   * `minValidityMs` (default 0) is how many milliseconds the session must still be valid. `signal` ends the wait of this
   * caller only.
   *
   * @throws BoxAuthError `token_request_refused`, `assertion_expired`, `assertion_not_yet_valid`, `timeout`, `network`,
   * `unavailable`, `rate_limited`, `response_invalid`, `expired_on_arrival` or `closed`
   */
  getToken(options?: TokenDemand): Promise<AccessToken> {
    return this.#workfront.tokens.get(options);
  }

  /** Returns the session in memory if it is valid. Never sends a request. */
  peekToken(): AccessToken | undefined {
    return this.#workfront.tokens.peek();
  }

  /** Emits the current session (requesting it if there is none), then each that replaces it. Completes on shutdown. */
  token$(): Observable<AccessToken> {
    return this.#workfront.tokens.token$();
  }

  /**
   * Returns the `sessionID` header for a call to `url`.
   *
   * @throws BoxAuthError `origin_not_allowed` if `url` must not receive a session, and the errors of `getToken`
   */
  getHeaders(
    url: string | URL,
    options?: { readonly signal?: AbortSignal },
  ): Promise<Record<string, string>> {
    return this.#workfront.policy.headersFor(url, options);
  }

  /** Forgets `token`, which Workfront refused with a 401, if it is still the current one. The next caller gets a new session. */
  invalidate(token: AccessToken): void {
    this.#workfront.tokens.invalidate(token);
  }

  /** Forgets every session. Call it after the OAuth2 application changed. */
  flush(): void {
    this.#workfront.tokens.flush();
  }
}
