import { signedDownloadUrl } from '../http/download-origin.js';
import { type HttpAnswer, type JsonObject, ok, parseJsonObject } from '../http/http-response.js';
import type { ItemReference } from '../http/token-ledger.js';
import { accessDenied, type Caller } from './bearer-guard.js';
import { bearerChallenge, boxError, notFound } from './box-responses.js';
import { describeUser, type EmulatedApp } from './emulated-app.js';
import type { EmulatedDrive } from './emulated-drive.js';
import { type NewItemRequest, readNewItem, readUpload } from './new-item-request.js';

export interface ApiCall {
  readonly method: string;
  readonly url: URL;
  readonly contentType: string;
  readonly body: Buffer;
  readonly caller: Caller;
}

type ResourceCall = ApiCall & { readonly id: string };

interface Resource {
  readonly method: string;
  readonly path: RegExp;
  /** A downscoped token needs one of these scopes. */
  readonly scopes: readonly string[];
  readonly item?: ItemReference['type'];
  readonly respond: (call: ResourceCall) => HttpAnswer | Promise<HttpAnswer>;
}

const ALL_SCOPES = ['root_readwrite'];
const READ_SCOPES = ['root_readonly', ...ALL_SCOPES];
const FOLDER_SCOPES = ['base_explorer', 'base_picker', ...READ_SCOPES];

/** The resources of `/2.0` and `/api/2.0`, as the caller's user sees them. */
export class EmulatedApi {
  readonly #app: EmulatedApp;
  readonly #drive: EmulatedDrive;
  readonly #downloadUrl: string;
  readonly #resources: readonly Resource[];

  constructor(app: EmulatedApp, drive: EmulatedDrive, downloadUrl: string) {
    this.#app = app;
    this.#drive = drive;
    this.#downloadUrl = downloadUrl;
    this.#resources = this.#listResources();
  }

  async respond(call: ApiCall): Promise<HttpAnswer> {
    const { method, url, caller } = call;
    const atPath = this.#resources.filter(({ path }) => path.test(url.pathname));
    if (atPath.length === 0) return notFound();
    const resource = atPath.find((candidate) => candidate.method === method);
    if (!resource) {
      const allow = atPath.map((candidate) => candidate.method).join(', ');
      return boxError(405, 'method_not_allowed', 'Method Not Allowed', { headers: { allow } });
    }
    const id = resource.path.exec(url.pathname)?.[1] ?? '';
    return this.#isWithinScope(resource, id, caller)
      ? resource.respond({ ...call, id })
      : bearerChallenge(403, 'insufficient_scope');
  }

  #listResources(): readonly Resource[] {
    const file = { method: 'GET', item: 'file' } as const;
    const folder = { method: 'GET', item: 'folder', scopes: FOLDER_SCOPES } as const;
    return [
      {
        method: 'GET',
        path: /^\/2\.0\/users\/me$/,
        scopes: READ_SCOPES,
        respond: ({ caller }) => ok(describeUser(caller.user)),
      },
      {
        method: 'GET',
        path: /^\/2\.0\/users$/,
        scopes: ['manage_managed_users', 'manage_app_users'],
        respond: (call) => this.#listUsers(call),
      },
      {
        ...folder,
        path: /^\/2\.0\/folders\/(\d+)$/,
        respond: (call) => this.#showItem('folder', call),
      },
      {
        ...folder,
        path: /^\/2\.0\/folders\/(\d+)\/items$/,
        respond: (call) => this.#listFolder(call),
      },
      {
        method: 'POST',
        path: /^\/2\.0\/folders$/,
        scopes: ALL_SCOPES,
        respond: (call) =>
          this.#create('folder', readNewItem(parseJsonObject(call.body.toString())), call),
      },
      {
        ...file,
        path: /^\/2\.0\/files\/(\d+)$/,
        scopes: ['item_preview', 'base_preview', 'base_sidebar', 'item_download', ...FOLDER_SCOPES],
        respond: (call) => this.#showItem('file', call),
      },
      {
        ...file,
        path: /^\/2\.0\/files\/(\d+)\/content$/,
        scopes: ['item_download', ...READ_SCOPES],
        respond: (call) => this.#redirectToContent(call),
      },
      {
        method: 'POST',
        path: /^\/api\/2\.0\/files\/content$/,
        scopes: ['item_upload', 'base_upload', ...ALL_SCOPES],
        respond: async (call) => this.#create('file', await readUpload(call), call),
      },
    ];
  }

  #isWithinScope(resource: Resource, id: string, { token, user }: Caller): boolean {
    const { restriction } = token;
    if (!restriction) return true;
    if (!restriction.scopes.some((scope) => resource.scopes.includes(scope))) return false;
    const { item } = restriction;
    if (!item || !resource.item) return true;
    return (
      (item.type === resource.item && item.id === id) ||
      (item.type === 'folder' &&
        this.#drive.isWithin({ type: resource.item, id }, item.id, user.id))
    );
  }

  #listUsers({ caller }: ResourceCall): HttpAnswer {
    const { serviceAccount, users } = this.#app;
    if (caller.user.id !== serviceAccount.id) return accessDenied();
    const entries = [...users.values()]
      .filter(({ id }) => id !== serviceAccount.id)
      .map((user) => describeUser(user));
    return ok({ total_count: entries.length, entries, offset: 0, limit: 100 });
  }

  #showItem(type: ItemReference['type'], { id, url, caller }: ResourceCall): HttpAnswer {
    const item = this.#drive.describe({ type, id }, caller.user.id, 'full');
    return item ? ok(onlyFields(item, fieldsOf(url)) ?? item) : notFound();
  }

  #listFolder({ id, url, caller }: ResourceCall): HttpAnswer {
    const userId = caller.user.id;
    if (!this.#drive.findFolder(id, userId)) return notFound();
    const offset = wholeNumber(url.searchParams.get('offset'), 0, Number.MAX_SAFE_INTEGER);
    const limit = wholeNumber(url.searchParams.get('limit'), 100, 1000);
    if (offset === undefined || limit === undefined) {
      return boxError(400, 'bad_request', 'Bad Request: offset and limit must be whole numbers.');
    }
    const items = this.#drive.itemsIn(id, userId);
    const fields = fieldsOf(url);
    const entries = items.slice(offset, offset + limit).map((item) => {
      const full = this.#drive.describe(item, userId, 'full');
      return (full && onlyFields(full, fields)) ?? this.#drive.describe(item, userId);
    });
    return ok({ total_count: items.length, entries, offset, limit });
  }

  #create(
    type: ItemReference['type'],
    request: NewItemRequest,
    { caller }: ResourceCall,
  ): HttpAnswer {
    if ('refusal' in request) return request.refusal;
    const { name, parentId, content = Buffer.alloc(0), contentType } = request;
    const userId = caller.user.id;
    if (!this.#drive.findFolder(parentId, userId)) return notFound();
    const { item: limit } = caller.token.restriction ?? {};
    if (
      limit &&
      limit.id !== parentId &&
      !this.#drive.isWithin({ type: 'folder', id: parentId }, limit.id, userId)
    ) {
      return bearerChallenge(403, 'insufficient_scope');
    }
    const taken = this.#drive.findByName(name, parentId, userId);
    if (taken) {
      const conflict = this.#drive.describe(taken, userId);
      return boxError(409, 'item_name_in_use', 'Item with the same name already exists', {
        contextInfo: { conflicts: taken.type === 'file' ? conflict : [conflict] },
      });
    }
    const newItem = { name, parentId, ownerId: userId };
    const item =
      type === 'folder'
        ? this.#drive.addFolder(newItem)
        : this.#drive.addFile({ ...newItem, content, ...(contentType && { contentType }) });
    const full = this.#drive.describe(item, userId, 'full');
    return {
      status: 201,
      body: type === 'folder' ? { ...full } : { total_count: 1, entries: [full] },
    };
  }

  #redirectToContent({ id, caller }: ResourceCall): HttpAnswer {
    const file = this.#drive.findFile(id, caller.user.id);
    if (!file) return notFound();
    const location = signedDownloadUrl(this.#downloadUrl, this.#drive.issueTicket(file.id));
    return { status: 302, headers: { location } };
  }
}

function fieldsOf(url: URL): readonly string[] | undefined {
  return url.searchParams.get('fields')?.split(',');
}

/** Keeps the fields that `?fields=` names, plus type, id and etag. */
function onlyFields(
  item: JsonObject,
  fields: readonly string[] | undefined,
): JsonObject | undefined {
  if (!fields) return undefined;
  const kept = new Set(['type', 'id', 'etag', ...fields]);
  return Object.fromEntries(Object.entries(item).filter(([name]) => kept.has(name)));
}

function wholeNumber(text: string | null, byDefault: number, max: number): number | undefined {
  if (text === null) return byDefault;
  const value = Number(text);
  return /^\d+$/.test(text) && value <= max ? value : undefined;
}
