import { type BoxEmulator } from 'nestjs-box-auth/testing';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { get, mint, send } from '../box-client.js';
import { startEmulator } from '../emulator-fixture.js';

let emulator: BoxEmulator;
let token: string;
beforeEach(async () => {
  ({ emulator } = await startEmulator());
  token = await mint(emulator);
});
afterEach(() => emulator.stop());

const newFolder = (name = 'Plans', parentId = '0') => emulator.addFolder({ name, parentId }).id;
const put = (path: string, json: object, headers = {}) =>
  send(emulator, `PUT ${path}`, token, { json, headers });

describe('A folder', () => {
  test('lists its items in pages with markers', async () => {
    const id = newFolder();
    for (const name of ['b', 'a', 'c']) emulator.addFile({ name, content: name, parentId: id });
    const page = async (query: string) =>
      (await get(emulator, `/2.0/folders/${id}/items?limit=2&${query}`, token)).json;
    const first = await page('usemarker=true');
    expect(first).toEqual({
      limit: 2,
      entries: [expect.objectContaining({ name: 'a' }), expect.objectContaining({ name: 'b' })],
      next_marker: expect.any(String) as string,
    });
    const { next_marker: marker } = first as { next_marker: string };
    expect(await page(`usemarker=true&marker=${marker}`)).toMatchObject({
      entries: [{ name: 'c' }],
      next_marker: null,
    });
    expect(await page(`marker=${marker}`)).toMatchObject({ code: 'invalid_parameter' });
    expect(await page('usemarker=true&marker=x')).toMatchObject({ code: 'bad_request' });
  });

  test('sorts its items', async () => {
    const id = newFolder();
    for (const [name, size] of [
      ['b', 3],
      ['a', 2],
      ['c', 1],
    ] as const) {
      emulator.addFile({ name, content: 'x'.repeat(size), parentId: id });
    }
    newFolder('z', id);
    const names = async (query: string) => {
      const { json } = await get(emulator, `/2.0/folders/${id}/items?${query}`, token);
      return (json as { entries: { name: string }[] }).entries.map(({ name }) => name).join('');
    };
    expect(await names('')).toBe('zabc');
    expect(await names('sort=name&direction=DESC')).toBe('zcba');
    expect(await names('sort=size')).toBe('zcab');
    expect(await names('sort=id')).toBe('zbac');
    expect(await get(emulator, '/2.0/folders/0/items?sort=colour', token)).toMatchObject({
      status: 400,
    });
  });

  test('is deleted with its items only if recursive=true', async () => {
    const id = newFolder();
    const file = emulator.addFile({ name: 'a', content: 'a', parentId: id });
    expect(await send(emulator, `DELETE /2.0/folders/${id}`, token)).toMatchObject({
      status: 400,
      json: { code: 'folder_not_empty', message: 'Cannot delete - folder not empty' },
    });
    const path = `DELETE /2.0/folders/${id}?recursive=true` as const;
    expect(await send(emulator, path, token)).toMatchObject({ status: 204 });
    for (const gone of [`/2.0/folders/${id}`, `/2.0/files/${file.id}`]) {
      expect(await get(emulator, gone, token)).toMatchObject({ status: 404 });
    }
    // Only the folder itself is in the trash.
    expect(await get(emulator, `/2.0/files/${file.id}/trash`, token)).toMatchObject({
      status: 404,
    });
    await send(emulator, `POST /2.0/folders/${id}`, token);
    expect(await get(emulator, `/2.0/files/${file.id}`, token)).toMatchObject({ status: 200 });
  });

  test('is copied with its items, also into itself', async () => {
    const id = newFolder();
    emulator.addFile({ name: 'a.txt', content: 'abc', parentId: id });
    newFolder('Sub', id);
    const json = { name: 'Copy', parent: { id } };
    const copy = await send(emulator, `POST /2.0/folders/${id}/copy`, token, { json });
    expect(copy).toMatchObject({
      status: 201,
      json: { size: 3, item_collection: { entries: [{ name: 'Sub' }, { name: 'a.txt' }] } },
    });
  });

  test('is not moved into itself', async () => {
    const id = newFolder();
    const sub = newFolder('Sub', id);
    for (const parent of [{ id }, { id: sub }]) {
      expect(await put(`/2.0/folders/${id}`, { parent })).toMatchObject({
        status: 400,
        json: { code: 'cyclical_folder_structure' },
      });
    }
  });

  test('that is the root is neither changed, deleted nor copied', async () => {
    expect(await put('/2.0/folders/0', { name: 'x' })).toMatchObject({ status: 403 });
    expect(await send(emulator, 'DELETE /2.0/folders/0', token)).toMatchObject({ status: 403 });
    const json = { name: 'x', parent: { id: '0' } };
    expect(await send(emulator, 'POST /2.0/folders/0/copy', token, { json })).toMatchObject({
      status: 500,
    });
  });

  test('has the path to it', async () => {
    const outer = newFolder();
    const inner = newFolder('Sub', outer);
    expect(await get(emulator, `/2.0/folders/${inner}`, token)).toMatchObject({
      json: {
        parent: { id: outer },
        path_collection: { total_count: 2, entries: [{ id: '0', etag: null }, { id: outer }] },
      },
    });
  });
});
