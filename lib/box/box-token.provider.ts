import type { Observable } from 'rxjs';
import {
  contextForApp,
  currentActing,
  currentActingUser,
  runInContext,
} from '../core/acting/acting-user.context.js';
import { checkedActingUserId } from './acting-user.js';
import type { DownscopeRequest } from './downscope.js';
import type { BoxAuth } from './box-auth.js';
import type { Subject } from '../core/credentials/subject.js';
import { BoxAuthError } from '../core/errors/box-auth.error.js';
import type { AccessToken } from '../core/token-endpoint/access-token.js';
import type { SubjectTokenDemand } from '../core/tokens/token-cache.js';

/** Leads from a provider to all that stands behind it: one process may load the ES module and the CommonJS build. */
const BOX_AUTH = Symbol.for('nestjs-box-auth.BoxAuth');

/** What stands behind a provider; undefined behind the stand-in of somebody's test, which only has its methods. */
export function boxAuthOf(provider: BoxTokenProvider): BoxAuth | undefined {
  return provider[BOX_AUTH];
}

/** Why an HTTP client cannot call Box. */
export function standInError(): BoxAuthError {
  return new BoxAuthError({
    code: 'provider_replaced',
    message:
      'A call to Box needs a token, but BoxTokenProvider was replaced by an object that is none.',
    hint: 'In a test, replace it by the provider of a FakeBox from nestjs-box-auth/testing, which answers the calls too; or replace what makes the call as well.',
    docs: 'https://docs.nestjs.com/fundamentals/testing',
  });
}

/**
 * Box tokens, always valid ones. Inject it wherever a token is needed for something that neither `BoxFetch` nor the HTTP
 * interceptors send.
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
  readonly #box: BoxAuth;

  /** @internal Made by `BoxAuthModule`, or by `boxAuth` of `nestjs-box-auth/express`. */
  constructor(box: BoxAuth) {
    this.#box = box;
  }

  /** @internal For the HTTP clients that are attached to this provider. */
  get [BOX_AUTH](): BoxAuth {
    return this.#box;
  }

  /**
   * A token that is valid now: from memory, or minted once for all who ask meanwhile.
   *
   * `subject` defaults to the one that the credentials stand for. `minValidityMs` (default 0) is how many milliseconds it
   * must still live. `signal` ends the wait of this caller only.
   *
   * @throws BoxAuthError with the `code` of the token endpoint's refusal (`app_not_authorized`, `client_invalid`, …),
   * `timeout`, `network`, `unavailable`, `rate_limited`, `response_invalid`, `expired_on_arrival`,
   * `credentials_unavailable`, `signer_failed` or `closed`
   */
  getToken(options?: SubjectTokenDemand): Promise<AccessToken> {
    return this.#box.tokens.get(options);
  }

  /** The token that is in memory, if it is valid. Never any I/O. */
  peekToken(subject?: Subject): AccessToken | undefined {
    return this.#box.tokens.peek(subject);
  }

  /** The token as it is now (minted if there is none), then each that takes its place. Completes on shutdown. */
  token$(subject?: Subject): Observable<AccessToken> {
    return this.#box.tokens.token$(subject);
  }

  /**
   * The headers for a call to `url`: the bearer token and, where somebody is acted for, `as-user`.
   *
   * @throws BoxAuthError `origin_not_allowed` if a token must not go there, and those of `getToken`
   */
  getHeaders(
    url: string | URL,
    options?: { readonly signal?: AbortSignal },
  ): Promise<Record<string, string>> {
    return this.#box.policy.headersFor(url, options);
  }

  /**
   * Box refused `token` (401): forget it, if it is still the current one. The next caller gets another. One that was minted
   * in the place of a refused one is kept for 10 s, as its age cannot be what Box refuses.
   */
  invalidate(token: AccessToken): void {
    this.#box.tokens.invalidate(token);
  }

  /**
   * A token that may do less, for somewhere it is less safe: a previewer in a browser. It is not kept here. Where somebody
   * is acted for, it is made of a user access token of theirs, so that it can do no more than they may.
   *
   * @throws BoxAuthError `downscope_invalid`, `scope_refused`, `resource_refused` and those of `getToken`
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
    const user = currentActingUser(this.#box.policy);
    const acting = user === undefined ? undefined : ({ type: 'user', id: user.id } as const);
    return this.#box.downscoping.downscope(request, request.subject ?? acting);
  }

  /**
   * Revokes the token of `subject` (default: the one that the credentials stand for, whoever is acted for) at Box (RFC
   * 7009) and forgets it. The
   * next call gets another. Without a token in memory there is nothing to revoke. Tokens that it replaced live on until
   * they expire, as do those of other processes.
   *
   * @throws BoxAuthError `revocation_unsupported` for credentials that are a token themselves, `subject_invalid`, and those of `getToken`: then the token is kept
   */
  revoke(subject?: Subject): Promise<void> {
    return this.#box.revocation.revoke(subject);
  }

  /**
   * Runs `fn` with `user` as the acting user of every call of this Box app in it, across awaits, timers and streams. Other
   * Box apps keep their acting user; without one, they act for `user` as well. For jobs outside any request; handlers have
   * `@AsUser`.
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
    const { policy } = this.#box;
    const acting = {
      user: { id: checkedActingUserId(user), via: 'header' },
      source: currentActing(policy)?.source,
    } as const;
    return runInContext(contextForApp(policy, acting), fn);
  }

  /** Forgets every token: an app whose scopes were changed and that was authorised again needs new ones. */
  flush(): void {
    this.#box.tokens.flush();
  }
}
