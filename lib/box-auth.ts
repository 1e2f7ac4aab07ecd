import { Subject as Signal } from 'rxjs';
import { BoxIssuer } from './box/box-issuer.js';
import { boxHeaders, boxUrlRules } from './box/box-outgoing.js';
import { Downscoping } from './box/downscope.js';
import { Revocation } from './box/revocation.js';
import { type BoxAuthOptions, resolveOptions } from './box-auth.options.js';
import { BoxTokenProvider } from './box-token.provider.js';
import type { BoxCredentials, BoxOpenedCredentials } from './credentials/box-credentials.js';
import { CredentialsSource } from './credentials/credentials-source.js';
import { openCredentials } from './credentials/open-credentials.js';
import { privateKeyOpener } from './credentials/private-key.js';
import type { Subject } from './credentials/subject.js';
import { authorizedFetch } from './outgoing/authorized-fetch.js';
import { OutgoingPolicy } from './outgoing/outgoing-policy.js';
import { TokenEndpoint } from './token-endpoint/token-endpoint.js';
import { AccessTokens } from './tokens/access-tokens.js';
import { SharedTokens } from './tokens/shared-tokens.js';
import type { StoreEvent } from './tokens/store-guard.js';

/** One Box app, its rooms put together from the top of the house to the bottom. Needs no Nest. */
export class BoxAuth {
  readonly apiUrl: string;
  /** What HTTP clients send by: each its own means, or all of them `fetch`, where no call may leave by another way. */
  readonly sendsBy: 'client' | 'fetch' = 'client';
  readonly provider: BoxTokenProvider;
  readonly policy: OutgoingPolicy;
  readonly fetch: typeof fetch;
  /** The `fetch` of the options: for calls that are to carry nothing of ours. */
  readonly plainFetch: typeof fetch;
  readonly tokens: AccessTokens;
  readonly downscoping: Downscoping;
  readonly revocation: Revocation;
  /** The store went away, or is back: for who writes the log. */
  readonly storeEvents = new Signal<StoreEvent>();
  readonly #keepWarm: readonly (Subject | 'own')[];
  readonly #endpoint: TokenEndpoint<BoxOpenedCredentials>;

  /** @throws BoxAuthError for credentials and options that are wrong (a function's credentials: at `readCredentials`) */
  constructor(options: BoxAuthOptions) {
    const resolved = resolveOptions(options);
    const openKey = privateKeyOpener();
    const credentials = new CredentialsSource<BoxCredentials, BoxOpenedCredentials>(
      resolved.credentials,
      (form, where) => openCredentials(form, where, openKey),
    );
    const issuer = new BoxIssuer(resolved.apiUrl, resolved.assertion);
    const endpoint = new TokenEndpoint(
      issuer,
      credentials,
      resolved.tokenEndpoint,
      resolved.fetch,
      resolved.runtime,
    );
    this.#endpoint = endpoint;
    this.#keepWarm = resolved.keepWarm;
    const { store, onStoreFailure, renewal, runtime } = resolved;
    const tell = (event: StoreEvent) => this.storeEvents.next(event);
    this.tokens = new AccessTokens(
      store === undefined
        ? endpoint
        : new SharedTokens(endpoint, store, onStoreFailure, renewal, runtime, tell),
      resolved.renewal,
      resolved.maxSubjects,
      resolved.runtime,
    );
    this.apiUrl = resolved.apiUrl;
    this.policy = new OutgoingPolicy(this.tokens, boxHeaders, boxUrlRules(resolved.origins));
    this.plainFetch = resolved.fetch;
    this.fetch = authorizedFetch(this.policy, resolved.fetch, resolved.apiUrl);
    this.downscoping = new Downscoping(this.tokens, endpoint);
    this.revocation = new Revocation(this.tokens, endpoint, resolved.apiUrl);
    this.provider = new BoxTokenProvider(this);
  }

  /** Reads the credentials now, so that a function's mistake shows at bootstrap, too. */
  readCredentials(): Promise<void> {
    return this.#endpoint.readCredentials();
  }

  /** Begins to renew the tokens of `keepWarm`. */
  keepWarm(): void {
    for (const subject of this.#keepWarm) {
      this.tokens.keepWarm(subject === 'own' ? undefined : subject);
    }
  }

  /** Ends what is in flight and stops every timer. */
  close(): void {
    this.tokens.close();
  }
}
