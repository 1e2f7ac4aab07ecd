export { BoxAuthError } from '../errors/box-auth.error.js';
export type { BoxAuthErrorCode } from '../errors/error-codes.js';
export type { AccessToken } from '../token-endpoint/access-token.js';
export type { TokenDemand } from '../tokens/renewing-token.js';
export { WorkfrontAuthModule } from './workfront-auth.module.js';
export type {
  WorkfrontAuthModuleExtras,
  WorkfrontAuthModuleOptions,
} from './workfront-auth.module-definition.js';
export type { WorkfrontAddress, WorkfrontAuthOptions } from './workfront-auth.options.js';
export type { WorkfrontCredentials } from './workfront-credentials.js';
export { WorkfrontFetch } from './workfront-fetch.js';
export { WorkfrontTokenProvider } from './workfront-token.provider.js';
