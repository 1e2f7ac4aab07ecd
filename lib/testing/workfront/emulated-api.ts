import { signedDownloadUrl } from '../http/download-origin.js';
import { type HttpAnswer, type JsonObject, ok, parseJsonObject } from '../http/http-response.js';
import { newWorkfrontId } from './emulated-app.js';
import type { AttaskObjects, ObjCode } from './emulated-objects.js';
import { attaskError, badRequest, notFound } from './workfront-responses.js';

export interface AttaskCall {
  readonly method: string;
  readonly url: URL;
  readonly contentType: string;
  readonly body: Buffer;
}

const OBJECT_PATH = /^\/attask\/api(?:\/v\d+\.0)?\/([a-z]+)(?:\/(\w+))?$/;
const DOWNLOAD_PATH = '/internal/document/download';

const OBJ_CODE_OF_NAME = new Map<string, ObjCode>([
  ['user', 'USER'],
  ['proj', 'PROJ'],
  ['project', 'PROJ'],
  ['task', 'TASK'],
  ['docu', 'DOCU'],
  ['document', 'DOCU'],
]);
const WRITABLE: ReadonlySet<ObjCode> = new Set(['PROJ', 'TASK']);

/** Whether a path requires a session. */
export function isAttaskPath(pathname: string): boolean {
  return /^\/attask\/api(\/|$)/.test(pathname) || pathname === DOWNLOAD_PATH;
}

/** The resources of `/attask/api`, with or without a version in the path. */
export class AttaskApi {
  readonly #objects: AttaskObjects;
  readonly #downloadUrl: string;

  constructor(objects: AttaskObjects, downloadUrl: string) {
    this.#objects = objects;
    this.#downloadUrl = downloadUrl;
  }

  respond(call: AttaskCall): HttpAnswer {
    const { method, url } = call;
    if (url.pathname === DOWNLOAD_PATH) return this.#redirectToDocument(call);
    const [, name = '', id] = OBJECT_PATH.exec(url.pathname) ?? [];
    const objCode = OBJ_CODE_OF_NAME.get(name);
    if (!objCode) return notFound();
    if (method === 'GET' && id === 'search') return this.#search(objCode, url.searchParams);
    if (method === 'GET' && id !== undefined) return this.#show(objCode, id);
    const isWrite =
      (method === 'POST' && id === undefined) || (method === 'PUT' && id !== undefined);
    if (!isWrite || !WRITABLE.has(objCode)) {
      return attaskError(405, 'MethodNotAllowedException', 'Method not allowed');
    }
    return this.#write(objCode, id, call);
  }

  #show(objCode: ObjCode, id: string): HttpAnswer {
    const object = this.#objects.find(objCode, id);
    return object ? ok({ data: object }) : notFound();
  }

  /** Filters by fields that must be equal. `fields` and `$$LIMIT` are accepted and ignored. */
  #search(objCode: ObjCode, parameters: URLSearchParams): HttpAnswer {
    const filters = [...parameters].filter(([name]) => name !== 'fields' && !name.startsWith('$$'));
    const found = this.#objects
      .of(objCode)
      .filter((object) => filters.every(([name, value]) => object[name] === value));
    return ok({ data: found });
  }

  #write(objCode: ObjCode, id: string | undefined, call: AttaskCall): HttpAnswer {
    if (id !== undefined && !this.#objects.find(objCode, id)) return notFound();
    const fields = readFields(call);
    if (!fields) return badRequest('The body must be a JSON object or a form');
    return ok({ data: this.#objects.save(objCode, id ?? newWorkfrontId(), fields) });
  }

  #redirectToDocument({ method, url }: AttaskCall): HttpAnswer {
    const document = this.#objects.find('DOCU', url.searchParams.get('ID') ?? '');
    if (method !== 'GET' || !document) return notFound();
    const ticket = this.#objects.issueTicket(document.ID);
    return { status: 302, headers: { location: signedDownloadUrl(this.#downloadUrl, ticket) } };
  }
}

function readFields({ contentType, body }: AttaskCall): JsonObject | undefined {
  const text = body.toString('utf8');
  const mediaType = contentType.split(';', 1)[0]?.trim().toLowerCase();
  if (mediaType === 'application/json') return parseJsonObject(text);
  if (mediaType !== 'application/x-www-form-urlencoded') return undefined;
  return Object.fromEntries(new URLSearchParams(text));
}
