const LOOPBACK_HOSTS: ReadonlySet<string> = new Set(['localhost', '127.0.0.1', '[::1]']);

/**
 * The redirect URIs of an app. A request must name one of them exactly; on loopback, the port may differ.
 *
 * https://developer.box.com/guides/authentication/oauth2/oauth2-setup
 */
export class RedirectUris {
  readonly all: readonly [string, ...string[]];

  /** @throws TypeError for a list that Box's developer console would not save */
  constructor(uris: readonly string[]) {
    const [first, ...others] = uris;
    const problem =
      first === undefined || new Set(uris).size < uris.length
        ? `one or more, each once, received ${JSON.stringify(uris)}`
        : problemOf(uris);
    if (first === undefined || problem !== undefined) {
      throw new TypeError(`Invalid redirectUris: expected ${problem}`);
    }
    this.all = [first, ...others];
  }

  /** The URI to use if a request names none: Box then requires that the app has only one. */
  get onlyOne(): string | undefined {
    return this.all.length === 1 ? this.all[0] : undefined;
  }

  includes(uri: string): boolean {
    return this.all.some((known) => known === uri || isSameOnLoopback(known, uri));
  }
}

function problemOf(uris: readonly string[]): string | undefined {
  const wrong = uris.find((uri) => !isAllowed(uri));
  return wrong === undefined
    ? undefined
    : `absolute URLs without a fragment, and https except on loopback, received ${JSON.stringify(wrong)}`;
}

function isAllowed(uri: string): boolean {
  if (!URL.canParse(uri) || uri.includes('#')) return false;
  const { protocol, hostname } = new URL(uri);
  return protocol !== 'http:' || LOOPBACK_HOSTS.has(hostname);
}

function isSameOnLoopback(known: string, uri: string): boolean {
  if (!isAllowed(uri)) return false;
  const [a, b] = [new URL(known), new URL(uri)];
  return (
    LOOPBACK_HOSTS.has(a.hostname) &&
    (['protocol', 'hostname', 'username', 'password', 'pathname', 'search'] as const).every(
      (part) => a[part] === b[part],
    )
  );
}
