import { createHash } from 'node:crypto';
import { DownloadTickets } from '../http/download-origin.js';
import type { EmulatorClock } from '../http/emulator-clock.js';
import type { ItemReference } from '../http/token-ledger.js';
import { describeUser, type EmulatedUser } from './emulated-app.js';

/** A file or folder to add to the emulated Box. */
export interface NewItem {
  /** Digits; by default an unused id. */
  readonly id?: string;
  readonly name: string;
  /** The id of its parent folder; by default the owner's root folder, `'0'`. */
  readonly parentId?: string;
  /** The user id of its owner; by default the service account. Only the owner sees the item. */
  readonly ownerId?: string;
}

export interface NewFile extends NewItem {
  readonly content: string | Uint8Array;
  /** Default `application/octet-stream`. */
  readonly contentType?: string;
}

/** A folder as the emulator stores it. */
export interface EmulatedFolder {
  readonly type: 'folder';
  readonly id: string;
  readonly name: string;
  readonly parentId: string;
  readonly ownerId: string;
  readonly createdAtMs: number;
}

/** A file as the emulator stores it. */
export interface EmulatedFile extends Omit<EmulatedFolder, 'type'> {
  readonly type: 'file';
  readonly content: Buffer;
  readonly contentType: string;
  readonly sha1: string;
}

export type EmulatedItem = EmulatedFile | EmulatedFolder;

export const ROOT_FOLDER_ID = '0';

/** The files and folders of all users, and the tickets for downloads. */
export class EmulatedDrive {
  readonly #clock: EmulatorClock;
  readonly #users: ReadonlyMap<string, EmulatedUser>;
  readonly #items = new Map<string, EmulatedItem>();
  readonly #tickets: DownloadTickets;
  #lastId = 100_000;

  constructor(clock: EmulatorClock, users: ReadonlyMap<string, EmulatedUser>) {
    this.#clock = clock;
    this.#users = users;
    this.#tickets = new DownloadTickets(clock);
  }

  addFolder(folder: NewItem & { readonly ownerId: string }): EmulatedFolder {
    return this.#store({ ...this.#newItem(folder, 'folder'), type: 'folder' });
  }

  addFile(file: NewFile & { readonly ownerId: string }): EmulatedFile {
    const content = Buffer.from(file.content);
    return this.#store({
      ...this.#newItem(file, 'file'),
      type: 'file',
      content,
      contentType: file.contentType ?? 'application/octet-stream',
      sha1: createHash('sha1').update(content).digest('hex'),
    });
  }

  /** Adds items named after the user, so that a response shows whose they are. */
  addSampleItems({ id, name }: EmulatedUser): void {
    this.addFolder({ name: `${name}'s papers`, ownerId: id });
    this.addFile({
      name: `${name}'s notes.txt`,
      ownerId: id,
      content: `These are the notes of ${name}.\n`,
      contentType: 'text/plain',
    });
  }

  /** Returns undefined for a missing item, and for an item that the user cannot see: Box treats them alike. */
  find(reference: ItemReference, userId: string): EmulatedItem | undefined {
    return reference.type === 'file'
      ? this.findFile(reference.id, userId)
      : this.findFolder(reference.id, userId);
  }

  findFile(id: string, userId: string): EmulatedFile | undefined {
    const item = this.#items.get(`file:${id}`);
    return item?.type === 'file' && item.ownerId === userId ? item : undefined;
  }

  findFolder(id: string, userId: string): EmulatedFolder | undefined {
    if (id === ROOT_FOLDER_ID) return rootFolderOf(userId);
    const item = this.#items.get(`folder:${id}`);
    return item?.type === 'folder' && item.ownerId === userId ? item : undefined;
  }

  itemsIn(folderId: string, userId: string): EmulatedItem[] {
    return [...this.#items.values()].filter(
      (item) => item.parentId === folderId && item.ownerId === userId,
    );
  }

  /** Ignores case, as Box does when it compares names. */
  findByName(name: string, parentId: string, userId: string): EmulatedItem | undefined {
    const lowerCaseName = name.toLowerCase();
    return this.itemsIn(parentId, userId).find((item) => item.name.toLowerCase() === lowerCaseName);
  }

  isWithin(item: ItemReference, folderId: string, userId: string): boolean {
    let current = this.find(item, userId);
    while (current) {
      if (current.parentId === folderId) return true;
      current = current.parentId ? this.findFolder(current.parentId, userId) : undefined;
    }
    return false;
  }

  /** Returns an item in Box's JSON: `mini` as in a listing, `full` as in its own resource. */
  describe(
    reference: ItemReference,
    userId: string,
    shape: 'mini' | 'full' = 'mini',
  ): Record<string, unknown> | undefined {
    const item = this.find(reference, userId);
    if (!item) return undefined;
    const mini = {
      type: item.type,
      id: item.id,
      sequence_id: '0',
      etag: '0',
      name: item.name,
      ...(item.type === 'file' && { sha1: item.sha1 }),
    };
    if (shape === 'mini') return mini;

    const user = this.#users.get(item.ownerId);
    const owner = user && describeUser(user);
    const createdAt = new Date(item.createdAtMs).toISOString().replace(/\.\d{3}Z$/, '+00:00');
    return {
      ...mini,
      ...(item.type === 'file' && { size: item.content.byteLength }),
      created_at: createdAt,
      modified_at: createdAt,
      created_by: owner,
      modified_by: owner,
      owned_by: owner,
      parent: this.describe({ type: 'folder', id: item.parentId }, userId) ?? null,
      item_status: 'active',
    };
  }

  issueTicket(fileId: string): string {
    return this.#tickets.issue(fileId);
  }

  redeemTicket(ticket: string): EmulatedFile | undefined {
    const item = this.#items.get(`file:${this.#tickets.redeem(ticket) ?? ''}`);
    return item?.type === 'file' ? item : undefined;
  }

  #newItem(
    { id, name, parentId = ROOT_FOLDER_ID, ownerId }: NewItem & { readonly ownerId: string },
    type: EmulatedItem['type'],
  ): Omit<EmulatedFolder, 'type'> {
    if (!this.#users.has(ownerId)) throw new TypeError(`No user has the id ${ownerId}`);
    if (!this.findFolder(parentId, ownerId)) {
      throw new TypeError(`User ${ownerId} has no folder with the id ${parentId}`);
    }
    if (id !== undefined && (id === ROOT_FOLDER_ID || this.#items.has(`${type}:${id}`))) {
      throw new TypeError(`A ${type} with the id ${id} exists already`);
    }
    const createdAtMs = this.#clock.nowMs();
    return { id: id ?? this.#unusedId(), name, parentId, ownerId, createdAtMs };
  }

  #unusedId(): string {
    do this.#lastId += 1;
    while (this.#items.has(`file:${this.#lastId}`) || this.#items.has(`folder:${this.#lastId}`));
    return String(this.#lastId);
  }

  #store<Item extends EmulatedItem>(item: Item): Item {
    this.#items.set(`${item.type}:${item.id}`, item);
    return item;
  }
}

/** Every user has a root folder of their own; all have the same id. */
function rootFolderOf(userId: string): EmulatedFolder {
  return {
    type: 'folder',
    id: ROOT_FOLDER_ID,
    name: 'All Files',
    parentId: '',
    ownerId: userId,
    createdAtMs: 0,
  };
}
