import type { KeyObject } from 'node:crypto';
import type { RouteHandler, TokenHook } from '../box/api-origin.js';
import type { Fault } from '../http/faults.js';
import type { RecordedRequest } from '../http/request-log.js';
import { checkLifetime } from '../http/token-ledger.js';
import type { WorkfrontRefusal } from './refusals.js';
import type { WorkfrontCredentials } from './emulated-app.js';
import {
  assembleWorkfront,
  type WorkfrontEmulatorOptions,
  type WorkfrontParts,
} from './emulator-assembly.js';
import type { WorkfrontFaultTarget } from './api-origin.js';

/**
 * Adobe Workfront on loopback: a real HTTP server with the JWT exchange of a custom OAuth2 application and a small
 * `/attask/api`, as strict as they are documented to be, for tests and for trying an app out.
 *
 * The exchange, `POST /integrations/oauth2/api/v1/jwt/exchange`, is judged in this order: headers and form (`client_id`,
 * `client_secret`, `jwt_token` and nothing else), client, JWT (`alg` RS256, signature, `iss`, `sub`, `exp` up to 180 s
 * ahead, `nbf` / `iat` up to 5 s ahead). A JWT is good for one mint; it is spent as soon as its signature is right,
 * whatever the answer then is. RS256 gives the same claims the same signature: a client that mints twice within a second
 * needs a `jti`, or anything else that differs.
 *
 * The API wants the session in a `sessionID` header, and refuses `authorization`. It has `user`, `proj`, `task` and
 * `document`, each with `/search` and `/<id>`; projects and tasks are made by POST and changed by PUT. The `downloadURL` of
 * a document redirects to another origin.
 *
 * Adobe documents no refusals, so that answers tell little. `refusals` tells why.
 *
 * @example
 * ```ts
 * import { WorkfrontEmulator } from 'nestjs-box-auth/testing';
 *
 * const emulator = await WorkfrontEmulator.start();
 * const { clientId, clientSecret, customerId, userId, privateKey } = emulator.credentials;
 * // … let the app, with these, call emulator.url
 * for (const { reason, detail } of emulator.refusals) console.log(reason, detail);
 * await emulator.stop();
 * ```
 */
export class WorkfrontEmulator {
  /** Where the exchange and the API are: `http://127.0.0.1:<port>`. */
  readonly url: string;
  /** Where downloads are redirected to: another origin, which refuses `authorization` and `sessionID`. */
  readonly downloadUrl: string;

  readonly #parts: WorkfrontParts;

  /** Starts both servers. They keep the process alive until `stop`. */
  static async start(options: WorkfrontEmulatorOptions = {}): Promise<WorkfrontEmulator> {
    const emulator = new WorkfrontEmulator(await assembleWorkfront(options));
    emulator.onExchange = options.onExchange;
    return emulator;
  }

  private constructor(parts: WorkfrontParts) {
    this.#parts = parts;
    ({ url: this.url, downloadUrl: this.downloadUrl } = parts.servers);
  }

  /** The application as its page in Workfront shows it, and the private key that belongs to it. */
  get credentials(): WorkfrontCredentials {
    return this.#parts.application.credentials;
  }

  /** How far Workfront's clock is ahead of the emulator's `now`, in ms. `Date` headers, JWTs and sessions go by it. */
  get clockSkewMs(): number {
    return this.#parts.clock.skewMs;
  }
  set clockSkewMs(value: number) {
    this.#parts.clock.skewMs = value;
  }

  /**
   * How long the sessions minted from now on live, in seconds. With null, the default, the answer has no `expires_in`, with
   * 0 it says 0: such a session lives until it is ended.
   */
  get sessionLifetimeS(): number | null {
    return this.#parts.endpoint.lifetimeS;
  }
  set sessionLifetimeS(value: number | null) {
    this.#parts.endpoint.lifetimeS = checkLifetime(value);
  }

  /** How many API requests may be under way at once; the next one gets a 429. Default 10, as for a customer of Workfront. */
  get maxConcurrentApiRequests(): number {
    return this.#parts.servers.api.maxConcurrentApiRequests;
  }
  set maxConcurrentApiRequests(value: number) {
    this.#parts.servers.api.maxConcurrentApiRequests = value;
  }

  /** Sees every request to the exchange that has come in whole, and may answer with a fault for it. Goes before `failNext`. */
  get onExchange(): TokenHook | undefined {
    return this.#parts.servers.api.onExchange;
  }
  set onExchange(hook: TokenHook | undefined) {
    this.#parts.servers.api.onExchange = hook;
  }

  /** Everything that `url` received, in order of arrival. */
  get requests(): readonly RecordedRequest[] {
    return this.#parts.log.of('exchange', 'api');
  }

  /** Those to the exchange. */
  get exchangeRequests(): readonly RecordedRequest[] {
    return this.#parts.log.of('exchange');
  }

  /** Those to anything else. */
  get apiRequests(): readonly RecordedRequest[] {
    return this.#parts.log.of('api');
  }

  /** Everything that `downloadUrl` received. */
  get downloadRequests(): readonly RecordedRequest[] {
    return this.#parts.log.of('download');
  }

  /** What was refused, in order, and why: the answers themselves do not tell. Without what `failNext` and its like did. */
  get refusals(): readonly WorkfrontRefusal[] {
    return this.#parts.refusals.entries;
  }

  /** Forgets the requests and the refusals so far. `mints` and the highest counts go on. */
  clearRequests(): void {
    this.#parts.log.clear();
    this.#parts.refusals.clear();
  }

  /** How many sessions were issued. */
  get mints(): number {
    return this.#parts.sessions.issuedCount;
  }

  /**
   * The highest number of requests to the exchange that were in flight at once. Put a `hold` or a `delay` on them to see a
   * stampede, as the emulator answers each as it comes in.
   */
  get mostConcurrentMints(): number {
    return this.#parts.servers.api.mostConcurrent('exchange');
  }

  /** As `mostConcurrentMints`, of the requests to anything else, with those that got a 429. */
  get mostConcurrentApiRequests(): number {
    return this.#parts.servers.api.mostConcurrent('api');
  }

  /** Ends one session; the API answers 401 to it from now on. */
  endSession(value: string): void {
    this.#parts.sessions.revoke(value);
  }

  /** Ends every session issued so far. */
  endAllSessions(): void {
    this.#parts.sessions.revokeAll();
  }

  /**
   * Registers a public key of the application, besides those it has. Takes a certificate too, as Workfront's page does.
   * Throws a TypeError unless it is RSA.
   *
   * @example
   * ```ts
   * import { type WorkfrontEmulator } from 'nestjs-box-auth/testing';
   *
   * declare const emulator: WorkfrontEmulator;
   * declare const certificatePem: string;
   * emulator.registerPublicKey(certificatePem);
   * emulator.removePublicKey(emulator.credentials.privateKey);
   * ```
   */
  registerPublicKey(publicKey: string | KeyObject): void {
    this.#parts.application.registerPublicKey(publicKey);
  }

  /** JWTs signed with that key are refused from now on. The private key will do to name it. */
  removePublicKey(publicKey: string | KeyObject): void {
    this.#parts.application.removePublicKey(publicKey);
  }

  /**
   * Puts a fault on the next requests to a target; several calls queue up. A JWT is spent even if the request that carried
   * it met a fault.
   *
   * @example
   * ```ts
   * import { type WorkfrontEmulator } from 'nestjs-box-auth/testing';
   *
   * declare const emulator: WorkfrontEmulator;
   * emulator.failNext('exchange', { kind: 'unavailable' }, 2);
   * emulator.failNext('api', { kind: 'delay', ms: 50 });
   * ```
   */
  failNext(target: WorkfrontFaultTarget, fault: Fault, times = 1): void {
    this.#parts.faults.failNext(target, fault, times);
  }

  /** Puts a fault on all requests to a target until `heal`; what `failNext` queued goes first. */
  always(target: WorkfrontFaultTarget, fault: Fault): void {
    this.#parts.faults.always(target, fault);
  }

  /** Takes all faults off a target, or off everything. */
  heal(target?: WorkfrontFaultTarget): void {
    this.#parts.faults.heal(target);
  }

  /**
   * Adds a resource to `url`, or replaces one. Under `/attask/api` the session is judged first. The exchange cannot be
   * replaced.
   *
   * @example
   * ```ts
   * import { type WorkfrontEmulator } from 'nestjs-box-auth/testing';
   *
   * declare const emulator: WorkfrontEmulator;
   * emulator.route('GET', '/attask/api/v20.0/hour/search', (_request, response) => {
   *   response.end('{"data":[]}');
   * });
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
