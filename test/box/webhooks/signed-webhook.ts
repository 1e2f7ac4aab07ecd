import { createHmac } from 'node:crypto';

export const PRIMARY = 'SamplePrimaryKey';
export const SECONDARY = 'SampleSecondaryKey';

/** The time in the header of Box's own samples. */
export const TIMESTAMP = '2020-01-01T00:00:00-07:00';
export const SENT_AT = Date.parse(TIMESTAMP);

/** A delivery as Box sends it. */
export interface SignedWebhook {
  readonly body: Buffer;
  readonly headers: Record<string, string>;
}

/** Signs as Box documents it, without code of the package. */
export function signed(
  body: string | Buffer,
  { primary = PRIMARY, secondary = SECONDARY, timestamp = TIMESTAMP } = {},
): SignedWebhook {
  const bytes = Buffer.from(body);
  const signature = (key: string) =>
    createHmac('sha256', key)
      .update(Buffer.concat([bytes, Buffer.from(timestamp)]))
      .digest('base64');
  return {
    body: bytes,
    headers: {
      'content-type': 'application/json; charset=utf-8',
      'box-delivery-id': 'f96bb54b-ee16-4fc5-aa65-8c2d9e5b546f',
      'box-delivery-timestamp': timestamp,
      'box-signature-version': '1',
      'box-signature-algorithm': 'HmacSHA256',
      'box-signature-primary': signature(primary),
      'box-signature-secondary': signature(secondary),
    },
  };
}

export function withoutHeaders(webhook: SignedWebhook, ...names: readonly string[]): SignedWebhook {
  const kept = Object.entries(webhook.headers).filter(([name]) => !names.includes(name));
  return { ...webhook, headers: Object.fromEntries(kept) };
}

export function withHeaders(
  webhook: SignedWebhook,
  headers: Readonly<Record<string, string>>,
): SignedWebhook {
  return { ...webhook, headers: { ...webhook.headers, ...headers } };
}

/** The body of an event as Box writes it. */
export function eventBody(fields: Readonly<Record<string, unknown>> = {}): string {
  const event = {
    type: 'webhook_event',
    id: 'eb0c4e06-751f-442c-86f8-fd5bb404dbec',
    created_at: '2020-01-01T00:00:00-07:00',
    trigger: 'FILE.UPLOADED',
    webhook: { id: '53', type: 'webhook' },
    created_by: { type: 'user', id: '226067247', name: 'John Q', login: 'johnq@dev.example' },
    source: { id: '73835521473', type: 'file', name: 'plan.pdf' },
    additional_info: [],
    ...fields,
  };
  return JSON.stringify(event);
}
