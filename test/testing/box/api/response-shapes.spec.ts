import { type BoxEmulator } from 'nestjs-box-auth/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { get, mint, type ReadResponse, send, stringIn, uploadForm } from '../box-client.js';
import { startEmulator } from '../emulator-fixture.js';

let emulator: BoxEmulator;
let token: string;
beforeAll(async () => {
  ({ emulator } = await startEmulator());
  token = await mint(emulator);
});
afterAll(() => emulator.stop());

/** Replaces values by their types. A list has the shape of its first entry. */
function shapeOf(value: unknown): unknown {
  if (value === null) return null;
  if (Array.isArray(value)) return value.slice(0, 1).map(shapeOf);
  if (typeof value !== 'object') return typeof value;
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, shapeOf(one)]));
}

const shapeAt = async (response: Promise<ReadResponse>) => shapeOf((await response).json);

const [text, number, flag] = ['string', 'number', 'boolean'];
const userMini = { type: text, id: text, name: text, login: text };
const root = { type: text, id: text, etag: null, sequence_id: null, name: text };
const folderMini = { type: text, id: text, etag: text, sequence_id: text, name: text };
const versionMini = { type: text, id: text, sha1: text };
const fileMini = { ...folderMini, sha1: text, file_version: versionMini };
const order = [{ by: text, direction: text }];
const item = {
  description: text,
  size: number,
  path_collection: { total_count: number, entries: [root] },
  created_at: text,
  modified_at: text,
  trashed_at: null,
  purged_at: null,
  content_created_at: text,
  content_modified_at: text,
  created_by: userMini,
  modified_by: userMini,
  owned_by: userMini,
  shared_link: null,
  parent: root,
  item_status: text,
};
const file = { ...fileMini, ...item };
const emptyList = { total_count: number, entries: [], offset: number, limit: number, order };
const folder = { ...folderMini, ...item, folder_upload_email: null, item_collection: emptyList };
const version = {
  ...versionMini,
  name: text,
  size: number,
  created_at: text,
  modified_at: text,
  modified_by: userMini,
  trashed_at: null,
  purged_at: null,
  uploader_display_name: text,
};
const user = {
  ...userMini,
  created_at: text,
  modified_at: text,
  language: text,
  timezone: text,
  space_amount: number,
  space_used: number,
  max_upload_size: number,
  status: text,
  job_title: text,
  phone: text,
  address: text,
  avatar_url: text,
  notification_email: null,
};
const sharedLink = {
  url: text,
  download_url: text,
  vanity_url: null,
  vanity_name: null,
  access: text,
  effective_access: text,
  effective_permission: text,
  unshared_at: null,
  is_password_enabled: flag,
  permissions: { can_preview: flag, can_download: flag, can_edit: flag },
  download_count: number,
  preview_count: number,
};

test('Files and lists of them have the fields that Box documents', async () => {
  const body = uploadForm({ name: 'a.txt', parent: { id: '0' } }, 'a');
  const upload = send(emulator, 'POST /api/2.0/files/content', token, { body });
  expect(await shapeAt(upload)).toEqual({ total_count: number, entries: [file] });
  const { id } = emulator.addFile({ name: 'b.txt', content: 'b' });
  const path = `/2.0/files/${id}`;
  expect(await shapeAt(get(emulator, path, token))).toEqual(file);
  const json = { shared_link: {} };
  expect(await shapeAt(send(emulator, `PUT ${path}`, token, { json }))).toEqual({
    ...file,
    shared_link: sharedLink,
  });
  const list = `${path}/versions`;
  const form = uploadForm({ name: 'b.txt' }, 'c');
  await send(emulator, `POST /api${path}/content`, token, { body: form });
  const page = { total_count: number, entries: [version], offset: number, limit: number };
  expect(await shapeAt(get(emulator, list, token))).toEqual(page);
});

test('Folders and lists of them have the fields that Box documents', async () => {
  const json = { name: 'Plans', parent: { id: '0' } };
  const response = await send(emulator, 'POST /2.0/folders', token, { json });
  expect(shapeOf(response.json)).toEqual(folder);
  expect(await shapeAt(get(emulator, '/2.0/folders/0/items?limit=1', token))).toEqual({
    ...emptyList,
    entries: [folderMini],
  });
  const path = `/2.0/folders/${stringIn(response, 'id')}`;
  await send(emulator, `DELETE ${path}`, token);
  expect(await shapeAt(get(emulator, `${path}/trash`, token))).toMatchObject({
    trashed_at: text,
    purged_at: text,
    shared_link: null,
  });
  expect(await shapeAt(get(emulator, '/2.0/folders/trash/items', token))).toEqual({
    total_count: number,
    entries: [folderMini],
    offset: number,
    limit: number,
  });
});

test('Users have the fields that Box documents', async () => {
  expect(await shapeAt(get(emulator, '/2.0/users/me', token))).toEqual(user);
  expect(await shapeAt(get(emulator, '/2.0/users', token))).toEqual({
    total_count: number,
    entries: [user],
    offset: number,
    limit: number,
  });
});

test('Fields that Box returns only on request are not returned otherwise', async () => {
  const { id } = emulator.addFile({ name: 'c.txt', content: 'c' });
  for (const [path, fields] of [
    [`/2.0/files/${id}`, ['permissions', 'lock', 'tags', 'version_number', 'extension']],
    ['/2.0/folders/0', ['permissions', 'sync_state', 'tags', 'has_collaborations']],
    ['/2.0/users/me', ['role', 'enterprise', 'hostname', 'is_platform_access_only']],
  ] as const) {
    const { json } = await get(emulator, path, token);
    const requested = await get(emulator, `${path}?fields=${fields.join()}`, token);
    for (const field of fields) {
      expect(json).not.toHaveProperty(field);
      expect(requested.json).toHaveProperty(field);
    }
    expect(requested.json).not.toHaveProperty('name');
  }
});

test('Errors have the form of Box', async () => {
  for (const [response, status] of [
    [get(emulator, '/2.0/nothing', token), 404],
    [get(emulator, '/2.0/folders/plan', token), 405],
    [get(emulator, '/2.0/folders/0/items?limit=x', token), 400],
    [get(emulator, '/2.0/users', token, { 'as-user': '11111' }), 403],
  ] as const) {
    const { headers, json, ...rest } = await response;
    expect(rest).toMatchObject({ status });
    expect(shapeOf(json)).toEqual({
      type: text,
      status: number,
      code: text,
      message: text,
      help_url: text,
      request_id: text,
    });
    expect(json).toMatchObject({ status, request_id: headers.get('box-request-id') });
  }
});

test('An error of the body names the wrong parameters', async () => {
  const json = { name: 7, parent: {} };
  expect(await send(emulator, 'POST /2.0/folders', token, { json })).toMatchObject({
    status: 400,
    json: {
      code: 'bad_request',
      context_info: {
        errors: [
          { reason: 'invalid_parameter', name: 'name' },
          { reason: 'missing_parameter', name: 'parent.id' },
        ],
      },
    },
  });
});
