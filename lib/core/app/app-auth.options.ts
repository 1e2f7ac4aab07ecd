import type { Subject } from '../credentials/subject.js';
import { isRecord } from '../credentials/field-checks.js';
import { globalFetch } from '../http/env-proxy.js';
import { type Runtime, systemRuntime } from '../runtime/runtime.js';
import {
  tokenEndpointDefaults,
  type TokenEndpointOptions,
  tokenEndpointRanges,
} from '../token-endpoint/token-endpoint.options.js';
import type { OnStoreFailure } from '../tokens/shared-token-source.js';
import type { TokenStore } from '../tokens/token-store.js';
import {
  checkOneOf,
  checkOptions,
  invalidOption,
  unknownOption,
  wholeFromOne,
} from './option-checks.js';
import { renewalDefaults, type RenewalOptions, renewalRanges } from '../tokens/renewal.options.js';

/** What can be set whoever issues the tokens. */
export interface AppAuthOptions {
  /**
   * What token requests, and the `fetch` that carries tokens, go through: undici's own with a dispatcher, for a proxy or a
   * private CA. Default the global one.
   */
  readonly fetch?: typeof fetch | undefined;
  /** When tokens are renewed. */
  readonly renewal?: RenewalOptions | undefined;
  /** How long and how often the token endpoint is tried. */
  readonly tokenEndpoint?: TokenEndpointOptions | undefined;
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

/** These options with their defaults, checked. */
export interface ResolvedAppAuthOptions {
  readonly fetch: typeof fetch;
  readonly renewal: Required<RenewalOptions>;
  readonly tokenEndpoint: Required<TokenEndpointOptions>;
  readonly store: TokenStore | undefined;
  readonly onStoreFailure: OnStoreFailure;
  readonly runtime: Runtime;
  /** How many subjects' tokens are kept beside the app's own. */
  readonly maxSubjects: number;
  /** Whose tokens are renewed although nobody asks. */
  readonly keepWarm: readonly (Subject | 'own')[];
}

const KNOWN = ['fetch', 'renewal', 'tokenEndpoint', 'store', 'onStoreFailure', 'runtime'] as const;

/**
 * Fills in the defaults and checks the rest. `ofIssuer` names the options that are the issuer's own, `extraOptionNames` what can be
 * set in the same place and is not looked at here.
 *
 * @throws BoxAuthError `option_invalid`, naming the option
 */
export function resolveAppAuthOptions(
  options: AppAuthOptions,
  ofIssuer: readonly string[],
  extraOptionNames: readonly string[] = [],
): Omit<ResolvedAppAuthOptions, 'maxSubjects' | 'keepWarm'> {
  checkOptions('the app', options);
  const known: readonly string[] = [...ofIssuer, ...KNOWN];
  for (const name of Object.keys(options)) {
    if (!known.includes(name)) throw unknownOption(name, [...known, ...extraOptionNames]);
  }
  if (options.fetch !== undefined && typeof options.fetch !== 'function') {
    throw invalidOption('fetch', undefined, 'a function');
  }
  const renewal = withDefaults('renewal', renewalDefaults, options.renewal, renewalRanges);
  // A shorter deadline alone shortens the attempts, too.
  const timeoutMs = Math.min(
    tokenEndpointDefaults.timeoutMs,
    options.tokenEndpoint?.deadlineMs ?? Infinity,
  );
  const tokenEndpoint = withDefaults(
    'tokenEndpoint',
    { ...tokenEndpointDefaults, timeoutMs },
    options.tokenEndpoint,
    tokenEndpointRanges,
  );
  inOrder('renewal', renewal, 'expiryMarginMs', 'waitMarginMs');
  inOrder('renewal', renewal, 'minWindowMs', 'maxWindowMs');
  inOrder('renewal', renewal, 'minBackoffMs', 'maxBackoffMs');
  inOrder('tokenEndpoint', tokenEndpoint, 'timeoutMs', 'deadlineMs');
  wholeFromOne('tokenEndpoint.attempts', tokenEndpoint.attempts, tokenEndpointRanges.attempts[1]);
  return {
    fetch: options.fetch ?? globalFetch,
    renewal,
    tokenEndpoint,
    store: checkedStore(options.store),
    onStoreFailure: checkOneOf(
      'onStoreFailure',
      ['open', 'closed'],
      options.onStoreFailure ?? 'open',
    ),
    runtime: checkedRuntime(options.runtime ?? systemRuntime),
  };
}

/**
 * Of what has a type, and may come from code without any.
 *
 * @throws BoxAuthError `option_invalid`
 */
function checkObject(name: string, value: unknown): void {
  if (!isRecord(value)) throw invalidOption(name, undefined, 'an object');
}

function withDefaults<T extends object>(
  group: string,
  defaults: Required<T>,
  given: T | undefined,
  ranges: Readonly<Record<keyof T, readonly [number, number]>>,
): Required<T> {
  const resolved = { ...defaults };
  if (given !== undefined) checkObject(group, given);
  for (const [name, value] of Object.entries(given ?? {})) {
    if (!isKeyOf(ranges, name)) {
      throw unknownOption(`${group}.${name}`, Object.keys(defaults));
    }
    if (value === undefined) continue;
    const [least, most] = ranges[name];
    if (typeof value !== 'number' || !(value >= least && value <= most)) {
      throw invalidOption(`${group}.${name}`, value, `a number from ${least} to ${most}`);
    }
    Object.assign(resolved, { [name]: value });
  }
  return resolved;
}

function isKeyOf<T extends object>(record: T, key: PropertyKey): key is keyof T {
  return Object.hasOwn(record, key);
}

function checkedRuntime(runtime: Runtime): Runtime {
  const methods = ['now', 'monotonic', 'schedule', 'random', 'uniqueId'] as const;
  if (!methods.every((name) => typeof runtime?.[name] === 'function')) {
    throw invalidOption('runtime', undefined, `an object with the methods ${methods.join(', ')}`);
  }
  return runtime;
}

function checkedStore(store: TokenStore | undefined): TokenStore | undefined {
  const methods = ['claim', 'publish', 'invalidate', 'fail'] as const;
  if (store !== undefined && !methods.every((name) => typeof store?.[name] === 'function')) {
    throw invalidOption('store', undefined, `an object with the methods ${methods.join(', ')}`);
  }
  return store;
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
