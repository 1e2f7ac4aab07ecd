import type { BoxAuthErrorCode } from '../../core/errors/error-codes.js';
import { BOX_API_URL } from '../../box/box-issuer.js';
import { boxError, rateLimited } from '../box/box-responses.js';
import { type HttpAnswer, oauthError, ok } from '../http/http-response.js';
import { OWN_ENTERPRISE } from './fake-box-auth.js';
import type { TokenHolder } from './fake-box-calls.js';

export const LIFETIME_S = 3600;
const ME_URL = `${BOX_API_URL}/2.0/users/me`;
const CODE = 'fake-code-';
/** The requests of the package before the first use of the token of a user: to check its enterprise, or whose account it is. */
const VERIFICATION_URLS: ReadonlySet<string> = new Set([
  `${ME_URL}?fields=enterprise`,
  `${ME_URL}?fields=id,login,name,enterprise`,
]);

/** The authorization code with which a user consents. */
export function codeFor(userId: string): string {
  return `${CODE}${userId}`;
}

const FAILURES = {
  unavailable: () => boxError(503, 'unavailable', 'Unavailable'),
  // Longer than a call waits for a token, so the call fails at once.
  rate_limited: () => rateLimited(60),
  app_not_authorized: () =>
    oauthError('unauthorized_client', 'This app is not authorized by the enterprise admin'),
  client_invalid: () => oauthError('invalid_client', 'The client credentials are invalid'),
} satisfies Partial<Record<BoxAuthErrorCode, () => HttpAnswer>>;

/** The `code` of the `BoxAuthError` that token requests fail with. */
export type FakeTokenFailure = keyof typeof FAILURES;

/** A fake token endpoint: every subject gets tokens, with the same values in every run. */
export class FakeBoxTokens {
  readonly #enterpriseOfUser: ReadonlyMap<string, string>;
  readonly #issued = new Map<string, TokenHolder>();
  /** The access tokens by the refresh tokens of connections. */
  readonly #refreshTokens = new Map<string, string>();
  /** User tokens that no call was made with yet. */
  readonly #unused = new Set<string>();
  readonly #counts = new Map<string, number>();
  readonly #revoked = new Set<string>();
  /** The enterprises that have not authorized the app. */
  readonly #unauthorized = new Set<string>();
  failure: FakeTokenFailure | undefined;

  constructor(enterpriseOfUser: ReadonlyMap<string, string>) {
    this.#enterpriseOfUser = enterpriseOfUser;
  }

  /** Responds to a request to `/oauth2/token`. */
  grant(form: URLSearchParams): HttpAnswer {
    if (this.failure !== undefined) return FAILURES[this.failure]();
    const parent = form.get('subject_token');
    if (parent !== null) return this.#exchange(parent, form);
    const refreshToken = form.get('refresh_token');
    const holder =
      refreshToken === null ? this.#requestedHolder(form) : this.#connectedHolder(refreshToken);
    if (holder === undefined) return oauthError('invalid_grant', 'Invalid refresh token');
    if (this.#unauthorized.has(holder.enterprise)) return FAILURES.app_not_authorized();
    if (holder.via === 'connection') return this.#issuePair(holder, refreshToken);
    const account = holder.via === 'token' ? `user-${holder.as}` : holder.as;
    const { enterprise } = holder;
    return this.#issue(
      enterprise === OWN_ENTERPRISE ? account : `${account}-of-${enterprise}`,
      holder,
    );
  }

  authorize(enterprise: string): void {
    this.#unauthorized.delete(enterprise);
  }

  deauthorize(enterprise: string): void {
    this.#unauthorized.add(enterprise);
    for (const [token, holder] of this.#issued) {
      if (holder.enterprise === enterprise) this.revoke(token);
    }
  }

  /**
   * The response to the request that checks the enterprise of a user token, or asks whose account was connected. The package sends
   * it before the first use of such a token, so it is not a call of the app.
   */
  verification(token: string, { method, url, headers }: Request): HttpAnswer | undefined {
    const isFirstUse = this.#unused.delete(token);
    const holder = this.#issued.get(token);
    const isVerification =
      method === 'GET' &&
      VERIFICATION_URLS.has(url) &&
      headers.get('accept') === 'application/json';
    return isFirstUse && isVerification && holder
      ? ok({
          type: 'user',
          id: holder.as,
          login: `user-${holder.as}@example.com`,
          name: `User ${holder.as}`,
          enterprise: { type: 'enterprise', id: holder.enterprise },
        })
      : undefined;
  }

  /** The user of a token, even a revoked one; undefined for an unknown token. */
  holderOf(token: string): TokenHolder | undefined {
    return this.#issued.get(token);
  }

  /** Revokes an access token, or a refresh token and its access token. */
  revoke(token: string): void {
    const accessToken = this.#refreshTokens.get(token);
    this.#refreshTokens.delete(token);
    this.#revoked.add(accessToken ?? token);
  }

  /** Ends the connections of a user. */
  revokeConnections(userId: string): void {
    for (const [refreshToken, accessToken] of this.#refreshTokens) {
      if (this.#issued.get(accessToken)?.as === userId) this.revoke(refreshToken);
    }
  }

  revokeAll(): void {
    for (const token of this.#issued.keys()) this.revoke(token);
  }

  isRevoked(token: string): boolean {
    return this.#revoked.has(token);
  }

  clear(): void {
    this.failure = undefined;
    for (const memory of [
      this.#issued,
      this.#refreshTokens,
      this.#unused,
      this.#counts,
      this.#revoked,
      this.#unauthorized,
    ]) {
      memory.clear();
    }
  }

  #requestedHolder(form: URLSearchParams): TokenHolder {
    const code = form.get('code');
    if (code !== null) return this.#holderOfUser(code.slice(CODE.length), 'connection');
    const id = form.get('box_subject_id') ?? '';
    if (form.get('box_subject_type') !== 'user') {
      return { as: 'service-account', via: undefined, enterprise: id };
    }
    return this.#holderOfUser(id, 'token');
  }

  #holderOfUser(id: string, via: TokenHolder['via']): TokenHolder {
    return { as: id, via, enterprise: this.#enterpriseOfUser.get(id) ?? OWN_ENTERPRISE };
  }

  #connectedHolder(refreshToken: string): TokenHolder | undefined {
    return this.#issued.get(this.#refreshTokens.get(refreshToken) ?? '');
  }

  /** Both tokens of a connection are new after a refresh, and `exchanged` is no longer valid. */
  #issuePair(holder: TokenHolder, exchanged: string | null): HttpAnswer {
    if (exchanged !== null) this.revoke(exchanged);
    const token = this.#newToken(`connection-${holder.as}`, holder);
    const refreshToken = token.replace('token', 'refresh-token');
    this.#refreshTokens.set(refreshToken, token);
    if (exchanged === null) this.#unused.add(token);
    return tokenResponse(token, { refresh_token: refreshToken });
  }

  /** RFC 8693, with the `restricted_to` of Box's responses. */
  #exchange(parent: string, form: URLSearchParams): HttpAnswer {
    const holder = this.#issued.get(parent);
    if (holder === undefined || this.isRevoked(parent)) {
      return oauthError('invalid_grant', 'Please check the subject_token. It is not valid.');
    }
    const scopes = form.get('scope')?.split(' ') ?? [];
    const [, type, id] = /\/(file|folder)s\/([0-9]+)$/.exec(form.get('resource') ?? '') ?? [];
    const object = id === undefined ? undefined : { type, id };
    return this.#issue('downscoped', holder, {
      restricted_to: scopes.map((scope) => ({ scope, object })),
    });
  }

  #issue(name: string, holder: TokenHolder, extra: Record<string, unknown> = {}): HttpAnswer {
    const token = this.#newToken(name, holder);
    if (holder.via === 'token') this.#unused.add(token);
    return tokenResponse(token, extra);
  }

  #newToken(name: string, holder: TokenHolder): string {
    const count = (this.#counts.get(name) ?? 0) + 1;
    this.#counts.set(name, count);
    const token = `fake-token-${count}-${name}`;
    this.#issued.set(token, holder);
    return token;
  }
}

function tokenResponse(token: string, extra: Record<string, unknown>): HttpAnswer {
  return ok({ access_token: token, expires_in: LIFETIME_S, token_type: 'bearer', ...extra });
}
