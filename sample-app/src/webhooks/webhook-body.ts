import { type IncomingMessage } from 'node:http';
import { PayloadTooLargeException } from '@nestjs/common';

/** The path that Box sends webhooks to. */
export const WEBHOOK_PATH = '/webhooks/box';

const MAX_BYTES = 1024 * 1024;

/** Whether the body is a webhook. Its bytes are kept to verify the signature; all other bodies are uploads. */
export function isWebhook({ url }: Pick<IncomingMessage, 'url'>): boolean {
  return url === WEBHOOK_PATH;
}

/** Reads a body into memory. */
export async function bytesOf(body: AsyncIterable<Buffer>): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of body) {
    length += chunk.byteLength;
    if (length > MAX_BYTES) throw new PayloadTooLargeException();
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
