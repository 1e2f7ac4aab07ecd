import { type BoxEmulator } from 'nestjs-box-auth/testing';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { get, mint, request, send } from '../box-client.js';
import { startEmulator } from '../emulator-fixture.js';

let emulator: BoxEmulator;
let token: string;
beforeEach(async () => {
  ({ emulator } = await startEmulator());
  token = await mint(emulator);
});
afterEach(() => emulator.stop());

const newFile = () => emulator.addFile({ name: 'plan.txt', content: 'The plan' }).id;
const put = (path: string, json: object, headers = {}) =>
  send(emulator, `PUT ${path}`, token, { json, headers });

describe('A file', () => {
  test('is downloaded in parts, and in an old version', async () => {
    const id = newFile();
    const location = async (query = '') =>
      (await get(emulator, `/2.0/files/${id}/content${query}`, token)).headers.get('location') ??
      '';
    for (const [range, status, text, contentRange] of [
      ['bytes=4-7', 206, 'plan', 'bytes 4-7/8'],
      ['bytes=4-', 206, 'plan', 'bytes 4-7/8'],
      ['bytes=-3', 206, 'lan', 'bytes 5-7/8'],
      ['bytes=0-99', 206, 'The plan', 'bytes 0-7/8'],
      ['bytes=8-', 416, '', 'bytes */8'],
      ['lines=1', 200, 'The plan', null],
    ] as const) {
      const response = await request(await location(), { headers: { range } });
      expect(response).toMatchObject({ status, text });
      expect(response.headers.get('content-range')).toBe(contentRange);
    }
    const form = new FormData();
    form.append('attributes', '{}');
    form.append('file', new Blob(['New']), 'x');
    await send(emulator, `POST /api/2.0/files/${id}/content`, token, { body: form });
    expect((await request(await location())).text).toBe('New');
    const { json } = await get(emulator, `/2.0/files/${id}/versions`, token);
    const [old] = (json as { entries: { id: string }[] }).entries;
    expect((await request(await location(`?version=${old?.id}`))).text).toBe('The plan');
    expect(await get(emulator, `/2.0/files/${id}/content?version=7`, token)).toMatchObject({
      status: 404,
    });
  });

  test('can be locked and unlocked', async () => {
    const path = `/2.0/files/${newFile()}`;
    const lock = {
      access: 'lock',
      expires_at: '2032-01-01T00:00:00Z',
      is_download_prevented: true,
    };
    expect(await put(`${path}?fields=lock`, { lock })).toMatchObject({
      json: {
        lock: {
          type: 'lock',
          created_by: { id: emulator.serviceAccountId },
          expired_at: '2032-01-01T00:00:00+00:00',
          is_download_prevented: true,
        },
      },
    });
    expect(await put(`${path}?fields=lock`, { lock: null })).toMatchObject({
      json: { lock: null },
    });
  });

  test('in the trash is shown with its status', async () => {
    const path = `/2.0/files/${newFile()}`;
    await send(emulator, `DELETE ${path}`, token);
    expect(await get(emulator, path, token)).toMatchObject({
      status: 200,
      json: { item_status: 'trashed' },
    });
    expect(await get(emulator, `${path}/content`, token)).toMatchObject({
      status: 404,
      json: { code: 'trashed', message: 'Item is trashed' },
    });
  });

  test('has a placeholder for a thumbnail', async () => {
    const response = await get(emulator, `/2.0/files/${newFile()}/thumbnail.png`, token);
    expect(response.status).toBe(302);
    const image = await request(response.headers.get('location') ?? '');
    expect(image.headers.get('content-type')).toBe('image/png');
  });
});
