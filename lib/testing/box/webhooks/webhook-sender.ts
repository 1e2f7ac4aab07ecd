import { randomUUID } from 'node:crypto';
import { setMaxListeners } from 'node:events';
import { isLoopback } from '../../../core/http/url-rules.js';
import type { Runtime } from '../../../core/runtime/runtime.js';
import type { EmulatorClock } from '../../http/emulator-clock.js';
import type { JsonObject } from '../../http/http-response.js';
import { signBoxWebhook } from '../../webhooks/sign-box-webhook.js';
import { postWebhook } from './webhook-request.js';

/** The signature keys of the app. Without a key, its signature is missing, as at Box. */
export interface EmulatedWebhookKeys {
  readonly primaryKey?: string | undefined;
  readonly secondaryKey?: string | undefined;
}

/** One request to the address of a webhook. */
export interface EmulatedWebhookAttempt {
  /** The header `box-delivery-id`: another one in each attempt. */
  readonly deliveryId: string;
  /** By Box's clock, in ms since the epoch. */
  readonly sentAtMs: number;
  /** The status of the response. Missing while the request is in progress, and without a response. */
  readonly status?: number;
  /** Why there was no response: `timeout` after 30 s, or a code such as `ECONNREFUSED`. */
  readonly error?: string;
}

/** An event that the emulator delivers to the address of one webhook. */
export interface EmulatedWebhookDelivery {
  /** The `id` in the body: the same in each attempt. */
  readonly id: string;
  readonly webhookId: string;
  readonly address: string;
  /** Such as `FILE.UPLOADED`. */
  readonly trigger: string;
  /** The body, parsed. */
  readonly event: Readonly<Record<string, unknown>>;
  /**
   * `delivered` after a 2xx; `pending` while an attempt is in progress or will follow; `failed` after the last attempt; `not-sent`
   * if the address is not on loopback, as the emulator sends nothing to other hosts.
   */
  readonly state: 'pending' | 'delivered' | 'failed' | 'not-sent';
  readonly attempts: readonly EmulatedWebhookAttempt[];
  /** When the next attempt follows, by Box's clock, in ms since the epoch. Missing if none follows. */
  readonly nextAttemptAtMs?: number;
}

/** An event for a webhook. */
export interface WebhookMessage {
  readonly id: string;
  readonly webhookId: string;
  readonly address: string;
  readonly trigger: string;
  readonly event: JsonObject & { readonly trigger: string };
}

interface Delivery {
  readonly message: WebhookMessage;
  readonly body: Uint8Array;
  readonly attempts: EmulatedWebhookAttempt[];
  inProgress: number;
  next?: { readonly atMs: number; readonly cancel: () => void };
}

/** Box delivers an event again up to 12 times over 2 hours. It does not document the intervals. */
const MAX_RETRIES = 12;
const RETRY_INTERVAL_MS = 10 * 60_000;

interface WebhookSenderParts {
  readonly clock: EmulatorClock;
  readonly runtime: Pick<Runtime, 'schedule'>;
}

/** Signs and sends webhooks, and repeats those without a 2xx. */
export class WebhookSender {
  keys: EmulatedWebhookKeys;
  readonly #parts: WebhookSenderParts;
  readonly #deliveries = new Map<string, Delivery>();
  readonly #inProgress = new Set<Promise<void>>();
  readonly #stopping = new AbortController();

  constructor(keys: EmulatedWebhookKeys, parts: WebhookSenderParts) {
    this.keys = keys;
    this.#parts = parts;
    // Every request listens to the signal.
    setMaxListeners(0, this.#stopping.signal);
  }

  get deliveries(): readonly EmulatedWebhookDelivery[] {
    return Array.from(this.#deliveries.values(), describe);
  }

  send(message: WebhookMessage): void {
    const { body } = signBoxWebhook({ event: message.event });
    const delivery: Delivery = { message, body, attempts: [], inProgress: 0 };
    this.#deliveries.set(message.id, delivery);
    if (isReachable(delivery)) void this.#start(delivery);
  }

  /** Sends an event once more, whatever its state is. */
  async resend(id: string): Promise<EmulatedWebhookDelivery> {
    const delivery = this.#deliveries.get(id);
    if (!delivery) {
      throw new TypeError(
        `Unknown delivery: expected the id of a delivery in \`deliveries\`, received ${JSON.stringify(id)}`,
      );
    }
    if (isReachable(delivery)) await this.#start(delivery);
    return describe(delivery);
  }

  /** Resolves when no attempt is in progress. It does not wait for attempts that will follow later. */
  async settled(): Promise<void> {
    while (this.#inProgress.size > 0) await Promise.all(this.#inProgress);
  }

  clear(): void {
    for (const { next } of this.#deliveries.values()) next?.cancel();
    this.#deliveries.clear();
  }

  /** Ends the attempts in progress, and attempts nothing again. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    for (const delivery of this.#deliveries.values()) cancelNext(delivery);
    await this.settled();
  }

  #start(delivery: Delivery): Promise<void> {
    if (this.#stopping.signal.aborted) return Promise.resolve();
    const attempt = this.#attempt(delivery).finally(() => this.#inProgress.delete(attempt));
    this.#inProgress.add(attempt);
    return attempt;
  }

  async #attempt(delivery: Delivery): Promise<void> {
    const { clock } = this.#parts;
    const { signal } = this.#stopping;
    const { message, attempts, body } = delivery;
    const sentAtMs = clock.nowMs();
    const deliveryId = randomUUID();
    const index = attempts.push({ deliveryId, sentAtMs }) - 1;
    // Before the request: the interval is the same however long the app takes.
    this.#schedule(delivery, sentAtMs);
    delivery.inProgress += 1;
    const signed = signBoxWebhook({ event: body, ...this.keys, sentAtMs, deliveryId });
    const result = await postWebhook(message.address, signed, { ...this.#parts, signal });
    delivery.inProgress -= 1;
    attempts[index] = { deliveryId, sentAtMs, ...result };
    if (isDelivered(delivery)) cancelNext(delivery);
  }

  #schedule(delivery: Delivery, sentAtMs: number): void {
    cancelNext(delivery);
    if (delivery.attempts.length > MAX_RETRIES) return;
    const retry = (): void => {
      delete delivery.next;
      void this.#start(delivery);
    };
    delivery.next = {
      atMs: sentAtMs + RETRY_INTERVAL_MS,
      cancel: this.#parts.runtime.schedule(retry, RETRY_INTERVAL_MS),
    };
  }
}

function cancelNext(delivery: Delivery): void {
  delivery.next?.cancel();
  delete delivery.next;
}

function isReachable({ message }: Delivery): boolean {
  return isLoopback(new URL(message.address).hostname);
}

function isDelivered({ attempts }: Delivery): boolean {
  return attempts.some(({ status = 0 }) => status >= 200 && status < 300);
}

function describe(delivery: Delivery): EmulatedWebhookDelivery {
  const { message, attempts, next } = delivery;
  return {
    ...message,
    state: stateOf(delivery),
    attempts: [...attempts],
    ...(next && { nextAttemptAtMs: next.atMs }),
  };
}

function stateOf(delivery: Delivery): EmulatedWebhookDelivery['state'] {
  if (!isReachable(delivery)) return 'not-sent';
  if (isDelivered(delivery)) return 'delivered';
  return delivery.inProgress > 0 || delivery.next ? 'pending' : 'failed';
}
