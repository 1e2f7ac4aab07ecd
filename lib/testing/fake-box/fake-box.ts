import { AssertionError } from 'node:assert';
import { BOX_API_URL } from '../../box/box-issuer.js';
import type { BoxTokenProvider } from '../../box/box-token.provider.js';
import type { BoxConnection, BoxConnections } from '../../box/connections/connections-api.js';
import { bearerChallenge } from '../box/box-responses.js';
import { FakeBoxAuth } from './fake-box-auth.js';
import {
  describeActing,
  describeCalls,
  type FakeBoxActing,
  type FakeBoxCall,
  type FakeBoxPath,
  matchesActing,
  matchesRoute,
  recordCall,
} from './fake-box-calls.js';
import {
  fetchResponse,
  type FakeBoxReplier,
  FakeBoxReplies,
  type FakeBoxReply,
} from './fake-box-replies.js';
import { FakeBoxTokens, type FakeTokenFailure } from './fake-box-tokens.js';
import { type FakeBoxAccount, type FakeBoxRoutes, FakeConnections } from './fake-connections.js';

/** The options of a {@link FakeBox}. */
export interface FakeBoxOptions {
  /** Enterprise ids by user id, for user access tokens. Other users belong to the enterprise `'1'`. */
  readonly users?: Readonly<Record<string, string>>;
  /** Where people connect their accounts. Only needed if the app has other routes than the default ones. */
  readonly routes?: FakeBoxRoutes;
}

/**
 * A fake Box for tests: no credentials, no network, no waiting. Override `BoxTokenProvider` with its `provider`; `BoxFetch`
 * and the `HttpService` of `BoxHttpModule` then use it, too. Override `BoxConnections` with its `connections`. They send tokens, act for users and replay after a 401 as in
 * production. `FakeBox` records their calls and responds to them.
 *
 * Its own enterprise is `'1'`. Calls inside `runFor` or with `@ForEnterprise` get tokens of any other enterprise.
 *
 * It checks neither permissions nor assertions: use a `BoxEmulator` for that.
 *
 * @example
 * ```ts
 * import { Module } from '@nestjs/common';
 * import { Test } from '@nestjs/testing';
 * import { BoxAuthModule, BoxFetch, BoxTokenProvider } from 'nestjs-box-auth';
 * import { FakeBox } from 'nestjs-box-auth/testing';
 *
 * @Module({ imports: [BoxAuthModule.forRoot()] })
 * class AppModule {}
 *
 * const box = new FakeBox();
 * box.reply('GET', '/2.0/users/me', { type: 'user', id: '1' });
 * const app = await Test.createTestingModule({ imports: [AppModule] })
 *   .overrideProvider(BoxTokenProvider)
 *   .useValue(box.provider)
 *   .compile();
 *
 * await app.get(BoxFetch)('/2.0/users/me');
 * box.expectCall('GET', '/2.0/users/me', { as: 'service-account' });
 * ```
 */
export class FakeBox {
  readonly #tokens: FakeBoxTokens;
  readonly #replies = new FakeBoxReplies();
  #calls: FakeBoxCall[] = [];
  readonly #send: typeof fetch = (input, init) => this.#respond(new Request(input, init));
  #auth = this.#newAuth();
  readonly #connections: FakeConnections;

  constructor({ users = {}, routes = {} }: FakeBoxOptions = {}) {
    this.#tokens = new FakeBoxTokens(new Map(Object.entries(users)));
    this.#connections = new FakeConnections(this.#send, routes);
  }

  /** Replaces `BoxTokenProvider`. An app closes it on shutdown; reading this property then returns a new one. */
  get provider(): BoxTokenProvider {
    return this.#openAuth.provider;
  }

  /** Replaces `BoxFetch` in objects that a test creates itself. */
  get fetch(): typeof fetch {
    return this.#openAuth.fetch;
  }

  /**
   * Replaces `BoxConnections`. It keeps connections in memory. An app closes it on shutdown; reading this property then returns a new
   * one with the same connections.
   */
  get connections(): BoxConnections {
    return this.#connections.open;
  }

  /**
   * Connects the Box account of a user for `owner`, as if the person had signed in to Box and consented.
   *
   * @throws BoxAuthError `owner_invalid`, `option_invalid`, and that of `failTokens`
   *
   * @example
   * ```ts
   * import { FakeBox } from 'nestjs-box-auth/testing';
   *
   * const box = new FakeBox().reply('GET', '/2.0/files/1', { id: '1' });
   * await box.connect('ann', { userId: '11111' });
   * await box.connections.runAs('ann', () => box.connections.fetch('/2.0/files/1'));
   * box.expectCall('GET', '/2.0/files/1', { as: '11111', via: 'connection' });
   * ```
   */
  connect(owner: string, account: FakeBoxAccount): Promise<BoxConnection> {
    return this.#connections.connect(owner, account);
  }

  /** Ends the connections of a user: their calls fail with `reauthorization_required` until `connect`. */
  revokeUserConnection(userId: string): void {
    this.#advanceClock();
    this.#tokens.revokeConnections(userId);
  }

  /** All calls so far, to any host and with any response, except token requests. */
  get calls(): readonly FakeBoxCall[] {
    return [...this.#calls];
  }

  /**
   * Sets the reply to calls with that method and path. The path may include the query; it may also be a full URL or a RegExp.
   * If several replies match, the last one is used. A call without a reply gets a 404 that names it.
   *
   * `reply` is a body (an object is sent as JSON, undefined as a 204), a `Response`, or a function of the call that returns
   * either. `init` has the status and headers, as for a `Response`.
   *
   * @example
   * ```ts
   * import { FakeBox } from 'nestjs-box-auth/testing';
   *
   * const box = new FakeBox()
   *   .reply('GET', '/2.0/users/me', ({ as }) => ({ type: 'user', id: as }))
   *   .reply('GET', /^\/2\.0\/files\/\d+\/content$/, 'the plan')
   *   .reply('POST', '/2.0/folders', { id: '7' }, { status: 201 })
   *   .reply('DELETE', '/2.0/files/1');
   * ```
   */
  reply(
    method: string,
    path: FakeBoxPath,
    reply?: FakeBoxReply | FakeBoxReplier,
    init: ResponseInit = {},
  ): this {
    this.#replies.add(method, path, reply, init);
    return this;
  }

  /** The calls that act for a user id or for `'service-account'`. */
  callsAs(user: string): readonly FakeBoxCall[] {
    return this.#calls.filter(({ as }) => as === user);
  }

  /**
   * Returns the last call with that method, path, acting user and enterprise.
   *
   * @throws AssertionError of `node:assert` that lists the calls made, if none matches
   *
   * @example
   * ```ts
   * import { FakeBox } from 'nestjs-box-auth/testing';
   *
   * declare const box: FakeBox;
   * const { body } = box.expectCall('POST', '/2.0/folders', { as: '11111', via: 'header' });
   * ```
   */
  expectCall(method: string, path: FakeBoxPath, acting: FakeBoxActing = {}): FakeBoxCall {
    const call = this.#calls.findLast(
      (candidate) => matchesRoute(candidate, method, path) && matchesActing(candidate, acting),
    );
    if (call !== undefined) return call;
    const actingUser = Object.keys(acting).length > 0 ? describeActing(acting) : '';
    throw new AssertionError({
      message: `Expected a call ${method.toUpperCase()} ${path}${actingUser}. ${describeCalls(this.#calls)}`,
    });
  }

  /** Revokes all tokens issued so far: calls with them get a 401. New tokens are still issued. */
  revokeAllTokens(): void {
    this.#advanceClock();
    this.#tokens.revokeAll();
  }

  /**
   * Withdraws the authorization of the app in an enterprise: calls with its tokens get a 401, and token requests for it fail
   * with `app_not_authorized`. Other enterprises keep their tokens.
   *
   * @example
   * ```ts
   * import { FakeBox } from 'nestjs-box-auth/testing';
   *
   * const box = new FakeBox();
   * box.deauthorize('7654321');
   * // … calls for enterprise 7654321 fail
   * box.authorize('7654321');
   * ```
   */
  deauthorize(enterprise: string): void {
    this.#advanceClock();
    this.#tokens.deauthorize(enterprise);
  }

  /** Authorizes the app in an enterprise again, after `deauthorize`. */
  authorize(enterprise: string): void {
    this.#tokens.authorize(enterprise);
    this.#flushTokens({ enterprise });
  }

  /** Drops all tokens and issues none until `heal`: calls that need one fail with a `BoxAuthError` of that code. */
  failTokens(code: FakeTokenFailure = 'unavailable'): void {
    this.#tokens.failure = code;
    this.#flushTokens();
    this.#connections.expireTokens();
  }

  /** Issues tokens again, after `failTokens`. */
  heal(): void {
    this.#tokens.failure = undefined;
    this.#flushTokens();
  }

  /** Clears calls, replies, tokens, connections and failures; every enterprise authorizes the app. Apps stay attached. */
  reset(): void {
    this.#calls = [];
    this.#replies.clear();
    this.#tokens.clear();
    this.#connections.clear();
    this.#flushTokens();
  }

  /** Also ends the backoff after failures. */
  #flushTokens(options?: { readonly enterprise: string }): void {
    this.#advanceClock();
    this.#auth.provider.flush(options);
  }

  #advanceClock(): void {
    this.#auth.advanceClock();
    this.#connections.advanceClock();
  }

  get #openAuth(): FakeBoxAuth {
    if (this.#auth.isClosed) this.#auth = this.#newAuth();
    return this.#auth;
  }

  #newAuth(): FakeBoxAuth {
    return new FakeBoxAuth(this.#send);
  }

  async #respond(request: Request): Promise<Response> {
    request.signal.throwIfAborted();
    const { origin, pathname } = new URL(request.url);
    if (origin === BOX_API_URL && pathname === '/oauth2/token') {
      return fetchResponse(this.#tokens.grant(new URLSearchParams(await request.text())));
    }
    if (origin === BOX_API_URL && pathname === '/oauth2/revoke') {
      this.#tokens.revoke(new URLSearchParams(await request.text()).get('token') ?? '');
      return new Response();
    }
    const token = request.headers.get('authorization')?.replace(/^Bearer /, '') ?? '';
    const verification = this.#tokens.verification(token, request);
    if (verification !== undefined) return fetchResponse(verification);
    return Promise.race([this.#respondToCall(request, token), rejectOnAbort(request.signal)]);
  }

  async #respondToCall(request: Request, token: string): Promise<Response> {
    const call = await recordCall(request, this.#tokens.holderOf(token));
    this.#calls.push(call);
    const response = this.#tokens.isRevoked(token)
      ? fetchResponse(bearerChallenge(401, 'invalid_token'))
      : await this.#replies.respond(call);
    call.status = response.status;
    return response;
  }
}

/** Lets a caller abort while a reply is pending. */
function rejectOnAbort(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
}
