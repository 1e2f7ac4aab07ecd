export { BoxWebhook } from '../box/nest/box-webhook.decorator.js';
export { BoxWebhooksModule } from '../box/nest/box-webhooks.module.js';
export type {
  BoxWebhooksModuleExtras,
  BoxWebhooksModuleOptions,
} from '../box/nest/box-webhooks.module-definition.js';
export * from '../box/webhooks/webhook-api.js';
export { BoxAuthError, type BoxAuthErrorDetails } from '../core/errors/box-auth.error.js';
export type { BoxAuthErrorCode } from '../core/errors/error-codes.js';
export type { Runtime } from '../core/runtime/runtime.js';
