import { catchError, defer, finalize, map, type Observable } from 'rxjs';
import { proxyRefusal } from './env-proxy.js';
import { rejected } from '../tokens/rejection-pace.js';
import type { Authorization, OutgoingPolicy } from './outgoing-policy.js';
import { nextHop, type Outgoing } from './redirect.js';
import { isReplayable } from './replayable-body.js';

type Input = Parameters<typeof fetch>[0];

const MAX_REDIRECTS = 20; // as fetch itself: https://fetch.spec.whatwg.org/#http-redirect-fetch

/**
 * A `fetch` that puts a token onto calls that may carry one, and leaves all others as they are.
 * Relative addresses are of `baseUrl`. Redirects are followed here, as `fetch` forwards `as-user` to any host.
 */
export function authorizedFetch(
  policy: OutgoingPolicy,
  send: typeof fetch,
  baseUrl: string,
): typeof fetch {
  return fetchWith(policy, send, baseUrl, (outgoing) =>
    policy.authorize(outgoing.headers, outgoing),
  );
}

/** The same without a token and an acting user, for calls that are to carry only what the caller gives them. */
export function unauthorizedFetch(
  policy: OutgoingPolicy,
  send: typeof fetch,
  baseUrl: string,
): typeof fetch {
  return fetchWith(policy, send, baseUrl, () => undefined);
}

type Authorize = (
  outgoing: Outgoing,
) => Promise<Authorization | undefined> | Authorization | undefined;

function fetchWith(
  policy: OutgoingPolicy,
  send: typeof fetch,
  baseUrl: string,
  authorize: Authorize,
): typeof fetch {
  return async (input, init) => {
    const url = addressOf(input, baseUrl);
    if (url === undefined) return send(input, init);
    if (!policy.allows(url)) return send(typeof input === 'string' ? url : input, init);
    return new AuthorizedCall(policy, send, authorize).run(url, outgoingOf(input, init));
  };
}

/** The address; one without a host is of `apiUrl`, below its path. */
function addressOf(input: Input, apiUrl: string): URL | undefined {
  const text = input instanceof URL ? input.href : typeof input === 'string' ? input : input.url;
  if (URL.canParse(text)) return new URL(text);
  const below = text.startsWith('//') ? text : `${apiUrl}/${text.replace(/^\//, '')}`;
  return URL.canParse(below) ? new URL(below) : undefined;
}

const OF_A_REQUEST = [
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
 * Keeps a Request for as long as its signal. In Node the signal of a Request stops following the caller's once the garbage
 * collector has taken the Request, and callers pass new ones: https://github.com/nodejs/undici/issues/1926.
 */
const requests = new WeakMap<object, object>();

/** A Request's own fields, as `init` may override them. */
function outgoingOf(input: Input, init: RequestInit | undefined): Outgoing {
  const request = typeof input === 'string' || input instanceof URL ? undefined : input;
  const signal: unknown = request?.signal; // a fake Request in a test may have none
  if (request !== undefined && typeof signal === 'object' && signal !== null) {
    requests.set(signal, request);
  }
  const given: { readonly [name in (typeof OF_A_REQUEST)[number]]?: unknown } | undefined = init;
  const fields: RequestInit = Object.fromEntries(
    [
      ...OF_A_REQUEST.map((name) => [name, request?.[name]] as const),
      ...Object.entries(init ?? {}),
      // A Request may stand for it: its fields are not its own.
      ...OF_A_REQUEST.map((name) => [name, given?.[name]] as const),
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

/** One call with all its hops: at most one replay, and no header of ours once it has left the allowed origins. */
class AuthorizedCall {
  #mayReplay = true;

  constructor(
    private readonly policy: OutgoingPolicy,
    private readonly send: typeof fetch,
    private readonly authorize: Authorize,
  ) {}

  async run(start: URL, call: Outgoing): Promise<Response> {
    let url = start;
    let outgoing = call;
    let inside = true;
    let ownHeaders = true;
    for (let hops = 0; ; hops++) {
      const refusal = inside ? proxyRefusal(url, this.send) : undefined;
      if (refusal !== undefined) return rejected(refusal);
      const authorization: Authorization | undefined =
        inside && ownHeaders ? await this.authorize(outgoing) : undefined;
      const response = await this.#exchange(url, outgoing, authorization);
      const hop = outgoing.redirect === 'follow' ? nextHop(url, outgoing, response) : undefined;
      if (hop === undefined) {
        return hops === 0 ? response : redirected(response);
      }
      if (hops === MAX_REDIRECTS) {
        throw new TypeError('fetch failed', { cause: new Error('redirect count exceeded') });
      }
      await response.body?.cancel();
      if (!isReplayable(hop.outgoing.body))
        throw new TypeError('fetch failed', {
          cause: new Error('a stream cannot follow a redirect'),
        });
      // A caller's own identity is never replaced by ours halfway.
      ownHeaders &&= authorization !== undefined;
      inside &&= this.policy.allows(hop.url);
      if (!inside) for (const name of this.policy.headerNames) hop.outgoing.headers.delete(name);
      ({ url, outgoing } = hop);
    }
  }

  async #exchange(
    url: URL,
    outgoing: Outgoing,
    authorization: Authorization | undefined,
  ): Promise<Response> {
    const response = await this.#sendWith(url, outgoing, authorization);
    if (authorization === undefined || !(await this.#isTokenRefused(outgoing.method, response))) {
      return response;
    }
    if (!this.#mayReplay) {
      this.policy.refused(authorization);
      return response;
    }
    this.#mayReplay = false;
    await response.body?.cancel();
    const renewed = await this.policy.reauthorize(authorization, outgoing);
    if (!isReplayable(outgoing.body)) throw this.policy.notReplayable();
    return this.#exchange(url, outgoing, renewed);
  }

  #sendWith(
    url: URL,
    { headers, redirect, ...init }: Outgoing,
    authorization: Authorization | undefined,
  ): Promise<Response> {
    const all = new Headers(headers);
    for (const [name, value] of Object.entries(authorization?.headers ?? {})) {
      all.set(name, value);
    }
    // Caches below key by URL: the response is for one user (RFC 9111, section 5.2.1.5).
    if (authorization !== undefined) all.append('cache-control', 'no-store');
    return this.send(url, {
      ...init,
      headers: all,
      redirect: redirect === 'follow' ? judgedHere(init.body) : redirect,
    });
  }

  #isTokenRefused(method: string, response: Response): boolean | Promise<boolean> {
    return this.policy.isTokenRefused({
      status: response.status,
      challenge: response.headers.get('www-authenticate'),
      // An answer to HEAD never has a body: that says nothing.
      isEmpty: () => method !== 'HEAD' && isEmptyBody(response),
    });
  }
}

/**
 * `fetch` keeps a copy of all of a body, for redirects that it may be told to follow. A stream is sent once: to keep what
 * went of it would fill the memory.
 */
function judgedHere(body: Outgoing['body']): Outgoing['redirect'] {
  return isReplayable(body) ? 'manual' : 'error';
}

/** Looks at the first bytes of a copy, so that the caller still gets the whole, also if it breaks off. */
function isEmptyBody(response: Response): boolean | Observable<boolean> {
  const reader = response.clone().body?.getReader();
  if (reader === undefined) return true;
  return defer(() => reader.read()).pipe(
    map(({ done }) => done),
    catchError(() => [false]),
    finalize(() => void reader.cancel().catch(() => undefined)),
  );
}

/** The answer as `fetch` would have given it after a redirect. */
function redirected(response: Response): Response {
  return Object.defineProperty(response, 'redirected', { value: true });
}
