import { AssertionError } from 'node:assert';
import { BOX_API_URL } from '../../box/box-issuer.js';
import type { BoxTokenProvider } from '../../box/box-token.provider.js';
import { bearerChallenge } from '../box/box-responses.js';
import { FakeBoxAuth } from './fake-box-auth.js';
import {
  actingText,
  callsText,
  type FakeBoxActing,
  type FakeBoxCall,
  type FakeBoxPath,
  goesTo,
  recordCall,
} from './fake-box-calls.js';
import {
  answered,
  type FakeBoxReplier,
  FakeBoxReplies,
  type FakeBoxReply,
} from './fake-box-replies.js';
import { FakeBoxTokens, type FakeTokenFailure } from './fake-box-tokens.js';

/**
 * Box inside a test: no credentials, no network, no waiting. Put its `provider` in the place of `BoxTokenProvider`, and
 * `BoxFetch` and the `HttpService` of `BoxHttpModule` follow: they carry tokens, act for users and renew what is refused
 * as they do in production, and what they send is answered and recorded here.
 *
 * It judges nothing: who may do what, and whether an assertion is right, is for a `BoxEmulator`.
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
  readonly #tokens = new FakeBoxTokens();
  readonly #replies = new FakeBoxReplies();
  #calls: FakeBoxCall[] = [];
  #auth = this.#attached();

  /** What stands for `BoxTokenProvider`. An app that is shut down closes it; who asks then gets a new one. */
  get provider(): BoxTokenProvider {
    return this.#open.provider;
  }

  /** What stands for `BoxFetch`, for what a test makes by hand. */
  get fetch(): typeof fetch {
    return this.#open.fetch;
  }

  /** Every call so far, whatever it was answered with and wherever it went; not those for tokens. */
  get calls(): readonly FakeBoxCall[] {
    return [...this.#calls];
  }

  /**
   * Says what is answered to a method and an address: a path, with its query or without, a whole URL, or a RegExp. The
   * last reply that fits counts; what none fits is a 404 that names it.
   *
   * `reply` is a body (an object goes out as JSON; nothing is a 204), a `Response`, or a function that makes either of the
   * call. `init` has status and headers, as for a `Response`.
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

  /** The calls made for a user, by id, or for `'service-account'`. */
  callsAs(user: string): readonly FakeBoxCall[] {
    return this.#calls.filter(({ as }) => as === user);
  }

  /**
   * The last call of that method to that address, and for whom it is expected to act.
   *
   * @throws AssertionError of `node:assert`, with what was sent instead
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
      (one) =>
        goesTo(one, method, path) &&
        (!('as' in acting) || one.as === acting.as) &&
        (!('via' in acting) || one.via === acting.via),
    );
    if (call !== undefined) return call;
    const whom = 'as' in acting || 'via' in acting ? actingText(acting) : '';
    throw new AssertionError({
      message: `Expected a call ${method.toUpperCase()} ${path}${whom}. ${callsText(this.#calls)}`,
    });
  }

  /** Every token so far is refused from now on, as Box refuses one that was revoked: 401. New ones are to be had. */
  revokeAllTokens(): void {
    this.#auth.moveClockOn();
    this.#tokens.revokeAll();
  }

  /** Takes every token away, and gives none until `heal`: whatever needs one fails with a `BoxAuthError` of that code. */
  failTokens(code: FakeTokenFailure = 'unavailable'): void {
    this.#tokens.failure = code;
    this.#forgetTokens();
  }

  /** Gives tokens again. */
  heal(): void {
    this.#tokens.failure = undefined;
    this.#forgetTokens();
  }

  /** Forgets calls, replies, tokens and failures: what stays is that apps are attached to it. */
  reset(): void {
    this.#calls = [];
    this.#replies.clear();
    this.#tokens.clear();
    this.#forgetTokens();
  }

  /** Also forgets failures, which are remembered for a while. */
  #forgetTokens(): void {
    this.#auth.moveClockOn();
    this.#auth.provider.flush();
  }

  get #open(): FakeBoxAuth {
    if (this.#auth.isClosed) this.#auth = this.#attached();
    return this.#auth;
  }

  #attached(): FakeBoxAuth {
    return new FakeBoxAuth((input, init) => this.#answer(new Request(input, init)));
  }

  async #answer(request: Request): Promise<Response> {
    request.signal.throwIfAborted();
    const { origin, pathname } = new URL(request.url);
    if (origin === BOX_API_URL && pathname === '/oauth2/token') {
      return answered(this.#tokens.grant(new URLSearchParams(await request.text())));
    }
    if (origin === BOX_API_URL && pathname === '/oauth2/revoke') {
      this.#tokens.revoke(new URLSearchParams(await request.text()).get('token') ?? '');
      return new Response();
    }
    return Promise.race([this.#call(request), aborted(request.signal)]);
  }

  async #call(request: Request): Promise<Response> {
    const token = request.headers.get('authorization')?.replace(/^Bearer /, '') ?? '';
    const call = await recordCall(request, this.#tokens.holderOf(token));
    this.#calls.push(call);
    const response = this.#tokens.isRevoked(token)
      ? answered(bearerChallenge(401, 'invalid_token'))
      : await this.#replies.answer(call);
    call.status = response.status;
    return response;
  }
}

/** Also a reply that never comes can be given up. */
function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
}
