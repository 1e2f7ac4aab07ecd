import { AsyncResource } from 'node:async_hooks';
import { firstValueFrom, race } from 'rxjs';
import { BoxAuthError } from '../core/errors/box-auth.error.js';
import { aborted } from '../core/tokens/aborted.js';
import { rejected } from '../core/tokens/rejection-pace.js';
import { proxyRefusal } from '../core/http/env-proxy.js';
import type { Authorization, OutgoingPolicy, ResponseHead } from '../core/http/outgoing-policy.js';
import { type WaitOptions, abortedBy } from '../core/http/abort-sources.js';
import { bodyNotReplayable, isReplayable } from '../core/http/replayable-body.js';
import { signalEndings, undiciEndings } from './undici-endings.js';
import { failCall, handlerOf, HeldAnswer, isDeduplicating } from './undici-handlers.js';
import {
  headerOf,
  isIterable,
  isObject,
  rereadable,
  withHeaders,
  withNoStore,
  withoutHeaders,
} from './undici-headers.js';

/** What is read of the options of a call; those of every undici have it. */
export interface UndiciCall {
  readonly origin?: string | URL | undefined;
  readonly path: string;
  readonly method: string;
  readonly headers?: unknown;
  readonly body?: unknown;
  readonly upgrade?: unknown;
  readonly signal?: unknown;
  readonly headersTimeout?: unknown;
  /** Of undici 6. */
  readonly maxRedirections?: unknown;
}

export type UndiciDispatch = (call: UndiciCall, handler: object) => boolean;

const MAX_COLLECTED_BYTES = 1024 * 1024;

/**
 * Puts tokens onto the calls of a dispatcher. All others are handed on as they are.
 *
 * `onlyOrigin` (of undici 8) is where a Client or Pool sends everything, whatever a call says; null if it may be anywhere.
 */
export function authorizedDispatch(
  policy: OutgoingPolicy,
  dispatch: UndiciDispatch,
  onlyOrigin?: string | null,
): UndiciDispatch {
  // A redirect keeps its handler: what leads away from Box takes nothing along, and gets nothing when it leads back.
  const inside = new WeakSet();
  const elsewhere = new WeakSet();
  return (call, handler) => {
    const url = addressOf(call, onlyOrigin);
    if (url === undefined) return dispatch(call, handler);
    if (!policy.allows(url)) {
      elsewhere.add(handler);
      const given = rereadable(call.headers);
      const headers = withoutHeaders(given, confidentialNames(given, inside.has(handler), policy));
      return dispatch(headers === call.headers ? call : { ...call, headers }, handler);
    }
    inside.add(handler);
    if (elsewhere.has(handler)) return dispatch(call, handler);
    void new AuthorizedCall(policy, dispatch, url, call, handler, elsewhere).run();
    return true;
  };
}

/**
 * What a call to another host must not carry. A hop of `fetch` has a handler of its own, and nothing says that it came from
 * Box. It never has an authorization, though: `fetch` takes that off, and leaves what it does not know.
 */
function confidentialNames(
  headers: unknown,
  isRedirected: boolean,
  policy: OutgoingPolicy,
): readonly string[] {
  if (isRedirected) return policy.protectedHeaderNames;
  return headerOf(headers, 'authorization') === undefined ? policy.issuerHeaderNames : [];
}

/** Where an ordinary call goes. An absolute path is for a proxy to read: it does not say who is at the other end. */
export function addressOf(call: UndiciCall, onlyOrigin?: string | null): URL | undefined {
  const origin = String(onlyOrigin === undefined ? call.origin : onlyOrigin);
  const isOrdinary = call.path.startsWith('/') && call.method !== 'CONNECT' && !call.upgrade;
  if (!isOrdinary || !URL.canParse(origin)) return undefined;
  const address = new URL(origin).origin + call.path;
  return URL.canParse(address) ? new URL(address) : undefined;
}

/** One call, replayed at most once. */
class AuthorizedCall {
  readonly #caller = new AsyncResource('nestjs-box-auth.AuthorizedCall');
  #call: UndiciCall;

  constructor(
    private readonly policy: OutgoingPolicy,
    private readonly dispatch: UndiciDispatch,
    private readonly url: URL,
    call: UndiciCall,
    private readonly handler: object,
    private readonly leftAlone: WeakSet<object>,
  ) {
    this.#call = call;
  }

  async run(): Promise<void> {
    try {
      const refusal = proxyRefusal(this.url);
      if (refusal !== undefined) await rejected(refusal);
      const headers = rereadable(this.#call.headers);
      // undici 6 would follow redirects below, and forward every header to any host.
      this.#call = { ...this.#call, headers, maxRedirections: 0 };
      const caller = { get: (name: string) => headerOf(headers, name) };
      const authorization = await this.#wait((options) => this.policy.authorize(caller, options));
      if (authorization === undefined) {
        // A caller's own identity is never replaced by ours halfway.
        this.leftAlone.add(this.handler);
        this.dispatch(this.#call, this.handler);
      } else if (isDeduplicating(this.handler)) {
        await rejected(deduplicatedAround());
      } else {
        this.#call = { ...this.#call, body: await this.#replayableBody() };
        this.#send(authorization, false);
      }
    } catch (error) {
      failCall(this.handler, error);
    }
  }

  /** `fetch` makes a stream of every body. A small one is collected, so that it can be sent again. */
  async #replayableBody(): Promise<unknown> {
    const { body, headers } = this.#call;
    const length = Number(headerOf(headers, 'content-length'));
    if (isReplayable(body) || !isReadable(body) || !(length <= MAX_COLLECTED_BYTES)) return body;
    return abortedBy(
      () => signalEndings(this.#call),
      ({ signal }) => firstValueFrom(race(aborted(signal), collect(body, length))),
    );
  }

  #wait<T>(wait: (options: WaitOptions) => T | Promise<T>): T | Promise<T> {
    return abortedBy(() => undiciEndings(this.#call, this.policy.runtime), wait);
  }

  #send(authorization: Authorization, isReplay: boolean): void {
    const answer: HeldAnswer = new HeldAnswer(this.#caller, (head) =>
      this.#judge(answer, head, authorization, isReplay),
    );
    const call = {
      ...this.#call,
      headers: withHeaders(withNoStore(this.#call.headers), authorization.headers),
    };
    this.dispatch(call, handlerOf(this.handler, answer));
  }

  async #judge(
    answer: HeldAnswer,
    head: ResponseHead,
    sent: Authorization,
    isReplay: boolean,
  ): Promise<void> {
    // An answer to HEAD never has a body: that says nothing.
    const isEmpty = () => this.#call.method !== 'HEAD' && head.isEmpty();
    const isRefused = await this.policy.isTokenRefused({ ...head, isEmpty });
    if (isRefused && isReplay) this.policy.invalidate(sent);
    if (!isRefused || isReplay) {
      answer.release((error) => failCall(this.handler, error));
      return;
    }
    answer.drop();
    try {
      const renewed = await this.#wait((options) =>
        this.policy.reauthorize(sent, options).finally(() => answer.cutOff()),
      );
      if (!isReplayable(this.#call.body)) throw bodyNotReplayable();
      this.#send(renewed, true);
    } catch (error) {
      failCall(this.handler, error);
    }
  }
}

function deduplicatedAround(): BoxAuthError {
  return new BoxAuthError({
    code: 'option_invalid',
    message:
      'deduplicate() of undici is composed after boxAuthInterceptor: it would give the response of one acting user to another.',
    hint: 'Compose it before: compose(interceptors.deduplicate(), boxAuthInterceptor(provider)).',
    docs: 'https://undici.nodejs.org/#/docs/api/Dispatcher',
  });
}

/** Stops at more than it says it has, and leaves it open: undici refuses the difference, and closes it. */
async function collect(body: AnyIterable, length: number): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  const source: Iterator<unknown> | AsyncIterator<unknown> = isIterable(body)
    ? body[Symbol.iterator]()
    : body[Symbol.asyncIterator]();
  let left = length;
  while (left >= 0) {
    const step = await source.next();
    if (step.done === true) break;
    const value: unknown = step.value;
    const bytes = typeof value === 'string' ? Buffer.from(value) : value;
    if (!(bytes instanceof Uint8Array)) throw new TypeError('A chunk of the body is no bytes.');
    chunks.push(bytes);
    left -= bytes.byteLength;
  }
  return Buffer.concat(chunks);
}

type AnyIterable = Iterable<unknown> | AsyncIterable<unknown>;

function isReadable(body: unknown): body is AnyIterable {
  if (!isObject(body)) return false;
  return isIterable(body) || Symbol.asyncIterator in body;
}
