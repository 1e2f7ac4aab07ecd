// The names that both ./express and ./webhooks export.
export type { BoxWebhooksOptions, BoxWebhookVerification } from './box-webhooks.options.js';
export {
  MemoryWebhookDeliveries,
  type MemoryWebhookDeliveriesOptions,
} from './memory-webhook-deliveries.js';
export { type BoxWebhookToVerify, verifyBoxWebhook } from './verify-box-webhook.js';
export type { WebhookClaim, WebhookDeliveries } from './webhook-deliveries.js';
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
} from './webhook-event.js';
export type { BoxWebhookKeyList, BoxWebhookKeys } from './webhook-keys.js';
export type { BoxWebhookTrigger } from './webhook-triggers.js';
export type { BoxWebhookHeaders, BoxWebhookRequest } from './webhook-verifier.js';
