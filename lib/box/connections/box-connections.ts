import { type ActingConnection, runInActingContext } from '../../core/acting/acting.context.js';
import type { ConnectionKey } from '../../core/connections/connection-vault.js';
import type {
  Connection as BoxConnection,
  ConnectionPage as BoxConnectionPage,
} from '../../core/connections/connections.js';
import type { SignInRequest, SignInResponse } from '../../core/connections/sign-ins.js';
import type { VaultHealth as BoxConnectionsHealth } from '../../core/connections/vault-health.js';
import type { AccessToken } from '../../core/token-endpoint/access-token.js';
import { rejected } from '../../core/tokens/rejection-throttle.js';
import type { TokenDemand } from '../../core/tokens/token-refresher.js';
import type { BoxFetch } from '../box-fetch.js';
import { APP } from './app-of-connections.js';
import {
  type BoxConnectionsOptions,
  resolveConnectionsOptions,
} from './box-connections.options.js';
import { ConnectionsApp } from './connections-app.js';

/** Options of a health check. */
export interface BoxConnectionsHealthOptions {
  /** The number of milliseconds that a check waits for the vault: a whole number. Default 2,000. */
  readonly timeoutMs?: number | undefined;
}

/** Requirements for the token of a connection. */
export interface ConnectionTokenDemand extends TokenDemand {
  /** Which of several accounts of the owner. Default `''`. */
  readonly label?: string | undefined;
}

/** Details for the events and errors of a `BoxConnections`. */
export interface BoxConnectionsContext {
  /** The name that distinguishes this app from the other Box apps of the process. */
  readonly name?: string | undefined;
  /**
   * The path of the app that connects an account, such as `/box/connect`. Errors with the code `connection_missing` or
   * `reauthorization_required` have it, and so do their responses.
   */
  readonly connectUrl?: string | undefined;
  /** Options that the caller handles itself. The error for an unknown option lists them too. */
  readonly extraOptionNames?: readonly string[] | undefined;
}

/**
 * People's own Box accounts: they sign in to Box once (OAuth 2.0), and the app keeps the connection. The tokens are encrypted in
 * a vault that all processes share, refreshed before they expire, and never lost to a crash, a race or an outage.
 *
 * An owner is the app's own id of a person: a string of 1 to 255 characters. Take it from the session, never from the request.
 *
 * @example
 * ```ts
 * import { BoxConnections } from 'nestjs-box-auth/connections';
 * import { MemoryConnectionVault } from 'nestjs-box-auth/testing';
 *
 * const connections = new BoxConnections({
 *   clientId: process.env.BOX_OAUTH_CLIENT_ID ?? '',
 *   clientSecret: process.env.BOX_OAUTH_CLIENT_SECRET ?? '',
 *   redirectUri: 'https://app.example.com/box/callback',
 *   secret: process.env.BOX_OAUTH_VAULT_SECRET ?? '',
 *   vault: new MemoryConnectionVault(),
 * });
 * const me = await connections.runAs('ann', () => connections.fetch('/2.0/users/me'));
 * ```
 */
export class BoxConnections {
  readonly #app: ConnectionsApp;

  /** @throws BoxAuthError `option_invalid` */
  constructor(
    options: BoxConnectionsOptions,
    { name, connectUrl, extraOptionNames }: BoxConnectionsContext = {},
  ) {
    const resolved = resolveConnectionsOptions(options, extraOptionNames);
    this.#app = new ConnectionsApp(resolved, { name, connectUrl });
  }

  /** @internal For the Nest module. */
  get [APP](): ConnectionsApp {
    return this.#app;
  }

  /**
   * A `fetch` for Box that makes calls with the token of the connection that `runAs` or `@AsConnectedUser` selects. Rejects with
   * `connection_missing` outside of one. For apps without `BoxAuthModule`: with it, `BoxFetch` and all other clients do the same.
   */
  get fetch(): BoxFetch {
    return this.#app.fetch;
  }

  /**
   * Begins a sign-in. Returns the address to redirect the person to. The sign-in must be completed within ten minutes.
   *
   * `binding` is a value that only this browser has, such as the id of its session: pass the same one to `complete`. `returnTo`
   * is a path of this app, such as `/files`. `scopes` restricts the access to fewer scopes than those of the app.
   *
   * @throws BoxAuthError `owner_invalid`, `return_to_invalid`, `option_invalid`, `vault_unavailable`
   */
  async authorizationUrl(request: SignInRequest): Promise<string> {
    return this.#app.signIns.begin(request);
  }

  /**
   * Completes a sign-in in the callback: checks the state, exchanges the code and stores the connection, also in place of an
   * earlier one of the same owner and label.
   *
   * @throws BoxAuthError `state_invalid`, `state_expired`, `state_used`, `consent_denied`, `owner_invalid`, `vault_unavailable`,
   * `vault_unreadable`, and the errors of a token request
   */
  async complete(
    response: SignInResponse,
  ): Promise<{ readonly connection: BoxConnection; readonly returnTo?: string }> {
    const { signIns, connections, tokens } = this.#app;
    const { connection, returnTo } = await signIns.complete(response);
    tokens.forget(connection.row);
    this.#app.connected();
    return {
      connection: connections.describe(connection),
      ...(returnTo !== undefined && { returnTo }),
    };
  }

  /**
   * The connection of an owner; undefined if there is none. Reads the vault.
   *
   * @throws BoxAuthError `owner_invalid`, `option_invalid`, `vault_unavailable`, `vault_unreadable`
   */
  async get(owner: string, label?: string): Promise<BoxConnection | undefined> {
    const { connections } = this.#app;
    return connections.get(connections.keyOf(owner, label));
  }

  /**
   * The connections of all owners, in pages of `limit` (default 100, at most 1,000). `after` is the `next` of the page before.
   *
   * @throws BoxAuthError `option_invalid`, `vault_unavailable`, `vault_unreadable`
   */
  async list(
    options: { readonly after?: string | undefined; readonly limit?: number | undefined } = {},
  ): Promise<BoxConnectionPage> {
    return this.#app.connections.list(options);
  }

  /**
   * Returns a valid token of the owner's account: from memory, from the vault, or by a refresh that the whole fleet shares.
   *
   * @throws BoxAuthError `connection_missing`, `reauthorization_required`, `owner_invalid`, `vault_unavailable`,
   * `vault_unreadable`, `closed`, and the errors of a token request
   */
  getToken(owner: string, { label, ...demand }: ConnectionTokenDemand = {}): Promise<AccessToken> {
    const { connections, tokens } = this.#app;
    let key: ConnectionKey;
    try {
      key = connections.keyOf(owner, label);
    } catch (error) {
      return rejected(error);
    }
    return this.#app.connectable(tokens.get(key, demand));
  }

  /**
   * Runs `fn` with the owner's token in every call that it makes to Box, with any client, across awaits, timers and streams. For
   * jobs outside of requests; in handlers use `@AsConnectedUser`.
   *
   * @throws BoxAuthError `owner_invalid`, `option_invalid`
   */
  runAs<T>(owner: string, fn: () => T, label?: string): T {
    return runInActingContext({ source: {}, connection: this.actingConnection(owner, label) }, fn);
  }

  /**
   * Removes a connection, and revokes its tokens at Box unless `revoke` is false. The connection is removed even if Box cannot be
   * reached; `revoked` says whether Box has revoked the tokens. This can delete webhooks that were made with them. Without
   * `revoke`, other processes may use the current token until it expires.
   *
   * @throws BoxAuthError `owner_invalid`, `option_invalid`, `vault_unavailable`
   */
  async disconnect(
    owner: string,
    {
      label,
      revoke = true,
    }: { readonly label?: string | undefined; readonly revoke?: boolean | undefined } = {},
  ): Promise<{ readonly revoked: boolean }> {
    const { connections } = this.#app;
    return { revoked: await connections.disconnect(connections.keyOf(owner, label), revoke) };
  }

  /**
   * Refreshes connections that were not refreshed for `idleForMs` (default 30 days), at most `limit` (default 100, at most 1,000).
   * Call it every day until it refreshes none: Box ends a connection that was idle for 60 days. `lost` counts connections that Box has
   * ended, `failed` counts connections that could not be refreshed now.
   *
   * @throws BoxAuthError `option_invalid`, `vault_unavailable`
   */
  async refreshIdle(
    options: { readonly idleForMs?: number | undefined; readonly limit?: number | undefined } = {},
  ): Promise<{ readonly refreshed: number; readonly lost: number; readonly failed: number }> {
    return this.#app.connections.refreshIdle(options);
  }

  /**
   * Encrypts connections with the first secret, at most `limit` (default 100, at most 1,000). `left` counts connections that another
   * secret still encrypts: call it until that is 0, then remove the other secrets. Connections that cannot be decrypted stay.
   *
   * @throws BoxAuthError `option_invalid`, `vault_unavailable`
   */
  async rekey(
    options: { readonly limit?: number | undefined } = {},
  ): Promise<{ readonly rekeyed: number; readonly left: number }> {
    return this.#app.connections.rekey(options);
  }

  /**
   * Whether the vault can be read, by one read: `down` if it is unavailable, `degraded` if a connection that was read cannot be
   * decrypted. For readiness checks, not for liveness checks. Problems of the vault never make it reject.
   *
   * @throws BoxAuthError `option_invalid`
   */
  async health(options: BoxConnectionsHealthOptions = {}): Promise<BoxConnectionsHealth> {
    return this.#app.connections.health(options);
  }

  /** Ends the waits of all callers. Resolves when the refreshes that have begun are in the vault, after at most 5 s. */
  close(): Promise<void> {
    return this.#app.close();
  }

  /** @internal For the decorator and the middleware. */
  actingConnection(owner: string, label?: string): ActingConnection {
    const app = this.#app;
    const { connections, tokens } = app;
    const key = connections.keyOf(owner, label);
    return {
      key: JSON.stringify(key),
      peekFresh: (minValidityMs) => tokens.peekFresh(key, minValidityMs),
      peek: () => tokens.peek(key),
      get: (demand) => app.connectable(tokens.get(key, demand)),
      replace: (refused, demand) => app.connectable(tokens.replace(key, refused, demand)),
      invalidate: (token) => tokens.invalidate(key, token),
    };
  }
}
