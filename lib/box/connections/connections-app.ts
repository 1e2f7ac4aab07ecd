import { Subject as Signal } from 'rxjs';
import { ConnectionTokens } from '../../core/connections/connection-tokens.js';
import { noConnectionSelected } from '../../core/connections/connection-errors.js';
import { Connections } from '../../core/connections/connections.js';
import { GuardedVault } from '../../core/connections/guarded-vault.js';
import { OAuthClient } from '../../core/connections/oauth-client.js';
import { EnvelopeSeal, type RowSeal } from '../../core/connections/row-seal.js';
import { SealedConnections } from '../../core/connections/sealed-connections.js';
import { SignInStates } from '../../core/connections/sign-in-states.js';
import { SignIns } from '../../core/connections/sign-ins.js';
import { BoxAuthError } from '../../core/errors/box-auth.error.js';
import { isForThePerson } from '../../core/errors/gateway-response.js';
import { Secret } from '../../core/errors/secret.js';
import { publishEvent } from '../../core/events/auth-channels.js';
import type { AuthEvent, ConnectionEvent } from '../../core/events/auth-events.js';
import { ApiRetries } from '../../core/http/api-retries.js';
import { authorizedFetch } from '../../core/http/authorized-fetch.js';
import { directFetch } from '../../core/http/env-proxy.js';
import { type AppTokens, OutgoingPolicy } from '../../core/http/outgoing-policy.js';
import type { ReplayingFetch } from '../../core/http/outgoing-request.js';
import { RecursionGuard } from '../../core/http/recursion-guard.js';
import { SecretSeal } from '../../core/sealing/secret-seal.js';
import { rejected } from '../../core/tokens/rejection-throttle.js';
import { BOX } from '../box-issuer.js';
import { BOX_API_URL } from '../box-issuer.js';
import { BOX_UPLOAD_URL, boxBaseUrlOf, boxHeaders, boxUrlRules } from '../box-outgoing.js';
import { boxRetryRules } from '../box-retry-rules.js';
import { BOX_IDLE_LIFETIME_MS, BoxAuthorizationServer } from './box-authorization-server.js';
import type { ResolvedConnectionsOptions } from './box-connections.options.js';

/** Calls outside of a connection have no token. */
const NO_APP_TOKENS: AppTokens = {
  ownSubject: undefined,
  peekFresh: () => undefined,
  get: () => rejected(noConnectionSelected()),
  replace: () => rejected(noConnectionSelected()),
  invalidate: () => undefined,
};

/** The connections of one Box app: sign-ins, vault, tokens and `fetch`, wired together. */
export class ConnectionsApp {
  readonly signIns: SignIns;
  readonly connections: Connections;
  readonly tokens: ConnectionTokens;
  /** A `fetch` that makes calls with the token of the acting connection. */
  readonly fetch: ReplayingFetch;
  /** Where Box redirects to. */
  readonly redirectUri: string;
  /** The events of this app, for the log. */
  readonly events = new Signal<AuthEvent>();
  readonly #retries: ApiRetries | undefined;

  constructor(
    options: ResolvedConnectionsOptions,
    private readonly identity: {
      readonly name: string | undefined;
      readonly connectUrl: string | undefined;
    },
  ) {
    const { clientId: app, apiUrl, renewal, runtime, redirectUri } = options;
    this.redirectUri = redirectUri;
    const guard = new RecursionGuard();
    const client = new OAuthClient(
      new BoxAuthorizationServer(options.authorizeUrl, apiUrl),
      { clientId: app, clientSecret: new Secret(options.clientSecret), redirectUri },
      {
        limits: options.tokenEndpoint,
        fetch: guard.wrap(directFetch(options.fetch)),
        runtime,
        emit: (event) => this.#emit(event),
      },
    );
    const seal = sealOf(options);
    const vault = new GuardedVault(options.vault, runtime);
    const connections = new SealedConnections(vault, seal);
    this.tokens = new ConnectionTokens(
      {
        connections,
        vault,
        refresh: (refreshToken) => client.refresh(refreshToken),
        onRefresh: () => this.#changed('refreshed'),
        onEnd: (error) => this.#emit({ kind: 'connection', change: 'lost', error }),
        renewal,
        runtime,
      },
      (event) => this.#emit(event),
      options.maxConnections,
    );
    const states = new SignInStates(app, vault, seal, runtime);
    this.signIns = new SignIns({ app, client, states, connections, vault, runtime });
    this.connections = new Connections({
      app,
      client,
      connections,
      vault,
      tokens: this.tokens,
      keyId: seal.keyId,
      idleLifetimeMs: BOX_IDLE_LIFETIME_MS,
      onChange: (change) => this.#changed(change),
      runtime,
    });
    const { apiRetries } = options;
    this.#retries = apiRetries && new ApiRetries(apiRetries, boxRetryRules, runtime);
    this.fetch = guard.wrap(this.#fetchOf(options));
  }

  /** Ends the waits of all callers. Waits at most 5 s until the refreshes that have begun are in the vault. */
  async close(): Promise<void> {
    this.#retries?.close();
    await this.tokens.close();
    this.events.complete();
  }

  /** Adds the path that connects an account to the errors of `work` that the person can fix there. */
  async connectable<T>(work: Promise<T>): Promise<T> {
    const { connectUrl } = this.identity;
    try {
      return await work;
    } catch (error) {
      if (connectUrl === undefined || !(error instanceof BoxAuthError) || !isForThePerson(error)) {
        throw error;
      }
      throw error.with({ message: error.message, connectUrl });
    }
  }

  connected(): void {
    this.#changed('connected');
  }

  #fetchOf({
    apiUrl,
    origins,
    fetch,
    runtime,
    replayBufferBytes,
  }: ResolvedConnectionsOptions): ReplayingFetch {
    const policy = new OutgoingPolicy(
      NO_APP_TOKENS,
      boxHeaders,
      boxUrlRules(origins),
      runtime,
      { issuer: BOX, app: this.identity.name },
      replayBufferBytes,
      undefined,
      this.#retries,
    );
    const uploadUrl = apiUrl === BOX_API_URL ? BOX_UPLOAD_URL : apiUrl;
    return authorizedFetch(policy, fetch, boxBaseUrlOf({ apiUrl, uploadUrl }));
  }

  #changed(change: ConnectionEvent['change']): void {
    this.#emit({ kind: 'connection', change });
  }

  #emit(event: AuthEvent): void {
    publishEvent(event, { issuer: BOX, app: this.identity.name });
    this.events.next(event);
  }
}

function sealOf({ keys, secrets, runtime }: ResolvedConnectionsOptions): RowSeal {
  const seal = secrets && new SecretSeal('vault', secrets);
  if (keys !== undefined) return new EnvelopeSeal(keys, seal, runtime);
  if (seal === undefined) throw new TypeError('No secret.'); // the options were checked
  return seal;
}
