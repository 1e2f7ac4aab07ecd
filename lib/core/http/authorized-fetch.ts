import { reported } from './api-call-report.js';
import { proxyRefusal } from './env-proxy.js';
import { rejected } from '../tokens/rejection-throttle.js';
import type { Authorization, OutgoingPolicy } from './outgoing-policy.js';
import { nextHop, type OutgoingRequest } from './redirect.js';
import { bodyNotReplayable, isReplayable } from './replayable-body.js';
import { parseUrl } from './url-rules.js';

type Input = Parameters<typeof fetch>[0];

const MAX_REDIRECTS = 20; // as in fetch: https://fetch.spec.whatwg.org/#http-redirect-fetch

/**
 * Creates a `fetch` that adds a token to calls that may carry one, and passes all others on unchanged. Resolves relative
 * addresses against `baseUrl`. Follows redirects itself, because `fetch` forwards `as-user` to any host.
 */
export function authorizedFetch(
  policy: OutgoingPolicy,
  send: typeof fetch,
  baseUrl: string,
): typeof fetch {
  return fetchWith(policy, send, baseUrl, (request) => policy.authorize(request.headers, request));
}

/** Creates the same `fetch` without a token and an acting user: it sends only the caller's own headers. */
export function unauthorizedFetch(
  policy: OutgoingPolicy,
  send: typeof fetch,
  baseUrl: string,
): typeof fetch {
  return fetchWith(policy, send, baseUrl, () => undefined);
}

type Authorize = (
  request: OutgoingRequest,
) => Promise<Authorization | undefined> | Authorization | undefined;

function fetchWith(
  policy: OutgoingPolicy,
  send: typeof fetch,
  baseUrl: string,
  authorize: Authorize,
): typeof fetch {
  return async (input, init) => {
    const url = resolveUrl(input, baseUrl);
    if (url === undefined) return send(input, init);
    if (!policy.allows(url)) return send(typeof input === 'string' ? url : input, init);
    return new AuthorizedCall(policy, send, authorize).run(url, toOutgoingRequest(input, init));
  };
}

/** An address without a host is below the path of `baseUrl`, with or without a leading slash. */
function resolveUrl(input: Input, baseUrl: string): URL | undefined {
  if (input instanceof URL) return new URL(input);
  const text = typeof input === 'string' ? input : input.url;
  return (
    parseUrl(text) ??
    parseUrl(text.startsWith('//') ? text : `${baseUrl}/${text.replace(/^\//, '')}`)
  );
}

const REQUEST_FIELDS = [
  'method',
  'headers',
  'body',
  'redirect',
  'signal',
  'keepalive',
  'integrity',
  'credentials',
  'cache',
  'mode',
  'referrer',
  'referrerPolicy',
] as const;

/**
 * Keeps a Request alive as long as its signal. In Node the signal of a Request stops following the caller's signal once the
 * Request is garbage-collected: https://github.com/nodejs/undici/issues/1926.
 */
const requestsBySignal = new WeakMap<object, object>();

/** Merges the fields of a Request with those of `init`, which win. */
function toOutgoingRequest(input: Input, init: RequestInit | undefined): OutgoingRequest {
  const request = typeof input === 'string' || input instanceof URL ? undefined : input;
  const signal: unknown = request?.signal; // a fake Request in a test may have none
  if (request !== undefined && typeof signal === 'object' && signal !== null) {
    requestsBySignal.set(signal, request);
  }
  const overrides: { readonly [name in (typeof REQUEST_FIELDS)[number]]?: unknown } | undefined =
    init;
  const fields: RequestInit = Object.fromEntries(
    [
      ...REQUEST_FIELDS.map((name) => [name, request?.[name]] as const),
      ...Object.entries(init ?? {}),
      // `init` may be a Request, whose fields are getters and not among its entries.
      ...REQUEST_FIELDS.map((name) => [name, overrides?.[name]] as const),
    ].filter(([, value]) => value !== undefined),
  );
  const body = fields.body ?? null;
  return {
    ...fields,
    method: (fields.method ?? 'GET').toUpperCase(),
    headers: new Headers(fields.headers),
    redirect: fields.redirect ?? 'follow',
    body,
    ...(isReplayable(body) ? {} : { duplex: 'half' }),
  };
}

/** Sends one call and follows its redirects. Replays at most one hop, and adds nothing after a hop to a foreign origin. */
class AuthorizedCall {
  #canReplay = true;

  constructor(
    private readonly policy: OutgoingPolicy,
    private readonly send: typeof fetch,
    private readonly authorize: Authorize,
  ) {}

  async run(firstUrl: URL, firstRequest: OutgoingRequest): Promise<Response> {
    let url = firstUrl;
    let request = firstRequest;
    let isAllowed = true;
    let isAuthorizedByUs = true;
    for (let hops = 0; ; hops++) {
      const refusal = isAllowed ? proxyRefusal(url, this.send) : undefined;
      if (refusal !== undefined) return rejected(refusal);
      const authorization: Authorization | undefined =
        isAllowed && isAuthorizedByUs ? await this.authorize(request) : undefined;
      const response = await this.#exchange(url, request, authorization);
      const hop = request.redirect === 'follow' ? nextHop(url, request, response) : undefined;
      if (hop === undefined) {
        return hops === 0 ? response : markRedirected(response);
      }
      if (hops === MAX_REDIRECTS) {
        throw new TypeError('fetch failed', { cause: new Error('redirect count exceeded') });
      }
      await response.body?.cancel();
      if (!isReplayable(hop.request.body))
        throw new TypeError('fetch failed', {
          cause: new Error('a stream cannot follow a redirect'),
        });
      // A caller that authorizes the first hop itself gets no token of ours on a later one.
      isAuthorizedByUs &&= authorization !== undefined;
      isAllowed &&= this.policy.allows(hop.url);
      if (!isAllowed) {
        for (const name of this.policy.protectedHeaderNames) hop.request.headers.delete(name);
      }
      ({ url, request } = hop);
    }
  }

  async #exchange(
    url: URL,
    request: OutgoingRequest,
    authorization: Authorization | undefined,
  ): Promise<Response> {
    const response = await this.#sendWith(url, request, authorization);
    if (authorization === undefined || !(await this.#isTokenRefused(request.method, response))) {
      return response;
    }
    if (!this.#canReplay) {
      this.policy.invalidate(authorization);
      return response;
    }
    this.#canReplay = false;
    await response.body?.cancel();
    const reauthorization = await this.policy.reauthorize(authorization, request);
    if (!isReplayable(request.body)) throw bodyNotReplayable();
    return this.#exchange(url, request, reauthorization);
  }

  #sendWith(
    url: URL,
    { headers, redirect, ...init }: OutgoingRequest,
    authorization: Authorization | undefined,
  ): Promise<Response> {
    const allHeaders = new Headers(headers);
    for (const [name, value] of Object.entries(authorization?.headers ?? {})) {
      allHeaders.set(name, value);
    }
    // Caches below key by URL, but the response is for one user (RFC 9111, section 5.2.1.5).
    if (authorization !== undefined) allHeaders.append('cache-control', 'no-store');
    return reported(authorization?.report, url, init.method, () =>
      this.send(url, {
        ...init,
        headers: allHeaders,
        redirect: redirect === 'follow' ? redirectMode(init.body) : redirect,
      }),
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

/**
 * To follow redirects, `fetch` keeps a copy of the whole body. A stream is sent only once, so a copy of it would only waste
 * memory.
 */
function redirectMode(body: OutgoingRequest['body']): OutgoingRequest['redirect'] {
  return isReplayable(body) ? 'manual' : 'error';
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
