export { BoxWebhook } from '../box/nest/box-webhook.decorator.js';
export { BoxWebhooksModule } from '../box/nest/box-webhooks.module.js';
export type {
  BoxWebhooksModuleExtras,
  BoxWebhooksModuleOptions,
} from '../box/nest/box-webhooks.module-definition.js';
export { BoxAuthError, type BoxAuthErrorDetails } from '../core/errors/box-auth.error.js';
export type { BoxAuthErrorCode } from '../core/errors/error-codes.js';
export type { Runtime } from '../core/runtime/runtime.js';
export type {
  BoxWebhooksOptions,
  BoxWebhookVerification,
} from '../box/webhooks/box-webhooks.options.js';
export {
  MemoryWebhookDeliveries,
  type MemoryWebhookDeliveriesOptions,
} from '../box/webhooks/memory-webhook-deliveries.js';
export { type BoxWebhookToVerify, verifyBoxWebhook } from '../box/webhooks/verify-box-webhook.js';
export type { WebhookClaim, WebhookDeliveries } from '../box/webhooks/webhook-deliveries.js';
export type {
  BoxCollaborationEvent,
  BoxCommentEvent,
  BoxFileEvent,
  BoxFolderEvent,
  BoxItemDetailsEvent,
  BoxNoActiveSessionEvent,
  BoxSignRequestEvent,
  BoxTaskAssignmentEvent,
  BoxWebhookDeletedEvent,
  BoxWebhookEvent,
  BoxWebhookFields,
  BoxWebhookItem,
  BoxWebhookObject,
  BoxWebhookUser,
  UnknownBoxWebhookEvent,
} from '../box/webhooks/webhook-event.js';
export type { BoxWebhookKeyList, BoxWebhookKeys } from '../box/webhooks/webhook-keys.js';
export type { BoxWebhookTrigger } from '../box/webhooks/webhook-triggers.js';
export type { BoxWebhookHeaders, BoxWebhookRequest } from '../box/webhooks/webhook-verifier.js';
