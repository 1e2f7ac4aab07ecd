import type { AssertionOptions } from './box/box-issuer.js';
import { BOX_API_URL } from './box/box-urls.js';
import type { BoxCredentialsSource } from './credentials/box-credentials.js';
import { type Subject, subjectKey } from './credentials/subject.js';
import { BoxAuthError } from './errors/box-auth.error.js';
import { isLoopback } from './outgoing/url-rules.js';
import { type Runtime, systemRuntime } from './runtime/runtime.js';
import {
  tokenEndpointDefaults,
  type TokenEndpointOptions,
} from './token-endpoint/token-endpoint.options.js';
import type { OnStoreFailure } from './tokens/shared-tokens.js';
import type { TokenStore } from './tokens/token-store.js';
import { renewalDefaults, type RenewalOptions } from './tokens/renewal.options.js';

/** Everything that can be set, but the credentials: what works without Nest as well. */
export interface BoxAuthOptions {
  /** What proves the app to Box, or a function, sync or async, that is asked for it at every mint. */
  readonly credentials: BoxCredentialsSource;
  /**
   * Where calls and token requests go: an emulator or a proxy. Its origin gets tokens; plain http only on loopback.
   * Default `https://api.box.com`.
   */
  readonly apiUrl?: string | undefined;
  /** Further origins that get tokens, such as `https://box-proxy.example.com`. Default none. */
  readonly origins?: readonly string[] | undefined;
  /**
   * What token requests and `BoxFetch` go through: undici's own with a dispatcher, for a proxy or a private CA.
   * Default the global one.
   */
  readonly fetch?: typeof fetch | undefined;
  /** When tokens are renewed. */
  readonly renewal?: RenewalOptions | undefined;
  /** How long and how often the token endpoint is tried. */
  readonly tokenEndpoint?: TokenEndpointOptions | undefined;
  /** How many subjects' tokens are kept beside the app's own; the least recently used goes. Default 10,000. */
  readonly maxSubjects?: number | undefined;
  /**
   * Whose tokens are renewed although nobody asks, from bootstrap on: `'own'` is the subject that the credentials stand for.
   * Default none.
   */
  readonly keepWarm?: readonly (Subject | 'own')[] | undefined;
  /** How assertions are made, where Box leaves a choice. */
  readonly assertion?: AssertionOptions | undefined;
  /** Where tokens are shared with other processes, such as a `RedisTokenStore`. Default none: each process has its own. */
  readonly store?: TokenStore | undefined;
  /**
   * What becomes of a token that is wanted while the store is away: `'open'` has each process mint its own, `'closed'`
   * fails the call with `store_unavailable`. Default `'open'`.
   */
  readonly onStoreFailure?: OnStoreFailure | undefined;
  /** Time, timers and randomness, for tests. Default the system's. */
  readonly runtime?: Runtime | undefined;
}

/** The options with their defaults, checked. */
export interface ResolvedOptions {
  readonly credentials: BoxCredentialsSource;
  readonly apiUrl: string;
  readonly origins: readonly string[];
  readonly fetch: typeof fetch;
  readonly renewal: Required<RenewalOptions>;
  readonly tokenEndpoint: Required<TokenEndpointOptions>;
  readonly maxSubjects: number;
  readonly keepWarm: readonly (Subject | 'own')[];
  readonly assertion: AssertionOptions;
  readonly store: TokenStore | undefined;
  readonly onStoreFailure: OnStoreFailure;
  readonly runtime: Runtime;
}

const KNOWN: ReadonlySet<string> = new Set([
  'credentials',
  'apiUrl',
  'origins',
  'fetch',
  'renewal',
  'tokenEndpoint',
  'maxSubjects',
  'keepWarm',
  'assertion',
  'store',
  'onStoreFailure',
  'runtime',
]);

/**
 * Fills in the defaults and checks the rest.
 *
 * @throws BoxAuthError `option_invalid`, naming the option
 */
export function resolveOptions(options: BoxAuthOptions): ResolvedOptions {
  for (const name of Object.keys(options)) {
    if (!KNOWN.has(name)) throw invalidOption(name, undefined, `one of ${[...KNOWN].join(', ')}`);
  }
  if (options.fetch !== undefined && typeof options.fetch !== 'function') {
    throw invalidOption('fetch', undefined, 'a function');
  }
  const apiUrl = checkedUrl('apiUrl', options.apiUrl ?? BOX_API_URL);
  const renewal = withDefaults('renewal', renewalDefaults, options.renewal, 0);
  // A shorter deadline alone shortens the attempts, too.
  const timeoutMs = Math.min(
    tokenEndpointDefaults.timeoutMs,
    options.tokenEndpoint?.deadlineMs ?? Infinity,
  );
  const tokenEndpoint = withDefaults(
    'tokenEndpoint',
    { ...tokenEndpointDefaults, timeoutMs },
    options.tokenEndpoint,
    1,
  );
  inOrder('renewal', renewal, 'expiryMarginMs', 'waitMarginMs');
  inOrder('renewal', renewal, 'minWindowMs', 'maxWindowMs');
  inOrder('renewal', renewal, 'minBackoffMs', 'maxBackoffMs');
  inOrder('tokenEndpoint', tokenEndpoint, 'timeoutMs', 'deadlineMs');
  if (renewal.windowRatio > 1)
    throw invalidOption('renewal.windowRatio', renewal.windowRatio, 'a share from 0 to 1');
  wholeFromOne('tokenEndpoint.attempts', tokenEndpoint.attempts);
  return {
    credentials: options.credentials,
    apiUrl: apiUrl.href.replace(/\/+$/, ''),
    origins: [
      apiUrl.origin,
      ...(options.origins ?? []).map((origin) => checkedUrl('origins', origin).origin),
    ],
    // Looked up at each call, so that what replaces the global one later (a proxy agent, instrumentation) is used.
    fetch: options.fetch ?? ((input, init) => fetch(input, init)),
    renewal,
    tokenEndpoint,
    maxSubjects: wholeFromOne('maxSubjects', options.maxSubjects ?? 10_000),
    keepWarm: checkedKeepWarm(options.keepWarm ?? []),
    assertion: options.assertion ?? {},
    store: checkedStore(options.store),
    onStoreFailure: oneOf('onStoreFailure', ['open', 'closed'], options.onStoreFailure ?? 'open'),
    runtime: options.runtime ?? systemRuntime,
  };
}

function withDefaults<T extends object>(
  group: string,
  defaults: Required<T>,
  given: T | undefined,
  least: number,
): Required<T> {
  const resolved = { ...defaults };
  for (const [name, value] of Object.entries(given ?? {})) {
    if (!(name in defaults))
      throw invalidOption(`${group}.${name}`, value, `one of ${Object.keys(defaults).join(', ')}`);
    if (value === undefined) continue;
    if (typeof value !== 'number' || !Number.isFinite(value) || value < least) {
      throw invalidOption(`${group}.${name}`, value, `a number of at least ${least}`);
    }
    Object.assign(resolved, { [name]: value });
  }
  return resolved;
}

function checkedStore(store: TokenStore | undefined): TokenStore | undefined {
  const methods = ['claim', 'publish', 'invalidate', 'fail'] as const;
  if (store !== undefined && !methods.every((name) => typeof store[name] === 'function')) {
    throw invalidOption('store', undefined, `an object with the methods ${methods.join(', ')}`);
  }
  return store;
}

function oneOf<T extends string>(name: string, known: readonly T[], given: T): T {
  if (known.includes(given)) return given;
  throw invalidOption(name, undefined, known.map((value) => `'${value}'`).join(' or '));
}

function checkedKeepWarm(subjects: readonly (Subject | 'own')[]): readonly (Subject | 'own')[] {
  for (const subject of subjects) {
    if (subject !== 'own' && !/^(?:enterprise|user):[0-9]{1,20}$/.test(subjectKey(subject))) {
      throw invalidOption('keepWarm', undefined, "a list of 'own' and of { type, id }");
    }
  }
  return subjects;
}

function inOrder<T extends object>(
  group: string,
  options: T,
  smaller: keyof T & string,
  larger: keyof T & string,
): void {
  if (options[smaller] > options[larger]) {
    throw invalidOption(
      `${group}.${smaller}`,
      options[smaller],
      `at most ${group}.${larger}, which is ${String(options[larger])}`,
    );
  }
}

function wholeFromOne(name: string, value: number): number {
  if (!Number.isSafeInteger(value) || value < 1)
    throw invalidOption(name, value, 'a whole number of at least 1');
  return value;
}

function checkedUrl(name: string, value: string): URL {
  const url = URL.canParse(value) ? new URL(value) : undefined;
  if (
    url === undefined ||
    url.username !== '' ||
    url.password !== '' ||
    url.search !== '' ||
    url.hash !== ''
  ) {
    throw invalidOption(name, undefined, 'an absolute URL without user, query or fragment');
  }
  if (url.protocol !== 'https:' && !(url.protocol === 'http:' && isLoopback(url.hostname))) {
    throw invalidOption(
      name,
      url.origin,
      'an https URL: plain http would show tokens to the network, and is taken on loopback only',
    );
  }
  return url;
}

export function invalidOption(name: string, found: unknown, expected: string): BoxAuthError {
  // A string may be a secret in the wrong place.
  const shown = typeof found === 'number' ? `: found ${found}` : '';
  return new BoxAuthError({
    code: 'option_invalid',
    message: `The option ${name} is not valid${shown}, expected ${expected}.`,
    hint: `Mend ${name} where BoxAuthModule.forRoot (or what makes its options) sets it.`,
    docs: 'https://developer.box.com/guides/authentication/jwt/without-sdk/',
  });
}
