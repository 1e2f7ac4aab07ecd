import * as v from 'valibot';
import { type HttpAnswer, ok } from '../../../http/http-response.js';
import { boxError } from '../../box-responses.js';
import type { FileInDrive } from '../../drive/drive-items.js';
import { type ApiContext, ApiRefusal, type ApiRoute, type RouteCall } from '../api-route.js';
import { ItemAccess } from '../item-access.js';
import { fieldsOf } from '../paging.js';
import { render } from '../../representation.js';
import { parentReference, readBody, validName } from '../request-body.js';
import { UPLOAD } from '../scopes.js';
import { readUploadForm } from '../upload-form.js';

const newFileAttributes = v.object({ name: v.string(), parent: parentReference });
const newVersionAttributes = v.object({ name: v.optional(v.string()) });
const size = v.optional(v.pipe(v.number(), v.safeInteger(), v.minValue(0)));
const newFileCheck = v.object({ ...newFileAttributes.entries, size });
const newVersionCheck = v.object({ ...newVersionAttributes.entries, size });

const NEW_FILE = '/api/2.0/files/content';
const newVersionPath = (id: string): ApiRoute['path'] => `/api/2.0/files/${id}/content`;

/** Uploads in one request, and the checks before them. */
export function uploadRoutes({ drive, json, webhookEvents }: ApiContext): readonly ApiRoute[] {
  const access = new ItemAccess(drive, json);
  const scopes = UPLOAD;
  const item = 'file';
  return [
    { method: 'OPTIONS', path: '/2.0/files/content', scopes, respond: checkNewFile },
    { method: 'POST', path: NEW_FILE, scopes, respond: uploadNewFile },
    { method: 'OPTIONS', path: '/2.0/files/:id/content', item, scopes, respond: checkNewVersion },
    { method: 'POST', path: newVersionPath(':id'), item, scopes, respond: uploadNewVersion },
  ];

  function checkNewFile(call: RouteCall): HttpAnswer {
    const { name, parent, size: bytes = 0 } = readBody(newFileCheck, call.body);
    access.destination(parent.id, call);
    access.checkNameIsFree(validName(name), parent.id, call, { asList: true });
    return uploadUrl(bytes, call, NEW_FILE);
  }

  function checkNewVersion(call: RouteCall): HttpAnswer {
    const file = access.file(call);
    const { name = file.name, size: bytes = 0 } = readBody(newVersionCheck, call.body);
    const options = { except: file, asList: true };
    access.checkNameIsFree(validName(name), file.parentId, call, options);
    return uploadUrl(bytes, call, newVersionPath(file.id));
  }

  function uploadUrl(bytes: number, { origin }: RouteCall, path: string): HttpAnswer {
    if (bytes > drive.quota.maxBytes) {
      throw new ApiRefusal(
        boxError(
          403,
          'file_size_limit_exceeded',
          'File size exceeds the folder owner’s file size limit',
        ),
      );
    }
    access.checkRoomFor(bytes);
    return ok({ upload_url: `${origin}${path}` });
  }

  async function uploadNewFile(call: RouteCall): Promise<HttpAnswer> {
    const { attributes, content, contentType } = await readUploadForm(call);
    const { name, parent } = readBody(newFileAttributes, attributes);
    const parentId = access.destination(parent.id, call).id;
    access.checkNameIsFree(validName(name), parentId, call);
    access.checkRoomFor(content.byteLength);
    const ownerId = call.caller.user.id;
    const file = drive.addFile({ name, parentId, ownerId, content, ...typeOf(contentType) });
    webhookEvents.reportNew(file, ownerId);
    return { status: 201, body: describe(file, call) };
  }

  async function uploadNewVersion(call: RouteCall): Promise<HttpAnswer> {
    const { attributes, content, contentType } = await readUploadForm(call);
    const file = access.file(call);
    access.checkUnchanged(file, call);
    const { name = file.name } = readBody(newVersionAttributes, attributes);
    access.checkNameIsFree(validName(name), file.parentId, call, { except: file });
    access.checkRoomFor(content.byteLength);
    const version = { name, content, ...typeOf(contentType) };
    const userId = call.caller.user.id;
    const changed = drive.addVersion(file, version, userId);
    webhookEvents.reportNew(changed, userId);
    return ok(describe(changed, call));
  }

  function describe(file: FileInDrive, { url }: RouteCall) {
    return { total_count: 1, entries: [render(json.representation(file), fieldsOf(url))] };
  }
}

function typeOf(contentType: string): { readonly contentType?: string } {
  return contentType === '' ? {} : { contentType };
}
