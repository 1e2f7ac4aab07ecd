import type { KeyObject } from 'node:crypto';
import type { Fault, TokenHook } from '../http/faults.js';
import { LoopbackEmulator } from '../http/loopback-emulator.js';
import type { RecordedRequest } from '../http/request-log.js';
import type { RouteHandler } from '../http/routes.js';
import { checkLifetime } from '../http/token-ledger.js';
import type { WorkfrontFaultTarget } from './api-origin.js';
import type { WorkfrontCredentials } from './emulated-app.js';
import {
  assembleWorkfront,
  type WorkfrontEmulatorOptions,
  type WorkfrontParts,
} from './emulator-assembly.js';
import type { WorkfrontRefusal } from './refusals.js';

/**
 * Emulates Adobe Workfront with a real HTTP server on loopback: the JWT exchange of a custom OAuth2 application and a small
 * `/attask/api`, as strict as they are documented to be. For tests, and for trying out an app.
 *
 * A request to the exchange, `POST /integrations/oauth2/api/v1/jwt/exchange`, is checked in this order: headers and form
 * (`client_id`, `client_secret`, `jwt_token` and nothing else), client, JWT (`alg` RS256, signature, `iss`, `sub`, `exp` up
 * to 180 s ahead, `nbf` and `iat` up to 5 s ahead). A JWT is accepted once: it counts as used once its signature is
 * verified, whatever the response. RS256 signs equal claims equally, so a client that requests two sessions within a second
 * needs a `jti` or another claim that differs.
 *
 * The API requires a `sessionID` header and rejects `authorization`. It has `user`, `proj`, `task` and `document`, each with
 * `/search` and `/<id>`. POST creates projects and tasks, PUT changes them. The `downloadURL` of a document redirects to
 * another origin.
 *
 * Adobe does not document its error responses, so they have few details. `refusals` has the reasons.
 *
 * @example
 * ```ts
 * import { WorkfrontEmulator } from 'nestjs-box-auth/testing';
 *
 * const emulator = await WorkfrontEmulator.start();
 * const { clientId, clientSecret, customerId, userId, privateKey } = emulator.credentials;
 * // … run the app with these credentials against emulator.url
 * for (const { reason, detail } of emulator.refusals) console.log(reason, detail);
 * await emulator.stop();
 * ```
 */
export class WorkfrontEmulator extends LoopbackEmulator<WorkfrontFaultTarget> {
  readonly #parts: WorkfrontParts;

  /** Starts both servers, which keep the process alive until `stop`. */
  static async start(options: WorkfrontEmulatorOptions = {}): Promise<WorkfrontEmulator> {
    const emulator = new WorkfrontEmulator(await assembleWorkfront(options));
    emulator.onExchange = options.onExchange;
    return emulator;
  }

  private constructor(parts: WorkfrontParts) {
    super(parts);
    this.#parts = parts;
  }

  /** The application's values from its page in Workfront, and its private key. */
  get credentials(): WorkfrontCredentials {
    return this.#parts.application.credentials;
  }

  /**
   * The lifetime of the sessions issued from now on, in seconds. With null, the default, the response has no `expires_in`,
   * with 0 it has `expires_in: 0`; both sessions are valid until they are ended.
   */
  get sessionLifetimeS(): number | null {
    return this.#parts.endpoint.lifetimeS;
  }
  set sessionLifetimeS(value: number | null) {
    this.#parts.endpoint.lifetimeS = checkLifetime(value);
  }

  /** The limit of concurrent API requests; above it the response is a 429. Default 10, Workfront's limit per customer. */
  get maxConcurrentApiRequests(): number {
    return this.#parts.servers.api.maxConcurrentApiRequests;
  }
  set maxConcurrentApiRequests(value: number) {
    this.#parts.servers.api.maxConcurrentApiRequests = value;
  }

  /** Called with every complete request to the exchange; a fault that it returns is injected. Takes precedence over `failNext`. */
  get onExchange(): TokenHook | undefined {
    return this.#parts.servers.api.onExchange;
  }
  set onExchange(hook: TokenHook | undefined) {
    this.#parts.servers.api.onExchange = hook;
  }

  /** The requests to the exchange. */
  get exchangeRequests(): readonly RecordedRequest[] {
    return this.#parts.log.of('exchange');
  }

  /** The rejected requests, in order, and the reasons, which the responses do not give. Injected faults are not included. */
  get refusals(): readonly WorkfrontRefusal[] {
    return [...this.#parts.refusals];
  }

  /** Clears the recorded requests and refusals. `mints` and the highest counts stay. */
  override clearRequests(): void {
    super.clearRequests();
    this.#parts.refusals.length = 0;
  }

  /** The number of sessions issued so far. */
  get mints(): number {
    return this.#parts.sessions.issuedCount;
  }

  /**
   * The highest number of concurrent requests to the exchange so far. The emulator responds at once, so inject a `hold` or a
   * `delay` to see a stampede.
   */
  get mostConcurrentMints(): number {
    return this.#parts.servers.api.mostConcurrent('exchange');
  }

  /** Like `mostConcurrentMints`, for all other requests, including rejected ones (429). */
  get mostConcurrentApiRequests(): number {
    return this.#parts.servers.api.mostConcurrent('api');
  }

  /** Ends one session: the API responds with 401 to it from now on. */
  endSession(value: string): void {
    this.#parts.sessions.revoke(value);
  }

  /** Ends every session issued so far. */
  endAllSessions(): void {
    this.#parts.sessions.revokeAll();
  }

  /**
   * Adds a public key to the application. A certificate is accepted too, as on Workfront's page.
   *
   * @throws TypeError unless the key is RSA
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

  /** Removes a public key, given as a public or private key: JWTs signed with it are rejected from now on. */
  removePublicKey(publicKey: string | KeyObject): void {
    this.#parts.application.removePublicKey(publicKey);
  }

  /**
   * Injects a fault into the next requests to a target; several calls queue up. A JWT counts as used even if its request
   * got a fault.
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
  override failNext(target: WorkfrontFaultTarget, fault: Fault, times = 1): void {
    super.failNext(target, fault, times);
  }

  /**
   * Adds or replaces a resource of `url`. Below `/attask/api` the session is checked first. The exchange cannot be
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
  override route(method: string, pathname: string, handler: RouteHandler): void {
    super.route(method, pathname, handler);
  }
}
