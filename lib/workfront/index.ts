export { BoxAuthError } from '../core/errors/box-auth.error.js';
export type { BoxAuthErrorCode } from '../core/errors/error-codes.js';
export type { AccessToken } from '../core/token-endpoint/access-token.js';
export type { TokenDemand } from '../core/tokens/token-refresher.js';
export { WorkfrontAuthModule } from './nest/workfront-auth.module.js';
export type {
  WorkfrontAuthModuleExtras,
  WorkfrontAuthModuleOptions,
} from './nest/workfront-auth.module-definition.js';
export type { WorkfrontAddress, WorkfrontAuthOptions } from './workfront-auth.options.js';
export type { WorkfrontCredentials } from './workfront-credentials.js';
export { WorkfrontFetch } from './workfront-fetch.js';
export { WorkfrontTokenProvider } from './workfront-token.provider.js';
