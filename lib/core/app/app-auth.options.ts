import * as v from 'valibot';
import { wholeNumberBetween } from '../credentials/field-checks.js';
import type { Subject } from '../credentials/subject.js';
import { globalFetch } from '../http/env-proxy.js';
import { type Runtime, systemRuntime } from '../runtime/runtime.js';
import {
  type TokenEndpointOptions,
  tokenEndpointSchema,
} from '../token-endpoint/token-endpoint.options.js';
import { type RenewalOptions, renewalSchema } from '../tokens/renewal.options.js';
import type { OnStoreFailure } from '../tokens/shared-token-source.js';
import type { TokenStore } from '../tokens/token-store.js';
import { choiceOption, functionOption, objectWithMethods } from './option-checks.js';

/** The options of an app at any issuer. */
export interface AppAuthOptions {
  /**
   * Sends token requests, and the calls of the app's own `fetch`. Pass undici's `fetch` with a dispatcher for a proxy or a
   * private CA. Default the global one.
   */
  readonly fetch?: typeof fetch | undefined;
  /** When tokens are refreshed. */
  readonly renewal?: RenewalOptions | undefined;
  /** Timeouts and attempts of token requests. */
  readonly tokenEndpoint?: TokenEndpointOptions | undefined;
  /** Shares tokens with other processes, such as a `RedisTokenStore`. Default none: each process requests its own. */
  readonly store?: TokenStore | undefined;
  /**
   * The behavior of a call while the store is unavailable: with `'open'` each process requests its own token, with `'closed'` the
   * call fails with `store_unavailable`. Default `'open'`.
   */
  readonly onStoreFailure?: OnStoreFailure | undefined;
  /**
   * The number of bytes of a stream that are kept while it is sent, so that it can be sent again with a new token. None of a
   * longer stream is kept. Default 8,388,608.
   */
  readonly replayBufferBytes?: number | undefined;
  /** Clock, timers and randomness, for tests. Default the system's. */
  readonly runtime?: Runtime | undefined;
}

/** `AppAuthOptions`, checked and with defaults, and what `AppAuth` needs of the issuer's options. */
export interface ResolvedAppAuthOptions {
  readonly fetch: typeof fetch;
  readonly renewal: Required<RenewalOptions>;
  readonly tokenEndpoint: Required<TokenEndpointOptions>;
  readonly store?: TokenStore | undefined;
  readonly onStoreFailure: OnStoreFailure;
  readonly replayBufferBytes: number;
  readonly runtime: Runtime;
  /** The maximum number of cached subjects besides the app's own. */
  readonly maxSubjects: number;
  /** Subjects whose tokens are refreshed without any call; `'own'` is the credentials' subject. */
  readonly keepWarm: readonly (Subject | 'own')[];
}

const MAX_BUFFER_BYTES = 1024 ** 3;

/** The schemas and defaults of `AppAuthOptions`. Each issuer adds its own in an `optionGroup`. `nullish` ones accept null, too. */
export const appAuthOptions = {
  fetch: v.optional(functionOption<typeof fetch>(), () => globalFetch),
  renewal: v.optional(renewalSchema, {}),
  tokenEndpoint: v.optional(tokenEndpointSchema, {}),
  store: v.optional(objectWithMethods<TokenStore>('claim', 'publish', 'invalidate', 'fail')),
  onStoreFailure: v.nullish(choiceOption(['open', 'closed']), 'open'),
  replayBufferBytes: v.nullish(wholeNumberBetween(0, MAX_BUFFER_BYTES), 8 * 1024 * 1024),
  runtime: v.nullish(
    objectWithMethods<Runtime>('now', 'monotonic', 'schedule', 'random', 'uniqueId'),
    systemRuntime,
  ),
} satisfies Record<keyof AppAuthOptions, v.GenericSchema>;
