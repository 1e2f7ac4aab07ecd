import { reported } from './api-call-report.js';
import { proxyRefusal } from './env-proxy.js';
import { rejected } from '../tokens/rejection-throttle.js';
import { signalSource } from './abort-sources.js';
import type { CallRetries } from './api-retries.js';
import { drain, peekBody } from './discarded-body.js';
import type { Admission, Authorization, OutgoingPolicy } from './outgoing-policy.js';
import {
  type FetchInput,
  type OutgoingRequest,
  type ReplayingFetch,
  sendUnchanged,
  targetOf,
  toOutgoingRequest,
  toRequestInit,
} from './outgoing-request.js';
import { type Attempt, sendRepeatedly } from './repeated-call.js';
import { type MaybePromise, whenReady } from '../runtime/maybe-promise.js';
import type { Runtime } from '../runtime/runtime.js';
import { MAX_REDIRECTS, nextHop } from './redirect.js';
import { parseUrl } from './url-rules.js';

/** Returns the address that a path without a host is below. */
export type BaseUrlOf = (path: string) => string;

/**
 * Creates a `fetch` that adds a token to calls that may carry one, and passes all others on unchanged. Resolves relative
 * addresses against their base URL. Follows redirects itself, because `fetch` forwards `as-user` to any host.
 */
export function authorizedFetch(
  policy: OutgoingPolicy,
  send: typeof fetch,
  baseUrlOf: BaseUrlOf,
  { retries = true }: { readonly retries?: boolean } = {},
): ReplayingFetch {
  const authorize: Authorize = (request) =>
    policy.authorize(request.headers, request, request.body?.isLong === true);
  return fetchWith(
    policy,
    send,
    baseUrlOf,
    retries
      ? authorize
      : (request) =>
          whenReady(
            authorize(request),
            (authorization) => authorization && { ...authorization, retries: undefined },
          ),
  );
}

/** Creates the same `fetch` without a token and an acting user: it sends only the caller's own headers. */
export function unauthorizedFetch(
  policy: OutgoingPolicy,
  send: typeof fetch,
  baseUrlOf: BaseUrlOf,
): ReplayingFetch {
  return fetchWith(policy, send, baseUrlOf, () => undefined);
}

type Authorize = (request: OutgoingRequest) => MaybePromise<Authorization | undefined>;

function fetchWith(
  policy: OutgoingPolicy,
  send: typeof fetch,
  baseUrlOf: BaseUrlOf,
  authorize: Authorize,
): ReplayingFetch {
  return (input, init) => {
    const url = resolveUrl(input, baseUrlOf);
    if (url === undefined) return sendUnchanged(send, input, init);
    if (!policy.allows(url)) {
      return sendUnchanged(send, typeof input === 'string' ? url : input, init);
    }
    const request = toOutgoingRequest(input, init, policy.replayBufferBytes);
    return new AuthorizedCall(policy, send, authorize, url, targetOf(input, url, send)).run(
      request,
    );
  };
}

/** An address without a host is below the path of its base URL, with or without a leading slash. */
function resolveUrl(input: FetchInput, baseUrlOf: BaseUrlOf): URL | undefined {
  if (input instanceof URL) return new URL(input);
  const text = typeof input === 'string' ? input : input.url;
  if (text.startsWith('//')) return undefined;
  // The error of an invalid URL takes longer than the rest of the call.
  const url = text.startsWith('/') ? undefined : parseUrl(text);
  if (url !== undefined) return url;
  const path = `/${text.replace(/^\//, '')}`;
  return parseUrl(baseUrlOf(path) + path);
}

/** Sends one call and follows its redirects. Replays at most one hop, and adds nothing after a hop to a foreign origin. */
class AuthorizedCall {
  #canReplay = true;
  #retries: CallRetries | undefined;

  constructor(
    private readonly policy: OutgoingPolicy,
    private readonly send: typeof fetch,
    private readonly authorize: Authorize,
    private readonly firstUrl: URL,
    /** The first URL, or the Request that has it. */
    private readonly firstTarget: Request | URL,
  ) {}

  async run(prepared: MaybePromise<OutgoingRequest>): Promise<Response> {
    const first = prepared instanceof Promise ? await prepared : prepared;
    let url = this.firstUrl;
    let request = first;
    let isAllowed = true;
    let isAuthorizedByUs = true;
    try {
      for (let hops = 0; ; hops++) {
        const refusal = isAllowed ? proxyRefusal(url, this.send) : undefined;
        if (refusal !== undefined) return await rejected(refusal);
        const ready: ReturnType<Authorize> =
          isAllowed && isAuthorizedByUs ? this.authorize(request) : undefined;
        const authorization: Authorization | undefined =
          ready instanceof Promise ? await ready : ready;
        const response = await this.#exchange(url, request, authorization);
        const hop = request.redirect === 'follow' ? nextHop(url, request, response) : undefined;
        if (hop === undefined) {
          first.body?.finish();
          return hops === 0 ? response : markRedirected(response);
        }
        if (hops === MAX_REDIRECTS) {
          throw new TypeError('fetch failed', { cause: new Error('redirect count exceeded') });
        }
        await response.body?.cancel();
        if (request.body?.isStream === true && response.status !== 303)
          throw new TypeError('fetch failed', {
            cause: new Error('a stream cannot follow a redirect'),
          });
        // A caller that authorizes the first hop itself gets no token of ours on a later one.
        isAuthorizedByUs &&= authorization !== undefined;
        isAllowed &&= this.policy.allowsRedirectTo(hop.url);
        if (!isAllowed) {
          for (const name of this.policy.protectedHeaderNames) hop.request.headers.delete(name);
        }
        ({ url, request } = hop);
      }
    } catch (error) {
      first.body?.cancel(error);
      throw error;
    }
  }

  /** Sends a request to one address, and repeats it as the option `apiRetries` allows. */
  #exchange(
    url: URL,
    request: OutgoingRequest,
    authorization: Authorization | undefined,
  ): Promise<Response> {
    // All hops share the attempts of the first one.
    const retries = (this.#retries ??= authorization?.retries);
    return authorization === undefined || retries === undefined
      ? this.#replayed(url, request, authorization)
      : this.#repeated(url, request, authorization, retries);
  }

  async #repeated(
    url: URL,
    request: OutgoingRequest,
    authorization: Authorization,
    retries: CallRetries,
  ): Promise<Response> {
    const { method, body, signal } = request;
    const outcome = await sendRepeatedly(this.policy, { ...authorization, retries }, retries, {
      ...admissionOf(request),
      method,
      body,
      isAborted: () => signal?.aborted === true,
      send: (current) => this.#attempt(url, request, current),
    });
    if (outcome.result === undefined) throw outcome.error;
    return outcome.result;
  }

  async #attempt(
    url: URL,
    request: OutgoingRequest,
    authorization: Authorization,
  ): Promise<Attempt & { readonly result?: Response }> {
    try {
      const response = await this.#replayed(url, request, authorization);
      return { result: response, response: repeatable(response, this.policy.runtime) };
    } catch (error) {
      return { error };
    }
  }

  /** Sends a request, and once more if its token is refused. */
  async #replayed(
    url: URL,
    request: OutgoingRequest,
    authorization: Authorization | undefined,
  ): Promise<Response> {
    const response = await this.#sendWith(url, request, authorization);
    if (authorization === undefined || response.status !== 401) return response;
    if (!(await this.#isTokenRefused(request.method, response))) return response;
    const { retries } = authorization;
    if (!this.#canReplay || retries?.mayReplay === false) {
      this.policy.invalidate(authorization);
      return response;
    }
    this.#canReplay = false;
    retries?.countReplay();
    await response.body?.cancel();
    const reauthorization = await this.policy.reauthorize(authorization, request);
    const admitted = await this.policy.admit(reauthorization, admissionOf(request));
    return this.#replayed(url, request, admitted);
  }

  #sendWith(
    url: URL,
    request: OutgoingRequest,
    authorization: Authorization | undefined,
  ): MaybePromise<Response> {
    const headers = new Headers(request.headers);
    for (const [name, value] of Object.entries(authorization?.headers ?? {})) {
      headers.set(name, value);
    }
    // Caches below key by URL, but the response is for one user (RFC 9111, section 5.2.1.5).
    if (authorization !== undefined) headers.append('cache-control', 'no-store');
    const target = url === this.firstUrl ? this.firstTarget : url;
    return whenReady(toRequestInit(request, headers), (init) =>
      reported(authorization?.report, url, request.method, () => this.send(target, init)),
    );
  }

  async #isTokenRefused(method: string, response: Response): Promise<boolean> {
    let copy: ReadableStreamDefaultReader<unknown> | undefined;
    try {
      return await this.policy.isTokenRefused({
        status: response.status,
        challenge: response.headers.get('www-authenticate'),
        isEmpty: () => {
          // A response to HEAD never has a body, so an empty one means nothing.
          if (method === 'HEAD') return false;
          // Reads from a copy: the caller gets the whole body, and its error if it breaks off.
          copy = response.clone().body?.getReader();
          return copy === undefined || endsAtOnce(copy);
        },
      });
    } finally {
      copy?.cancel().catch(() => undefined);
    }
  }
}

function admissionOf({ signal, body }: OutgoingRequest): Admission {
  return {
    sources: () => (signal == null ? [] : [signalSource(signal)]),
    isLongCall: body?.isLong === true,
  };
}

function repeatable(response: Response, runtime: Runtime): NonNullable<Attempt['response']> {
  return {
    status: response.status,
    header: (name) => response.headers.get(name),
    readBody: async () => {
      // Reads from a copy: the caller gets the whole body, and its error if it breaks off.
      const { body } = response.clone();
      if (body === null) return '';
      const peeked = await peekBody(body, runtime);
      void peeked.body.cancel().catch(() => undefined);
      return peeked.text;
    },
    discard: () => drain(response.body),
  };
}

async function endsAtOnce(reader: ReadableStreamDefaultReader<unknown>): Promise<boolean> {
  try {
    return (await reader.read()).done;
  } catch {
    return false;
  }
}

/** Makes the response look as if `fetch` had followed the redirect. */
function markRedirected(response: Response): Response {
  return Object.defineProperty(response, 'redirected', { value: true });
}
