import * as v from 'valibot';
import { signedDownloadUrl } from '../../../http/download-origin.js';
import { type HttpAnswer, ok } from '../../../http/http-response.js';
import { notFound } from '../../box-responses.js';
import type { FileInDrive, FileLock } from '../../drive/drive-items.js';
import { type ApiContext, ApiRefusal, type ApiRoute, type RouteCall } from '../api-route.js';
import { ItemAccess } from '../item-access.js';
import { CHANGE_ITEM, itemChanges, readItemChanges } from '../item-changes.js';
import { fieldsOf } from '../paging.js';
import { render } from '../../representation.js';
import { parentReference, readBody, timestamp, validName } from '../request-body.js';
import { DELETE, DOWNLOAD, READ_FILE, WRITE } from '../scopes.js';

const changesBody = v.object({
  ...itemChanges,
  lock: v.optional(
    v.nullable(
      v.object({
        access: v.optional(v.literal('lock')),
        expires_at: v.optional(timestamp),
        is_download_prevented: v.optional(v.boolean(), false),
      }),
    ),
  ),
});

const copyBody = v.object({
  name: v.optional(v.string()),
  version: v.optional(v.string()),
  parent: parentReference,
});

/** Files, without their upload. */
export function fileRoutes(context: ApiContext): readonly ApiRoute[] {
  const { drive, json, downloadUrl, webhookEvents } = context;
  const access = new ItemAccess(drive, json);
  const path = '/2.0/files/:id';
  const item = 'file';
  return [
    { method: 'GET', path, item, scopes: READ_FILE, respond: show },
    { method: 'PUT', path, item, scopes: CHANGE_ITEM, respond: change },
    { method: 'DELETE', path, item, scopes: DELETE, respond: moveToTrash },
    { method: 'GET', path: `${path}/content`, item, scopes: DOWNLOAD, respond: download },
    { method: 'POST', path: `${path}/copy`, item, scopes: WRITE, respond: copy },
    { method: 'GET', path: `${path}/thumbnail.png`, item, scopes: READ_FILE, respond: thumbnail },
    { method: 'GET', path: `${path}/thumbnail.jpg`, item, scopes: READ_FILE, respond: thumbnail },
  ];

  function show(call: RouteCall): HttpAnswer {
    const { id, caller, url } = call;
    const fields = fieldsOf(url);
    // Box shows a trashed file, but not a trashed folder.
    const trashed = drive
      .trashOf(caller.user.id)
      .find((one) => one.type === 'file' && one.id === id);
    const file = trashed ?? access.fileToRead(call);
    access.checkChanged(file, call);
    return ok(render(json.representation(file), fields));
  }

  function change(call: RouteCall): HttpAnswer {
    const file = access.file(call);
    access.checkUnchanged(file, call);
    const body = readBody(changesBody, call.body);
    const userId = call.caller.user.id;
    const changes = readItemChanges(file, body, call, { access, drive });
    const lock = body.lock === undefined ? file.lock : lockOf(file, body.lock, userId);
    const changed = drive.change(file, { ...changes, lock }, userId);
    webhookEvents.reportChanges(file, changed, userId);
    return ok(render(json.representation(changed), fieldsOf(call.url)));
  }

  function lockOf(
    file: FileInDrive,
    body: v.InferOutput<typeof changesBody>['lock'],
    userId: string,
  ): FileLock | undefined {
    if (!body) return undefined;
    return {
      id: file.lock?.id ?? drive.unusedId(),
      created: { atMs: drive.clock.nowMs(), userId },
      expiresAtMs: body.expires_at,
      preventsDownload: body.is_download_prevented,
    };
  }

  function moveToTrash(call: RouteCall): HttpAnswer {
    const file = access.file(call);
    access.checkUnchanged(file, call);
    const trashed = drive.save({ ...file, trashedAtMs: drive.clock.nowMs() });
    webhookEvents.report('TRASHED', trashed, call.caller.user.id);
    return { status: 204 };
  }

  function download(call: RouteCall): HttpAnswer {
    const file = access.fileToRead(call);
    const versionId = call.url.searchParams.get('version') ?? file.version.id;
    const version = [file.version, ...file.pastVersions].find(({ id }) => id === versionId);
    if (!version) throw new ApiRefusal(notFound());
    webhookEvents.report('DOWNLOADED', file, call.caller.user.id);
    return redirectTo(drive.issueTicket(file, version));
  }

  function copy(call: RouteCall): HttpAnswer {
    const file = access.fileToRead(call);
    const body = readBody(copyBody, call.body);
    const name = validName(body.name ?? file.name);
    access.destination(body.parent.id, call);
    access.checkNameIsFree(name, body.parent.id, call);
    const source = body.version === undefined ? file : atVersion(file, body.version);
    access.checkRoomFor(source.content.byteLength);
    const userId = call.caller.user.id;
    const copied = drive.copyFile(source, name, body.parent.id, userId);
    webhookEvents.report('COPIED', copied, userId, file);
    return {
      status: 201,
      body: render(json.representation(copied), fieldsOf(call.url)),
    };
  }

  /** The emulator makes no thumbnails. Box redirects to a placeholder for a file that it cannot make one of. */
  function thumbnail(call: RouteCall): HttpAnswer {
    access.fileToRead(call);
    return redirectTo(drive.issueThumbnailTicket());
  }

  function redirectTo(ticket: string): HttpAnswer {
    return { status: 302, headers: { location: signedDownloadUrl(downloadUrl, ticket) } };
  }
}

function atVersion(file: FileInDrive, versionId: string): FileInDrive {
  const version = [file.version, ...file.pastVersions].find(({ id }) => id === versionId);
  if (!version) throw new ApiRefusal(notFound());
  const { content, contentType, sha1 } = version;
  return { ...file, content, contentType, sha1 };
}
