import { createHash } from 'node:crypto';
import * as v from 'valibot';
import { type HttpAnswer, type JsonObject, ok } from '../../../http/http-response.js';
import { boxError, notFound } from '../../box-responses.js';
import type { FileInDrive } from '../../drive/drive-items.js';
import type { UploadPart, UploadSession } from '../../uploads/upload-sessions.js';
import {
  type ApiContext,
  ApiRefusal,
  type ApiRoute,
  headerOf,
  type RouteCall,
} from '../api-route.js';
import { ItemAccess } from '../item-access.js';
import { fieldsOf, listPage, pageOf } from '../paging.js';
import { boxTime, render } from '../../representation.js';
import { boxId, readBody, validName } from '../request-body.js';
import { UPLOAD } from '../scopes.js';

const MIN_FILE_BYTES = 20_000_000;

const fileSize = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
const newFileBody = v.object({ folder_id: boxId, file_size: fileSize, file_name: v.string() });
const newVersionBody = v.object({ file_size: fileSize, file_name: v.optional(v.string()) });
const commitBody = v.object({
  parts: v.pipe(
    v.array(v.object({ part_id: v.string(), offset: v.number(), size: v.number() })),
    v.minLength(1),
  ),
});

/** Chunked uploads: a session, its parts and the commit. */
export function uploadSessionRoutes(context: ApiContext): readonly ApiRoute[] {
  const { drive, json, sessions, webhookEvents } = context;
  const access = new ItemAccess(drive, json);
  const scopes = UPLOAD;
  const base = '/api/2.0/files';
  const path = `${base}/upload_sessions/:id`;
  return [
    { method: 'POST', path: `${base}/upload_sessions`, scopes, respond: openForNewFile },
    {
      method: 'POST',
      path: `${base}/:id/upload_sessions`,
      item: 'file',
      scopes,
      respond: openForNewVersion,
    },
    { method: 'GET', path, scopes, respond: (call) => ok(describe(sessionOf(call), call)) },
    { method: 'PUT', path, scopes, respond: uploadPart },
    { method: 'DELETE', path, scopes, respond: abort },
    { method: 'GET', path: `${path}/parts`, scopes, respond: listParts },
    { method: 'POST', path: `${path}/commit`, scopes, respond: commit },
  ];

  function openForNewFile(call: RouteCall): HttpAnswer {
    const { folder_id: folderId, ...body } = readBody(newFileBody, call.body);
    access.destination(folderId, call);
    access.checkNameIsFree(validName(body.file_name), folderId, call);
    return open({ folderId }, body.file_name, body.file_size, call);
  }

  function openForNewVersion(call: RouteCall): HttpAnswer {
    const file = access.file(call);
    const { file_name: name = file.name, ...body } = readBody(newVersionBody, call.body);
    access.checkNameIsFree(validName(name), file.parentId, call, { except: file });
    return open({ fileId: file.id }, name, body.file_size, call);
  }

  function open(
    target: UploadSession['target'],
    fileName: string,
    fileBytes: number,
    call: RouteCall,
  ): HttpAnswer {
    if (fileBytes < MIN_FILE_BYTES) {
      refuse(400, 'file_size_too_small', `The file size is below ${MIN_FILE_BYTES} bytes`);
    }
    access.checkRoomFor(fileBytes);
    const userId = call.caller.user.id;
    const session = sessions.open({ userId, target, fileName, fileBytes });
    return { status: 201, body: describe(session, call) };
  }

  function sessionOf({ id, caller }: RouteCall): UploadSession {
    if (!/^[0-9A-F]{32}$/i.test(id)) {
      refuse(400, 'invalid_upload_session_id', 'The upload session ID is not of a valid format');
    }
    const session = sessions.find(id);
    if (!session) throw new ApiRefusal(notFound());
    if (session.userId !== caller.user.id) {
      refuse(403, 'forbidden', 'Only the user who created the upload session may use it');
    }
    if (sessions.isExpired(session)) refuse(410, 'session_expired', 'The session has expired');
    return session;
  }

  function uploadPart(call: RouteCall): HttpAnswer {
    const session = sessionOf(call);
    const { body: content } = call;
    const offset = offsetIn(session, headerOf(call, 'content-range'), content.byteLength);
    const sha1 = checkDigest(content, headerOf(call, 'digest'));
    const existing = session.parts.get(offset);
    if (existing && existing.sha1 !== sha1) {
      refuse(409, 'conflict', 'The range has been uploaded with another content');
    }
    if (!existing) access.checkRoomFor(content.byteLength);
    const part = existing ?? sessions.addPart(session, { offset, sha1, content });
    return ok({ part: describePart(part) });
  }

  function abort(call: RouteCall): HttpAnswer {
    sessions.close(sessionOf(call));
    return { status: 204 };
  }

  function listParts(call: RouteCall): HttpAnswer {
    const { parts } = sessionOf(call);
    return ok(listPage(inOrder(parts), pageOf(call.url, { defaultLimit: 1000 }), describePart));
  }

  function commit(call: RouteCall): HttpAnswer {
    const session = sessionOf(call);
    const { parts } = readBody(commitBody, call.body);
    for (const { part_id: id, offset, size } of parts) {
      const part = session.parts.get(offset);
      if (part?.id === id && part.content.byteLength === size) continue;
      const wanted = JSON.stringify({ part_id: id, offset, size });
      refuse(400, 'parts_mismatch', `No matching part found on server for ${wanted}`);
    }
    const content = Buffer.concat(inOrder(session.parts).map((part) => part.content));
    if (content.byteLength !== session.fileBytes || parts.length !== session.parts.size) {
      refuse(400, 'parts_mismatch', 'The parts do not add up to the file');
    }
    checkDigest(content, headerOf(call, 'digest'));
    const file = saveFile(session, content, call);
    webhookEvents.reportNew(file, session.userId);
    const entries = [render(json.representation(file), fieldsOf(call.url))];
    return { status: 201, body: { total_count: 1, entries } };
  }

  function saveFile(session: UploadSession, content: Buffer, call: RouteCall): FileInDrive {
    const { target, fileName: name, userId } = session;
    if ('folderId' in target) {
      access.destination(target.folderId, call);
      access.checkNameIsFree(name, target.folderId, call);
      sessions.dropParts(session);
      return drive.addFile({ name, parentId: target.folderId, ownerId: userId, content });
    }
    const file = access.file({ ...call, id: target.fileId });
    access.checkUnchanged(file, call);
    access.checkNameIsFree(name, file.parentId, call, { except: file });
    sessions.dropParts(session);
    return drive.addVersion(file, { name, content }, userId);
  }
}

/** The parts must not overlap, so each begins at a multiple of the part size. */
function offsetIn(session: UploadSession, range: string | undefined, bytes: number): number {
  const { partBytes, fileBytes } = session;
  const [, first, last, total] = /^bytes (\d+)-(\d+)\/(\d+)$/.exec(range ?? '') ?? [];
  const offset = Number(first);
  const isInSession =
    Number(total) === fileBytes &&
    offset % partBytes === 0 &&
    Number(last) === Math.min(offset + partBytes, fileBytes) - 1;
  if (!isInSession || Number(last) < offset) {
    refuse(416, 'invalid_range', 'The content-range does not match a part of the session');
  }
  if (bytes !== Number(last) - offset + 1) {
    refuse(400, 'request_size_mismatch', `Request body size didn't match the content-range`);
  }
  return offset;
}

/** Checks a header `digest: sha=<base64>`, and returns the hash in hexadecimal. */
function checkDigest(content: Buffer, header: string | undefined): string {
  const hash = createHash('sha1').update(content).digest();
  const [, expected] = /^sha=(.*)$/i.exec(header ?? '') ?? [];
  if (expected === undefined)
    refuse(400, 'bad_request', 'Bad Request: digest must be sha=<base64>');
  const actual = hash.toString('base64');
  if (actual !== expected) {
    const message = `File digest was incorrect. Actual: ${actual} Expected: ${expected}`;
    refuse(400, 'digest_mismatch', message);
  }
  return hash.toString('hex');
}

function describe(session: UploadSession, { origin }: RouteCall): JsonObject {
  const url = `${origin}/api/2.0/files/upload_sessions/${session.id}`;
  return {
    type: 'upload_session',
    id: session.id,
    session_expires_at: boxTime(session.expiresAtMs),
    part_size: session.partBytes,
    total_parts: Math.ceil(session.fileBytes / session.partBytes),
    num_parts_processed: session.parts.size,
    session_endpoints: {
      upload_part: url,
      status: url,
      abort: url,
      list_parts: `${url}/parts`,
      commit: `${url}/commit`,
      log_event: `${url}/log`,
    },
  };
}

function describePart({ id, offset, content, sha1 }: UploadPart): JsonObject {
  return { part_id: id, offset, size: content.byteLength, sha1 };
}

function inOrder(parts: ReadonlyMap<number, UploadPart>): UploadPart[] {
  return [...parts.values()].toSorted((a, b) => a.offset - b.offset);
}

function refuse(status: number, code: string, message: string): never {
  throw new ApiRefusal(boxError(status, code, message));
}
