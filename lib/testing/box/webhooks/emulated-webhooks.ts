import {
  type BoxWebhookTrigger,
  WEBHOOK_TRIGGERS,
} from '../../../box/webhooks/webhook-triggers.js';
import type { EmulatedDrive } from '../drive/emulated-drive.js';
import type { RegisteredWebhook, WebhookRegister } from './webhook-register.js';
import { addressProblem, targetProblem } from './webhook-rules.js';
import type {
  EmulatedWebhookDelivery,
  EmulatedWebhookKeys,
  WebhookSender,
} from './webhook-sender.js';

/** A webhook to add to the emulated Box. */
export interface NewWebhook {
  /** A folder, with everything in it, or a file. */
  readonly target: { readonly type: 'file' | 'folder'; readonly id: string };
  /** Where events are sent to: https, or http on loopback. The emulator sends nothing to other hosts. */
  readonly address: string;
  readonly triggers: readonly BoxWebhookTrigger[];
  /** The user id of its creator, who must own the target; by default the service account. */
  readonly userId?: string;
}

/** A webhook as the emulator stores it. */
export interface EmulatedWebhook extends Required<NewWebhook> {
  readonly id: string;
}

export interface EmulatedWebhooksParts {
  readonly drive: EmulatedDrive;
  readonly register: WebhookRegister;
  readonly sender: WebhookSender;
  readonly serviceAccountId: string;
}

/** The webhooks of `BoxEmulator`, their signature keys and their deliveries. */
export class EmulatedWebhooks {
  readonly #parts: EmulatedWebhooksParts;

  /** @internal */
  constructor(parts: EmulatedWebhooksParts) {
    this.#parts = parts;
  }

  /**
   * The signature keys of the app, in the form of the options of `BoxWebhooksModule` and `boxWebhook`. By default both are new.
   * Set them to rotate a key, or to an object without keys to send webhooks without signatures.
   *
   * @example
   * ```ts
   * import { BoxEmulator } from 'nestjs-box-auth/testing';
   * import { BoxWebhooksModule } from 'nestjs-box-auth/webhooks';
   *
   * const emulator = await BoxEmulator.start();
   * const imports = [BoxWebhooksModule.forRoot({ ...emulator.webhooks.keys })];
   * ```
   */
  get keys(): EmulatedWebhookKeys {
    return this.#parts.sender.keys;
  }
  set keys(keys: EmulatedWebhookKeys) {
    this.#parts.sender.keys = { ...keys };
  }

  /**
   * Creates a webhook, as `POST /2.0/webhooks` does.
   *
   * @throws TypeError if Box would not create it
   *
   * @example
   * ```ts
   * import { type BoxEmulator } from 'nestjs-box-auth/testing';
   *
   * declare const emulator: BoxEmulator;
   * const folder = emulator.addFolder({ name: 'Contracts' });
   * emulator.webhooks.add({
   *   target: { type: 'folder', id: folder.id },
   *   address: 'http://localhost:3000/webhooks/box',
   *   triggers: ['FILE.UPLOADED', 'FILE.TRASHED'],
   * });
   * emulator.addFile({ name: 'plan.pdf', content: '', parentId: folder.id }); // is reported
   * await emulator.webhooks.settled();
   * ```
   */
  add(webhook: NewWebhook): EmulatedWebhook {
    const { drive, register, serviceAccountId } = this.#parts;
    const { target, address, triggers, userId = serviceAccountId } = webhook;
    const unknown = triggers.find((trigger) => !WEBHOOK_TRIGGERS.includes(trigger));
    const problem =
      addressProblem(address) ??
      targetProblem(target, triggers) ??
      (triggers.length === 0 ? 'expected one trigger or more' : undefined) ??
      (unknown === undefined ? undefined : `unknown trigger ${JSON.stringify(unknown)}`) ??
      (drive.find(target, userId)
        ? undefined
        : `user ${userId} has no ${target.type} with the id ${target.id}`) ??
      (register.findFor(target, userId) ? 'the target has one already' : undefined);
    if (problem !== undefined) throw new TypeError(`Invalid webhook: ${problem}`);
    const { type, id } = target;
    return describe(
      register.add({ target: { type, id }, address, triggers: [...triggers], userId }),
    );
  }

  /** The events so far, in order, with the results of their attempts. */
  get deliveries(): readonly EmulatedWebhookDelivery[] {
    return this.#parts.sender.deliveries;
  }

  /**
   * Delivers an event again now: with the same body, a new `box-delivery-id`, and signatures by the current keys and clock. Box
   * does so if it has not received the first response. Resolves after the attempt.
   *
   * @throws TypeError for an unknown id
   *
   * @example
   * ```ts
   * import { type BoxEmulator } from 'nestjs-box-auth/testing';
   *
   * declare const emulator: BoxEmulator;
   * for (const { id } of emulator.webhooks.deliveries) await emulator.webhooks.redeliver(id);
   * ```
   */
  redeliver(id: string): Promise<EmulatedWebhookDelivery> {
    return this.#parts.sender.resend(id);
  }

  /** Resolves when no attempt is in progress. It does not wait for later attempts. */
  settled(): Promise<void> {
    return this.#parts.sender.settled();
  }

  /** Removes all deliveries, and ends their later attempts. */
  clearDeliveries(): void {
    this.#parts.sender.clear();
  }
}

function describe({ id, target, address, triggers, userId }: RegisteredWebhook): EmulatedWebhook {
  return { id, target, address, triggers, userId };
}
