import type { KeyObject } from 'node:crypto';
import type { RouteHandler, TokenHook } from './api-origin.js';
import type { BoxConfigJson, EmulatedUser } from './emulated-app.js';
import type { EmulatedFile, EmulatedFolder, NewFile, NewItem } from './emulated-drive.js';
import {
  assembleEmulator,
  type BoxEmulatorOptions,
  type EmulatorParts,
} from './emulator-assembly.js';
import type { Fault, FaultTarget } from '../http/faults.js';
import type { RecordedRequest } from '../http/request-log.js';
import { checkLifetime, type TokenSubject } from '../http/token-ledger.js';

/**
 * Box on loopback: a real HTTP server as strict as Box is documented to be, for tests and for trying an app out.
 *
 * It judges assertions (signature by `kid`, every claim, no `jti` twice), client credentials, token exchanges, bearer
 * tokens and `as-user`, answers with Box's own statuses and texts, and can be told to fail.
 *
 * A token request is judged in this order, and the first thing wrong names the refusal: headers and form, grant type,
 * client, assertion (`alg`, `kid`, signature, `iss`, `aud`, `sub`, `exp`, `nbf` / `iat`, `jti`), approval of the app,
 * its right to user tokens. A `jti` is spent as soon as its signature is right, whatever the answer then is.
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
 * // … what the app then sent is in emulator.requests
 * await emulator.stop();
 * ```
 */
export class BoxEmulator {
  /** Where the token endpoint, the API and the uploads are: `http://127.0.0.1:<port>`. */
  readonly url: string;
  /** Where downloads are redirected to: another origin, which refuses `authorization` and `as-user`. */
  readonly downloadUrl: string;

  readonly #parts: EmulatorParts;

  /**
   * Starts both servers, with a fresh app (new ids, new secret, new key) unless given one. They keep the process alive
   * until `stop`.
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

  /** The app as Box's developer console would hand it out: credentials for everything that asks for a `config.json`. */
  get config(): BoxConfigJson {
    return this.#parts.app.config;
  }

  /** The id of the app's own user, who answers for an enterprise token. */
  get serviceAccountId(): string {
    return this.#parts.app.serviceAccount.id;
  }

  /**
   * Whether the enterprise's admin has approved the app. Default true. When false, assertions get Box's
   * `unauthorized_client`, client credentials its `invalid_grant` that does not say why.
   */
  get authorized(): boolean {
    return this.#parts.app.authorized;
  }
  set authorized(value: boolean) {
    this.#parts.app.authorized = value;
  }

  /** Whether the app may have tokens of users. Default true. */
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

  /** How far Box's clock is ahead of the emulator's `now`, in ms. `Date` headers, assertions and tokens go by it. */
  get clockSkewMs(): number {
    return this.#parts.clock.skewMs;
  }
  set clockSkewMs(value: number) {
    this.#parts.clock.skewMs = value;
  }

  /**
   * How long the access tokens minted from now on live, in seconds. With null the answer has no `expires_in`, with 0 it
   * says 0: such a token lives until it is revoked.
   */
  get tokenLifetimeS(): number | null {
    return this.#parts.tokenEndpoint.lifetimeS;
  }
  set tokenLifetimeS(value: number | null) {
    this.#parts.tokenEndpoint.lifetimeS = checkLifetime(value);
  }

  /** Sees every token request that has come in whole, and may answer with a fault for it. Goes before `failNext`. */
  get onToken(): TokenHook | undefined {
    return this.#parts.servers.api.onToken;
  }
  set onToken(hook: TokenHook | undefined) {
    this.#parts.servers.api.onToken = hook;
  }

  /** Everything that `url` received, in order of arrival. */
  get requests(): readonly RecordedRequest[] {
    return this.#parts.log.of('token', 'revoke', 'api');
  }

  /** Those to `/oauth2/token`. */
  get tokenRequests(): readonly RecordedRequest[] {
    return this.#parts.log.of('token');
  }

  /** Those to neither the token nor the revocation endpoint. */
  get apiRequests(): readonly RecordedRequest[] {
    return this.#parts.log.of('api');
  }

  /** Everything that `downloadUrl` received. */
  get downloadRequests(): readonly RecordedRequest[] {
    return this.#parts.log.of('download');
  }

  /** Forgets the requests so far. `mints` and `mostConcurrentMints` count on. */
  clearRequests(): void {
    this.#parts.log.clear();
  }

  /** How many access tokens were issued, by whatever grant. */
  get mints(): number {
    return this.#parts.ledger.issuedCount;
  }

  /**
   * The highest number of token requests that were in flight at once. The emulator answers each as it comes in, so put a
   * `hold` or a `delay` on them to see a stampede: `emulator.always('token', { kind: 'delay', ms: 50 })`.
   */
  get mostConcurrentMints(): number {
    return this.#parts.servers.api.mostConcurrentMints();
  }

  /** As `mostConcurrentMints`, of those that asked for one subject. */
  mostConcurrentMintsFor(subject: TokenSubject): number {
    return this.#parts.servers.api.mostConcurrentMints(subject);
  }

  /**
   * Registers a public key of the app, or replaces the one of that id. Throws a TypeError unless it is RSA.
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

  /** Assertions signed with that key are refused from now on. */
  removePublicKey(publicKeyId: string): void {
    this.#parts.app.publicKeys.delete(publicKeyId);
  }

  /** Adds a user, with a folder and a file of their own. Throws a TypeError for an id that is taken or not of digits. */
  addUser(user: EmulatedUser): void {
    this.#parts.app.addUser(user);
    this.#parts.drive.addSampleItems(user);
  }

  /** Adds a folder; by default to the service account's root. */
  addFolder(folder: NewItem): EmulatedFolder {
    return this.#parts.drive.addFolder({ ownerId: this.serviceAccountId, ...folder });
  }

  /**
   * Adds a file; by default to the service account's root.
   */
  addFile(file: NewFile): EmulatedFile {
    return this.#parts.drive.addFile({ ownerId: this.serviceAccountId, ...file });
  }

  /** Ends one access token; the API answers 401 to it from now on. */
  revokeToken(value: string): void {
    this.#parts.ledger.revoke(value);
  }

  /** Ends every access token issued so far. */
  revokeAllTokens(): void {
    this.#parts.ledger.revokeAll();
  }

  /**
   * Puts a fault on the next requests to a target; several calls queue up. A `jti` is spent even if the request that
   * carried it met a fault.
   *
   * @example
   * ```ts
   * import { type BoxEmulator } from 'nestjs-box-auth/testing';
   *
   * declare const emulator: BoxEmulator;
   * emulator.failNext('token', { kind: 'unavailable' }, 2);
   * emulator.failNext('api', { kind: 'delay', ms: 50 });
   * ```
   */
  failNext(target: FaultTarget, fault: Fault, times = 1): void {
    this.#parts.faults.failNext(target, fault, times);
  }

  /** Puts a fault on all requests to a target until `heal`; what `failNext` queued goes first. */
  always(target: FaultTarget, fault: Fault): void {
    this.#parts.faults.always(target, fault);
  }

  /** Takes all faults off a target, or off everything. */
  heal(target?: FaultTarget): void {
    this.#parts.faults.heal(target);
  }

  /**
   * Adds a resource to `url`, or replaces one. Under `/2.0` and `/api/2.0` the bearer and `as-user` are judged first.
   * The token and the revocation endpoint cannot be replaced.
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
    this.#parts.servers.api.route(method, pathname, handler);
  }

  /** Closes both servers and every connection to them, whatever is under way. Calling it again changes nothing. */
  stop(): Promise<void> {
    return this.#parts.servers.stop();
  }

  /** As `stop`, for `await using`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }
}
