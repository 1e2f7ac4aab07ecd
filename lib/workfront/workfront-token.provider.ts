import type { Observable } from 'rxjs';
import { BoxAuthError } from '../core/errors/box-auth.error.js';
import type { AccessToken } from '../core/token-endpoint/access-token.js';
import type { TokenDemand } from '../core/tokens/token-refresher.js';
import type { WorkfrontAuth } from './workfront-auth.js';

/** Leads from a provider to all that stands behind it: one process may load the ES module and the CommonJS build. */
const WORKFRONT_AUTH = Symbol.for('nestjs-box-auth.WorkfrontAuth');

/** What stands behind a provider; undefined behind the stand-in of somebody's test, which only has its methods. */
export function workfrontAuthOf(provider: WorkfrontTokenProvider): WorkfrontAuth | undefined {
  return provider[WORKFRONT_AUTH];
}

/** Why an HTTP client cannot call Workfront. */
export function workfrontStandInError(): BoxAuthError {
  return new BoxAuthError({
    code: 'provider_replaced',
    message:
      'A call to Workfront needs a session, but WorkfrontTokenProvider was replaced by an object that has none.',
    hint: 'In a test, start a WorkfrontEmulator of nestjs-box-auth/testing and give its url and credentials; or replace what makes the call as well.',
    docs: 'https://docs.nestjs.com/fundamentals/testing',
  });
}

/**
 * Workfront sessions, always valid ones. Inject it wherever one is needed for something that neither `WorkfrontFetch` nor
 * the HTTP interceptor sends.
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
  readonly #workfront: WorkfrontAuth;

  /** @internal Made by `WorkfrontAuthModule`. */
  constructor(workfront: WorkfrontAuth) {
    this.#workfront = workfront;
  }

  /** @internal For the HTTP clients that are attached to this provider. */
  get [WORKFRONT_AUTH](): WorkfrontAuth {
    return this.#workfront;
  }

  /**
   * A session that is valid now: from memory, or minted once for all who ask meanwhile. One without a lifetime
   * (`expires_in` missing or 0) lives until it is refused.
   *
   * `minValidityMs` (default 0) is how many milliseconds it must still live. `signal` ends the wait of this caller only.
   *
   * @throws BoxAuthError `token_request_refused`, `assertion_expired`, `assertion_not_yet_valid`, `timeout`, `network`,
   * `unavailable`, `rate_limited`, `response_invalid`, `expired_on_arrival` or `closed`
   */
  getToken(options?: TokenDemand): Promise<AccessToken> {
    return this.#workfront.tokens.get(options);
  }

  /** The session that is in memory, if it is valid. Never any I/O. */
  peekToken(): AccessToken | undefined {
    return this.#workfront.tokens.peek();
  }

  /** The session as it is now (minted if there is none), then each that takes its place. Completes on shutdown. */
  token$(): Observable<AccessToken> {
    return this.#workfront.tokens.token$();
  }

  /**
   * The `sessionID` header for a call to `url`.
   *
   * @throws BoxAuthError `origin_not_allowed` if a session must not go there, and those of `getToken`
   */
  getHeaders(
    url: string | URL,
    options?: { readonly signal?: AbortSignal },
  ): Promise<Record<string, string>> {
    return this.#workfront.policy.headersFor(url, options);
  }

  /** Workfront refused `token` (401): forget it, if it is still the current one. The next caller gets another. */
  invalidate(token: AccessToken): void {
    this.#workfront.tokens.invalidate(token);
  }

  /** Forgets every session: for an application that was changed. */
  flush(): void {
    this.#workfront.tokens.flush();
  }
}
