import * as v from 'valibot';
import { type HttpAnswer, type JsonObject, ok } from '../../../http/http-response.js';
import { boxError } from '../../box-responses.js';
import { type FolderInDrive, type ItemInDrive, ROOT_FOLDER_ID } from '../../drive/drive-items.js';
import { type ApiContext, type ApiRoute, type RouteCall } from '../api-route.js';
import { ItemAccess } from '../item-access.js';
import { CHANGE_ITEM, itemChanges, readItemChanges } from '../item-changes.js';
import { sortItems } from '../item-order.js';
import { fieldsOf, listPage, pageOf } from '../paging.js';
import { render } from '../../representation.js';
import { parentReference, readBody, validName } from '../request-body.js';
import { DELETE, LIST_FOLDER, WRITE } from '../scopes.js';

const newFolderBody = v.object({ name: v.string(), parent: parentReference });
const copyBody = v.object({ name: v.optional(v.string()), parent: parentReference });

export function folderRoutes({ drive, json, webhookEvents }: ApiContext): readonly ApiRoute[] {
  const access = new ItemAccess(drive, json);
  const path = '/2.0/folders/:id';
  const item = 'folder';
  return [
    { method: 'POST', path: '/2.0/folders', scopes: WRITE, respond: create },
    { method: 'GET', path, item, scopes: LIST_FOLDER, respond: show },
    { method: 'PUT', path, item, scopes: CHANGE_ITEM, respond: change },
    { method: 'DELETE', path, item, scopes: DELETE, respond: moveToTrash },
    { method: 'GET', path: `${path}/items`, item, scopes: LIST_FOLDER, respond: list },
    { method: 'POST', path: `${path}/copy`, item, scopes: WRITE, respond: copy },
  ];

  function create(call: RouteCall): HttpAnswer {
    const body = readBody(newFolderBody, call.body);
    const name = validName(body.name);
    access.destination(body.parent.id, call);
    access.checkNameIsFree(name, body.parent.id, call);
    const ownerId = call.caller.user.id;
    const folder = drive.addFolder({ name, parentId: body.parent.id, ownerId });
    webhookEvents.reportNew(folder, ownerId);
    return { status: 201, body: describe(folder, call) };
  }

  function show(call: RouteCall): HttpAnswer {
    const folder = access.folderToRead(call);
    access.checkChanged(folder, call);
    return ok(describe(folder, call));
  }

  function change(call: RouteCall): HttpAnswer {
    const folder = access.folder(call);
    access.checkUnchanged(folder, call);
    const body = readBody(v.object(itemChanges), call.body);
    const changes = readItemChanges(folder, body, call, { access, drive });
    const userId = call.caller.user.id;
    const changed = drive.change(folder, changes, userId);
    webhookEvents.reportChanges(folder, changed, userId);
    return ok(describe(changed, call));
  }

  function moveToTrash(call: RouteCall): HttpAnswer {
    const folder = access.folder(call);
    access.checkUnchanged(folder, call);
    const isRecursive = call.url.searchParams.get('recursive') === 'true';
    if (!isRecursive && drive.itemsIn(folder.id, folder.ownerId).length > 0) {
      return boxError(400, 'folder_not_empty', 'Cannot delete - folder not empty');
    }
    const trashed = drive.save({ ...folder, trashedAtMs: drive.clock.nowMs() });
    webhookEvents.report('TRASHED', trashed, call.caller.user.id);
    return { status: 204 };
  }

  function list(call: RouteCall): HttpAnswer {
    return ok(listItems(access.folderToRead(call), call, fieldsOf(call.url)));
  }

  function copy(call: RouteCall): HttpAnswer {
    if (call.id === ROOT_FOLDER_ID) {
      return boxError(500, 'internal_server_error', 'Internal Server Error');
    }
    const folder = access.folderToRead(call);
    const body = readBody(copyBody, call.body);
    const name = validName(body.name ?? folder.name);
    access.destination(body.parent.id, call);
    access.checkNameIsFree(name, body.parent.id, call);
    access.checkRoomFor(drive.sizeOf(folder));
    const userId = call.caller.user.id;
    const copied = drive.copyFolder(folder, name, body.parent.id, userId);
    webhookEvents.report('COPIED', copied, userId, folder);
    return { status: 201, body: describe(copied, call) };
  }

  /** A folder has the first page of its items in it. */
  function describe(folder: FolderInDrive, call: RouteCall): JsonObject {
    const representation = json.representation(folder);
    const items = listItems(folder, call, undefined);
    const standard = { ...representation.standard, item_collection: items };
    return render({ ...representation, standard }, fieldsOf(call.url));
  }

  function listItems(
    folder: FolderInDrive,
    { url }: RouteCall,
    fields: readonly string[] | undefined,
  ): JsonObject {
    const page = pageOf(url);
    const { items, order } = sortItems(drive.itemsIn(folder.id, folder.ownerId), url, drive);
    const listed = listPage(items, page, (one: ItemInDrive) =>
      fields ? render(json.representation(one), fields) : json.mini(one),
    );
    return page.usesMarker ? listed : { ...listed, order };
  }
}
