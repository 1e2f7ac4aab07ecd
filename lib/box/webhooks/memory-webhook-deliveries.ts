import type { LRUCache } from 'lru-cache';
import * as v from 'valibot';
import { objectWithMethods, parseOptions } from '../../core/app/option-checks.js';
import { optionGroup, wholeNumberBetween } from '../../core/credentials/field-checks.js';
import { lruCache } from '../../core/runtime/lru-cache.js';
import { type Runtime, systemRuntime } from '../../core/runtime/runtime.js';
import type { WebhookClaim, WebhookDeliveries } from './webhook-deliveries.js';

/** Options of `MemoryWebhookDeliveries`. */
export interface MemoryWebhookDeliveriesOptions {
  /** The maximum number of remembered events; the oldest one is forgotten first. Default 100,000. */
  readonly maxEvents?: number | undefined;
  /** Clock, timers and randomness, for tests. Default the system's. */
  readonly runtime?: Pick<Runtime, 'monotonic'> | undefined;
}

const options = optionGroup({
  maxEvents: v.nullish(wholeNumberBetween(1, 10_000_000), 100_000),
  runtime: v.nullish(objectWithMethods<Pick<Runtime, 'monotonic'>>('monotonic'), systemRuntime),
});

interface Entry {
  /** Of the lease; undefined for an event that was handled. */
  readonly owner: string | undefined;
  readonly untilMs: number;
}

/**
 * Remembers handled webhook events in this process. Several processes need `RedisWebhookDeliveries`. A restart forgets all events.
 *
 * @throws BoxAuthError `option_invalid` from the constructor
 *
 * @example
 * ```ts
 * import { Module } from '@nestjs/common';
 * import { BoxWebhooksModule, MemoryWebhookDeliveries } from 'nestjs-box-auth/webhooks';
 *
 * @Module({ imports: [BoxWebhooksModule.forRoot({ deliveries: new MemoryWebhookDeliveries() })] })
 * export class AppModule {}
 * ```
 */
export class MemoryWebhookDeliveries implements WebhookDeliveries {
  readonly #entries: LRUCache<string, Entry>;
  readonly #runtime: Pick<Runtime, 'monotonic'>;

  constructor(given: MemoryWebhookDeliveriesOptions = {}) {
    const { maxEvents, runtime } = parseOptions(options, given);
    this.#entries = lruCache(maxEvents);
    this.#runtime = runtime;
  }

  /** See `WebhookDeliveries`. */
  async claim(
    event: string,
    { owner, leaseMs }: { readonly owner: string; readonly leaseMs: number },
  ): Promise<WebhookClaim> {
    const entry = this.#entryOf(event);
    if (entry !== undefined && entry.owner !== owner) {
      return entry.owner === undefined ? 'handled' : 'leased';
    }
    this.#set(event, owner, leaseMs);
    return 'claimed';
  }

  /** See `WebhookDeliveries`. */
  async complete(event: string, keepMs: number): Promise<void> {
    this.#set(event, undefined, keepMs);
  }

  /** See `WebhookDeliveries`. */
  async release(event: string, owner: string): Promise<void> {
    if (this.#entryOf(event)?.owner === owner) this.#entries.delete(event);
  }

  #entryOf(event: string): Entry | undefined {
    const entry = this.#entries.get(event);
    return entry !== undefined && this.#runtime.monotonic() < entry.untilMs ? entry : undefined;
  }

  #set(event: string, owner: string | undefined, forMs: number): void {
    this.#entries.set(event, { owner, untilMs: this.#runtime.monotonic() + forMs });
  }
}
