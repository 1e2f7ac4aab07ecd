import { createHmac, timingSafeEqual } from 'node:crypto';

/** The headers of a delivery: https://developer.box.com/guides/webhooks/v2/. */
export const webhookHeaders = {
  id: 'box-delivery-id',
  timestamp: 'box-delivery-timestamp',
  primary: 'box-signature-primary',
  secondary: 'box-signature-secondary',
  version: 'box-signature-version',
  algorithm: 'box-signature-algorithm',
} as const;

/** The only values that Box sends. */
export const SIGNATURE_VERSION = '1';
export const SIGNATURE_ALGORITHM = 'HmacSHA256';

/**
 * The signature of a delivery: https://developer.box.com/guides/webhooks/v2/signatures-v2/. `timestamp` is the text of the
 * header.
 */
export function webhookSignature(key: string, body: Uint8Array, timestamp: string): string {
  return createHmac('sha256', key).update(body).update(timestamp).digest('base64');
}

/**
 * Compares the text of signatures in constant time. Their bytes would not do: base64 has several texts for the same bytes.
 */
export function isSameSignature(expected: string, received: string): boolean {
  const bytes = Buffer.from(expected);
  const other = Buffer.from(received);
  return bytes.length === other.length && timingSafeEqual(bytes, other);
}
