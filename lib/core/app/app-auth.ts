import { Subject as Signal } from 'rxjs';
import type { ResolvedAppAuthOptions } from './app-auth.options.js';
import type { CredentialsHelp, FieldNames } from '../credentials/credentials-errors.js';
import {
  CredentialsSource,
  type CredentialsOption,
  type ParsedCredentials,
} from '../credentials/credentials-source.js';
import { publishEvent } from '../events/auth-channels.js';
import type { AuthEvent } from '../events/auth-events.js';
import { authorizedFetch, unauthorizedFetch } from '../http/authorized-fetch.js';
import { directFetch } from '../http/env-proxy.js';
import { type HeaderScheme, OutgoingPolicy } from '../http/outgoing-policy.js';
import type { UrlRules } from '../http/url-rules.js';
import type { Issuer } from '../token-endpoint/issuer.js';
import { TokenEndpoint } from '../token-endpoint/token-endpoint.js';
import { TokenCache } from '../tokens/token-cache.js';
import { SharedTokenSource } from '../tokens/shared-token-source.js';

/** Everything that differs between Box and another who issues tokens. */
export interface IssuerDescription<Form extends object, Credentials extends ParsedCredentials> {
  readonly issuer: Issuer<Credentials>;
  /** Reads credentials in the form that an app gives them. */
  readonly parseCredentials: (form: Form, fieldNames: FieldNames) => Credentials;
  /** What whoever has wrong ones is told. */
  readonly credentialsHelp: CredentialsHelp;
  /** How a call carries its token, and how an answer refuses it. */
  readonly headers: HeaderScheme;
  /** Where tokens may go. */
  readonly urlRules: UrlRules;
  /** What addresses without a host are of. */
  readonly apiUrl: string;
}

/** One app at one issuer, its rooms put together from the top of the house to the bottom. Needs no Nest. */
export class AppAuth<Form extends object, Credentials extends ParsedCredentials> {
  readonly apiUrl: string;
  readonly policy: OutgoingPolicy;
  /** Carries tokens. */
  readonly fetch: typeof fetch;
  /** Carries nothing but what the caller gives it, and that not to other hosts. */
  readonly unauthorizedFetch: typeof fetch;
  readonly tokens: TokenCache;
  /** What happens to the tokens of this app: for who writes the log. */
  readonly events = new Signal<AuthEvent>();
  protected readonly endpoint: TokenEndpoint<Credentials>;
  readonly #keepWarm: ResolvedAppAuthOptions['keepWarm'];
  #isClosed = false;

  /** @throws BoxAuthError for credentials that are wrong (a function's: at `readCredentials`) */
  constructor(
    description: IssuerDescription<Form, Credentials>,
    credentials: CredentialsOption<Form>,
    options: ResolvedAppAuthOptions,
    name: string | undefined,
  ) {
    const { issuer, parseCredentials, credentialsHelp, headers, urlRules, apiUrl } = description;
    const { store, onStoreFailure, renewal, tokenEndpoint, maxSubjects, runtime } = options;
    const emit = (event: AuthEvent) => {
      if (this.#isClosed) return;
      publishEvent(event, { issuer: issuer.name, app: name });
      this.events.next(event);
    };
    const source = new CredentialsSource<Form, Credentials>(
      credentials,
      parseCredentials,
      credentialsHelp,
    );
    this.endpoint = new TokenEndpoint(
      issuer,
      source,
      tokenEndpoint,
      directFetch(options.fetch),
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
    this.policy = new OutgoingPolicy(this.tokens, headers, urlRules, runtime);
    this.fetch = authorizedFetch(this.policy, options.fetch, apiUrl);
    this.unauthorizedFetch = unauthorizedFetch(this.policy, options.fetch, apiUrl);
    this.#keepWarm = options.keepWarm;
  }

  /** Reads the credentials now, so that a function's mistake shows at bootstrap, too. */
  readCredentials(): Promise<void> {
    return this.endpoint.readCredentials();
  }

  /** Begins to renew the tokens of `keepWarm`. */
  keepWarm(): void {
    for (const subject of this.#keepWarm) {
      this.tokens.keepWarm(subject === 'own' ? undefined : subject);
    }
  }

  /** Ends what is in flight and stops every timer. */
  close(): void {
    this.#isClosed = true;
    this.tokens.close();
    this.events.complete();
  }
}
