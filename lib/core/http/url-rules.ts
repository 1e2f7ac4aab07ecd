/** Which addresses get a token: a description that comes with the issuer. */
export interface UrlRules {
  /** Origins that always do, as `URL.origin` writes them. */
  readonly origins: ReadonlySet<string>;
  /** Further hosts, on https and the default port. */
  readonly hosts?: RegExp;
  /** Paths that never do, on any origin: the token endpoint and its like. */
  readonly exceptPaths: RegExp;
  /** What somebody is told who wants a token for another address. */
  readonly advice: { readonly hint: string; readonly docs: string };
}

/** Whether a request to `url` may carry a token. */
export function mayCarryToken(url: URL, rules: UrlRules): boolean {
  return (
    isAllowedOrigin(url, rules) &&
    url.username === '' &&
    url.password === '' &&
    !rules.exceptPaths.test(plainPath(url.pathname))
  );
}

/** Every part of a URL is made anew when it is read: what most calls need comes first. */
function isAllowedOrigin(url: URL, { origins, hosts }: UrlRules): boolean {
  const { protocol } = url;
  if (protocol === 'https:') {
    return origins.has(url.origin) || (url.port === '' && hosts?.test(url.hostname) === true);
  }
  return protocol === 'http:' && origins.has(url.origin) && isLoopback(url.hostname);
}

/** The address; undefined if it is none. Parsed once, where `canParse` would do it twice. */
export function urlOf(text: string): URL | undefined {
  try {
    return new URL(text);
  } catch {
    return undefined;
  }
}

/** Nobody else can listen to plain http there. */
export function isLoopback(hostname: string): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || /^127(?:\.\d{1,3}){3}$/.test(hostname);
}

/** A path as a lenient server might read it: `/oauth2//%74oken` is the token endpoint, too. */
function plainPath(pathname: string): string {
  let path = pathname;
  try {
    path = decodeURIComponent(pathname);
  } catch {
    // Not percent-encoding at all: then it is read as it stands.
  }
  return path.replace(/[/\\]{2,}|\\/g, '/').toLowerCase();
}
