import * as v from 'valibot';
import { type HttpAnswer, type JsonObject, ok } from '../../../http/http-response.js';
import { accessDenied } from '../../bearer-guard.js';
import { boxError, notFound } from '../../box-responses.js';
import { ROOT_FOLDER_ID } from '../../drive/drive-items.js';
import type { StoredUser } from '../../enterprise/emulated-users.js';
import { representUser } from '../../enterprise/user-json.js';
import { type ApiContext, ApiRefusal, type ApiRoute, type RouteCall } from '../api-route.js';
import { fieldsOf, listPage, pageOf } from '../paging.js';
import { render } from '../../representation.js';
import { boxId, readBody } from '../request-body.js';
import { MANAGE_USERS, READ } from '../scopes.js';

/** The fields that the API sets, besides name and login. */
const profile = {
  role: v.optional(v.picklist(['coadmin', 'user'])),
  language: v.optional(v.string()),
  timezone: v.optional(v.string()),
  job_title: v.optional(v.pipe(v.string(), v.maxLength(100))),
  phone: v.optional(v.pipe(v.string(), v.maxLength(100))),
  address: v.optional(v.pipe(v.string(), v.maxLength(255))),
  space_amount: v.optional(v.pipe(v.number(), v.safeInteger())),
  status: v.optional(
    v.picklist(['active', 'inactive', 'cannot_delete_edit', 'cannot_delete_edit_upload']),
  ),
  external_app_user_id: v.optional(v.string()),
  is_sync_enabled: v.optional(v.boolean()),
  can_see_managed_users: v.optional(v.boolean()),
  is_external_collab_restricted: v.optional(v.boolean()),
  is_exempt_from_device_limits: v.optional(v.boolean()),
  is_exempt_from_login_verification: v.optional(v.boolean()),
};
const name = v.pipe(v.string(), v.minLength(1), v.maxLength(50));
const login = v.optional(v.pipe(v.string(), v.email()));
const newUserBody = v.object({
  name,
  login,
  is_platform_access_only: v.optional(v.boolean(), false),
  ...profile,
});
const changesBody = v.object({ name: v.optional(name), login, ...profile });
const transferBody = v.object({ owned_by: v.object({ id: boxId }) });

/** The users of the caller's enterprise. Only its service account manages them. */
export function userRoutes({ app, drive, json }: ApiContext): readonly ApiRoute[] {
  const { enterprises, users } = app;
  const scopes = MANAGE_USERS;
  const list = '/2.0/users';
  const path = `${list}/:id`;
  return [
    { method: 'GET', path: `${list}/me`, scopes: READ, respond: showMe },
    { method: 'GET', path: list, scopes, respond: asAdmin(listUsers) },
    { method: 'POST', path: list, scopes, respond: asAdmin(create) },
    { method: 'GET', path, scopes, respond: show },
    { method: 'PUT', path, scopes, respond: asAdmin(change) },
    { method: 'DELETE', path, scopes, respond: asAdmin(remove) },
    { method: 'PUT', path: `${path}/folders/0`, scopes, respond: asAdmin(transfer) },
  ];

  function showMe({ caller, url }: RouteCall): HttpAnswer {
    return ok(describe(caller.user, url));
  }

  function show(call: RouteCall): HttpAnswer {
    if (!isAdmin(call) && call.id !== call.caller.user.id) return accessDenied();
    return ok(describe(userOf(call.id, call), call.url));
  }

  /** Without the service account. */
  function listUsers({ url, caller }: RouteCall): HttpAnswer {
    const { searchParams } = url;
    const prefix = searchParams.get('filter_term')?.toLowerCase() ?? '';
    const externalId = searchParams.get('external_app_user_id');
    const found = users
      .of(caller.user.enterpriseId)
      .filter(({ isServiceAccount }) => !isServiceAccount)
      .filter((user) =>
        [user.name, user.login].some((text) => text.toLowerCase().startsWith(prefix)),
      )
      .filter((user) => externalId === null || user.profile.external_app_user_id === externalId);
    return ok(listPage(found, pageOf(url), (user) => describe(user, url)));
  }

  function create({ body, url, caller }: RouteCall): HttpAnswer {
    const {
      name: newName,
      login: newLogin,
      is_platform_access_only: isPlatformAccessOnly,
      ...details
    } = readBody(newUserBody, body);
    if (newLogin === undefined && !isPlatformAccessOnly) {
      return boxError(400, 'bad_request', 'Bad Request: login is required');
    }
    if (newLogin !== undefined) checkLoginIsFree(newLogin);
    checkExternalIdIsFree(details.external_app_user_id, caller.user.enterpriseId);
    const user = users.add(
      { id: users.unusedId(), name: newName, login: newLogin ?? app.newAccountLogin('AppUser') },
      { enterpriseId: caller.user.enterpriseId, isPlatformAccessOnly, profile: details },
    );
    return { status: 201, body: describe(user, url) };
  }

  function change(call: RouteCall): HttpAnswer {
    const { id, body, url } = call;
    const user = userOf(id, call);
    const {
      name: newName = user.name,
      login: newLogin = user.login,
      ...details
    } = readBody(changesBody, body);
    if (newLogin !== user.login) checkLoginIsFree(newLogin, user);
    const changes = { name: newName, login: newLogin, profile: { ...user.profile, ...details } };
    return ok(describe(users.change(user, changes), url));
  }

  function remove(call: RouteCall): HttpAnswer {
    const user = userOf(call.id, call);
    if (user.isServiceAccount) return accessDenied();
    const items = drive.itemsOf(user.id);
    if (items.length > 0 && call.url.searchParams.get('force') !== 'true') {
      return boxError(409, 'conflict', 'The user owns content; delete it with force=true');
    }
    for (const item of items) drive.purge(item);
    users.delete(user.id);
    return { status: 204 };
  }

  /** Moves all items of a user into a new folder of another user. */
  function transfer(call: RouteCall): HttpAnswer {
    const { id, body, url, caller } = call;
    const source = userOf(id, call);
    const target = userOf(readBody(transferBody, body).owned_by.id, call);
    const folder = drive.addFolder({
      name: `${source.login} - ${source.name}'s Files and Folders`,
      ownerId: target.id,
    });
    for (const item of drive.itemsOf(source.id)) {
      const parentId = item.parentId === ROOT_FOLDER_ID ? folder.id : item.parentId;
      drive.change(item, { ownerId: target.id, parentId }, caller.user.id);
    }
    return ok(render(json.representation(folder), fieldsOf(url)));
  }

  /** Box responds to a user of another enterprise as to a missing one. */
  function userOf(id: string, { caller }: RouteCall): StoredUser {
    const user = users.get(id);
    if (user?.enterpriseId !== caller.user.enterpriseId) throw new ApiRefusal(notFound());
    return user;
  }

  function checkLoginIsFree(newLogin: string, except?: StoredUser): void {
    const taken = users.findByLogin(newLogin);
    if (!taken || taken.id === except?.id) return;
    throw new ApiRefusal(
      boxError(409, 'user_login_already_used', 'User with the specified login already exists'),
    );
  }

  /** Seen at Box: https://support.box.com/hc/en-us/community/posts/360049154754 */
  function checkExternalIdIsFree(externalId: string | undefined, enterpriseId: string): void {
    if (externalId === undefined) return;
    const isTaken = users
      .of(enterpriseId)
      .some(({ profile: { external_app_user_id: taken } }) => taken === externalId);
    if (!isTaken) return;
    throw new ApiRefusal(
      boxError(409, 'conflict', 'An app user already exists for this external_app_user_id'),
    );
  }

  function describe(user: StoredUser, url: URL): JsonObject {
    const usedBytes = drive
      .itemsIn(ROOT_FOLDER_ID, user.id)
      .reduce((sum, item) => sum + drive.sizeOf(item), 0);
    const enterprise = enterprises.get(user.enterpriseId);
    const context = { enterprise, usedBytes, maxUploadBytes: drive.quota.maxBytes };
    return render(representUser(user, context), fieldsOf(url));
  }
}

function isAdmin({ caller }: RouteCall): boolean {
  return caller.user.isServiceAccount;
}

function asAdmin(respond: (call: RouteCall) => HttpAnswer) {
  return (call: RouteCall) => (isAdmin(call) ? respond(call) : accessDenied());
}
