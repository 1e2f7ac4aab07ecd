import { setTimeout as sleep } from 'node:timers/promises';
import { BoxSdkError } from 'box-node-sdk/box/errors';
import {
  BoxRetryStrategy,
  FetchOptions,
  type FetchOptionsInput,
  type FetchResponse,
  type NetworkClient,
} from 'box-node-sdk/networking';
import {
  boxAuthOf,
  type BoxTokenProvider,
  providerReplacedError,
} from '../box/box-token.provider.js';
import { BoxAuthError } from '../core/errors/box-auth.error.js';
import { MAX_DELAY_MS } from '../core/runtime/runtime.js';
import { providerOf } from './box-sdk.authentication.js';
import { readAnswer, type SdkAnswer, withRetryAfter } from './sdk-answer.js';
import { hasAgentOfItsOwn } from './sdk-agent.js';
import { agentNotHonoured, apiErrorOf, sdkErrorOf, type SentRequest } from './sdk-errors.js';
import { addressOf, bodyOf, headersOf, SentStreams } from './sdk-request.js';
import type { StreamContent } from './sent-stream.js';
import { openTimeLimit } from './time-limit.js';

/** How one attempt went. */
interface Attempt {
  readonly options: FetchOptions;
  readonly sent: SentRequest;
  readonly answer: SdkAnswer;
  /** What was thrown in the place of an answer. */
  readonly failure?: BoxSdkError;
}

interface Route {
  readonly send: typeof fetch;
  /** Whether the address may know who calls. */
  readonly isBox: boolean;
  /** Lower case. */
  readonly identityHeaders: readonly string[];
}

const NO_ANSWER: SdkAnswer = { response: { status: 0, headers: {} }, rawBody: '' };

/**
 * Sends the calls of Box's official SDK by the `BoxFetch` of a provider's app, so that all that holds for `BoxFetch` holds for
 * them: the acting user goes as `as-user`, a refused token is replaced and the call repeated once, and nothing of it goes
 * to another origin, also not by a redirect. Goes with `BoxSdkAuthentication`; with any other authentication it sends what
 * that one gives.
 *
 * A file is streamed: it is never in memory as a whole. What comes in one chunk can be sent again, any other stream cannot,
 * and the SDK's retry strategy is then not followed. The SDK's own client, which reads all of a file first, adds its
 * `content-md5`: here, pass `contentMd5` (a SHA-1, in spite of its name) to `uploadFile` to have Box check it.
 *
 * Rejects with the SDK's `BoxApiError` and `BoxSdkError`, and with a `BoxAuthError` as `BoxFetch` does, or `option_invalid`
 * for a session with a proxy or agent options: pass `fetch` to `BoxAuthModule.forRoot` instead.
 *
 * @example
 * ```ts
 * import { BoxClient } from 'box-node-sdk';
 * import { NetworkSession } from 'box-node-sdk/networking';
 * import type { BoxTokenProvider } from 'nestjs-box-auth';
 * import { BoxSdkAuthentication, BoxSdkNetworkClient } from 'nestjs-box-auth/sdk';
 *
 * export function boxClient(provider: BoxTokenProvider): BoxClient {
 *   return new BoxClient({
 *     auth: new BoxSdkAuthentication(provider),
 *     networkSession: new NetworkSession({ networkClient: new BoxSdkNetworkClient(provider) }),
 *   });
 * }
 * ```
 */
export class BoxSdkNetworkClient implements NetworkClient {
  readonly #provider: BoxTokenProvider;

  constructor(provider: BoxTokenProvider) {
    this.#provider = provider;
  }

  async fetch(input: FetchOptionsInput): Promise<FetchResponse> {
    const streams = new SentStreams();
    try {
      return await this.#fetch(new FetchOptions(input), streams);
    } catch (error) {
      streams.close();
      throw error;
    }
  }

  async #fetch(given: FetchOptions, streams: SentStreams): Promise<FetchResponse> {
    let failures = 0;
    for (let attempts = 1; ; attempts++) {
      const attempt = await this.#attempt(given, streams);
      if (attempt.failure !== undefined) failures++;
      const waitMs = await retryAfterMs(
        attempt,
        attempt.failure === undefined ? attempts : failures,
      );
      const signal = attempt.options.cancellationToken;
      if (waitMs === undefined || streams.areSpent || signal?.aborted === true) {
        return outcomeOf(attempt);
      }
      attempt.answer.response.content?.destroy();
      await sleep(waitMs, undefined, signal && { signal }).catch((aborted: unknown) => {
        throw sdkErrorOf(aborted);
      });
    }
  }

  async #attempt(given: FetchOptions, streams: SentStreams): Promise<Attempt> {
    const { interceptors = [] } = given.networkSession ?? {};
    const options = interceptors.reduce((last, each) => each.beforeRequest(last), given);
    const { auth, networkSession, cancellationToken } = options;
    if (networkSession !== undefined && hasAgentOfItsOwn(networkSession)) throw agentNotHonoured();
    const { send, isBox, identityHeaders } = this.#routeOf(options);
    const body = bodyOf(options, streams);
    const authorization =
      auth === undefined || providerOf(auth) !== undefined
        ? undefined
        : await auth.retrieveAuthorizationHeader(networkSession);
    const headers = headersOf(options, body, authorization, isBox ? [] : identityHeaders);
    const limit = openTimeLimit(networkSession?.timeoutConfig?.timeoutMs, cancellationToken);
    const sent = { headers, body: body.text, identityHeaders };
    let answer: SdkAnswer;
    try {
      const content = await body.open(limit.signal);
      const init = requestInit(options, headers, content, limit.signal);
      answer = await readAnswer(await send(addressOf(options), init), options);
    } catch (error) {
      if (error instanceof BoxAuthError || error instanceof BoxSdkError) throw error;
      const failure = sdkErrorOf(limit.signal?.reason ?? error);
      return { options, sent, answer: NO_ANSWER, failure };
    } finally {
      limit.end();
    }
    const response = interceptors.reduce((last, each) => each.afterRequest(last), answer.response);
    return { options, sent, answer: { ...answer, response } };
  }

  /** By whose fetch a call goes: an app's tokens only by its own, also where its authentication meets another client. */
  #routeOf({ url, auth }: FetchOptions): Route {
    const box = boxAuthOf(providerOf(auth) ?? this.#provider);
    if (box === undefined) throw providerReplacedError();
    if (!URL.canParse(url)) {
      throw new BoxSdkError({ message: `Only absolute URLs are supported: ${url}` });
    }
    return {
      send: auth === undefined ? box.unauthorizedFetch : box.fetch,
      isBox: auth !== undefined && box.policy.allows(new URL(url)),
      identityHeaders: box.policy.protectedHeaderNames,
    };
  }
}

function requestInit(
  { method, followRedirects }: FetchOptions,
  headers: Headers,
  content: StreamContent | string | undefined,
  signal: AbortSignal | undefined,
): RequestInit {
  const isStream = typeof content === 'object' && !(content instanceof Uint8Array);
  return {
    method,
    headers,
    redirect: followRedirects === false ? 'manual' : 'follow',
    ...(content !== undefined && { body: isStream ? ReadableStream.from(content) : content }),
    ...(isStream && { duplex: 'half' }),
    ...(signal !== undefined && { signal }),
  };
}

/** What the SDK's retry strategy says; undefined for: not again. */
async function retryAfterMs(
  { options, answer }: Attempt,
  times: number,
): Promise<number | undefined> {
  const strategy = options.networkSession?.retryStrategy ?? new BoxRetryStrategy({});
  const response = withRetryAfter(answer.response);
  // It would have the token renewed once more, which a 401 that comes out of `BoxFetch` has outlived already.
  const { auth, ...others } = options;
  const asked = providerOf(auth) === undefined ? options : new FetchOptions(others);
  return (await strategy.shouldRetry(asked, response, times))
    ? Math.min(strategy.retryAfter(asked, response, times) * 1000, MAX_DELAY_MS)
    : undefined;
}

function outcomeOf({ options, sent, answer, failure }: Attempt): FetchResponse {
  if (failure !== undefined) throw failure;
  const { status } = answer.response;
  if (status < 200 || status >= 400) throw apiErrorOf(options, sent, answer);
  if (status >= 300 && options.followRedirects !== false) {
    throw new BoxSdkError({ message: `Unable to follow redirect for ${options.url}` });
  }
  return answer.response;
}
