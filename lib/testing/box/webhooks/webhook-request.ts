import { request as requestByHttp } from 'node:http';
import { request as requestByHttps } from 'node:https';
import type { Runtime } from '../../../core/runtime/runtime.js';
import type { SignedBoxWebhook } from '../../webhooks/sign-box-webhook.js';

/** Box waits that long for a response. */
const TIMEOUT_MS = 30_000;

/** The status of a response, or the reason why there was none: `timeout`, or a code such as `ECONNREFUSED`. */
export type WebhookResult = { readonly status: number } | { readonly error: string };

export interface WebhookRequestContext {
  readonly runtime: Pick<Runtime, 'schedule'>;
  /** Aborts when the emulator stops. */
  readonly signal: AbortSignal;
}

/** Sends a webhook once. Like Box, it follows no redirect. */
export function postWebhook(
  address: string,
  { body, headers }: SignedBoxWebhook,
  { runtime, signal }: WebhookRequestContext,
): Promise<WebhookResult> {
  const url = new URL(address);
  const send = url.protocol === 'https:' ? requestByHttps : requestByHttp;
  return new Promise((resolve) => {
    // A connection of its own: a server must not wait for an idle one when it stops.
    const request = send(url, {
      method: 'POST',
      agent: false,
      signal,
      headers: { ...headers, 'content-length': body.byteLength },
    });
    const finish = (result: WebhookResult): void => {
      cancelTimeout();
      resolve(result);
    };
    const cancelTimeout = runtime.schedule(() => {
      finish({ error: 'timeout' });
      request.destroy();
    }, TIMEOUT_MS);
    request.once('response', (response) => {
      response.resume().once('error', () => undefined);
      finish({ status: response.statusCode ?? 0 });
    });
    request.on('error', (error) => {
      finish({ error: 'code' in error ? String(error.code) : error.message });
    });
    request.end(body);
  });
}
