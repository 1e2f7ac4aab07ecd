/** Describes the addresses that an issuer's tokens may be sent to. */
export interface UrlRules {
  /** Allowed origins, as `URL.origin` writes them. */
  readonly origins: ReadonlySet<string>;
  /** Further allowed hosts, on https and the default port. */
  readonly hosts?: RegExp;
  /**
   * Further origins whose paths get a token only if they match, and never by a redirect: the rest of the origin takes
   * signed URLs.
   */
  readonly paths?: ReadonlyMap<string, RegExp>;
  /** Paths that never get a token, on any origin, such as the token endpoint. */
  readonly exceptPaths: RegExp;
  /** Added to the error about an address that gets no token. */
  readonly advice: { readonly hint: string; readonly docs: string };
}

/** Whether a request to `url` may carry a token. */
export function mayCarryToken(url: URL, rules: UrlRules): boolean {
  const isAllowed = isAllowedOrigin(url, rules) || isAllowedPath(url.origin, url.pathname, rules);
  return isAllowed && hasAllowedShape(url, rules);
}

/** Segments that a URL contains as they are written: without dot segments, and nothing that a parser encodes or decodes. */
const PLAIN_PATH = /^(?:\/(?!\.)[\w.~-]+)*\/?(?:\?|$)/;

/** The same for `path`, with its query, at the origin of `base`. Most paths need not be parsed for that. */
export function mayCarryTokenTo(path: string, base: URL, rules: UrlRules): boolean {
  if (!PLAIN_PATH.test(path)) {
    const url = parseUrl(base.origin + path);
    return url !== undefined && mayCarryToken(url, rules);
  }
  const [pathname = ''] = path.split('?', 1);
  const isAllowed = isAllowedOrigin(base, rules) || isAllowedPath(base.origin, pathname, rules);
  return isAllowed && !rules.exceptPaths.test(pathname.toLowerCase());
}

/** Whether a request that has carried a token may carry one to `url`, where a redirect leads it. */
export function mayFollowWithToken(url: URL, rules: UrlRules): boolean {
  return isAllowedOrigin(url, rules) && hasAllowedShape(url, rules);
}

function hasAllowedShape(url: URL, rules: UrlRules): boolean {
  return (
    url.username === '' &&
    url.password === '' &&
    !rules.exceptPaths.test(normalizedPath(url.pathname))
  );
}

/** Reading a part of a URL builds a new string: the checks that most calls need come first. */
function isAllowedOrigin(url: URL, { origins, hosts }: UrlRules): boolean {
  const { protocol } = url;
  if (protocol === 'https:') {
    return origins.has(url.origin) || (url.port === '' && hosts?.test(url.hostname) === true);
  }
  return protocol === 'http:' && origins.has(url.origin) && isLoopback(url.hostname);
}

function isAllowedPath(origin: string, pathname: string, { paths }: UrlRules): boolean {
  return paths?.get(origin)?.test(pathname) === true;
}

/** Parses an absolute URL, or one relative to `base`; undefined if it is not valid. `URL.canParse` would parse it twice. */
export function parseUrl(text: string, base?: URL): URL | undefined {
  try {
    return new URL(text, base);
  } catch {
    return undefined;
  }
}

/** Whether requests to `hostname` stay on this machine, where plain http is safe. */
export function isLoopback(hostname: string): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || /^127(?:\.\d{1,3}){3}$/.test(hostname);
}

/** The path as a lenient server might read it: `/oauth2//%74oken` reaches the token endpoint, too. */
function normalizedPath(pathname: string): string {
  if (/^[\w/.~-]*$/.test(pathname) && !pathname.includes('//')) return pathname.toLowerCase();
  let path = pathname;
  try {
    path = decodeURIComponent(pathname);
  } catch {
    // Not valid percent-encoding: servers read it literally.
  }
  return path.replace(/[/\\]{2,}|\\/g, '/').toLowerCase();
}
