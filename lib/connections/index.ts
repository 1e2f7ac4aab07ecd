export { BoxConnectionsModule } from '../box/nest/box-connections.module.js';
export {
  type BoxConnectionsModuleExtras,
  type BoxConnectionsModuleOptions,
  type BoxConnectionsModuleRoutes,
  getBoxConnectionsToken,
  InjectBoxConnections,
} from '../box/nest/box-connections.module-definition.js';
export {
  AsConnectedUser,
  type AsConnectedUserOptions,
} from '../nest/as-connected-user.decorator.js';
export type { ConnectedUserResolver } from '../nest/acting-rule.js';
export type { BoxConnectionsRoutes } from '../box/connections/connection-routes.options.js';
export {
  type BoxConnection,
  type BoxConnectionPage,
  BoxConnections,
  type BoxConnectionsContext,
  type ConnectionTokenDemand,
} from '../box/connections/box-connections.js';
export type { BoxConnectionsOptions } from '../box/connections/box-connections.options.js';
export type {
  ConnectionKey,
  ConnectionRow,
  ConnectionStatus,
  ConnectionVault,
  IdleRequest,
  LeaseRequest,
  ListRequest,
  OtherKeysRequest,
  StateRow,
} from '../core/connections/connection-vault.js';
export { BoxAuthError, type BoxAuthErrorDetails } from '../core/errors/box-auth.error.js';
export type { BoxAuthErrorCode } from '../core/errors/error-codes.js';
export type { Runtime } from '../core/runtime/runtime.js';
export type { ConnectedPerson } from '../core/connections/connection-record.js';
export type { KeyWrapper } from '../core/connections/row-seal.js';
export type { CallbackQuery, SignInRequest, SignInResponse } from '../core/connections/sign-ins.js';
