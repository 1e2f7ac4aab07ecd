import { randomUUID } from 'node:crypto';
import type { BoxWebhookTrigger } from '../../../box/webhooks/webhook-triggers.js';
import type { JsonObject } from '../../http/http-response.js';
import type { ItemReference } from '../../http/token-ledger.js';
import { type ItemInDrive, ROOT_FOLDER_ID } from '../drive/drive-items.js';
import type { EmulatedDrive } from '../drive/emulated-drive.js';
import type { ItemJson } from '../drive/item-json.js';
import type { EmulatedUsers } from '../enterprise/emulated-users.js';
import { describeUser } from '../enterprise/user-json.js';
import { boxTime, render } from '../representation.js';
import type { RegisteredWebhook, WebhookRegister } from './webhook-register.js';
import type { WebhookSender } from './webhook-sender.js';

interface WebhookEventsParts {
  readonly drive: EmulatedDrive;
  readonly json: ItemJson;
  readonly users: EmulatedUsers;
  readonly webhooks: WebhookRegister;
  readonly sender: Pick<WebhookSender, 'send'>;
  /** Whether the app may still act as the user who created a webhook. */
  readonly hasSession: (webhook: RegisteredWebhook) => boolean;
}

type ChangeOf<Type extends string> = Type extends `FILE.${infer Change}` ? Change : never;
/** A change that both files and folders have, or one of them. */
type ItemChange = ChangeOf<BoxWebhookTrigger> | 'CREATED';

/** Reports the changes of items to the webhooks of the item, and of the folders above it. */
export class WebhookEvents {
  readonly #parts: WebhookEventsParts;

  constructor(parts: WebhookEventsParts) {
    this.#parts = parts;
  }

  /** Reports a change such as `TRASHED`; `from` is the item before, or the original of a copy. */
  report(change: ItemChange, item: ItemInDrive, userId: string, from?: ItemInDrive): void {
    const watched = [...this.#pathOf(item), ...(from ? this.#pathOf(from) : [])];
    this.#send(triggerOf(change, item), watched, item, userId);
  }

  /** A new folder, a new file, or a new version. */
  reportNew(item: ItemInDrive, userId: string): void {
    this.report(item.type === 'file' ? 'UPLOADED' : 'CREATED', item, userId);
  }

  /** Reports the differences that have a trigger. */
  reportChanges(before: ItemInDrive, after: ItemInDrive, userId: string): void {
    if (before.name !== after.name) this.report('RENAMED', after, userId);
    if (before.parentId !== after.parentId) this.#reportMove(before, after, userId);
    const [oldLock, lock] = [lockOf(before), lockOf(after)];
    if (!oldLock && lock) this.report('LOCKED', after, userId);
    if (oldLock && !lock) this.report('UNLOCKED', after, userId);
    const linkTrigger = sharedLinkTrigger(before, after);
    if (linkTrigger) this.#send(linkTrigger, this.#pathOf(after), after, userId);
  }

  /** Reports the end of a webhook to its own address. */
  reportDeleted(webhook: RegisteredWebhook, userId: string): void {
    const { drive } = this.#parts;
    const { target, triggers } = webhook;
    const item = drive.findAnywhere(target, webhook.userId);
    if (triggers.includes('WEBHOOK.DELETED')) {
      this.#sendTo(webhook, 'WEBHOOK.DELETED', item ?? target, userId);
    }
  }

  /** `FILE.UPLOADED` also means that a file was moved to the folder. */
  #reportMove(before: ItemInDrive, after: ItemInDrive, userId: string): void {
    this.report('MOVED', after, userId, before);
    if (after.type === 'folder') return;
    const old = new Set(this.#pathOf(before).map(keyOf));
    const entered = this.#pathOf(after).filter((item) => !old.has(keyOf(item)));
    this.#send('FILE.UPLOADED', entered, after, userId);
  }

  #send(
    trigger: BoxWebhookTrigger,
    watched: readonly ItemReference[],
    item: ItemInDrive,
    userId: string,
  ): void {
    const keys = new Set(watched.map(keyOf));
    for (const webhook of this.#parts.webhooks.withTrigger(trigger)) {
      if (keys.has(keyOf(webhook.target))) this.#sendTo(webhook, trigger, item, userId);
    }
  }

  #sendTo(
    { id: webhookId, address, ...webhook }: RegisteredWebhook,
    trigger: BoxWebhookTrigger,
    item: ItemInDrive | ItemReference,
    userId: string,
  ): void {
    const { drive, hasSession, sender } = this.#parts;
    const id = randomUUID();
    const event = {
      type: 'webhook_event',
      id,
      created_at: boxTime(drive.clock.nowMs()),
      webhook: { id: webhookId, type: 'webhook' },
    };
    const details = hasSession({ ...webhook, id: webhookId, address })
      ? { trigger, ...this.#describe(item, userId), additional_info: [] }
      : // Box does not describe the event then.
        { trigger: 'NO_ACTIVE_SESSION', source: { id: item.id, type: item.type } };
    sender.send({
      id,
      webhookId,
      address,
      trigger: details.trigger,
      event: { ...event, ...details },
    });
  }

  #describe(item: ItemInDrive | ItemReference, userId: string): JsonObject {
    const { json, users } = this.#parts;
    const source =
      'name' in item
        ? render(json.representation(item), undefined)
        : { id: item.id, type: item.type };
    return { created_by: describeUser(users, userId), source };
  }

  /** The item and the folders above it, even in the trash. */
  #pathOf(item: ItemInDrive): ItemReference[] {
    const path: ItemReference[] = [item];
    let { parentId } = item;
    while (parentId !== '' && parentId !== ROOT_FOLDER_ID) {
      const folder = this.#parts.drive.findAnywhere({ type: 'folder', id: parentId }, item.ownerId);
      if (!folder) break;
      path.push(folder);
      ({ parentId } = folder);
    }
    return path;
  }
}

function triggerOf(change: ItemChange, { type }: ItemInDrive): BoxWebhookTrigger {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- callers report changes that the type of the item has
  return `${type.toUpperCase()}.${change}` as BoxWebhookTrigger;
}

function sharedLinkTrigger(
  { sharedLink: before }: ItemInDrive,
  { sharedLink: after }: ItemInDrive,
): BoxWebhookTrigger | undefined {
  if (!before && after) return 'SHARED_LINK.CREATED';
  if (before && !after) return 'SHARED_LINK.DELETED';
  return JSON.stringify(before) === JSON.stringify(after) ? undefined : 'SHARED_LINK.UPDATED';
}

function lockOf(item: ItemInDrive) {
  return item.type === 'file' ? item.lock : undefined;
}

function keyOf({ type, id }: ItemReference): string {
  return `${type}:${id}`;
}
