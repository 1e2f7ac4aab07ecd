import { BoxAuthError } from '../errors/box-auth.error.js';
import type { Secret } from '../errors/secret.js';
import type { EmitEvent } from '../events/auth-events.js';
import { delay, holdingProcess } from '../runtime/delay.js';
import type { Runtime } from '../runtime/runtime.js';
import { ProcessFrozen, TimeBudget } from '../runtime/time-budget.js';
import { type GrantedPair, pairGrant, revocation } from '../token-endpoint/grant.js';
import type { Fetch, Form, TokenEndpointDescription } from '../token-endpoint/issuer.js';
import { timeoutError, unreachableError } from '../token-endpoint/network-errors.js';
import { TokenAttempts } from '../token-endpoint/token-attempts.js';
import type { TokenEndpointOptions } from '../token-endpoint/token-endpoint.options.js';
import type { ConnectedPerson } from './connection-record.js';
import { stateExpired } from './sign-in-errors.js';

const FIRST_PAUSE_MS = 500;

/**
 * An issuer at which people grant tokens to apps (RFC 6749 section 4.1). Its error for `invalid_grant` has the code
 * `reauthorization_required`.
 */
export interface AuthorizationServer extends TokenEndpointDescription {
  readonly authorizeUrl: string;
  readonly revokeUrl: string;
  /** The parameter that names the account to preselect. */
  readonly loginHintParameter: string;
  /**
   * Asks who granted an access token.
   *
   * @throws BoxAuthError, or anything that `send` throws
   */
  personOf(accessToken: string, send: Fetch, signal: AbortSignal): Promise<ConnectedPerson>;
}

/** The app, as the issuer knows it. */
export interface OAuthClientIdentity {
  readonly clientId: string;
  readonly clientSecret: Secret;
  readonly redirectUri: string;
}

/** How a client sends its requests. */
export interface OAuthClientParts {
  readonly limits: Required<TokenEndpointOptions>;
  readonly fetch: Fetch;
  readonly runtime: Runtime;
  readonly emit: EmitEvent;
}

/** The parts of an authorization request that differ between sign-ins. */
export interface AuthorizationRequest {
  readonly state: string;
  /** RFC 7636 section 4.3. */
  readonly challenge: string;
  readonly loginHint?: string | undefined;
  readonly scopes?: readonly string[] | undefined;
}

/** An app at an issuer that people sign in to. */
export class OAuthClient {
  readonly #attempts: TokenAttempts;

  constructor(
    private readonly server: AuthorizationServer,
    private readonly identity: OAuthClientIdentity,
    private readonly parts: OAuthClientParts,
  ) {
    const { limits, fetch, runtime, emit } = parts;
    this.#attempts = new TokenAttempts(server, limits, fetch, runtime, emit);
  }

  /** The address that a person signs in at. PKCE is always used (RFC 9700 section 2.1.1). */
  authorizationUrl({ state, challenge, loginHint, scopes }: AuthorizationRequest): string {
    const { authorizeUrl, loginHintParameter } = this.server;
    const url = new URL(authorizeUrl);
    const { searchParams: query } = url;
    query.set('response_type', 'code');
    query.set('client_id', this.identity.clientId);
    query.set('redirect_uri', this.identity.redirectUri);
    query.set('state', state);
    query.set('code_challenge', challenge);
    query.set('code_challenge_method', 'S256');
    if (scopes !== undefined) query.set('scope', scopes.join(' '));
    if (loginHint !== undefined) query.set(loginHintParameter, loginHint);
    return url.href;
  }

  /**
   * Exchanges an authorization code, and asks whose account it is.
   *
   * @throws BoxAuthError `state_expired` if the issuer refuses the code, and the errors of a token request
   */
  async redeem(
    code: string,
    verifier: string,
  ): Promise<{ readonly pair: GrantedPair; readonly person: ConnectedPerson }> {
    const budget = this.#budget();
    const { redirectUri } = this.identity;
    const form = {
      grant_type: 'authorization_code',
      code,
      redirect_uri: redirectUri,
      code_verifier: verifier,
    };
    return holdingProcess(this.parts.runtime, async () => {
      const pair = await this.#send(form, budget).catch((error: unknown) => {
        throw isRefusedGrant(error) ? stateExpired(error) : error;
      });
      return { pair, person: await this.#personOf(pair.accessToken, budget) };
    });
  }

  /**
   * Exchanges a refresh token. Repeats the request with the same refresh token while the outcome is uncertain.
   *
   * @throws BoxAuthError `reauthorization_required`, and the errors of a token request
   */
  refresh(refreshToken: string): Promise<GrantedPair> {
    const form = { grant_type: 'refresh_token', refresh_token: refreshToken };
    return holdingProcess(this.parts.runtime, () => this.#send(form, this.#budget()));
  }

  /** Revokes a refresh token, and with it the access token (RFC 7009). */
  revoke(refreshToken: string): Promise<void> {
    const makeForm = async () => ({ ...this.#client(), token: refreshToken });
    const options = { url: this.server.revokeUrl, budget: this.#budget() };
    return holdingProcess(this.parts.runtime, () =>
      this.#attempts.send(revocation(makeForm), options),
    );
  }

  #send(form: Form, budget: TimeBudget): Promise<GrantedPair> {
    const makeForm = async () => ({ ...this.#client(), ...form });
    return this.#attempts.send(pairGrant(makeForm), { budget });
  }

  async #personOf(accessToken: string, budget: TimeBudget): Promise<ConnectedPerson> {
    const { limits, fetch, runtime } = this.parts;
    const timeout = () =>
      timeoutError(this.server, { waitedMs: limits.deadlineMs - budget.leftMs, attempts: 1 });
    for (let attempt = 1; ; attempt++) {
      try {
        const ask = (signal: AbortSignal) => this.server.personOf(accessToken, fetch, signal);
        return await budget.run(limits.timeoutMs, timeout, ask);
      } catch (thrown) {
        if (thrown instanceof ProcessFrozen) continue;
        const error =
          thrown instanceof BoxAuthError ? thrown : unreachableError(this.server, thrown);
        const pauseMs = (error.retryAfterMs ?? 0) + runtime.random() * FIRST_PAUSE_MS * attempt;
        if (!error.retryable || attempt >= limits.attempts || pauseMs >= budget.leftMs) throw error;
        budget.spend(pauseMs);
        await delay(runtime, pauseMs);
      }
    }
  }

  #budget(): TimeBudget {
    return new TimeBudget(this.parts.runtime, this.parts.limits.deadlineMs);
  }

  #client(): Form {
    const { clientId, clientSecret } = this.identity;
    return { client_id: clientId, client_secret: clientSecret.reveal() };
  }
}

function isRefusedGrant(error: unknown): boolean {
  return error instanceof BoxAuthError && error.code === 'reauthorization_required';
}
