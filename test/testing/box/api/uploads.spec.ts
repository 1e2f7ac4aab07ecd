import { createHash } from 'node:crypto';
import { type BoxEmulator } from 'nestjs-box-auth/testing';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { get, mint, send, stringIn, uploadedId, uploadForm } from '../box-client.js';
import { startEmulator } from '../emulator-fixture.js';

const UPLOAD = 'POST /api/2.0/files/content';

let emulator: BoxEmulator;
let token: string;
beforeEach(async () => {
  ({ emulator } = await startEmulator());
  token = await mint(emulator);
});
afterEach(() => emulator.stop());

const root = { parent: { id: '0' } };
const sha1 = (text: string) => createHash('sha1').update(text).digest('hex');

describe('An upload', () => {
  test('is checked against the SHA-1 hash in content-md5', async () => {
    const upload = (name: string, digest: string) =>
      send(emulator, UPLOAD, token, {
        body: uploadForm({ name, ...root }, 'The plan'),
        headers: { 'content-md5': digest },
      });
    expect(await upload('a.txt', sha1('Another plan'))).toMatchObject({
      status: 400,
      json: {
        code: 'bad_digest',
        message: 'The specified content-md5 did not match what we received',
      },
    });
    expect(await upload('a.txt', sha1('The plan'))).toMatchObject({ status: 201 });
    expect(await upload('b.txt', sha1('The plan').toUpperCase())).toMatchObject({ status: 201 });
  });

  test('accepts a number as the id of the parent, as Box does', async () => {
    const { id } = emulator.addFolder({ name: 'Plans' });
    const body = uploadForm({ name: 'a.txt', parent: { id: Number(id) } }, 'x');
    const response = await send(emulator, UPLOAD, token, { body });
    expect(response).toMatchObject({ status: 201, json: { entries: [{ parent: { id } }] } });
    const json = { name: 'Sub', parent: { id: Number(id) } };
    expect(await send(emulator, 'POST /2.0/folders', token, { json })).toMatchObject({
      status: 201,
      json: { parent: { id } },
    });
  });

  test('of a new version renames the file, and keeps the old version', async () => {
    const { id } = emulator.addFile({ name: 'a.txt', content: 'one' });
    const body = uploadForm({ name: 'b.txt' }, 'second');
    const path = `POST /api/2.0/files/${id}/content` as const;
    const changed = { status: 412, json: { code: 'precondition_failed' } };
    const headers = { 'if-match': '7' };
    expect(await send(emulator, path, token, { body, headers })).toMatchObject(changed);
    expect(await send(emulator, path, token, { body, headers: { 'if-match': '0' } })).toMatchObject(
      { status: 200, json: { entries: [{ id, name: 'b.txt', size: 6, etag: '1' }] } },
    );
    expect(await get(emulator, `/2.0/files/${id}/versions`, token)).toMatchObject({
      json: { total_count: 1, entries: [{ name: 'a.txt', size: 3, sha1: sha1('one') }] },
    });
  });

  test('of a new version may not take the name of another item', async () => {
    const { id } = emulator.addFile({ name: 'a.txt', content: 'one' });
    const { id: other } = emulator.addFile({ name: 'b.txt', content: 'two' });
    const body = uploadForm({ name: 'B.TXT' }, 'second');
    expect(
      await send(emulator, `POST /api/2.0/files/${id}/content`, token, { body }),
    ).toMatchObject({
      status: 409,
      json: { code: 'item_name_in_use', context_info: { conflicts: { id: other } } },
    });
  });

  test.each(['a\tb', ' a', 'a ', '..', 'a\\b'])('rejects the name "%s"', async (name) => {
    const body = uploadForm({ name, ...root }, 'x');
    expect(await send(emulator, UPLOAD, token, { body })).toMatchObject({
      status: 400,
      json: { code: 'item_name_invalid' },
    });
  });
});

describe('The check before an upload', () => {
  const check = (json: object, path = '/2.0/files/content') =>
    send(emulator, `OPTIONS ${path}`, token, { json });

  test('returns the address to upload to', async () => {
    const response = await check({ name: 'a.txt', size: 8, ...root });
    expect(response).toMatchObject({ status: 200 });
    const url = stringIn(response, 'upload_url');
    expect(url).toBe(`${emulator.url}/api/2.0/files/content`);
    const body = uploadForm({ name: 'a.txt', ...root }, 'The plan');
    const { status, json, ...rest } = await send(emulator, `POST ${url}`, token, { body });
    expect(status).toBe(201);
    const id = uploadedId({ status, json, ...rest });
    expect(await check({ name: 'a.txt', size: 9 }, `/2.0/files/${id}/content`)).toMatchObject({
      status: 200,
      json: { upload_url: `${emulator.url}/api/2.0/files/${id}/content` },
    });
  });

  test('lists the item that has the name', async () => {
    const { id } = emulator.addFile({ name: 'a.txt', content: 'one' });
    const { id: other } = emulator.addFile({ name: 'b.txt', content: 'two' });
    const conflict = (conflicts: string) => ({
      status: 409,
      json: { code: 'item_name_in_use', context_info: { conflicts: [{ id: conflicts }] } },
    });
    expect(await check({ name: 'a.txt', size: 1, ...root })).toMatchObject(conflict(id));
    expect(await check({ name: 'b.txt', size: 1 }, `/2.0/files/${id}/content`)).toMatchObject(
      conflict(other),
    );
  });

  test.each([
    ['a negative size', { name: 'a', size: -1, ...root }, 400, 'bad_request'],
    ['a missing name', { size: 1, ...root }, 400, 'bad_request'],
    ['an unknown folder', { name: 'a', size: 1, parent: { id: '7' } }, 404, 'not_found'],
    ['a file over the limit', { name: 'a', size: 1e12, ...root }, 403, 'file_size_limit_exceeded'],
  ])('rejects %s', async (_what, json, status, code) => {
    expect(await check(json)).toMatchObject({ status, json: { type: 'error', code } });
  });
});
