import { type BoxEmulator } from 'nestjs-box-auth/testing';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { get, mint, send, uploadForm } from '../box-client.js';
import { startEmulator } from '../emulator-fixture.js';

let emulator: BoxEmulator;
let token: string;
let file: string;
let oldVersion: string;
beforeEach(async () => {
  ({ emulator } = await startEmulator());
  token = await mint(emulator);
  file = `/2.0/files/${emulator.addFile({ name: 'old.txt', content: 'old' }).id}`;
  const body = uploadForm({ name: 'new.txt' }, 'newer');
  await send(emulator, `POST /api${file}/content`, token, { body });
  const { json } = await get(emulator, `${file}/versions`, token);
  oldVersion = (json as { entries: { id: string }[] }).entries[0]?.id ?? '';
});
afterEach(() => emulator.stop());

describe('A version', () => {
  test('is listed once it is not the current one', async () => {
    expect(await get(emulator, `${file}/versions`, token)).toMatchObject({
      json: { total_count: 1, entries: [{ type: 'file_version', name: 'old.txt', size: 3 }] },
    });
    expect(await get(emulator, `${file}/versions/${oldVersion}`, token)).toMatchObject({
      status: 200,
      json: { id: oldVersion, name: 'old.txt' },
    });
    expect(await get(emulator, `${file}/versions/7`, token)).toMatchObject({ status: 404 });
  });

  test('can be promoted', async () => {
    const json = { type: 'file_version', id: oldVersion };
    expect(await send(emulator, `POST ${file}/versions/current`, token, { json })).toMatchObject({
      status: 201,
      json: { type: 'file_version', name: 'old.txt', size: 3 },
    });
    expect(await get(emulator, file, token)).toMatchObject({ json: { name: 'old.txt', size: 3 } });
    expect(await get(emulator, `${file}/versions`, token)).toMatchObject({
      json: { total_count: 2, entries: [{ name: 'new.txt' }, { id: oldVersion }] },
    });
  });

  test('can be deleted and restored', async () => {
    const path = `${file}/versions/${oldVersion}`;
    const fields = '?fields=trashed_at,trashed_by,restored_at,restored_by';
    const by = { type: 'user', id: emulator.serviceAccountId };
    const at = '2031-05-06T07:08:09+00:00';
    const headers = { 'if-match': '9' };
    expect(await send(emulator, `DELETE ${path}`, token, { headers })).toMatchObject({
      status: 412,
    });
    expect(await send(emulator, `DELETE ${path}`, token)).toMatchObject({ status: 204 });
    expect((await get(emulator, path + fields, token)).json).toEqual({
      type: 'file_version',
      id: oldVersion,
      trashed_at: at,
      trashed_by: expect.objectContaining(by) as object,
      restored_at: null,
    });
    await send(emulator, `PUT ${path}`, token, { json: { trashed_at: null } });
    expect((await get(emulator, path + fields, token)).json).toEqual({
      type: 'file_version',
      id: oldVersion,
      trashed_at: null,
      restored_at: at,
      restored_by: expect.objectContaining(by) as object,
    });
  });

  test('that is current cannot be deleted', async () => {
    const { json } = await get(emulator, file, token);
    const { id } = (json as { file_version: { id: string } }).file_version;
    expect(await send(emulator, `DELETE ${file}/versions/${id}`, token)).toMatchObject({
      status: 404,
    });
  });
});
