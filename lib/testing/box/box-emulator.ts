import type { KeyObject } from 'node:crypto';
import type { Fault, FaultTarget, TokenHook } from '../http/faults.js';
import type { RecordedRequest } from '../http/request-log.js';
import type { RouteHandler } from '../http/routes.js';
import { checkLifetime, type TokenSubject } from '../http/token-ledger.js';
import type { EmulatedFile, EmulatedFolder, NewFile, NewItem } from './drive/drive-items.js';
import type { EmulatedConfig } from './emulated-app.js';
import {
  assembleEmulator,
  type BoxEmulatorOptions,
  type EmulatorParts,
} from './emulator-assembly.js';
import type { EmulatedEnterprise } from './enterprise/emulated-enterprises.js';
import { AUTHORIZE_PATH } from './oauth/authorization-request.js';
import type { EmulatedOAuthApp } from './oauth/oauth-client.js';
import type { EmulatedConnection } from './oauth/user-connections.js';
import type { EmulatedUser } from './enterprise/emulated-users.js';
import { addEnterprise, addUser } from './enterprise/sample-accounts.js';

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
export class BoxEmulator {
  /** The base URL of the token endpoint, the API and the uploads: `http://127.0.0.1:<port>`. */
  readonly url: string;
  /** The origin that downloads are redirected to. It rejects requests with `authorization` or `as-user`. */
  readonly downloadUrl: string;

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
    this.#parts = parts;
    ({ url: this.url, downloadUrl: this.downloadUrl } = parts.servers);
  }

  /** The `config.json` of the app, as Box's developer console would generate it. */
  get config(): EmulatedConfig {
    return this.#parts.app.config;
  }

  /** The user id of the app's service account, which a token of the enterprise in `config` acts as. */
  get serviceAccountId(): string {
    return this.serviceAccountIdOf(this.config.enterpriseID);
  }

  /**
   * The user id of the app's service account in an enterprise.
   *
   * @throws TypeError for an unknown enterprise
   */
  serviceAccountIdOf(enterpriseId: string): string {
    return this.#parts.app.enterprises.get(enterpriseId).serviceAccountId;
  }

  /**
   * Whether the admin of the enterprise in `config` has authorized the app. Default true. Setting it calls `authorize` or
   * `deauthorize`.
   */
  get authorized(): boolean {
    return this.#parts.app.enterprises.get(this.config.enterpriseID).authorized;
  }
  set authorized(value: boolean) {
    if (value) this.authorize(this.config.enterpriseID);
    else this.deauthorize(this.config.enterpriseID);
  }

  /**
   * Authorizes the app in an enterprise, as its admin does. It then needs new tokens there.
   *
   * @throws TypeError for an unknown enterprise
   */
  authorize(enterpriseId: string): void {
    this.#parts.app.enterprises.get(enterpriseId).authorized = true;
  }

  /**
   * Withdraws the authorization of the app in an enterprise. The API responds with 401 to its tokens from now on. Assertions
   * get Box's `unauthorized_client`, and client credentials get its generic `invalid_grant`.
   *
   * @throws TypeError for an unknown enterprise
   */
  deauthorize(enterpriseId: string): void {
    const { app, ledger } = this.#parts;
    app.enterprises.get(enterpriseId).authorized = false;
    ledger.revokeAll(
      ({ connectionId, subject }) =>
        connectionId === undefined &&
        app.enterprises.accountOf(subject)?.enterpriseId === enterpriseId,
    );
  }

  /** Whether the app may request user tokens. Default true. */
  get userTokensEnabled(): boolean {
    return this.#parts.app.userTokensEnabled;
  }
  set userTokensEnabled(value: boolean) {
    this.#parts.app.userTokensEnabled = value;
  }

  /** Whether the app may send `as-user`. Default true. */
  get asUserEnabled(): boolean {
    return this.#parts.app.asUserEnabled;
  }
  set asUserEnabled(value: boolean) {
    this.#parts.app.asUserEnabled = value;
  }

  /** How far Box's clock is ahead of `now`, in ms. It applies to `Date` headers, assertions and tokens. */
  get clockSkewMs(): number {
    return this.#parts.clock.skewMs;
  }
  set clockSkewMs(value: number) {
    this.#parts.clock.skewMs = value;
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

  /** All requests to `url`, in order of arrival. */
  get requests(): readonly RecordedRequest[] {
    return this.#parts.log.of('authorize', 'token', 'revoke', 'api');
  }

  /** The requests to `/oauth2/token`. */
  get tokenRequests(): readonly RecordedRequest[] {
    return this.#parts.log.of('token');
  }

  /** The requests to anything but the token and the revocation endpoint and the authorize page. */
  get apiRequests(): readonly RecordedRequest[] {
    return this.#parts.log.of('api');
  }

  /** All requests to `downloadUrl`. */
  get downloadRequests(): readonly RecordedRequest[] {
    return this.#parts.log.of('download');
  }

  /** Clears the recorded requests. `mints` and `mostConcurrentMints` keep their counts. */
  clearRequests(): void {
    this.#parts.log.clear();
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
   * Registers a public key of the app, or replaces the key with that id.
   *
   * @throws TypeError unless the key is RSA
   *
   * @example
   * ```ts
   * import { type BoxEmulator } from 'nestjs-box-auth/testing';
   *
   * declare const emulator: BoxEmulator;
   * declare const publicKeyPem: string;
   * emulator.registerPublicKey('newkey01', publicKeyPem);
   * emulator.removePublicKey(emulator.config.boxAppSettings.appAuth.publicKeyID);
   * ```
   */
  registerPublicKey(publicKeyId: string, publicKey: string | KeyObject): void {
    this.#parts.app.registerPublicKey(publicKeyId, publicKey);
  }

  /** Removes a public key: assertions signed with it are rejected from now on. */
  removePublicKey(publicKeyId: string): void {
    this.#parts.app.publicKeys.delete(publicKeyId);
  }

  /**
   * Adds an enterprise: the app has another service account there. Its users see neither the users nor the items of other
   * enterprises, except by shared links with the access `open`. The service account and each user get a folder and a file
   * of their own.
   *
   * @throws TypeError if an id is taken or not a Box id
   *
   * @example
   * ```ts
   * import { type BoxEmulator } from 'nestjs-box-auth/testing';
   *
   * declare const emulator: BoxEmulator;
   * emulator.addEnterprise({
   *   id: '7654321',
   *   name: 'Globex',
   *   users: [{ id: '33333', name: 'Carol', login: 'carol@globex.example' }],
   * });
   * emulator.deauthorize('7654321'); // other enterprises keep their tokens
   * ```
   */
  addEnterprise(enterprise: EmulatedEnterprise): void {
    addEnterprise(enterprise, this.#parts);
  }

  /**
   * Adds a user, with a folder and a file of their own; by default to the enterprise in `config`.
   *
   * @throws TypeError if the id is taken or not a Box id, or for an unknown enterprise
   */
  addUser(user: EmulatedUser, enterpriseId = this.config.enterpriseID): void {
    addUser(user, enterpriseId, this.#parts);
  }

  /** Adds a folder; by default to the root folder of the service account. */
  addFolder(folder: NewItem): EmulatedFolder {
    return this.#parts.drive.addFolder({ ownerId: this.serviceAccountId, ...folder });
  }

  /** Adds a file; by default to the root folder of the service account. */
  addFile(file: NewFile): EmulatedFile {
    return this.#parts.drive.addFile({ ownerId: this.serviceAccountId, ...file });
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
  failNext(target: FaultTarget, fault: Fault, times = 1): void {
    this.#parts.servers.api.checkTarget(target);
    this.#parts.faults.failNext(target, fault, times);
  }

  /** Injects a fault into all requests to a target until `heal`. The faults of `failNext` go first. */
  always(target: FaultTarget, fault: Fault): void {
    this.#parts.servers.api.checkTarget(target);
    this.#parts.faults.always(target, fault);
  }

  /** Removes the faults of a target, or of all targets. */
  heal(target?: FaultTarget): void {
    this.#parts.faults.heal(target);
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
  route(method: string, pathname: string, handler: RouteHandler): void {
    this.#parts.servers.api.routes.add(method, pathname, handler);
  }

  /** Closes both servers and every open connection. Calling it again has no effect. */
  stop(): Promise<void> {
    return this.#parts.servers.stop();
  }

  /** Calls `stop`, for `await using`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }
}
