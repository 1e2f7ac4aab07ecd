import type { BoxAuthErrorCode } from '../../core/errors/error-codes.js';
import { BOX_API_URL } from '../../box/box-issuer.js';
import { boxError, rateLimited } from '../box/box-responses.js';
import { type HttpAnswer, oauthError, ok } from '../http/http-response.js';
import { OWN_ENTERPRISE } from './fake-box-auth.js';
import type { TokenHolder } from './fake-box-calls.js';

const LIFETIME_S = 3600;
const VERIFICATION_URL = `${BOX_API_URL}/2.0/users/me?fields=enterprise`;

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
    const holder = this.#requestedHolder(form);
    if (this.#unauthorized.has(holder.enterprise)) return FAILURES.app_not_authorized();
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
   * The response to the request that checks the enterprise of a user token. The package sends it before the first use of such a
   * token for a tenant, so it is not a call of the app.
   */
  verification(token: string, { method, url, headers }: Request): HttpAnswer | undefined {
    const isFirstUse = this.#unused.delete(token);
    const holder = this.#issued.get(token);
    const isVerification =
      method === 'GET' && url === VERIFICATION_URL && headers.get('accept') === 'application/json';
    return isFirstUse && isVerification && holder
      ? ok({
          type: 'user',
          id: holder.as,
          enterprise: { type: 'enterprise', id: holder.enterprise },
        })
      : undefined;
  }

  /** The user of a token, even a revoked one; undefined for an unknown token. */
  holderOf(token: string): TokenHolder | undefined {
    return this.#issued.get(token);
  }

  revoke(token: string): void {
    this.#revoked.add(token);
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
      this.#unused,
      this.#counts,
      this.#revoked,
      this.#unauthorized,
    ]) {
      memory.clear();
    }
  }

  #requestedHolder(form: URLSearchParams): TokenHolder {
    const id = form.get('box_subject_id') ?? '';
    if (form.get('box_subject_type') !== 'user') {
      return { as: 'service-account', via: undefined, enterprise: id };
    }
    return { as: id, via: 'token', enterprise: this.#enterpriseOfUser.get(id) ?? OWN_ENTERPRISE };
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
    const count = (this.#counts.get(name) ?? 0) + 1;
    this.#counts.set(name, count);
    const token = `fake-token-${count}-${name}`;
    this.#issued.set(token, holder);
    if (holder.via === 'token') this.#unused.add(token);
    return {
      status: 200,
      body: { access_token: token, expires_in: LIFETIME_S, token_type: 'bearer', ...extra },
    };
  }
}
