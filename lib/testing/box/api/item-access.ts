import type { ItemReference } from '../../http/token-ledger.js';
import { bearerChallenge, boxError, notFound } from '../box-responses.js';
import {
  type FileInDrive,
  type FolderInDrive,
  type ItemInDrive,
  ROOT_FOLDER_ID,
} from '../drive/drive-items.js';
import type { EmulatedDrive } from '../drive/emulated-drive.js';
import type { ItemJson } from '../drive/item-json.js';
import { ApiRefusal, headerOf, type RouteCall } from './api-route.js';

/** Finds the items that a request names, and checks whether the caller may use them that way. */
export class ItemAccess {
  readonly #drive: EmulatedDrive;
  readonly #json: ItemJson;

  constructor(drive: EmulatedDrive, json: ItemJson) {
    this.#drive = drive;
    this.#json = json;
  }

  /** The file to change. */
  file(call: RouteCall): FileInDrive {
    const file = this.#drive.findFile(call.id, call.caller.user.id);
    return file ?? this.#refuseMissing({ type: 'file', id: call.id }, call);
  }

  /** The folder to change; not the root folder. */
  folder(call: RouteCall): FolderInDrive {
    if (call.id === ROOT_FOLDER_ID) {
      throw new ApiRefusal(boxError(403, 'forbidden', 'The root folder cannot be changed'));
    }
    return this.folderToRead(call);
  }

  /** The file to read. A shared link in the header `boxapi` also gives access to it. */
  fileToRead(call: RouteCall): FileInDrive {
    const file =
      this.#drive.findFile(call.id, call.caller.user.id) ??
      this.#linkedItem({ type: 'file', id: call.id }, call);
    return file?.type === 'file' ? file : this.#refuseMissing({ type: 'file', id: call.id }, call);
  }

  folderToRead(call: RouteCall): FolderInDrive {
    const folder =
      this.#drive.findFolder(call.id, call.caller.user.id) ??
      this.#linkedItem({ type: 'folder', id: call.id }, call);
    return folder?.type === 'folder'
      ? folder
      : this.#refuseMissing({ type: 'folder', id: call.id }, call);
  }

  /** The item that the shared link in the header `boxapi` belongs to. */
  sharedItem(call: RouteCall): ItemInDrive {
    const [, url = '', password] =
      /^shared_link=(.+?)(?:&shared_link_password=(.*))?$/.exec(headerOf(call, 'boxapi') ?? '') ??
      [];
    const item = this.#drive.findBySharedLink(url);
    const link = item?.sharedLink;
    if (!item || !link) throw new ApiRefusal(notFound());
    if (item.ownerId === call.caller.user.id) return item;
    const { access, expiresAtMs = Infinity } = link;
    const isColleague = this.#drive.enterpriseIdOf(item) === call.caller.user.enterpriseId;
    const isAllowed = access === 'open' || (access === 'company' && isColleague);
    if (!isAllowed || expiresAtMs <= this.#drive.clock.nowMs()) {
      throw new ApiRefusal(notFound());
    }
    if (link.password !== undefined && link.password !== password) {
      throw new ApiRefusal(
        boxError(
          403,
          'incorrect_shared_item_password',
          'A password is required for the shared item, but it was either incorrect or not supplied',
        ),
      );
    }
    return item;
  }

  /** The folder that an item is added to. A downscoped token may only use its own folder and those in it. */
  destination(parentId: string, { caller }: RouteCall): FolderInDrive {
    const userId = caller.user.id;
    const parent = this.#drive.findFolder(parentId, userId);
    if (!parent) throw new ApiRefusal(notFound());
    const { item: limit } = caller.token.restriction ?? {};
    const isAllowed =
      !limit ||
      (limit.type === 'folder' &&
        (limit.id === parentId || this.#drive.isWithin(parent, limit.id, userId)));
    if (!isAllowed) throw new ApiRefusal(bearerChallenge(403, 'insufficient_scope'));
    return parent;
  }

  /** Rejects a name that another item of the folder has. */
  checkNameIsFree(
    name: string,
    parentId: string,
    { caller }: RouteCall,
    options: { readonly except?: ItemInDrive; readonly asList?: boolean } = {},
  ): void {
    const taken = this.#drive.findByName(name, parentId, caller.user.id);
    const { except, asList = taken?.type === 'folder' } = options;
    if (!taken || (taken.type === except?.type && taken.id === except.id)) return;
    const conflict = this.#json.mini(taken);
    throw new ApiRefusal(
      boxError(409, 'item_name_in_use', 'Item with the same name already exists', {
        contextInfo: { conflicts: asList ? [conflict] : conflict },
      }),
    );
  }

  /** Rejects a new content that the emulator has no room for. */
  checkRoomFor(bytes: number): void {
    if (this.#drive.quota.hasRoomFor(bytes)) return;
    throw new ApiRefusal(boxError(403, 'storage_limit_exceeded', 'Account storage limit reached'));
  }

  /** Applies `if-match`. */
  checkUnchanged(item: ItemInDrive, call: RouteCall): void {
    const etag = headerOf(call, 'if-match');
    if (etag === undefined || isEtagOf(item, etag)) return;
    throw new ApiRefusal(
      boxError(
        412,
        'precondition_failed',
        'The resource has been modified. Please retrieve the resource again and retry',
      ),
    );
  }

  /** Applies `if-none-match` to a request that reads an item. */
  checkChanged(item: ItemInDrive, call: RouteCall): void {
    const etag = headerOf(call, 'if-none-match');
    if (etag !== undefined && isEtagOf(item, etag)) throw new ApiRefusal({ status: 304 });
  }

  #linkedItem(reference: ItemReference, call: RouteCall): ItemInDrive | undefined {
    if (headerOf(call, 'boxapi') === undefined) return undefined;
    const shared = this.sharedItem(call);
    if (shared.type === reference.type && shared.id === reference.id) return shared;
    return shared.type === 'folder' && this.#drive.isWithin(reference, shared.id, shared.ownerId)
      ? this.#drive.find(reference, shared.ownerId)
      : undefined;
  }

  #refuseMissing(reference: ItemReference, { caller }: RouteCall): never {
    const isTrashed = this.#drive.findAnywhere(reference, caller.user.id) !== undefined;
    throw new ApiRefusal(isTrashed ? boxError(404, 'trashed', 'Item is trashed') : notFound());
  }
}

/** Box's etags are sent with or without quotes. */
function isEtagOf(item: ItemInDrive, etag: string): boolean {
  return etag.replace(/^(?:W\/)?"(.*)"$/, '$1') === String(item.etag);
}
