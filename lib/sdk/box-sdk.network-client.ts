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
import type { FetchBody, FetchInit, ReplayingFetch } from '../core/http/outgoing-request.js';
import type { OutgoingPolicy } from '../core/http/outgoing-policy.js';
import { MAX_DELAY_MS } from '../core/runtime/runtime.js';
import { providerOf } from './box-sdk.authentication.js';
import { CallStreams, type StreamContent, streamsIn } from './call-streams.js';
import { checkAgent } from './custom-agent.js';
import { apiErrorOf, sdkErrorOf, type SentRequest } from './sdk-errors.js';
import { type Hop, nextHop } from './redirected-call.js';
import { bodyOf, headersOf, type RequestBody, urlOf } from './sdk-request.js';
import { readResponse, type SdkResponse, withRetryAfter } from './sdk-response.js';
import { startTimeLimit } from './time-limit.js';

/** The result of one attempt. */
interface Attempt {
  readonly options: FetchOptions;
  readonly policy: OutgoingPolicy;
  readonly sent: SentRequest;
  readonly received: SdkResponse;
  /** Set if there was no response. */
  readonly failure?: BoxSdkError;
}

interface Route {
  readonly send: ReplayingFetch;
  readonly policy: OutgoingPolicy;
  /** Whether the URL may receive the caller's identity headers. */
  readonly isBox: boolean;
}

const NO_RESPONSE: SdkResponse = { response: { status: 0, headers: {} }, rawBody: '' };

/**
 * Sends the calls of Box's official SDK through the `BoxFetch` of a provider's app, so that they follow the same rules: the
 * acting user goes into `as-user`, a refused token is replaced and the call repeated once, and no header of ours goes to
 * another origin, not even by a redirect. Use it with `BoxSdkAuthentication`; another authentication sends its own token.
 *
 * Files are streamed, never loaded as a whole, and sent again if the retry strategy wants it or the token was refused: a
 * `fs.ReadStream` is opened again, and of other streams up to `replayBufferBytes` are kept. After more of such a stream was
 * sent, the call is not repeated. The SDK's own client reads the whole file first and adds `content-md5`. With this client,
 * pass `contentMd5` (a SHA-1, in spite of its name) to `uploadFile` if Box should check the content.
 *
 * The interceptors of the session see every attempt and every hop of a redirect, but no refused token.
 *
 * Rejects with the SDK's `BoxApiError` and `BoxSdkError`, with a `BoxAuthError` as `BoxFetch` does, and with
 * `option_invalid` for a session with a proxy or agent options: pass `fetch` to `BoxAuthModule.forRoot` instead.
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
    const options = new FetchOptions(input);
    const streams = new CallStreams(streamsIn(options), this.#replayBufferBytesFor(options));
    try {
      const response = await this.#fetch(options, streams);
      streams.finish();
      return response;
    } catch (error) {
      streams.cancel(error);
      throw error;
    }
  }

  async #fetch(original: FetchOptions, streams: CallStreams): Promise<FetchResponse> {
    let hop: Hop = { options: original, count: 0, hasLeftBox: false };
    let attempts = 1;
    let failures = 0;
    for (;;) {
      const attempt = await this.#attempt(hop, streams);
      const { options, policy, sent, received, failure } = attempt;
      if (failure !== undefined) failures++;
      const delayMs = await retryDelayMs(attempt, failure === undefined ? attempts : failures);
      const signal = options.cancellationToken;
      if (delayMs === undefined || !streams.canReplay || signal?.aborted === true) {
        const next = nextHop(hop, { options, policy, headers: sent.headers }, received.response);
        if (next === undefined) return outcomeOf(attempt);
        if (streamsIn(next.options).size > 0 && !streams.canReplay) {
          throw new BoxSdkError({ message: 'A stream cannot follow a redirect.' });
        }
        hop = next;
        continue;
      }
      attempts++;
      received.response.content?.destroy();
      await sleep(delayMs, undefined, signal && { signal }).catch((error: unknown) => {
        throw sdkErrorOf(error);
      });
    }
  }

  async #attempt(hop: Hop, streams: CallStreams): Promise<Attempt> {
    const { interceptors = [] } = hop.options.networkSession ?? {};
    const options = interceptors.reduce((last, each) => each.beforeRequest(last), hop.options);
    const { auth, networkSession, cancellationToken } = options;
    if (networkSession !== undefined) checkAgent(networkSession);
    const { send, policy, isBox } = this.#routeOf(options);
    const secretHeaderNames = policy.protectedHeaderNames;
    const body = bodyOf(options, streams);
    const authorization =
      auth === undefined || providerOf(auth) !== undefined
        ? undefined
        : await auth.retrieveAuthorizationHeader(networkSession);
    const headers = headersOf(options, body, authorization, {
      ofCall: hop.hasLeftBox ? secretHeaderNames : [],
      ofSession: isBox ? [] : secretHeaderNames,
    });
    const limit = startTimeLimit(networkSession?.timeoutConfig?.timeoutMs, cancellationToken);
    const sent = { headers, body: body.text, secretHeaderNames };
    let received: SdkResponse;
    try {
      const init = await requestInit(options, headers, body, limit.signal);
      received = await readResponse(await send(urlOf(options), init), options);
    } catch (error) {
      if (error instanceof BoxAuthError || error instanceof BoxSdkError) throw error;
      const failure = sdkErrorOf(limit.signal?.reason ?? error);
      return { options, policy, sent, received: NO_RESPONSE, failure };
    } finally {
      limit.cancel();
    }
    const response = interceptors.reduce(
      (last, each) => each.afterRequest(last),
      received.response,
    );
    return { options, policy, sent, received: { ...received, response } };
  }

  #replayBufferBytesFor({ auth }: FetchOptions): number {
    return boxAuthOf(providerOf(auth) ?? this.#provider)?.policy.replayBufferBytes ?? 0;
  }

  /** Tokens of an app are sent only by its own fetch, even if its authentication is used with the client of another app. */
  #routeOf({ url, auth }: FetchOptions): Route {
    const box = boxAuthOf(providerOf(auth) ?? this.#provider);
    if (box === undefined) throw providerReplacedError();
    if (!URL.canParse(url)) {
      throw new BoxSdkError({ message: `Only absolute URLs are supported: ${url}` });
    }
    return {
      send: auth === undefined ? box.unauthorizedFetch : box.fetchWithoutRetries,
      policy: box.policy,
      isBox: auth !== undefined && box.policy.allows(new URL(url)),
    };
  }
}

async function requestInit(
  { method }: FetchOptions,
  headers: Headers,
  body: RequestBody,
  signal: AbortSignal | undefined,
): Promise<FetchInit> {
  const content = await body.open(signal).catch((error: unknown) => {
    // The error says that a token was refused, which is not why this attempt opens the body again.
    throw error instanceof BoxAuthError
      ? new BoxSdkError({ message: 'The call cannot be repeated: its file has changed.', error })
      : error;
  });
  return {
    method,
    headers,
    redirect: 'manual', // the interceptors run for each hop
    ...(content !== undefined && {
      body: isChunks(content) ? eachTime(content, () => body.open(signal)) : content,
    }),
    ...(signal !== undefined && { signal }),
  };
}

/** `BoxFetch` sends the first result, and requests another one to repeat a call whose token was refused. */
function eachTime(
  first: AsyncIterable<Uint8Array>,
  open: () => Promise<StreamContent | string | undefined>,
): () => Promise<FetchBody> {
  let opened: AsyncIterable<Uint8Array> | undefined = first;
  return async () => {
    const content = opened ?? (await open()) ?? '';
    opened = undefined;
    return isChunks(content) ? ReadableStream.from(content) : content;
  };
}

function isChunks(
  content: StreamContent | string | undefined,
): content is AsyncIterable<Uint8Array> {
  return typeof content === 'object' && Symbol.asyncIterator in content;
}

/** Returns the delay that the SDK's retry strategy chooses; undefined if it does not retry. */
async function retryDelayMs(
  { options, received }: Attempt,
  attempts: number,
): Promise<number | undefined> {
  const strategy = options.networkSession?.retryStrategy ?? new BoxRetryStrategy({});
  const response = withRetryAfter(received.response);
  // With `auth` the strategy would refresh the token after a 401. `BoxFetch` has already done so and retried.
  const { auth, ...others } = options;
  const retryOptions = providerOf(auth) === undefined ? options : new FetchOptions(others);
  return (await strategy.shouldRetry(retryOptions, response, attempts))
    ? Math.min(strategy.retryAfter(retryOptions, response, attempts) * 1000, MAX_DELAY_MS)
    : undefined;
}

function outcomeOf({ options, sent, received, failure }: Attempt): FetchResponse {
  if (failure !== undefined) throw failure;
  const { status } = received.response;
  if (status < 200 || status >= 400) throw apiErrorOf(options, sent, received);
  return received.response;
}
