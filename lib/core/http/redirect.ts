import type { OutgoingRequest } from './outgoing-request.js';
import { parseUrl } from './url-rules.js';

/** As in `fetch`: https://fetch.spec.whatwg.org/#http-redirect-fetch. */
export const MAX_REDIRECTS = 20;
const REDIRECT_STATUSES: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);
/** Headers that `fetch` removes when a redirect turns the call into a GET. */
export const BODY_HEADERS = [
  'content-encoding',
  'content-language',
  'content-location',
  'content-type',
  'content-length',
];
/** Headers that `fetch` removes when a redirect leads to another origin. */
export const ORIGIN_BOUND_HEADERS = ['authorization', 'proxy-authorization', 'cookie', 'host'];

/**
 * Returns the request that a redirect asks for (https://fetch.spec.whatwg.org/#http-redirect-fetch), or undefined if the
 * response is not a redirect.
 */
export function nextHop(
  from: URL,
  request: OutgoingRequest,
  response: Response,
): { readonly url: URL; readonly request: OutgoingRequest } | undefined {
  if (!REDIRECT_STATUSES.has(response.status)) return undefined;
  const location = response.headers.get('location');
  if (location === null) return undefined;
  const url = redirectTarget(location, from);
  if (url === undefined) {
    throw new TypeError('fetch failed', {
      cause: new Error('the redirect does not lead to an http address'),
    });
  }
  const headers = new Headers(request.headers);
  if (url.origin !== from.origin) {
    for (const name of ORIGIN_BOUND_HEADERS) headers.delete(name);
  }
  if (!becomesGet(request.method, response.status)) {
    return { url, request: { ...request, headers } };
  }
  for (const name of BODY_HEADERS) headers.delete(name);
  return { url, request: { ...request, method: 'GET', headers, body: null } };
}

/** Resolves the value of a `Location` header. Returns undefined if it is not an http address. */
export function redirectTarget(location: string, from: URL): URL | undefined {
  // Header values are bytes. A server that does not escape its path means UTF-8.
  const url = parseUrl(Buffer.from(location, 'latin1').toString('utf8'), from);
  return url !== undefined && /^https?:$/.test(url.protocol) ? url : undefined;
}

/** Whether a redirect of a call turns it into a GET without a body. `method` is in upper case. */
export function becomesGet(method: string, status: number): boolean {
  return status === 303 ? method !== 'GET' && method !== 'HEAD' : status < 303 && method === 'POST';
}
