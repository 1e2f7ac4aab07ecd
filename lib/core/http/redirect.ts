import type { OutgoingRequest } from './outgoing-request.js';
import { parseUrl } from './url-rules.js';

const REDIRECT_STATUSES: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);
const BODY_HEADERS = [
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
  const location = response.headers.get('location');
  if (!REDIRECT_STATUSES.has(response.status) || location === null) {
    return undefined;
  }
  // Header values are bytes. A server that does not escape its path means UTF-8.
  const url = parseUrl(Buffer.from(location, 'latin1').toString('utf8'), from);
  if (url === undefined || !/^https?:$/.test(url.protocol)) {
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

function becomesGet(method: string, status: number): boolean {
  return status === 303 ? method !== 'GET' && method !== 'HEAD' : status < 303 && method === 'POST';
}
