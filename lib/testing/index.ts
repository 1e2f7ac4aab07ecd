export { BoxEmulator } from './box/box-emulator.js';
export { type BoxEmulatorOptions } from './box/emulator-assembly.js';
export type { BoxConfigJson } from '../box/credentials/box-credentials.js';
export type { EmulatedEnterprise } from './box/enterprise/emulated-enterprises.js';
export type { EmulatedUser } from './box/enterprise/emulated-users.js';
export {
  type EmulatedFile,
  type EmulatedFolder,
  type NewFile,
  type NewItem,
} from './box/drive/drive-items.js';
export type { EmulatedOAuthApp } from './box/oauth/oauth-client.js';
export type { EmulatedConnection } from './box/oauth/user-connections.js';
export type {
  EmulatedWebhook,
  EmulatedWebhooks,
  NewWebhook,
} from './box/webhooks/emulated-webhooks.js';
export type {
  EmulatedWebhookAttempt,
  EmulatedWebhookDelivery,
  EmulatedWebhookKeys,
} from './box/webhooks/webhook-sender.js';
export { type EmulatedGrant } from './box/emulated-token-endpoint.js';
export {
  type ConnectionVaultCase,
  connectionVaultConformance,
} from './connection-vault/connection-vault-conformance.js';
export { type ConnectionVaultHarness } from './connection-vault/connection-vault-harness.js';
export { MemoryConnectionVault } from './connection-vault/memory-connection-vault.js';
export { FakeBox, type FakeBoxOptions } from './fake-box/fake-box.js';
export {
  type FakeBoxActing,
  type FakeBoxCall,
  type FakeBoxPath,
} from './fake-box/fake-box-calls.js';
export { type FakeBoxReplier, type FakeBoxReply } from './fake-box/fake-box-replies.js';
export { type FakeBoxAccount, type FakeBoxRoutes } from './fake-box/fake-connections.js';
export { type FakeTokenFailure } from './fake-box/fake-box-tokens.js';
export { type Fault, type FaultTarget, type TokenHook } from './http/faults.js';
export { type RecordedRequest } from './http/request-log.js';
export { type RouteHandler } from './http/routes.js';
export { type TokenSubject } from './http/token-ledger.js';
export {
  tokenStoreConformance,
  type TokenStoreCase,
} from './token-store/token-store-conformance.js';
export { type TokenStoreHarness } from './token-store/token-store-harness.js';
export {
  type BoxWebhookEventFields,
  signBoxWebhook,
  type SignBoxWebhookOptions,
  type SignedBoxWebhook,
} from './webhooks/sign-box-webhook.js';
export { type WebhookDeliveriesHarness } from './webhooks/webhook-deliveries-cases.js';
export {
  type WebhookDeliveriesCase,
  webhookDeliveriesConformance,
} from './webhooks/webhook-deliveries-conformance.js';
export {
  type ExchangeFault,
  type SessionFault,
  type WorkfrontRefusal,
} from './workfront/refusals.js';
export { type WorkfrontCredentials } from './workfront/emulated-app.js';
export { type WorkfrontEmulatorOptions } from './workfront/emulator-assembly.js';
export { WorkfrontEmulator } from './workfront/workfront-emulator.js';
export { type WorkfrontFaultTarget } from './workfront/api-origin.js';
