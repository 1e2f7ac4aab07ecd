import * as v from 'valibot';
import { bearerChallenge, boxError } from '../box-responses.js';
import { type ItemInDrive, ROOT_FOLDER_ID } from '../drive/drive-items.js';
import type { EmulatedDrive } from '../drive/emulated-drive.js';
import { newSharedLink, type SharedLink } from '../drive/shared-link.js';
import { ApiRefusal, type RouteCall } from './api-route.js';
import type { ItemAccess } from './item-access.js';
import { parentReference, timestamp, validName } from './request-body.js';
import { RENAME, SHARE, WRITE } from './scopes.js';

const sharedLinkBody = v.object({
  access: v.optional(v.picklist(['open', 'company', 'collaborators'])),
  password: v.optional(v.nullable(v.string())),
  vanity_name: v.optional(v.nullable(v.string())),
  unshared_at: v.optional(v.nullable(timestamp)),
  permissions: v.optional(v.object({ can_download: v.optional(v.boolean()) })),
});

/** The fields that a file and a folder have in common. Box ignores fields that it does not know. */
export const itemChanges = {
  name: v.optional(v.string()),
  parent: v.optional(parentReference),
  description: v.optional(v.pipe(v.string(), v.maxLength(255))),
  tags: v.optional(v.pipe(v.array(v.string()), v.maxLength(100))),
  shared_link: v.optional(v.nullable(sharedLinkBody)),
};
type ItemChanges = v.InferOutput<v.ObjectSchema<typeof itemChanges, undefined>>;

/** The scopes that allow at least one change of an item. */
export const CHANGE_ITEM = [...new Set([...RENAME, ...SHARE])];

/** Checks the changes that a request makes to an item, and returns them. */
export function readItemChanges(
  item: ItemInDrive,
  body: ItemChanges,
  call: RouteCall,
  { access, drive }: { readonly access: ItemAccess; readonly drive: EmulatedDrive },
): Partial<Pick<ItemInDrive, 'name' | 'parentId' | 'description' | 'tags' | 'sharedLink'>> {
  requireScopes(body, call);
  const name = validName(body.name ?? item.name);
  const parentId = body.parent?.id ?? item.parentId;
  if (parentId !== item.parentId) {
    access.destination(parentId, call);
    checkNoCycle(item, parentId, drive);
  }
  access.checkNameIsFree(name, parentId, call, { except: item });
  const { description = item.description, tags = item.tags, shared_link: link } = body;
  return {
    name,
    parentId,
    description,
    tags,
    ...(link !== undefined && { sharedLink: changedLink(item.sharedLink, link) }),
  };
}

/** A downscoped token may rename with `item_rename`, and share with `item_share`; for the rest it needs `root_readwrite`. */
function requireScopes(body: ItemChanges, { caller }: RouteCall): void {
  const { restriction } = caller.token;
  if (!restriction) return;
  const isAllowed = Object.keys(body).every((field) => {
    const needed = field === 'name' ? RENAME : field === 'shared_link' ? SHARE : WRITE;
    return needed.some((scope) => restriction.scopes.includes(scope));
  });
  if (!isAllowed) throw new ApiRefusal(bearerChallenge(403, 'insufficient_scope'));
}

function checkNoCycle(item: ItemInDrive, parentId: string, drive: EmulatedDrive): void {
  const isCycle =
    item.type === 'folder' &&
    (parentId === item.id ||
      (parentId !== ROOT_FOLDER_ID &&
        drive.isWithin({ type: 'folder', id: parentId }, item.id, item.ownerId)));
  if (isCycle) refuse('cyclical_folder_structure', 'Folder move creates cyclical folder structure');
}

function changedLink(
  current: SharedLink | undefined,
  body: v.InferOutput<typeof sharedLinkBody> | null,
): SharedLink | undefined {
  if (body === null) return undefined;
  const link = current ?? newSharedLink();
  const { access = link.access, permissions } = body;
  // A link for collaborators has no password.
  const oldPassword = access === 'open' ? link.password : undefined;
  const password = body.password === undefined ? oldPassword : (body.password ?? undefined);
  if (password !== undefined && password !== oldPassword) checkPassword(password, access);
  return {
    key: link.key,
    access,
    password,
    vanityName: body.vanity_name === undefined ? link.vanityName : (body.vanity_name ?? undefined),
    expiresAtMs:
      body.unshared_at === undefined ? link.expiresAtMs : (body.unshared_at ?? undefined),
    allowsDownload: permissions?.can_download ?? link.allowsDownload,
  };
}

function checkPassword(password: string, access: SharedLink['access']): void {
  if (access !== 'open') {
    refuse('bad_request', 'A password requires a shared link with the access open');
  }
  if (password.length < 8 || !/[0-9A-Z]|[^A-Za-z0-9]/.test(password)) {
    refuse(
      'bad_request',
      'A password has at least eight characters, one of which is a number, an upper case letter or not alphanumeric',
    );
  }
}

function refuse(code: string, message: string): never {
  throw new ApiRefusal(boxError(400, code, message));
}
