import { checkOptions } from '../../core/app/option-checks.js';
import { type BoxWebhookVerification, createVerifier } from './box-webhooks.options.js';
import type { BoxWebhookEvent } from './webhook-event.js';
import type { BoxWebhookRequest } from './webhook-verifier.js';

/** The argument of `verifyBoxWebhook`. */
export interface BoxWebhookToVerify extends BoxWebhookRequest, BoxWebhookVerification {}

/**
 * Returns the event of a webhook (version 2) after checking that Box has sent it, unchanged and just now:
 * https://developer.box.com/guides/webhooks/v2/signatures-v2/. Nest apps use `@BoxWebhook()`, Express apps `boxWebhook()`.
 *
 * Either signature is enough. An empty key counts as no key.
 *
 * @throws BoxAuthError `webhook_invalid` if the webhook cannot be trusted; `webhook_raw_body_missing` if `body` is not bytes;
 * `option_invalid`, also without any key; `credentials_unavailable` if a function of the options fails
 *
 * @example
 * ```ts
 * import { verifyBoxWebhook } from 'nestjs-box-auth/webhooks';
 *
 * export async function receive(request: Request): Promise<Response> {
 *   const event = await verifyBoxWebhook({
 *     body: await request.arrayBuffer(),
 *     headers: request.headers,
 *     primaryKey: process.env.BOX_WEBHOOK_PRIMARY_KEY,
 *     secondaryKey: process.env.BOX_WEBHOOK_SECONDARY_KEY,
 *   });
 *   console.log(event.trigger);
 *   return new Response(null, { status: 204 });
 * }
 * ```
 */
export async function verifyBoxWebhook(webhook: BoxWebhookToVerify): Promise<BoxWebhookEvent> {
  checkOptions('verifyBoxWebhook', webhook);
  const { body, headers, ...options } = webhook;
  checkOptions('the headers of verifyBoxWebhook', headers);
  return await createVerifier(options, ['body', 'headers']).verify({ body, headers });
}
