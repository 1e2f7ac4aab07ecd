export {
  ActingUser,
  AsServiceAccount,
  AsUser,
  type AsUserOptions,
} from './acting-as/as-user.decorator.js';
export type { ActingUserResolver } from './acting-as/acting-as.metadata.js';
export type { ActingVia } from './acting-as/acting-user.context.js';
export { BoxAuthExceptionFilter } from './box-auth-exception.filter.js';
export { BoxAuthModule } from './box-auth.module.js';
export type { WarmUp } from './app-lifecycle.js';
export {
  type BoxAuthModuleExtras,
  type BoxAuthModuleOptions,
  getBoxFetchToken,
  getBoxTokenProviderToken,
  InjectBoxFetch,
  InjectBoxTokenProvider,
} from './box-auth.module-definition.js';
export type { AssertionOptions } from './box/box-issuer.js';
export { boxApiError } from './box/box-api-error.js';
export type { Actor } from './box/actor-token.js';
export type { DownscopeRequest } from './box/downscope.js';
export { BoxTokenProvider } from './box-token.provider.js';
export type {
  AccessTokenCredentials,
  AppTokenCredentials,
  BoxConfigJson,
  BoxCredentials,
  BoxCredentialsSource,
  ClientCredentials,
  ConfigCredentials,
  ConfigFileCredentials,
  DeveloperTokenCredentials,
  ExternalSignerCredentials,
  GivenBoxCredentials,
  KeyPairCredentials,
} from './credentials/box-credentials.js';
export type { Subject } from './credentials/subject.js';
export { BoxAuthError, type BoxAuthErrorDetails } from './errors/box-auth.error.js';
export { type AuthEventOf, onAuthEvent } from './events/auth-channels.js';
export type {
  AuthEvent,
  AuthEventSource,
  ClockOffsetEvent,
  StaleServedEvent,
  StoreEvent,
  TokenEvent,
} from './events/auth-events.js';
export type { SigningAlgorithm } from './credentials/signing-algorithm.js';
export type { SigningFunction } from './credentials/assertion.js';
export type { BoxAuthErrorCode } from './errors/error-codes.js';
export { BoxFetch } from './box-fetch.js';
export type { Runtime } from './runtime/runtime.js';
export type { AccessToken } from './token-endpoint/access-token.js';
export type { TokenEndpointOptions } from './token-endpoint/token-endpoint.options.js';
export type { SubjectTokenDemand } from './tokens/access-tokens.js';
export type { OnStoreFailure } from './tokens/shared-tokens.js';
export type { Claim, ClaimRequest, StoredToken, TokenStore } from './tokens/token-store.js';
export type { RenewalOptions } from './tokens/renewal.options.js';
