import * as v from 'valibot';
import { type HttpAnswer, ok } from '../../../http/http-response.js';
import { notFound } from '../../box-responses.js';
import type { FileInDrive, FileVersion } from '../../drive/drive-items.js';
import { type ApiContext, ApiRefusal, type ApiRoute, type RouteCall } from '../api-route.js';
import { ItemAccess } from '../item-access.js';
import { fieldsOf, listPage, pageOf } from '../paging.js';
import { render } from '../../representation.js';
import { readBody } from '../request-body.js';
import { READ, WRITE } from '../scopes.js';

const promoteBody = v.object({ type: v.literal('file_version'), id: v.string() });
const restoreBody = v.object({ trashed_at: v.null() });

export function fileVersionRoutes({ drive, json }: ApiContext): readonly ApiRoute[] {
  const access = new ItemAccess(drive, json);
  const list = '/2.0/files/:id/versions';
  const path = `${list}/:versionId`;
  const item = 'file';
  return [
    { method: 'GET', path: list, item, scopes: READ, respond: listPast },
    { method: 'POST', path: `${list}/current`, item, scopes: WRITE, respond: promote },
    { method: 'GET', path, item, scopes: READ, respond: show },
    { method: 'PUT', path, item, scopes: WRITE, respond: restore },
    { method: 'DELETE', path, item, scopes: WRITE, respond: moveToTrash },
  ];

  /** Without the current version. */
  function listPast(call: RouteCall): HttpAnswer {
    const fields = fieldsOf(call.url);
    const { pastVersions } = access.fileToRead(call);
    return ok(
      listPage(pastVersions, pageOf(call.url, { defaultLimit: 1000 }), (version) =>
        render(json.version(version), fields),
      ),
    );
  }

  function show(call: RouteCall): HttpAnswer {
    const file = access.fileToRead(call);
    const version = versionOf(file, call.versionId);
    return ok(render(json.version(version), fieldsOf(call.url)));
  }

  /** Adds a copy of the version to the top of the history. */
  function promote(call: RouteCall): HttpAnswer {
    const file = access.file(call);
    const { name, content, contentType } = versionOf(file, readBody(promoteBody, call.body).id);
    access.checkNameIsFree(name, file.parentId, call, { except: file });
    access.checkRoomFor(content.byteLength);
    const promoted = drive.addVersion(file, { name, content, contentType }, call.caller.user.id);
    return { status: 201, body: render(json.version(promoted.version), fieldsOf(call.url)) };
  }

  function restore(call: RouteCall): HttpAnswer {
    readBody(restoreBody, call.body);
    const restored = { trashed: undefined, restored: stampOf(call) };
    const version = changePast(access.file(call), call.versionId, restored);
    return ok(render(json.version(version), fieldsOf(call.url)));
  }

  function moveToTrash(call: RouteCall): HttpAnswer {
    const file = access.file(call);
    access.checkUnchanged(file, call);
    changePast(file, call.versionId, { trashed: stampOf(call), restored: undefined });
    return { status: 204 };
  }

  function changePast(
    file: FileInDrive,
    versionId: string,
    changes: Pick<FileVersion, 'trashed' | 'restored'>,
  ): FileVersion {
    const version = { ...versionOf(file, versionId), ...changes };
    if (file.version.id === versionId) throw new ApiRefusal(notFound());
    const pastVersions = file.pastVersions.map((one) => (one.id === versionId ? version : one));
    drive.save({ ...file, pastVersions });
    return version;
  }

  function stampOf({ caller }: RouteCall) {
    return { atMs: drive.clock.nowMs(), userId: caller.user.id };
  }
}

function versionOf(file: FileInDrive, versionId: string): FileVersion {
  const version = [file.version, ...file.pastVersions].find(({ id }) => id === versionId);
  if (!version) throw new ApiRefusal(notFound());
  return version;
}
