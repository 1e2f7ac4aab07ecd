import type { SharedLink } from './shared-link.js';

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

/** The author and the time of a change. */
export interface Stamp {
  readonly atMs: number;
  readonly userId: string;
}

/** The parts of an item that requests change. */
interface ItemState {
  readonly etag: number;
  readonly modified: Stamp;
  readonly description: string;
  readonly tags: readonly string[];
  readonly sharedLink?: SharedLink | undefined;
  /** Set if the item itself is in the trash; an item in a trashed folder is not marked. */
  readonly trashedAtMs?: number | undefined;
}

export interface FolderInDrive extends EmulatedFolder, ItemState {}

export interface FileInDrive extends EmulatedFile, ItemState {
  readonly version: FileVersion;
  /** The newest first. */
  readonly pastVersions: readonly FileVersion[];
  readonly lock?: FileLock | undefined;
}

export type ItemInDrive = FileInDrive | FolderInDrive;

export interface FileVersion {
  readonly id: string;
  /** Counts from 1. */
  readonly number: number;
  readonly name: string;
  readonly content: Buffer;
  readonly contentType: string;
  readonly sha1: string;
  readonly created: Stamp;
  readonly trashed?: Stamp | undefined;
  readonly restored?: Stamp | undefined;
}

export interface FileLock {
  readonly id: string;
  readonly created: Stamp;
  readonly expiresAtMs?: number | undefined;
  readonly preventsDownload: boolean;
}

export const ROOT_FOLDER_ID = '0';
