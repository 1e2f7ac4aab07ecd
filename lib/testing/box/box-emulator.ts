import type { Fault, FaultTarget, TokenHook } from '../http/faults.js';
import type { RecordedRequest } from '../http/request-log.js';
import type { RouteHandler } from '../http/routes.js';
import { checkLifetime, type TokenSubject } from '../http/token-ledger.js';
import { BoxEmulatorState } from './box-emulator-state.js';
import {
  assembleEmulator,
  type BoxEmulatorOptions,
  type EmulatorParts,
} from './emulator-assembly.js';
import { AUTHORIZE_PATH } from './oauth/authorization-request.js';
import type { EmulatedOAuthApp } from './oauth/oauth-client.js';
import type { EmulatedConnection } from './oauth/user-connections.js';
import type { EmulatedWebhooks } from './webhooks/emulated-webhooks.js';

/**
 * Emulates Box with a real HTTP server on loopback, as strict as Box is documented to be. For tests, and for trying out an
 * app.
 *
 * It checks assertions (signature by `kid`, every claim, each `jti` once), client credentials, token exchanges, bearer
 * tokens and `as-user`. It responds with Box's own statuses and texts, and can inject faults.
 *
 * A token request is checked in this order, and the first failure decides the response: headers and form, grant type,
 * client, assertion (`alg`, `kid`, signature, `iss`, `aud`, `sub`, `exp`, `nbf` and `iat`, `jti`), authorization of the
 * app, permission for user tokens. A `jti` counts as used once its signature is verified, whatever the response.
 *
 * @example
 * ```ts
 * import { BoxAuthModule } from 'nestjs-box-auth';
 * import { BoxEmulator } from 'nestjs-box-auth/testing';
 *
 * const emulator = await BoxEmulator.start({ tokenLifetimeS: 60 });
 * emulator.addFile({ name: 'plan.txt', content: 'The plan', ownerId: '11111' });
 * const imports = [
 *   BoxAuthModule.forRoot({ apiUrl: emulator.url, credentials: { config: emulator.config } }),
 * ];
 * // … emulator.requests has what the app sent
 * await emulator.stop();
 * ```
 */
export class BoxEmulator extends BoxEmulatorState {
  readonly #parts: EmulatorParts;

  /**
   * Starts both servers. Without `config`, the app is new: new ids, a new secret and a new key. The servers keep the process
   * alive until `stop`.
   */
  static async start(options: BoxEmulatorOptions = {}): Promise<BoxEmulator> {
    const emulator = new BoxEmulator(await assembleEmulator(options));
    emulator.onToken = options.onToken;
    return emulator;
  }

  private constructor(parts: EmulatorParts) {
    super(parts);
    this.#parts = parts;
  }

  /**
   * The lifetime of the access tokens issued from now on, in seconds. With null the response has no `expires_in`, with 0 it
   * has `expires_in: 0`; both tokens are valid until they are revoked.
   */
  get tokenLifetimeS(): number | null {
    return this.#parts.tokenEndpoint.lifetimeS;
  }
  set tokenLifetimeS(value: number | null) {
    this.#parts.tokenEndpoint.lifetimeS = checkLifetime(value);
  }

  /** Called with every complete token request; a fault that it returns is injected. Takes precedence over `failNext`. */
  get onToken(): TokenHook | undefined {
    return this.#parts.servers.api.onToken;
  }
  set onToken(hook: TokenHook | undefined) {
    this.#parts.servers.api.onToken = hook;
  }

  /** The requests to `/oauth2/token`. */
  get tokenRequests(): readonly RecordedRequest[] {
    return this.#parts.log.of('token');
  }

  /** The number of access tokens issued so far, by any grant. */
  get mints(): number {
    return this.#parts.ledger.issuedCount;
  }

  /**
   * The highest number of concurrent token requests so far. The emulator responds at once, so inject a `hold` or a `delay`
   * to see a stampede: `emulator.always('token', { kind: 'delay', ms: 50 })`.
   */
  get mostConcurrentMints(): number {
    return this.#parts.servers.api.mostConcurrentMints();
  }

  /** Like `mostConcurrentMints`, for the token requests of one subject. */
  mostConcurrentMintsFor(subject: TokenSubject): number {
    return this.#parts.servers.api.mostConcurrentMints(subject);
  }

  /**
   * The app with user authentication (OAuth 2.0): another app than the one in `config`, as at Box.
   *
   * @example
   * ```ts
   * import { BoxEmulator } from 'nestjs-box-auth/testing';
   *
   * const emulator = await BoxEmulator.start({ redirectUris: ['http://localhost:3000/box/callback'] });
   * const { authorizeUrl, clientId, clientSecret, redirectUri } = emulator.oauthApp;
   * ```
   */
  get oauthApp(): EmulatedOAuthApp {
    return this.#parts.oauth.client.describe(`${this.url}${AUTHORIZE_PATH}`);
  }

  /**
   * Grants access in the name of a user, without a browser. Returns the address that Box redirects to, with `code` and
   * `state`. The origin of `authorizationUrl` may be Box's own. An error that Box would send by a redirect is returned, too.
   *
   * @throws TypeError for a user who cannot sign in, and if Box would show an error page
   *
   * @example
   * ```ts
   * import { BoxEmulator } from 'nestjs-box-auth/testing';
   *
   * const emulator = await BoxEmulator.start();
   * const { authorizeUrl, clientId } = emulator.oauthApp;
   * const query = new URLSearchParams({ response_type: 'code', client_id: clientId, state: 'abc' });
   * const redirect = emulator.consent(`${authorizeUrl}?${query}`, { userId: '11111' });
   * const code = new URL(redirect).searchParams.get('code');
   * ```
   */
  consent(authorizationUrl: string | URL, { userId }: { readonly userId: string }): string {
    return this.#parts.oauth.authorizeEndpoint.decide(authorizationUrl, { userId });
  }

  /**
   * Denies access in the name of a user. Returns the address that Box redirects to, with `error=access_denied` and `state`.
   *
   * @throws TypeError if Box would show an error page
   */
  deny(authorizationUrl: string | URL): string {
    return this.#parts.oauth.authorizeEndpoint.decide(authorizationUrl, undefined);
  }

  /** The consents of users with a valid refresh token, in order. */
  get connections(): readonly EmulatedConnection[] {
    return this.#parts.oauth.connections.active;
  }

  /** Removes the OAuth app from the account of a user, as users do in their settings: all their tokens for it end. */
  revokeUserConnection(userId: string): void {
    this.#parts.oauth.connections.revokeOf(userId);
  }

  /**
   * Whether a repeated refresh gets the same pair of tokens, until the new pair is used for the first time. Default true, as
   * Box's staff describes it. With false, a refresh token works once, as Box documents it.
   */
  get refreshGrace(): boolean {
    return this.#parts.oauth.connections.refreshGrace;
  }
  set refreshGrace(value: boolean) {
    this.#parts.oauth.connections.refreshGrace = value;
  }

  /** The webhooks, their signature keys and their deliveries. */
  get webhooks(): EmulatedWebhooks {
    return this.#parts.webhooks;
  }

  /** Revokes one access token: the API responds with 401 to it from now on. */
  revokeToken(value: string): void {
    this.#parts.ledger.revoke(value);
  }

  /** Revokes every access token issued so far. Refresh tokens stay valid. */
  revokeAllTokens(): void {
    this.#parts.ledger.revokeAll();
  }

  /**
   * Injects a fault into the next requests to a target; several calls queue up. A `jti` counts as used even if its request
   * got a fault. The faults of an endpoint go before those of `api`.
   *
   * @throws TypeError for an unknown endpoint
   *
   * @example
   * ```ts
   * import { type BoxEmulator } from 'nestjs-box-auth/testing';
   *
   * declare const emulator: BoxEmulator;
   * emulator.failNext('token', { kind: 'unavailable' }, 2);
   * emulator.failNext('api', { kind: 'delay', ms: 50 });
   * emulator.failNext('GET /2.0/files/:id', { kind: 'rate-limit', retryAfter: 1 });
   * ```
   */
  override failNext(target: FaultTarget, fault: Fault, times = 1): void {
    this.#parts.servers.api.checkTarget(target);
    super.failNext(target, fault, times);
  }

  /** Injects a fault into all requests to a target until `heal`. The faults of `failNext` go first. */
  override always(target: FaultTarget, fault: Fault): void {
    this.#parts.servers.api.checkTarget(target);
    super.always(target, fault);
  }

  /**
   * Adds or replaces a resource of `url`. Below `/2.0` and `/api/2.0` the bearer token and `as-user` are checked first. The
   * token and the revocation endpoint and the authorize page cannot be replaced.
   *
   * @example
   * ```ts
   * import { type BoxEmulator } from 'nestjs-box-auth/testing';
   *
   * declare const emulator: BoxEmulator;
   * emulator.route('GET', '/2.0/events', (_request, response) => response.end('{}'));
   * ```
   */
  override route(method: string, pathname: string, handler: RouteHandler): void {
    super.route(method, pathname, handler);
  }

  /** Closes both servers and every open connection, and delivers no more webhooks. Calling it again has no effect. */
  override async stop(): Promise<void> {
    await Promise.all([this.#parts.webhookSender.stop(), super.stop()]);
  }
}
