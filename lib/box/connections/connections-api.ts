export {
  BoxConnections,
  type BoxConnectionsContext,
  type BoxConnectionsHealthOptions,
  type ConnectionTokenDemand,
} from './box-connections.js';
export type { BoxConnectionsOptions } from './box-connections.options.js';
export type { BoxConnectionsRoutes } from './connection-routes.options.js';
export type { ConnectedPerson } from '../../core/connections/connection-record.js';
export type * from '../../core/connections/connection-vault.js';
export type {
  Connection as BoxConnection,
  ConnectionPage as BoxConnectionPage,
} from '../../core/connections/connections.js';
export type { KeyWrapper } from '../../core/connections/row-seal.js';
export type {
  CallbackQuery,
  SignInRequest,
  SignInResponse,
} from '../../core/connections/sign-ins.js';
export type { VaultHealth as BoxConnectionsHealth } from '../../core/connections/vault-health.js';
