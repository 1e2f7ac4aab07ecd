import type { JsonObject } from '../../http/http-response.js';
import { boxTime, boxTimeOrNull, type Representation } from '../representation.js';
import type { EmulatedUsers } from '../enterprise/emulated-users.js';
import { describeUser } from '../enterprise/user-json.js';
import {
  type FileInDrive,
  type FileVersion,
  type FolderInDrive,
  type ItemInDrive,
  ROOT_FOLDER_ID,
  type Stamp,
} from './drive-items.js';
import type { EmulatedDrive } from './emulated-drive.js';
import { describeSharedLink } from './shared-link.js';

const TRASH_LIFETIME_MS = 30 * 86_400_000;

/** Writes items and versions in Box's JSON. */
export class ItemJson {
  readonly #drive: EmulatedDrive;
  readonly #users: EmulatedUsers;

  constructor(drive: EmulatedDrive, users: EmulatedUsers) {
    this.#drive = drive;
    this.#users = users;
  }

  /** An item inside another resource, such as a list. */
  mini(item: ItemInDrive): JsonObject {
    return { ...base(item), ...this.#miniFields(item) };
  }

  representation(item: ItemInDrive): Representation {
    return {
      base: base(item),
      standard: { ...this.#miniFields(item), ...this.#standardFields(item) },
      onRequest: item.type === 'file' ? this.#fileExtras(item) : folderExtras(item),
    };
  }

  version(version: FileVersion): Representation {
    const { created, trashed, restored } = version;
    return {
      base: { type: 'file_version', id: version.id },
      standard: {
        sha1: version.sha1,
        name: version.name,
        size: version.content.byteLength,
        created_at: boxTime(created.atMs),
        modified_at: boxTime(created.atMs),
        modified_by: describeUser(this.#users, created.userId),
        trashed_at: boxTimeOrNull(trashed?.atMs),
        purged_at: null,
        uploader_display_name: this.#users.get(created.userId)?.name ?? '',
      },
      onRequest: {
        version_number: String(version.number),
        restored_at: boxTimeOrNull(restored?.atMs),
        ...this.#userOf('trashed_by', trashed),
        ...this.#userOf('restored_by', restored),
      },
    };
  }

  #userOf(name: string, stamp: Stamp | undefined): JsonObject {
    return stamp ? { [name]: describeUser(this.#users, stamp.userId) } : {};
  }

  #miniFields(item: ItemInDrive): JsonObject {
    const common = { sequence_id: etagOf(item), name: item.name };
    if (item.type === 'folder') return common;
    const { id, sha1 } = item.version;
    return { ...common, sha1, file_version: { type: 'file_version', id, sha1 } };
  }

  #standardFields(item: ItemInDrive): JsonObject {
    const isRoot = item.id === ROOT_FOLDER_ID;
    const owner = describeUser(this.#users, item.ownerId);
    const path = this.#pathOf(item);
    const createdAt = isRoot ? null : boxTime(item.createdAtMs);
    const modifiedAt = isRoot ? null : boxTime(item.modified.atMs);
    const { trashedAtMs, sharedLink } = item;
    const isTrashed = trashedAtMs !== undefined;
    return {
      description: item.description,
      size: this.#drive.sizeOf(item),
      path_collection: { total_count: path.length, entries: path },
      created_at: createdAt,
      modified_at: modifiedAt,
      trashed_at: boxTimeOrNull(trashedAtMs),
      purged_at: trashedAtMs === undefined ? null : boxTime(trashedAtMs + TRASH_LIFETIME_MS),
      content_created_at: createdAt,
      content_modified_at: item.type === 'file' ? boxTime(item.version.created.atMs) : modifiedAt,
      created_by: owner,
      modified_by: describeUser(this.#users, item.modified.userId),
      owned_by: owner,
      shared_link: sharedLink && !isTrashed ? describeSharedLink(sharedLink, item.type) : null,
      ...(item.type === 'folder' && { folder_upload_email: null }),
      parent: path.at(-1) ?? null,
      item_status: isTrashed ? 'trashed' : 'active',
    };
  }

  #fileExtras(file: FileInDrive): JsonObject {
    return {
      ...SHARED_EXTRAS,
      version_number: String(file.version.number),
      comment_count: 0,
      permissions: {
        ...PERMISSIONS,
        can_annotate: true,
        can_comment: true,
        can_preview: true,
        can_upload: true,
        can_view_annotations_all: true,
        can_view_annotations_self: true,
      },
      tags: file.tags,
      lock: this.#lockOf(file),
      extension: /\.([^.]+)$/.exec(file.name)?.[1] ?? '',
      is_package: false,
      is_accessible_via_shared_link: file.sharedLink !== undefined,
      uploader_display_name: this.#users.get(file.version.created.userId)?.name ?? '',
      disposition_at: null,
      representations: { entries: [] },
      watermark_info: { is_watermarked: false },
    };
  }

  #lockOf({ lock }: FileInDrive): JsonObject | null {
    if (!lock) return null;
    return {
      type: 'lock',
      id: lock.id,
      created_by: describeUser(this.#users, lock.created.userId),
      created_at: boxTime(lock.created.atMs),
      ...(lock.expiresAtMs !== undefined && { expired_at: boxTime(lock.expiresAtMs) }),
      is_download_prevented: lock.preventsDownload,
      app_type: null,
    };
  }

  /** The folders from the root to the parent. */
  #pathOf({ parentId, ownerId }: ItemInDrive): JsonObject[] {
    const path: JsonObject[] = [];
    let current: FolderInDrive | undefined = this.#drive.findFolder(parentId, ownerId);
    while (current) {
      path.unshift(this.mini(current));
      current = this.#drive.findFolder(current.parentId, ownerId);
    }
    return path;
  }
}

const PERMISSIONS = {
  can_delete: true,
  can_download: true,
  can_invite_collaborator: true,
  can_rename: true,
  can_set_share_access: true,
  can_share: true,
};

const SHARED_EXTRAS = {
  has_collaborations: false,
  is_externally_owned: false,
  allowed_invitee_roles: ['editor', 'viewer', 'previewer', 'uploader', 'co-owner'],
};

function base(item: ItemInDrive): JsonObject {
  return { type: item.type, id: item.id, etag: etagOf(item) };
}

function etagOf(item: ItemInDrive): string | null {
  return item.id === ROOT_FOLDER_ID ? null : String(item.etag);
}

function folderExtras(folder: FolderInDrive): JsonObject {
  return {
    ...SHARED_EXTRAS,
    sync_state: 'not_synced',
    permissions: { ...PERMISSIONS, can_upload: true },
    tags: folder.tags,
    is_accessible_via_shared_link: folder.sharedLink !== undefined,
    can_non_owners_invite: true,
    can_non_owners_view_collaborators: true,
    is_collaboration_restricted_to_enterprise: false,
    allowed_shared_link_access_levels: ['open', 'company', 'collaborators'],
    watermark_info: { is_watermarked: false },
  };
}
