/** A call that is about to be sent. */
export type Outgoing = Omit<RequestInit, 'headers' | 'method' | 'redirect' | 'body'> & {
  readonly method: string;
  readonly headers: Headers;
  readonly redirect: NonNullable<RequestInit['redirect']>;
  readonly body: NonNullable<RequestInit['body']> | null;
};

const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);
const OF_A_BODY = [
  'content-encoding',
  'content-language',
  'content-location',
  'content-type',
  'content-length',
];
/** Headers that fetch takes off a redirect to another origin. */
export const HEADERS_OF_ONE_ORIGIN = ['authorization', 'proxy-authorization', 'cookie', 'host'];

/**
 * Where a redirect leads and with what, after https://fetch.spec.whatwg.org/#http-redirect-fetch; undefined if the
 * answer is none.
 */
export function nextHop(
  from: URL,
  outgoing: Outgoing,
  response: Response,
): { readonly url: URL; readonly outgoing: Outgoing } | undefined {
  const location = response.headers.get('location');
  if (!REDIRECTS.has(response.status) || location === null) {
    return undefined;
  }
  // A header is bytes; a server that does not escape its path means UTF-8.
  const target = Buffer.from(location, 'latin1').toString('utf8');
  const url = URL.canParse(target, from.href) ? new URL(target, from) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol)) {
    throw new TypeError('fetch failed', {
      cause: new Error('the redirect leads to what is no address of http'),
    });
  }
  const headers = new Headers(outgoing.headers);
  if (url.origin !== from.origin) {
    for (const name of HEADERS_OF_ONE_ORIGIN) headers.delete(name);
  }
  if (!becomesGet(outgoing.method, response.status)) {
    return { url, outgoing: { ...outgoing, headers } };
  }
  for (const name of OF_A_BODY) headers.delete(name);
  return { url, outgoing: { ...outgoing, method: 'GET', headers, body: null } };
}

function becomesGet(method: string, status: number): boolean {
  return status === 303 ? method !== 'GET' && method !== 'HEAD' : status < 303 && method === 'POST';
}
