import { Subject as Signal } from 'rxjs';
import type { TenantCheck } from '../acting/acting.context.js';
import type { ResolvedAppAuthOptions } from './app-auth.options.js';
import { isAboutCredentials, namedError, type OnBadCredentials } from './bad-credentials.js';
import type { CredentialsHelp, FieldNames } from '../credentials/credentials-errors.js';
import {
  CredentialsSource,
  type CredentialsOption,
  type ParsedCredentials,
} from '../credentials/credentials-source.js';
import { BoxAuthError } from '../errors/box-auth.error.js';
import { publishEvent } from '../events/auth-channels.js';
import type { AuthEvent } from '../events/auth-events.js';
import { authorizedFetch, type BaseUrlOf, unauthorizedFetch } from '../http/authorized-fetch.js';
import { ApiRetries } from '../http/api-retries.js';
import type { ApiRetryOptions } from '../http/api-retries.options.js';
import { directFetch } from '../http/env-proxy.js';
import type { ReplayingFetch } from '../http/outgoing-request.js';
import { type HeaderScheme, OutgoingPolicy } from '../http/outgoing-policy.js';
import { RecursionGuard } from '../http/recursion-guard.js';
import type { RetryRules } from '../http/retry-policy.js';
import type { UrlRules } from '../http/url-rules.js';
import type { Issuer } from '../token-endpoint/issuer.js';
import { TokenEndpoint } from '../token-endpoint/token-endpoint.js';
import { TokenCache } from '../tokens/token-cache.js';
import { SharedTokenSource } from '../tokens/shared-token-source.js';

/** An issuer: its token endpoint, its credentials, its headers and its origins. */
export interface IssuerDescription<Form extends object, Credentials extends ParsedCredentials> {
  readonly issuer: Issuer<Credentials>;
  /** Checks and parses credentials in the form of the option. */
  readonly parseCredentials: (form: Form, fieldNames: FieldNames) => Credentials;
  /** Help texts for errors about credentials. */
  readonly credentialsHelp: CredentialsHelp;
  /** How a call carries its token, and how a response rejects it. */
  readonly headers: HeaderScheme;
  /** The origins and paths that tokens may be sent to. */
  readonly urlRules: UrlRules;
  /** The address of the API. */
  readonly apiUrl: string;
  /** The base of URLs without a host. Default `apiUrl`. */
  readonly baseUrlOf?: BaseUrlOf;
  /** The enterprises that the app serves. Default: the one of the credentials. */
  readonly tenants?: TenantCheck;
  /** How calls are repeated. Default: only after a refused token. */
  readonly retries?: { readonly options: Required<ApiRetryOptions>; readonly rules: RetryRules };
}

/** One app at one issuer: credentials, token endpoint, cache and `fetch`, wired together. Independent of Nest. */
export class AppAuth<Form extends object, Credentials extends ParsedCredentials> {
  readonly apiUrl: string;
  readonly baseUrlOf: BaseUrlOf;
  readonly policy: OutgoingPolicy;
  /** A `fetch` that adds the app's token to calls. */
  readonly fetch: ReplayingFetch;
  /** The same `fetch`, which repeats a call only if its token was refused, for clients with retries of their own. */
  readonly fetchWithoutRetries: ReplayingFetch;
  /** A `fetch` that adds no token, for callers with a token of their own. It drops the caller's credentials for other hosts. */
  readonly unauthorizedFetch: ReplayingFetch;
  readonly tokens: TokenCache;
  /** The events of this app's tokens, for the log. */
  readonly events = new Signal<AuthEvent>();
  protected readonly endpoint: TokenEndpoint<Credentials>;
  readonly #retries: ApiRetries | undefined;
  readonly #keepWarm: ResolvedAppAuthOptions['keepWarm'];
  readonly #name: string | undefined;
  #problem: BoxAuthError | undefined;
  #isClosed = false;

  /**
   * An error instead of credentials isolates the app: every token request fails with it.
   *
   * @throws BoxAuthError for invalid credentials (those of a function: at `readCredentials`)
   */
  constructor(
    description: IssuerDescription<Form, Credentials>,
    credentials: CredentialsOption<Form> | BoxAuthError,
    options: ResolvedAppAuthOptions,
    name: string | undefined,
  ) {
    const { issuer, parseCredentials, credentialsHelp, headers, urlRules, apiUrl } = description;
    const { baseUrlOf = () => apiUrl, tenants, retries } = description;
    const {
      store,
      onStoreFailure,
      renewal,
      tokenEndpoint,
      maxSubjects,
      replayBufferBytes,
      runtime,
    } = options;
    const eventSource = { issuer: issuer.name, app: name };
    const emit = (event: AuthEvent) => {
      if (this.#isClosed) return;
      publishEvent(event, eventSource);
      this.events.next(event);
    };
    const source = new CredentialsSource<Form, Credentials>(
      credentials,
      parseCredentials,
      credentialsHelp,
    );
    const guard = new RecursionGuard();
    this.endpoint = new TokenEndpoint(
      issuer,
      source,
      tokenEndpoint,
      guard.wrap(directFetch(options.fetch)),
      runtime,
      emit,
    );
    this.tokens = new TokenCache(
      store === undefined
        ? this.endpoint
        : new SharedTokenSource(this.endpoint, store, onStoreFailure, renewal, runtime, emit),
      renewal,
      maxSubjects,
      runtime,
      emit,
    );
    this.apiUrl = apiUrl;
    this.baseUrlOf = baseUrlOf;
    this.#retries = retries && new ApiRetries(retries.options, retries.rules, runtime);
    this.policy = new OutgoingPolicy(
      this.tokens,
      headers,
      urlRules,
      runtime,
      eventSource,
      replayBufferBytes,
      tenants,
      this.#retries,
    );
    this.fetch = guard.wrap(authorizedFetch(this.policy, options.fetch, baseUrlOf));
    this.fetchWithoutRetries =
      retries === undefined
        ? this.fetch
        : guard.wrap(authorizedFetch(this.policy, options.fetch, baseUrlOf, { retries: false }));
    this.unauthorizedFetch = guard.wrap(unauthorizedFetch(this.policy, options.fetch, baseUrlOf));
    this.#keepWarm = options.keepWarm;
    this.#name = name;
    this.#problem = credentials instanceof BoxAuthError ? credentials : undefined;
  }

  /** Why the credentials could not be read at the start, if that isolated the app. Retryable if a function provides them. */
  get problem(): BoxAuthError | undefined {
    return this.#problem;
  }

  /**
   * Reads the credentials now, so that a failing credentials function fails the bootstrap. With `'isolate'` it fails the calls
   * of this app only.
   */
  async readCredentials(onBadCredentials: OnBadCredentials = 'fail'): Promise<void> {
    if (this.#problem !== undefined) return;
    try {
      await this.endpoint.readCredentials();
    } catch (thrown) {
      const error = namedError(thrown, this.#name);
      if (onBadCredentials === 'fail' || !isAboutCredentials(error)) throw error;
      this.#problem = error;
    }
  }

  /** Starts to refresh the tokens of the option `keepWarm`. */
  keepWarm(): void {
    if (this.#problem?.retryable === false) return;
    for (const subject of this.#keepWarm) {
      this.tokens.keepWarm(subject === 'own' ? undefined : subject);
    }
  }

  /** Aborts pending requests and stops every timer. */
  close(): void {
    this.#isClosed = true;
    this.tokens.close();
    this.#retries?.close();
    this.events.complete();
  }
}
