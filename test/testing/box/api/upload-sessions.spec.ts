import { createHash } from 'node:crypto';
import { type BoxEmulator } from 'nestjs-box-auth/testing';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { get, mint, type ReadResponse, send, stringIn } from '../box-client.js';
import { startEmulator, type TestClock } from '../emulator-fixture.js';

const SIZE = 20_000_000;
const PART_SIZE = 8 * 1024 * 1024;
const CONTENT = Buffer.alloc(SIZE, 'nestjs-box-auth ');
const SESSIONS = '/api/2.0/files/upload_sessions';

let clock: TestClock;
let emulator: BoxEmulator;
let token: string;
beforeEach(async () => {
  ({ clock, emulator } = await startEmulator());
  token = await mint(emulator);
});
afterEach(() => emulator.stop());

const digestOf = (content: Buffer) => `sha=${createHash('sha1').update(content).digest('base64')}`;

async function openSession(path = SESSIONS, changes: object = {}): Promise<string> {
  const json = { folder_id: '0', file_name: 'big.bin', file_size: SIZE, ...changes };
  const response = await send(emulator, `POST ${path}`, token, { json });
  expect(response).toMatchObject({ status: 201, json: { type: 'upload_session' } });
  return `${SESSIONS}/${stringIn(response, 'id')}`;
}

function sendPart(
  session: string,
  offset: number,
  { content = CONTENT.subarray(offset, offset + PART_SIZE), ...headers }: PartChanges = {},
): Promise<ReadResponse> {
  return send(emulator, `PUT ${session}`, token, {
    body: new Uint8Array(content),
    headers: {
      'content-type': 'application/octet-stream',
      'content-range': `bytes ${offset}-${offset + content.byteLength - 1}/${SIZE}`,
      digest: digestOf(content),
      ...headers,
    },
  });
}
type PartChanges = { content?: Buffer; digest?: string; 'content-range'?: string };

async function sendParts(session: string): Promise<unknown[]> {
  const parts: unknown[] = [];
  for (let offset = 0; offset < SIZE; offset += PART_SIZE) {
    const { json } = await sendPart(session, offset);
    parts.push((json as { part: unknown }).part);
  }
  return parts;
}

const commit = (session: string, parts: readonly unknown[], headers = {}) =>
  send(emulator, `POST ${session}/commit`, token, {
    json: { parts },
    headers: { digest: digestOf(CONTENT), ...headers },
  });

describe('A chunked upload', () => {
  test('becomes a file with its commit', async () => {
    const session = await openSession();
    const parts = await sendParts(session);
    expect(parts).toMatchObject([
      { offset: 0, size: PART_SIZE, sha1: expect.stringMatching(/^[0-9a-f]{40}$/) as string },
      { offset: PART_SIZE, size: PART_SIZE },
      { offset: 2 * PART_SIZE, size: SIZE - 2 * PART_SIZE },
    ]);
    expect(await get(emulator, session, token)).toMatchObject({
      json: { total_parts: 3, num_parts_processed: 3, part_size: PART_SIZE },
    });
    expect(await get(emulator, `${session}/parts?limit=2`, token)).toMatchObject({
      json: { total_count: 3, entries: parts.slice(0, 2), limit: 2, offset: 0 },
    });
    expect(await commit(session, parts)).toMatchObject({
      status: 201,
      json: {
        total_count: 1,
        entries: [
          { name: 'big.bin', size: SIZE, sha1: createHash('sha1').update(CONTENT).digest('hex') },
        ],
      },
    });
    // The file has the bytes now.
    expect(await get(emulator, `${session}/parts`, token)).toMatchObject({
      json: { total_count: 0 },
    });
    expect(await send(emulator, `DELETE ${session}`, token)).toMatchObject({ status: 204 });
  });

  test('lists addresses that work', async () => {
    const session = emulator.url + (await openSession());
    const { json } = await get(emulator, new URL(session).pathname, token);
    expect(json).toMatchObject({
      session_endpoints: {
        upload_part: session,
        status: session,
        abort: session,
        list_parts: `${session}/parts`,
        commit: `${session}/commit`,
      },
    });
  });

  test('can add a version to a file', async () => {
    const { id } = emulator.addFile({ name: 'a.bin', content: 'small' });
    const session = await openSession(`/api/2.0/files/${id}/upload_sessions`, {
      file_name: undefined,
    });
    const parts = await sendParts(session);
    expect(await commit(session, parts, { 'if-match': '7' })).toMatchObject({ status: 412 });
    expect(await commit(session, parts, { 'if-match': '0' })).toMatchObject({
      status: 201,
      json: { entries: [{ id, name: 'a.bin', size: SIZE }] },
    });
    expect(await get(emulator, `/2.0/files/${id}/versions`, token)).toMatchObject({
      json: { total_count: 1 },
    });
  });

  test('accepts the same part twice, but not another content for it', async () => {
    const session = await openSession();
    const first = await sendPart(session, 0);
    expect((await sendPart(session, 0)).json).toEqual(first.json);
    const content = Buffer.alloc(PART_SIZE, 'x');
    expect(await sendPart(session, 0, { content })).toMatchObject({
      status: 409,
      json: { code: 'conflict' },
    });
  });

  test('shows how a client handles a failed part, and a commit that is not ready', async () => {
    const session = await openSession();
    emulator.failNext('PUT /api/2.0/files/upload_sessions/:id', { kind: 'unavailable' });
    expect(await sendPart(session, 0)).toMatchObject({ status: 503 });
    emulator.failNext('POST /api/2.0/files/upload_sessions/:id/commit', {
      kind: 'status',
      status: 202,
      headers: { 'retry-after': '1' },
    });
    const parts = await sendParts(session);
    expect(await commit(session, parts)).toMatchObject({ status: 202, text: '' });
    expect(await commit(session, parts)).toMatchObject({ status: 201 });
  });

  test.each<[string, PartChanges, number, string]>([
    ['a wrong digest', { digest: digestOf(Buffer.from('x')) }, 400, 'digest_mismatch'],
    ['no digest', { digest: '' }, 400, 'bad_request'],
    ['no range', { 'content-range': '' }, 416, 'invalid_range'],
    ['another total', { 'content-range': `bytes 0-${PART_SIZE - 1}/9` }, 416, 'invalid_range'],
    ['another offset', { 'content-range': `bytes 1-${PART_SIZE}/${SIZE}` }, 416, 'invalid_range'],
    ['a part that is too small', { content: CONTENT.subarray(0, 9) }, 416, 'invalid_range'],
    [
      'another number of bytes',
      { content: CONTENT.subarray(0, 9), 'content-range': `bytes 0-${PART_SIZE - 1}/${SIZE}` },
      400,
      'request_size_mismatch',
    ],
  ])('rejects a part with %s', async (_what, changes, status, code) => {
    expect(await sendPart(await openSession(), 0, changes)).toMatchObject({
      status,
      json: { code },
    });
  });

  test('rejects a commit with missing parts, other parts or another digest', async () => {
    const session = await openSession();
    const parts = await sendParts(session);
    const mismatch = { status: 400, json: { code: 'parts_mismatch' } };
    expect(await commit(session, parts.slice(1))).toMatchObject(mismatch);
    const other = { part_id: 'ABCD1234', offset: 0, size: PART_SIZE };
    expect(await commit(session, [other, ...parts.slice(1)])).toMatchObject(mismatch);
    expect(await commit(session, parts, { digest: digestOf(Buffer.from('x')) })).toMatchObject({
      status: 400,
      json: { code: 'digest_mismatch' },
    });
    emulator.addFile({ name: 'BIG.bin', content: '' });
    expect(await commit(session, parts)).toMatchObject({
      status: 409,
      json: { code: 'item_name_in_use' },
    });
  });

  test.each([
    ['a small file', { file_size: 19_999_999 }, 400, 'file_size_too_small'],
    ['no size', { file_size: undefined }, 400, 'bad_request'],
    ['an unknown folder', { folder_id: '7' }, 404, 'not_found'],
    ['a file that is too large', { file_size: 1e12 }, 403, 'storage_limit_exceeded'],
  ])('is not opened for %s', async (_what, changes, status, code) => {
    const json = { folder_id: '0', file_name: 'big.bin', file_size: SIZE, ...changes };
    expect(await send(emulator, `POST ${SESSIONS}`, token, { json })).toMatchObject({
      status,
      json: { code },
    });
  });

  test('belongs to the user that opened it, for seven days', async () => {
    const session = await openSession();
    expect(await get(emulator, session, token, { 'as-user': '11111' })).toMatchObject({
      status: 403,
      json: { code: 'forbidden' },
    });
    emulator.tokenLifetimeS = null;
    token = await mint(emulator);
    clock.nowMs += 7 * 86_400_000 - 1;
    expect(await get(emulator, session, token)).toMatchObject({ status: 200 });
    clock.nowMs += 1;
    expect(await get(emulator, session, token)).toMatchObject({
      status: 410,
      json: { code: 'session_expired' },
    });
    await openSession();
    expect(await get(emulator, session, token)).toMatchObject({ status: 404 });
  });

  test('is gone after an abort', async () => {
    const session = await openSession();
    await send(emulator, `DELETE ${session}`, token);
    expect(await get(emulator, session, token)).toMatchObject({ status: 404 });
    expect(await get(emulator, `${SESSIONS}/nothing`, token)).toMatchObject({
      status: 400,
      json: { code: 'invalid_upload_session_id' },
    });
  });
});
