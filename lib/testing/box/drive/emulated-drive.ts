import { createHash } from 'node:crypto';
import { DownloadTickets, type DownloadedFile } from '../../http/download-origin.js';
import type { EmulatorClock } from '../../http/emulator-clock.js';
import type { ItemReference } from '../../http/token-ledger.js';
import {
  type FileInDrive,
  type FileVersion,
  type FolderInDrive,
  type ItemInDrive,
  type NewFile,
  type NewItem,
  ROOT_FOLDER_ID,
} from './drive-items.js';
import { PLACEHOLDER_THUMBNAIL } from './placeholder-thumbnail.js';
import { isUrlOf } from './shared-link.js';
import type { StorageQuota } from './storage-quota.js';

type Owned<Item> = Item & { readonly ownerId: string };

interface DriveUsers {
  get(id: string): { readonly enterpriseId: string } | undefined;
}

/** The files and folders of all users, their trash, and the tickets for downloads. */
export class EmulatedDrive {
  readonly clock: EmulatorClock;
  readonly quota: StorageQuota;
  readonly #users: DriveUsers;
  readonly #items = new Map<string, ItemInDrive>();
  readonly #tickets: DownloadTickets;
  #lastId = 100_000;

  constructor(clock: EmulatorClock, users: DriveUsers, quota: StorageQuota) {
    this.clock = clock;
    this.quota = quota;
    this.#users = users;
    this.#tickets = new DownloadTickets(clock);
  }

  addFolder(folder: Owned<NewItem>): FolderInDrive {
    return this.save({ ...this.#newItem(folder, 'folder'), type: 'folder' });
  }

  /** @throws RangeError if the drive is full */
  addFile(file: Owned<NewFile>): FileInDrive {
    const item = this.#newItem(file, 'file');
    const version = this.#newVersion(file, 1, item.ownerId);
    return this.save({ ...item, type: 'file', ...contentOf(version), version, pastVersions: [] });
  }

  /** Adds items named after the user, so that a response shows whose they are. */
  addSampleItems({ id, name }: { readonly id: string; readonly name: string }): void {
    this.addFolder({ name: `${name}'s papers`, ownerId: id });
    this.addFile({
      name: `${name}'s notes.txt`,
      ownerId: id,
      content: `These are the notes of ${name}.\n`,
      contentType: 'text/plain',
    });
  }

  /** Returns undefined for a missing item, and for an item that the user cannot see: Box treats them alike. */
  find(reference: ItemReference, userId: string): ItemInDrive | undefined {
    return reference.type === 'file'
      ? this.findFile(reference.id, userId)
      : this.findFolder(reference.id, userId);
  }

  findFile(id: string, userId: string): FileInDrive | undefined {
    const item = this.findAnywhere({ type: 'file', id }, userId);
    return item?.type === 'file' && !this.#isInTrash(item) ? item : undefined;
  }

  findFolder(id: string, userId: string): FolderInDrive | undefined {
    if (id === ROOT_FOLDER_ID) return rootFolderOf(userId);
    const item = this.findAnywhere({ type: 'folder', id }, userId);
    return item?.type === 'folder' && !this.#isInTrash(item) ? item : undefined;
  }

  /** Also finds items in the trash. */
  findAnywhere({ type, id }: ItemReference, userId: string): ItemInDrive | undefined {
    const item = this.#items.get(`${type}:${id}`);
    return item?.ownerId === userId ? item : undefined;
  }

  findBySharedLink(url: string): ItemInDrive | undefined {
    return [...this.#items.values()].find(
      (item) => item.sharedLink && isUrlOf(item.sharedLink, url) && !this.#isInTrash(item),
    );
  }

  /** The enterprise of the owner. */
  enterpriseIdOf({ ownerId }: ItemInDrive): string | undefined {
    return this.#users.get(ownerId)?.enterpriseId;
  }

  /** The items of a folder, except items in the trash. */
  itemsIn(folderId: string, userId: string): ItemInDrive[] {
    return this.#childrenOf(folderId, userId).filter(
      ({ trashedAtMs }) => trashedAtMs === undefined,
    );
  }

  /** The items that a user moved to the trash, without the content of trashed folders. */
  trashOf(userId: string): ItemInDrive[] {
    return this.itemsOf(userId).filter(
      (item) => item.trashedAtMs !== undefined && this.findFolder(item.parentId, userId),
    );
  }

  itemsOf(userId: string): ItemInDrive[] {
    return [...this.#items.values()].filter(({ ownerId }) => ownerId === userId);
  }

  /** Ignores case, as Box does when it compares names. */
  findByName(name: string, parentId: string, userId: string): ItemInDrive | undefined {
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

  /** The bytes of a file with its versions, or of the active files in a folder. */
  sizeOf(item: ItemInDrive): number {
    if (item.type === 'file') return item.content.byteLength;
    return this.itemsIn(item.id, item.ownerId).reduce((sum, one) => sum + this.sizeOf(one), 0);
  }

  /** Changes an item, which gives it a new `etag`. */
  change<Item extends ItemInDrive>(
    item: Item,
    changes: Partial<NoInfer<Item>>,
    userId: string,
  ): Item {
    const modified = { atMs: this.clock.nowMs(), userId };
    return this.save({ ...item, ...changes, etag: item.etag + 1, modified });
  }

  save<Item extends ItemInDrive>(item: Item): Item {
    this.#items.set(`${item.type}:${item.id}`, item);
    return item;
  }

  /** @throws RangeError if the drive is full */
  addVersion(file: FileInDrive, content: VersionContent, userId: string): FileInDrive {
    const { version, pastVersions } = file;
    const next = this.#newVersion(content, version.number + 1, userId);
    const changes = { name: content.name, ...contentOf(next), version: next };
    return this.change(file, { ...changes, pastVersions: [version, ...pastVersions] }, userId);
  }

  /** The owner of a copy is the user. */
  copyFile(file: FileInDrive, name: string, parentId: string, userId: string): FileInDrive {
    const { content, contentType, description, tags } = file;
    const copy = this.addFile({ name, parentId, ownerId: userId, content, contentType });
    return this.save({ ...copy, description, tags });
  }

  /** Copies a folder with its content. */
  copyFolder(folder: FolderInDrive, name: string, parentId: string, userId: string): FolderInDrive {
    // Listed first: the copy may be inside the folder.
    const children = this.itemsIn(folder.id, folder.ownerId);
    const { description, tags } = folder;
    const copy = this.save({
      ...this.addFolder({ name, parentId, ownerId: userId }),
      description,
      tags,
    });
    for (const child of children) {
      if (child.type === 'file') this.copyFile(child, child.name, copy.id, userId);
      else this.copyFolder(child, child.name, copy.id, userId);
    }
    return copy;
  }

  /** Removes an item forever, a folder with its content. */
  purge(item: ItemInDrive): void {
    if (item.type === 'file') {
      for (const { content } of [item.version, ...item.pastVersions]) {
        this.quota.remove(content.byteLength);
      }
    } else {
      for (const child of this.#childrenOf(item.id, item.ownerId)) this.purge(child);
    }
    this.#items.delete(`${item.type}:${item.id}`);
  }

  /** Issues a ticket for a version of a file. */
  issueTicket(file: FileInDrive, version: FileVersion = file.version): string {
    return this.#tickets.issue(`${file.id}:${version.id}`);
  }

  /** Issues a ticket for the graphic of a file that has no thumbnail. */
  issueThumbnailTicket(): string {
    return this.#tickets.issue('thumbnail');
  }

  redeemTicket(ticket: string): DownloadedFile | undefined {
    const [fileId, versionId] = this.#tickets.redeem(ticket)?.split(':') ?? [];
    if (fileId === 'thumbnail') return PLACEHOLDER_THUMBNAIL;
    const item = this.#items.get(`file:${fileId}`);
    if (item?.type !== 'file') return undefined;
    return [item.version, ...item.pastVersions].find(({ id }) => id === versionId);
  }

  /** Items and versions have ids from the same sequence. */
  unusedId(): string {
    do this.#lastId += 1;
    while (this.#items.has(`file:${this.#lastId}`) || this.#items.has(`folder:${this.#lastId}`));
    return String(this.#lastId);
  }

  #childrenOf(folderId: string, userId: string): ItemInDrive[] {
    return this.itemsOf(userId).filter(({ parentId }) => parentId === folderId);
  }

  #isInTrash(item: ItemInDrive): boolean {
    if (item.trashedAtMs !== undefined) return true;
    return this.findFolder(item.parentId, item.ownerId) === undefined;
  }

  #newItem(
    { id, name, parentId = ROOT_FOLDER_ID, ownerId }: Owned<NewItem>,
    type: ItemInDrive['type'],
  ): Omit<FolderInDrive, 'type'> {
    if (!this.#users.get(ownerId)) throw new TypeError(`No user has the id ${ownerId}`);
    if (!this.findFolder(parentId, ownerId)) {
      throw new TypeError(`User ${ownerId} has no folder with the id ${parentId}`);
    }
    if (id !== undefined && (id === ROOT_FOLDER_ID || this.#items.has(`${type}:${id}`))) {
      throw new TypeError(`A ${type} with the id ${id} exists already`);
    }
    const createdAtMs = this.clock.nowMs();
    return {
      id: id ?? this.unusedId(),
      name,
      parentId,
      ownerId,
      createdAtMs,
      etag: 0,
      modified: { atMs: createdAtMs, userId: ownerId },
      description: '',
      tags: [],
    };
  }

  #newVersion(file: VersionContent, number: number, userId: string): FileVersion {
    const content = Buffer.from(file.content);
    this.quota.add(content.byteLength);
    return {
      id: this.unusedId(),
      number,
      name: file.name,
      content,
      contentType: file.contentType ?? 'application/octet-stream',
      sha1: createHash('sha1').update(content).digest('hex'),
      created: { atMs: this.clock.nowMs(), userId },
    };
  }
}

type VersionContent = Pick<NewFile, 'name' | 'content' | 'contentType'>;

function contentOf({ content, contentType, sha1 }: FileVersion) {
  return { content, contentType, sha1 };
}

/** Every user has a root folder of their own; all have the same id. */
function rootFolderOf(userId: string): FolderInDrive {
  return {
    type: 'folder',
    id: ROOT_FOLDER_ID,
    name: 'All Files',
    parentId: '',
    ownerId: userId,
    createdAtMs: 0,
    etag: 0,
    modified: { atMs: 0, userId },
    description: '',
    tags: [],
  };
}
