import { randomInt } from 'node:crypto';
import type { BoxWebhookTrigger } from '../../../box/webhooks/webhook-triggers.js';
import type { EmulatorClock } from '../../http/emulator-clock.js';
import type { ItemReference } from '../../http/token-ledger.js';

export interface RegisteredWebhook {
  readonly id: string;
  readonly target: ItemReference;
  readonly address: string;
  readonly triggers: readonly BoxWebhookTrigger[];
  readonly userId: string;
  readonly createdAtMs: number;
  /** The consent of the user, if the webhook was created with a token of the OAuth app. */
  readonly connectionId?: string | undefined;
}

/** The webhooks of the app. */
export class WebhookRegister {
  readonly #clock: EmulatorClock;
  readonly #webhooks = new Map<string, RegisteredWebhook>();

  constructor(clock: EmulatorClock) {
    this.#clock = clock;
  }

  add(webhook: Omit<RegisteredWebhook, 'id' | 'createdAtMs'>): RegisteredWebhook {
    const id = String(randomInt(1_000_000, 1_000_000_000));
    const added = { ...webhook, id, createdAtMs: this.#clock.nowMs() };
    this.#webhooks.set(id, added);
    return added;
  }

  /** Each user sees only the webhooks that they created. */
  find(id: string, userId: string): RegisteredWebhook | undefined {
    const webhook = this.#webhooks.get(id);
    return webhook?.userId === userId ? webhook : undefined;
  }

  of(userId: string): RegisteredWebhook[] {
    return [...this.#webhooks.values()].filter((webhook) => webhook.userId === userId);
  }

  /** The webhook of a user for an item: there is one at most. */
  findFor(item: ItemReference, userId: string): RegisteredWebhook | undefined {
    return this.of(userId).find(({ target }) => target.type === item.type && target.id === item.id);
  }

  /** The webhooks of all users with this trigger. */
  withTrigger(trigger: BoxWebhookTrigger): RegisteredWebhook[] {
    return [...this.#webhooks.values()].filter(({ triggers }) => triggers.includes(trigger));
  }

  save(webhook: RegisteredWebhook): RegisteredWebhook {
    this.#webhooks.set(webhook.id, webhook);
    return webhook;
  }

  delete(id: string): void {
    this.#webhooks.delete(id);
  }
}
