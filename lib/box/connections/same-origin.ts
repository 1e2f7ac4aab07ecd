import type { IncomingHttpHeaders } from 'node:http';

/**
 * Whether a page of the app has sent the request. Browsers that send `Sec-Fetch-Site` know; of the others, `Origin` must name the
 * app: https://www.w3.org/TR/fetch-metadata/. `redirectUri` is an address of the app, as browsers see it behind a proxy.
 */
export function isSameOrigin(headers: IncomingHttpHeaders, redirectUri: string): boolean {
  const { origin, host } = headers;
  const site = headers['sec-fetch-site'];
  if (site !== undefined) return site === 'same-origin';
  if (typeof origin !== 'string' || !URL.canParse(origin)) return false;
  const sender = new URL(origin);
  return sender.origin === new URL(redirectUri).origin || sender.host === host;
}
