export {
  ActingUser,
  AsServiceAccount,
  AsUser,
  type AsUserOptions,
} from './nest/as-user.decorator.js';
export {
  ActingEnterprise,
  ForEnterprise,
  type ForEnterpriseOptions,
} from './nest/for-enterprise.decorator.js';
export type { ActingUserResolver, EnterpriseResolver } from './nest/acting-rule.js';
export type { ActingVia } from './core/acting/acting.context.js';
export {
  BoxAuthExceptionFilter,
  type BoxAuthExceptionFilterOptions,
} from './nest/box-auth-exception.filter.js';
export { BoxAuthModule } from './box/nest/box-auth.module.js';
export type { OnBadCredentials } from './core/app/bad-credentials.js';
export type { WarmUp } from './core/app/app-start.js';
export {
  type BoxAuthModuleExtras,
  type BoxAuthModuleOptions,
  getBoxFetchToken,
  getBoxTokenProviderToken,
  getBoxUsersToken,
  InjectBoxFetch,
  InjectBoxTokenProvider,
  InjectBoxUsers,
} from './box/nest/box-auth.module-definition.js';
export { boxEnvironmentSchema } from './box/box-environment.schema.js';
export type { AssertionOptions } from './box/box-assertion.js';
export { boxApiError } from './box/box-api-error.js';
export type { Actor, DownscopeRequest } from './box/downscope.js';
export { BoxTokenProvider } from './box/box-token.provider.js';
export type { BoxTenants, RunForOptions } from './box/tenants.js';
export { BoxUsers } from './box/users/box-users.js';
export type { BoxUserQuery, BoxUserScope, NewBoxUser } from './box/users/user-query.js';
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
} from './box/credentials/box-credentials.js';
export type { Subject } from './core/credentials/subject.js';
export { BoxAuthError, type BoxAuthErrorDetails } from './core/errors/box-auth.error.js';
export { type AuthEventOf, onAuthEvent } from './core/events/auth-channels.js';
export type {
  ApiRequestEvent,
  AuthEvent,
  AuthEventSource,
  ClockOffsetEvent,
  ConnectionEvent,
  StaleServedEvent,
  StoreEvent,
  TenantUnauthorizedEvent,
  TokenEvent,
} from './core/events/auth-events.js';
export type { SigningAlgorithm } from './core/credentials/private-key.js';
export type { SigningFunction } from './core/credentials/assertion.js';
export type { BoxAuthErrorCode } from './core/errors/error-codes.js';
export type { ApiRetryOptions } from './core/http/api-retries.options.js';
export { BoxFetch, type BoxFetchInit } from './box/box-fetch.js';
export type { Runtime } from './core/runtime/runtime.js';
export type { AccessToken } from './core/token-endpoint/access-token.js';
export type { TokenEndpointOptions } from './core/token-endpoint/token-endpoint.options.js';
export type { SubjectTokenDemand } from './core/tokens/token-cache.js';
export type { OnStoreFailure } from './core/tokens/shared-token-source.js';
export type { Claim, ClaimRequest, StoredToken, TokenStore } from './core/tokens/token-store.js';
export type { RenewalOptions } from './core/tokens/renewal.options.js';
