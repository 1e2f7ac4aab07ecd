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
export * from '../box/connections/connections-api.js';
export { BoxAuthError, type BoxAuthErrorDetails } from '../core/errors/box-auth.error.js';
export type { BoxAuthErrorCode } from '../core/errors/error-codes.js';
export type { Runtime } from '../core/runtime/runtime.js';
