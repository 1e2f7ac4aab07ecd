import type { EmulatorClock } from '../../http/emulator-clock.js';
import type { TokenLedger } from '../../http/token-ledger.js';
import type { EmulatedApp } from '../emulated-app.js';
import { AuthorizationCodes } from './authorization-codes.js';
import { AuthorizeEndpoint } from './authorize-endpoint.js';
import { OAuthClient, type OAuthClientOptions } from './oauth-client.js';
import { OAuthGrants } from './oauth-grants.js';
import { UserConnections } from './user-connections.js';

/** The OAuth app, and everything at Box that people connect their accounts with. */
export interface EmulatedOAuth {
  readonly client: OAuthClient;
  readonly connections: UserConnections;
  readonly authorizeEndpoint: AuthorizeEndpoint;
  readonly grants: OAuthGrants;
}

export interface EmulatedOAuthOptions extends OAuthClientOptions {
  readonly refreshGrace?: boolean;
}

export function createOAuth(
  options: EmulatedOAuthOptions,
  parts: {
    readonly app: EmulatedApp;
    readonly clock: EmulatorClock;
    readonly ledger: TokenLedger;
  },
): EmulatedOAuth {
  const { app, clock, ledger } = parts;
  const client = new OAuthClient(options);
  const codes = new AuthorizationCodes(clock);
  const connections = new UserConnections(clock, ledger, options.refreshGrace ?? true);
  return {
    client,
    connections,
    authorizeEndpoint: new AuthorizeEndpoint({ app, client, codes }),
    grants: new OAuthGrants({ app, client, clock, codes, connections }),
  };
}
