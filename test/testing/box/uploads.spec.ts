import { once } from 'node:events';
import { request as httpRequest } from 'node:http';
import FormDataOfNpm from 'form-data';
import { type BoxEmulator } from 'nestjs-box-auth/testing';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { type ReadResponse, get, mint, request } from './box-client.js';
import { startEmulator } from './emulator-fixture.js';

const UPLOAD = '/api/2.0/files/content';

let emulator: BoxEmulator;
let token: string;
beforeEach(async () => {
  ({ emulator } = await startEmulator());
  token = await mint(emulator);
});
afterEach(() => emulator.stop());

function authorized(headers: Readonly<Record<string, string>> = {}) {
  return { authorization: `Bearer ${token}`, ...headers };
}

function uploadForm(name: string, content: string, parentId = '0'): FormData {
  const form = new FormData();
  form.append('attributes', JSON.stringify({ name, parent: { id: parentId } }));
  form.append('file', new Blob([content], { type: 'text/plain' }), name);
  return form;
}

function upload(body: FormData, headers = {}): Promise<ReadResponse> {
  return request(emulator.url + UPLOAD, { method: 'POST', headers: authorized(headers), body });
}

/** The URL that Box redirects a download to. */
async function locationOf(fileId: string, headers = {}): Promise<string> {
  const response = await get(emulator, `/2.0/files/${fileId}/content`, token, headers);
  expect(response).toMatchObject({ status: 302, text: '' });
  return response.headers.get('location') ?? '';
}

describe('An upload', () => {
  test('is returned unchanged by a download', async () => {
    const content = 'Zwölf Boxkämpfer\r\n--boundary?\r\n\u0000'.repeat(2000);
    const response = await upload(uploadForm('boxer.txt', content), { 'as-user': '11111' });
    expect(response).toMatchObject({
      status: 201,
      json: {
        total_count: 1,
        entries: [
          {
            type: 'file',
            name: 'boxer.txt',
            size: Buffer.byteLength(content),
            created_by: { id: '11111' },
            owned_by: { id: '11111' },
          },
        ],
      },
    });
    const id = /"id":"(\d+)"/.exec(response.text)?.[1] ?? '';
    const downloaded = await request(await locationOf(id, { 'as-user': '11111' }));
    expect(downloaded.text).toBe(content);
    expect(downloaded.headers.get('content-type')).toBe('text/plain');
  });

  test('of the npm package form-data is accepted', async () => {
    const form = new FormDataOfNpm();
    form.append('attributes', JSON.stringify({ name: 'a.bin', parent: { id: '0' } }));
    form.append('file', Buffer.from([0, 1, 2, 255]), { filename: 'a.bin' });
    const response = await request(emulator.url + UPLOAD, {
      method: 'POST',
      headers: authorized(form.getHeaders()),
      body: new Uint8Array(form.getBuffer()),
    });
    expect(response).toMatchObject({ status: 201, json: { entries: [{ size: 4 }] } });
  });

  test('with an existing name is a conflict', async () => {
    const { id } = emulator.addFile({ name: 'plan.txt', content: 'The plan' });
    expect(await upload(uploadForm('Plan.txt', 'Another plan'))).toMatchObject({
      status: 409,
      json: { code: 'item_name_in_use', context_info: { conflicts: { type: 'file', id } } },
    });
    const folder = emulator.addFolder({ name: 'Plans' });
    expect(await upload(uploadForm('Plan.txt', 'Another plan', folder.id))).toMatchObject({
      status: 201,
    });
  });

  test('must send the attributes before the file', async () => {
    const form = new FormData();
    form.append('file', new Blob(['x']), 'plan.txt');
    form.append('attributes', '{"name":"plan.txt","parent":{"id":"0"}}');
    expect(await upload(form)).toMatchObject({
      status: 400,
      json: { code: 'metadata_after_file_contents' },
    });
  });

  test('of more than 64 MiB is rejected as too large', async () => {
    expect(await upload(uploadForm('big.bin', 'x'.repeat(64 * 1024 * 1024)))).toMatchObject({
      status: 413,
      json: { code: 'request_entity_too_large' },
    });
  });

  test('that the client aborts does not harm the emulator', async () => {
    const upstream = httpRequest(emulator.url + UPLOAD, { method: 'POST', headers: authorized() });
    const gaveUp = once(upstream, 'error');
    upstream.write('half a file');
    await vi.waitFor(() => expect(emulator.apiRequests).toHaveLength(1));
    upstream.destroy(new Error('gave up'));
    await gaveUp;
    expect(await upload(uploadForm('plan.txt', 'The plan'))).toMatchObject({ status: 201 });
    expect(emulator.apiRequests[0]).not.toHaveProperty('status');
  });

  test('requires a file, a multipart body and a folder', async () => {
    const withoutFile = new FormData();
    withoutFile.append('attributes', '{"name":"plan.txt","parent":{"id":"0"}}');
    expect(await upload(withoutFile)).toMatchObject({ status: 400 });
    expect(await upload(uploadForm('plan.txt', 'x', '7'))).toMatchObject({ status: 404 });
    for (const contentType of ['application/json', 'multipart/form-data; boundary=x']) {
      const init = {
        method: 'POST',
        headers: authorized({ 'content-type': contentType }),
        body: '{}',
      };
      expect(await request(emulator.url + UPLOAD, init)).toMatchObject({ status: 400 });
    }
  });
});
