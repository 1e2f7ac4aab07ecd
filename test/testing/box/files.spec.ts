import { type BoxEmulator } from 'nestjs-box-auth/testing';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type ReadResponse, get, mint, request, stringIn } from './box-client.js';
import { startEmulator, type TestClock } from './emulator-fixture.js';

let clock: TestClock;
let emulator: BoxEmulator;
let token: string;
beforeEach(async () => {
  ({ clock, emulator } = await startEmulator());
  token = await mint(emulator);
});
afterEach(() => emulator.stop());

function authorized(headers: Readonly<Record<string, string>> = {}) {
  return { authorization: `Bearer ${token}`, ...headers };
}

function createFolder(body: string, headers = {}): Promise<ReadResponse> {
  const init = { method: 'POST', headers: authorized(headers), body };
  return request(`${emulator.url}/2.0/folders`, init);
}

/** The URL that Box redirects a download to. */
async function locationOf(fileId: string, headers = {}): Promise<string> {
  const response = await get(emulator, `/2.0/files/${fileId}/content`, token, headers);
  expect(response).toMatchObject({ status: 302, text: '' });
  return response.headers.get('location') ?? '';
}

describe('Folders', () => {
  test('show each user their own items', async () => {
    const names: unknown[] = [];
    for (const headers of [{}, { 'as-user': '11111' }, { 'as-user': '22222' }]) {
      const { json } = await get(emulator, '/2.0/folders/0/items?fields=name', token, headers);
      names.push(json);
    }
    expect(names).toMatchObject([
      { total_count: 2, entries: [{ name: "Emulated App's papers" }, { type: 'file' }] },
      { total_count: 2, entries: [{ name: "Alice's papers" }, { name: "Alice's notes.txt" }] },
      { total_count: 2, entries: [{ name: "Bob's papers" }, { name: "Bob's notes.txt" }] },
    ]);
  });

  test('are listed in pages', async () => {
    for (const name of ['a', 'b', 'c']) emulator.addFolder({ name, ownerId: '11111' });
    const headers = { 'as-user': '11111' };
    const path = '/2.0/folders/0/items?offset=2&limit=2';
    expect(await get(emulator, path, token, headers)).toMatchObject({
      json: { total_count: 5, offset: 2, limit: 2, entries: [{ name: 'b' }, { name: 'c' }] },
    });
    for (const limit of [1000, 2000]) {
      const most = `/2.0/folders/0/items?limit=${limit}`;
      expect(await get(emulator, most, token)).toMatchObject({
        status: 200,
        json: { limit: 1000 },
      });
    }
    for (const [wrong, code] of [
      ['limit=x', 'invalid_limit'],
      ['offset=-1', 'invalid_offset'],
      ['offset=10001', 'invalid_offset'],
    ]) {
      expect(await get(emulator, `/2.0/folders/0/items?${wrong}`, token)).toMatchObject({
        status: 400,
        json: { code },
      });
    }
  });

  test('list items in the mini format, and show a single file in full', async () => {
    const { id } = emulator.addFolder({ name: 'Plans' });
    const file = emulator.addFile({ id: '777', name: 'plan.txt', content: 'x', parentId: id });
    expect(file).toMatchObject({ id: '777', type: 'file' });
    const sha1 = '11f6ad8ec52a2984abaafd7c3b516503785c2072';
    const mini = {
      type: 'file',
      id: '777',
      sequence_id: '0',
      etag: '0',
      name: 'plan.txt',
      sha1,
      file_version: { type: 'file_version', id: expect.any(String) as string, sha1 },
    };
    const list = await get(emulator, `/2.0/folders/${id}/items`, token);
    const order = [
      { by: 'type', direction: 'ASC' },
      { by: 'name', direction: 'ASC' },
    ];
    expect(list.json).toEqual({ total_count: 1, entries: [mini], offset: 0, limit: 100, order });
    expect(await get(emulator, '/2.0/files/777', token)).toMatchObject({
      json: { ...mini, size: 1, parent: { id }, owned_by: { id: emulator.serviceAccountId } },
    });
    const fields = await get(emulator, '/2.0/files/777?fields=size', token);
    expect(fields.json).toEqual({ type: 'file', id: '777', etag: '0', size: 1 });
  });

  test('of other users are not found', async () => {
    const { id } = emulator.addFolder({ name: 'Secret', ownerId: '22222' });
    for (const path of [`/2.0/folders/${id}`, `/2.0/folders/${id}/items`]) {
      expect(await get(emulator, path, token, { 'as-user': '11111' })).toMatchObject({
        status: 404,
        json: { code: 'not_found' },
      });
      expect(await get(emulator, path, token, { 'as-user': '22222' })).toMatchObject({
        status: 200,
      });
    }
  });

  test('belong to the user that created them', async () => {
    const body = JSON.stringify({ name: 'Plans', parent: { id: '0' } });
    const response = await createFolder(body, { 'as-user': '11111' });
    expect(response).toMatchObject({
      status: 201,
      json: {
        type: 'folder',
        name: 'Plans',
        created_by: { type: 'user', id: '11111' },
        owned_by: { type: 'user', id: '11111' },
        parent: { type: 'folder', id: '0' },
      },
    });
    const path = `/2.0/folders/${stringIn(response, 'id')}`;
    expect(await get(emulator, path, token)).toMatchObject({ status: 404 });
  });

  test('have names of up to 255 characters', async () => {
    const statuses: number[] = [];
    for (const length of [255, 256]) {
      const body = JSON.stringify({ name: 'x'.repeat(length), parent: { id: '0' } });
      statuses.push((await createFolder(body)).status);
    }
    expect(statuses).toEqual([201, 400]);
  });

  test.each([
    ['no JSON', 'name=Plans', 400, 'bad_request'],
    ['no parent', '{"name":"Plans"}', 400, 'bad_request'],
    ['a name that is no name', '{"name":"a/b","parent":{"id":"0"}}', 400, 'item_name_invalid'],
    ['an unknown parent', '{"name":"Plans","parent":{"id":"7"}}', 404, 'not_found'],
    [
      'a name in use',
      '{"name":"EMULATED APP\'S PAPERS","parent":{"id":"0"}}',
      409,
      'item_name_in_use',
    ],
  ])('are not created with %s', async (_what, body, status, code) => {
    expect(await createFolder(body)).toMatchObject({ status, json: { type: 'error', code } });
  });
});

describe('A download', () => {
  test('redirects to another origin, with a URL that works once', async () => {
    const { id } = emulator.addFile({
      name: 'plän.txt',
      content: 'The plan',
      contentType: 'text/plain',
      ownerId: '11111',
    });
    const location = await locationOf(id, { 'as-user': '11111' });
    expect(new URL(location).origin).toBe(emulator.downloadUrl);
    expect(emulator.downloadUrl).not.toBe(emulator.url);
    expect(await request(location, { method: 'POST' })).toMatchObject({ status: 404 });
    emulator.clearRequests();

    const response = await request(location);
    expect(response).toMatchObject({ status: 200, text: 'The plan' });
    expect(response.headers.get('content-type')).toBe('text/plain');
    expect(response.headers.get('content-disposition')).toBe(
      "attachment; filename*=UTF-8''pl%C3%A4n.txt",
    );
    expect(await request(location)).toMatchObject({ status: 404 });
    expect(emulator.downloadRequests.map(({ status }) => status)).toEqual([200, 404]);
  });

  test('is rejected there with headers that only Box may receive', async () => {
    const { id } = emulator.addFile({ name: 'plan.txt', content: 'The plan' });
    const location = await locationOf(id);
    for (const headers of [{ authorization: `Bearer ${token}` }, { 'as-user': '11111' }]) {
      expect(await request(location, { headers })).toMatchObject({ status: 400 });
      expect(emulator.downloadRequests.at(-1)).toMatchObject({ status: 400, headers });
    }
    expect(await request(location)).toMatchObject({ status: 200, text: 'The plan' });
  });

  test('works beside other downloads', async () => {
    const { id } = emulator.addFile({ name: 'plan.txt', content: 'The plan' });
    const locations = [await locationOf(id), await locationOf(id)];
    for (const location of locations) {
      expect(await request(location)).toMatchObject({ status: 200, text: 'The plan' });
    }
  });

  test('expires after fifteen minutes', async () => {
    const { id } = emulator.addFile({ name: 'plan.txt', content: 'The plan' });
    const location = await locationOf(id);
    clock.nowMs += 15 * 60_000;
    expect(await request(location)).toMatchObject({ status: 404 });
  });

  test('of another user’s file is not found', async () => {
    const { id } = emulator.addFile({ name: 'plan.txt', content: '', ownerId: '22222' });
    for (const path of [`/2.0/files/${id}`, `/2.0/files/${id}/content`]) {
      expect(await get(emulator, path, token, { 'as-user': '11111' })).toMatchObject({
        status: 404,
      });
    }
  });
});

describe('A test', () => {
  test('cannot add an item to a missing folder or user', () => {
    const wrong = [
      { ownerId: '99999' },
      { parentId: '7' },
      { id: emulator.addFolder({ name: 'a' }).id },
      { id: '0' },
    ];
    for (const item of wrong) {
      expect(() => emulator.addFolder({ name: 'x', ...item })).toThrow(TypeError);
    }
  });

  test('cannot add a user twice or with an invalid id', () => {
    for (const id of ['11111', 'alice', '']) {
      expect(() => emulator.addUser({ id, name: 'A', login: 'a@example.com' })).toThrow(TypeError);
    }
  });
});
