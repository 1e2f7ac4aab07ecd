import { type BoxEmulator } from 'nestjs-box-auth/testing';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { get, mint, postExchange, send, stringIn, tokenIn } from '../box-client.js';
import { startEmulator } from '../emulator-fixture.js';

let emulator: BoxEmulator;
let token: string;
beforeEach(async () => {
  ({ emulator } = await startEmulator());
  token = await mint(emulator);
});
afterEach(() => emulator.stop());

const newFile = () => emulator.addFile({ name: 'plan.txt', content: 'The plan' }).id;
const newFolder = (name = 'Plans', parentId = '0') => emulator.addFolder({ name, parentId }).id;
const put = (path: string, json: object, headers = {}) =>
  send(emulator, `PUT ${path}`, token, { json, headers });

describe.each([
  ['file', () => `/2.0/files/${newFile()}`],
  ['folder', () => `/2.0/folders/${newFolder()}`],
] as const)('A %s', (type, newItem) => {
  test('can be renamed, described, tagged and moved', async () => {
    const path = newItem();
    const parent = { id: newFolder('Other') };
    const changes = { name: 'new name', description: 'Soon', tags: ['a'] };
    expect(await put(path, { ...changes, parent })).toMatchObject({
      status: 200,
      json: {
        name: 'new name',
        description: 'Soon',
        etag: '1',
        parent: { type: 'folder', ...parent },
      },
    });
    expect(await get(emulator, `${path}?fields=tags,name`, token)).toMatchObject({
      json: { tags: ['a'], name: 'new name' },
    });
    expect(await put(path, { parent: { id: '0' } })).toMatchObject({
      json: { parent: { id: '0' } },
    });
  });

  test('is not changed if it has changed before', async () => {
    const path = newItem();
    const changed = {
      status: 412,
      json: {
        code: 'precondition_failed',
        message: 'The resource has been modified. Please retrieve the resource again and retry',
      },
    };
    expect(await put(path, { name: 'a' }, { 'if-match': '1' })).toMatchObject(changed);
    expect(await put(path, { name: 'a' }, { 'if-match': '0' })).toMatchObject({ status: 200 });
    const headers = { 'if-match': '0' };
    expect(await send(emulator, `DELETE ${path}`, token, { headers })).toMatchObject(changed);
  });

  test('is read again only if it has changed', async () => {
    const path = newItem();
    for (const etag of ['0', '"0"', 'W/"0"']) {
      expect(await get(emulator, path, token, { 'if-none-match': etag })).toMatchObject({
        status: 304,
        text: '',
      });
    }
    await put(path, { description: 'new' });
    expect(await get(emulator, path, token, { 'if-none-match': '0' })).toMatchObject({
      status: 200,
    });
  });

  test('keeps its name if another item has the new one', async () => {
    const path = newItem();
    newFolder('Other');
    expect(await put(path, { name: 'OTHER' })).toMatchObject({
      status: 409,
      json: { code: 'item_name_in_use' },
    });
    expect(await put(path, { name: 'a/b' })).toMatchObject({
      status: 400,
      json: { code: 'item_name_invalid' },
    });
    expect(await put(path, { parent: { id: '7' } })).toMatchObject({ status: 404 });
  });

  test('can be copied', async () => {
    const path = newItem();
    const parent = { id: newFolder('Other') };
    const copy = await send(emulator, `POST ${path}/copy`, token, { json: { parent } });
    expect(copy).toMatchObject({ status: 201, json: { type, parent } });
    expect(stringIn(copy, 'id')).not.toBe(path.split('/').at(-1));
    const again = await send(emulator, `POST ${path}/copy`, token, { json: { parent } });
    expect(again).toMatchObject({ status: 409, json: { code: 'item_name_in_use' } });
    expect(
      await send(emulator, `POST ${path}/copy`, token, { json: { parent, name: 'b' } }),
    ).toMatchObject({ status: 201, json: { name: 'b' } });
  });

  test('goes to the trash, and back', async () => {
    const path = newItem();
    expect(await get(emulator, `${path}/trash`, token)).toMatchObject({
      status: 404,
      json: { code: 'not_trashed' },
    });
    expect(await send(emulator, `DELETE ${path}`, token)).toMatchObject({ status: 204, text: '' });
    expect(await send(emulator, `DELETE ${path}`, token)).toMatchObject({
      status: 404,
      json: { code: 'trashed' },
    });
    const id = path.split('/').at(-1);
    expect(await get(emulator, '/2.0/folders/trash/items', token)).toMatchObject({
      json: { total_count: 1, entries: [{ type, id }] },
    });
    expect(await get(emulator, `${path}/trash`, token)).toMatchObject({
      status: 200,
      json: { id, item_status: 'trashed', trashed_at: '2031-05-06T07:08:09+00:00' },
    });
    const restored = await send(emulator, `POST ${path}`, token, { json: { name: 'back' } });
    expect(restored).toMatchObject({ status: 201, json: { name: 'back', item_status: 'active' } });
    expect(await get(emulator, path, token)).toMatchObject({ status: 200 });
    expect(await send(emulator, `POST ${path}`, token)).toMatchObject({ status: 404 });
  });

  test('can be deleted forever', async () => {
    const path = newItem();
    await send(emulator, `DELETE ${path}`, token);
    expect(await send(emulator, `DELETE ${path}/trash`, token)).toMatchObject({ status: 204 });
    for (const gone of [`${path}/trash`, path]) {
      expect(await get(emulator, gone, token)).toMatchObject({
        status: 404,
        json: { code: 'not_found' },
      });
    }
  });

  test('has an id of digits', async () => {
    expect(await get(emulator, `/2.0/${type}s/plan`, token)).toMatchObject({
      status: 405,
      json: { code: 'method_not_allowed' },
    });
  });

  test('of a downscoped token is renamed and shared only with the scope for it', async () => {
    const path = newItem();
    const resource = `https://api.box.com${path}`;
    const narrow = async (scope: string) =>
      tokenIn(await postExchange(emulator, token, { scope, resource }));
    const rename = await narrow('item_rename');
    const share = await narrow('item_share item_delete');
    const status = async (json: object, narrowed: string) =>
      (await send(emulator, `PUT ${path}`, narrowed, { json })).status;
    expect(await status({ name: 'a' }, rename)).toBe(200);
    expect(await status({ shared_link: {} }, rename)).toBe(403);
    expect(await status({ name: 'a', description: 'b' }, rename)).toBe(403);
    expect(await status({ shared_link: {} }, share)).toBe(200);
    expect(await status({ name: 'b' }, share)).toBe(403);
    expect(await send(emulator, `DELETE ${path}`, rename)).toMatchObject({ status: 403 });
    expect(await send(emulator, `DELETE ${path}`, share)).toMatchObject({ status: 204 });
  });
});
