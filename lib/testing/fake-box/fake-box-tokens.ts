import type { BoxAuthErrorCode } from '../../core/errors/error-codes.js';
import { boxError, rateLimited } from '../box/box-responses.js';
import { type HttpAnswer, oauthError } from '../http/http-response.js';
import type { TokenHolder } from './fake-box-calls.js';

const LIFETIME_S = 3600;

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
  readonly #issued = new Map<string, TokenHolder>();
  readonly #counts = new Map<string, number>();
  readonly #revoked = new Set<string>();
  failure: FakeTokenFailure | undefined;

  /** Responds to a request to `/oauth2/token`. */
  grant(form: URLSearchParams): HttpAnswer {
    if (this.failure !== undefined) return FAILURES[this.failure]();
    const parent = form.get('subject_token');
    if (parent !== null) return this.#exchange(parent, form);
    const user = form.get('box_subject_type') === 'user' ? form.get('box_subject_id') : null;
    return user === null
      ? this.#issue('service-account', { as: 'service-account', via: undefined })
      : this.#issue(`user-${user}`, { as: user, via: 'token' });
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
    for (const memory of [this.#issued, this.#counts, this.#revoked]) memory.clear();
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
    return {
      status: 200,
      body: { access_token: token, expires_in: LIFETIME_S, token_type: 'bearer', ...extra },
    };
  }
}
