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
import type { OutgoingPolicy } from '../core/http/outgoing-policy.js';
import { MAX_DELAY_MS } from '../core/runtime/runtime.js';
import { providerOf } from './box-sdk.authentication.js';
import { checkAgent } from './custom-agent.js';
import { apiErrorOf, sdkErrorOf, type SentRequest } from './sdk-errors.js';
import { type Hop, nextHop } from './redirected-call.js';
import { bodyOf, hasStream, headersOf, urlOf } from './sdk-request.js';
import { readResponse, type SdkResponse, withRetryAfter } from './sdk-response.js';
import { startTimeLimit } from './time-limit.js';
import { type StreamContent, UploadStreams } from './upload-stream.js';

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
  readonly send: typeof fetch;
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
 * Files are streamed, never loaded as a whole. A stream of a single chunk can be sent again. After any other stream was
 * sent, the call is not retried. The SDK's own client reads the whole file first and adds `content-md5`. With this client,
 * pass `contentMd5` (a SHA-1, in spite of its name) to `uploadFile` if Box should check the content.
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
    const streams = new UploadStreams();
    try {
      return await this.#fetch(new FetchOptions(input), streams);
    } catch (error) {
      streams.close();
      throw error;
    }
  }

  async #fetch(original: FetchOptions, streams: UploadStreams): Promise<FetchResponse> {
    let hop: Hop = { options: original, count: 0, hasLeftBox: false };
    let attempts = 1;
    let failures = 0;
    for (;;) {
      const attempt = await this.#attempt(hop, streams);
      const { options, policy, sent, received, failure } = attempt;
      if (failure !== undefined) failures++;
      const delayMs = await retryDelayMs(attempt, failure === undefined ? attempts : failures);
      const signal = options.cancellationToken;
      if (delayMs === undefined || streams.areConsumed || signal?.aborted === true) {
        const next = nextHop(hop, { options, policy, headers: sent.headers }, received.response);
        if (next === undefined) return outcomeOf(attempt);
        if (hasStream(next.options) && streams.areConsumed) {
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

  async #attempt(hop: Hop, streams: UploadStreams): Promise<Attempt> {
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
      const content = await body.open(limit.signal);
      const init = requestInit(options, headers, content, limit.signal);
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

  /** Tokens of an app are sent only by its own fetch, even if its authentication is used with the client of another app. */
  #routeOf({ url, auth }: FetchOptions): Route {
    const box = boxAuthOf(providerOf(auth) ?? this.#provider);
    if (box === undefined) throw providerReplacedError();
    if (!URL.canParse(url)) {
      throw new BoxSdkError({ message: `Only absolute URLs are supported: ${url}` });
    }
    return {
      send: auth === undefined ? box.unauthorizedFetch : box.fetch,
      policy: box.policy,
      isBox: auth !== undefined && box.policy.allows(new URL(url)),
    };
  }
}

function requestInit(
  { method }: FetchOptions,
  headers: Headers,
  content: StreamContent | string | undefined,
  signal: AbortSignal | undefined,
): RequestInit {
  const isStream = typeof content === 'object' && !(content instanceof Uint8Array);
  return {
    method,
    headers,
    redirect: 'manual', // the interceptors run for each hop
    ...(content !== undefined && { body: isStream ? ReadableStream.from(content) : content }),
    ...(isStream && { duplex: 'half' }),
    ...(signal !== undefined && { signal }),
  };
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
