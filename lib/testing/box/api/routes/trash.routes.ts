import * as v from 'valibot';
import { type HttpAnswer, ok } from '../../../http/http-response.js';
import { boxError, notFound } from '../../box-responses.js';
import type { ItemInDrive } from '../../drive/drive-items.js';
import { type ApiContext, ApiRefusal, type ApiRoute, type RouteCall } from '../api-route.js';
import { ItemAccess } from '../item-access.js';
import { fieldsOf, listPage, pageOf } from '../paging.js';
import { render } from '../../representation.js';
import { parentReference, readBody, validName } from '../request-body.js';
import { READ, WRITE } from '../scopes.js';

const restoreBody = v.object({
  name: v.optional(v.string()),
  parent: v.optional(parentReference),
});

export function trashRoutes({ drive, json, webhookEvents }: ApiContext): readonly ApiRoute[] {
  const access = new ItemAccess(drive, json);
  return [
    { method: 'GET', path: '/2.0/folders/trash/items', scopes: READ, respond: list },
    ...routesOf('file', '/2.0/files/:id'),
    ...routesOf('folder', '/2.0/folders/:id'),
  ];

  function routesOf(type: ItemInDrive['type'], path: ApiRoute['path']): readonly ApiRoute[] {
    const trash: ApiRoute['path'] = `${path}/trash`;
    return [
      { method: 'GET', path: trash, scopes: READ, respond: (call) => show(type, call) },
      { method: 'DELETE', path: trash, scopes: WRITE, respond: (call) => purge(type, call) },
      { method: 'POST', path, scopes: WRITE, respond: (call) => restore(type, call) },
    ];
  }

  function list({ url, caller }: RouteCall): HttpAnswer {
    const fields = fieldsOf(url);
    return ok(
      listPage(drive.trashOf(caller.user.id), pageOf(url), (item) =>
        fields ? render(json.representation(item), fields) : json.mini(item),
      ),
    );
  }

  function show(type: ItemInDrive['type'], call: RouteCall): HttpAnswer {
    return ok(render(json.representation(trashed(type, call)), fieldsOf(call.url)));
  }

  function purge(type: ItemInDrive['type'], call: RouteCall): HttpAnswer {
    const item = trashed(type, call);
    // Before it is gone: the event describes the item.
    webhookEvents.report('DELETED', item, call.caller.user.id);
    drive.purge(item);
    return { status: 204 };
  }

  function restore(type: ItemInDrive['type'], call: RouteCall): HttpAnswer {
    const item = trashed(type, call);
    const body = readBody(restoreBody, call.body.byteLength === 0 ? '{}' : call.body);
    const name = validName(body.name ?? item.name);
    const parentId = body.parent?.id ?? item.parentId;
    access.destination(parentId, call);
    access.checkNameIsFree(name, parentId, call);
    const changes = { name, parentId, trashedAtMs: undefined };
    const restored = drive.change(item, changes, call.caller.user.id);
    webhookEvents.report('RESTORED', restored, call.caller.user.id);
    const representation = json.representation(restored);
    // As documented, this response has no shared link, although the link is active again.
    const standard = { ...representation.standard, shared_link: null };
    return { status: 201, body: render({ ...representation, standard }, fieldsOf(call.url)) };
  }

  function trashed(type: ItemInDrive['type'], { id, caller }: RouteCall): ItemInDrive {
    const userId = caller.user.id;
    const item = drive.trashOf(userId).find((one) => one.type === type && one.id === id);
    if (item) return item;
    throw new ApiRefusal(
      drive.find({ type, id }, userId)
        ? boxError(404, 'not_trashed', 'Item is not trashed')
        : notFound(),
    );
  }
}
