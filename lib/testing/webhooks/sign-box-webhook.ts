import { randomUUID } from 'node:crypto';
import {
  SIGNATURE_ALGORITHM,
  SIGNATURE_VERSION,
  webhookHeaders,
  webhookSignature,
} from '../../box/webhooks/webhook-signature.js';

/** The fields of an event. Missing ones get values like those of Box; `id` is new each time. */
export interface BoxWebhookEventFields {
  readonly trigger: string;
  readonly [field: string]: unknown;
}

/** Options of `signBoxWebhook`. */
export interface SignBoxWebhookOptions {
  /** The event, or the bytes of a body. */
  readonly event: BoxWebhookEventFields | Uint8Array;
  /** Without this key there is no primary signature, as for an app without a primary key. */
  readonly primaryKey?: string | undefined;
  /** Without this key there is no secondary signature. */
  readonly secondaryKey?: string | undefined;
  /** When the delivery is sent, in milliseconds since the epoch. Default now. */
  readonly sentAtMs?: number | undefined;
  /** The id of the delivery, another one in each attempt. Default a new one. */
  readonly deliveryId?: string | undefined;
}

/** The body and the headers of a delivery. */
export interface SignedBoxWebhook {
  readonly body: Buffer<ArrayBuffer>;
  readonly headers: Readonly<Record<string, string>>;
}

/**
 * Signs a webhook as Box does, for tests of an app that receives webhooks. The body is written like that of Box, with `\/` for a
 * slash and `\u` for characters outside ASCII, so that a body that was serialized again does not pass for the original.
 *
 * @example
 * ```ts
 * import { signBoxWebhook } from 'nestjs-box-auth/testing';
 *
 * export async function uploadHappens(address: string): Promise<number> {
 *   const { body, headers } = signBoxWebhook({
 *     event: { trigger: 'FILE.UPLOADED', source: { type: 'file', id: '7', name: 'plan.pdf' } },
 *     primaryKey: 'the-primary-key',
 *   });
 *   const response = await fetch(address, { method: 'POST', body, headers });
 *   return response.status;
 * }
 * ```
 */
export function signBoxWebhook({
  event,
  primaryKey,
  secondaryKey,
  sentAtMs = Date.now(),
  deliveryId = randomUUID(),
}: SignBoxWebhookOptions): SignedBoxWebhook {
  const timestamp = webhookTime(sentAtMs);
  const body =
    event instanceof Uint8Array
      ? Buffer.from(event)
      : Buffer.from(boxJson({ ...defaultFields(timestamp), ...event }));
  const headers = {
    'content-type': 'application/json; charset=utf-8',
    'user-agent': 'Box-WH-Client/0.1',
    [webhookHeaders.id]: deliveryId,
    [webhookHeaders.timestamp]: timestamp,
    [webhookHeaders.version]: SIGNATURE_VERSION,
    [webhookHeaders.algorithm]: SIGNATURE_ALGORITHM,
    ...signature(webhookHeaders.primary, primaryKey, body, timestamp),
    ...signature(webhookHeaders.secondary, secondaryKey, body, timestamp),
  };
  return { body, headers };
}

function signature(
  header: string,
  key: string | undefined,
  body: Uint8Array,
  timestamp: string,
): Record<string, string> {
  return key === undefined ? {} : { [header]: webhookSignature(key, body, timestamp) };
}

function defaultFields(timestamp: string) {
  return {
    type: 'webhook_event',
    id: randomUUID(),
    created_at: timestamp,
    webhook: { id: '53', type: 'webhook' },
    created_by: { type: 'user', id: '11111', name: 'Alice', login: 'alice@example.com' },
    additional_info: [],
  };
}

/** A time as Box writes it, which does not have milliseconds. Rounded down: a webhook must not come from the future. */
function webhookTime(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19)}+00:00`;
}

/** JSON as Box writes it: https://github.com/box/box-node-sdk/issues/533. */
function boxJson(value: unknown): string {
  return JSON.stringify(value)
    .replaceAll('/', String.raw`\/`)
    .replaceAll(/[\u007f-\uffff]/g, (unit) => {
      const code = unit.charCodeAt(0).toString(16).padStart(4, '0');
      return String.raw`\u${code}`;
    });
}
