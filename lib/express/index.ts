export { boxAuthErrors, type BoxAuthErrorsOptions } from './box-auth-errors.js';
export type { BoxAuthLogger } from './box-auth-logger.js';
export { boxAuth, type BoxAuthMiddleware, type RequestBox } from './box-auth.middleware.js';
export type { BoxAuthExpressOptions } from './box-auth.options.js';
export {
  boxConnections,
  type BoxConnectionsMiddleware,
  type BoxConnectionsStatus,
} from './box-connections.middleware.js';
export type { BoxConnectionsExpressOptions } from './box-connections.options.js';
export { boxWebhook, type BoxWebhookExpressOptions } from './box-webhook.middleware.js';
export type { BoxHealth, BoxHealthOptions } from './box-health.js';
export { boxApiError } from '../box/box-api-error.js';
export * from '../box/connections/connections-api.js';
export type { BoxFetch } from '../box/box-fetch.js';
export type { BoxTokenProvider } from '../box/box-token.provider.js';
export type { BoxUsers } from '../box/users/box-users.js';
export type { BoxUserQuery, BoxUserScope, NewBoxUser } from '../box/users/user-query.js';
export * from '../box/webhooks/webhook-api.js';
export type { WarmUp } from '../core/app/app-start.js';
export type { OnBadCredentials } from '../core/app/bad-credentials.js';
export { BoxAuthError, type BoxAuthErrorDetails } from '../core/errors/box-auth.error.js';
export type { BoxAuthErrorCode } from '../core/errors/error-codes.js';
export { type AuthEventOf, onAuthEvent } from '../core/events/auth-channels.js';
export type {
  ApiRequestEvent,
  AuthEvent,
  AuthEventSource,
  ClockOffsetEvent,
  ConnectionEvent,
  StaleServedEvent,
  StoreEvent,
  TokenEvent,
} from '../core/events/auth-events.js';
export type { Runtime } from '../core/runtime/runtime.js';
export type { AccessToken } from '../core/token-endpoint/access-token.js';
