import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { WEBHOOK_TRIGGERS } from '../../../../lib/box/webhooks/webhook-triggers.js';
import { get, mint, send, stringIn, uploadedId, uploadForm } from '../box-client.js';
import { connect } from '../oauth/oauth-requests.js';
import { startWatched } from './webhook-fixture.js';

const NO_LINK = { shared_link: null };

/** An emulator whose folder reports everything, and short forms of requests. */
async function startDrive() {
  const box = await startWatched();
  const { emulator, folderId } = box;
  const token = await mint(emulator);
  const file = emulator.addFile({ name: 'a.txt', parentId: folderId, content: 'a' });
  const outside = emulator.addFolder({ name: 'Outside' });
  const subfolder = emulator.addFolder({ name: 'Sub', parentId: folderId });
  box.watch(WEBHOOK_TRIGGERS);
  return {
    ...box,
    token,
    file: `/2.0/files/${file.id}`,
    fileId: file.id,
    outside: outside.id,
    subfolder: `/2.0/folders/${subfolder.id}`,
    subfolderId: subfolder.id,
    put: (path: string, json: object) => send(emulator, `PUT ${path}`, token, { json }),
    post: (path: string, json: object) => send(emulator, `POST ${path}`, token, { json }),
    remove: (path: string) => send(emulator, `DELETE ${path}`, token),
  };
}

describe('The emulator reports', () => {
  test('uploads of files and of their versions', async () => {
    const { emulator, folderId, token, reported, fileId } = await startDrive();
    const parent = { id: folderId };
    const body = uploadForm({ name: 'b.txt', parent }, 'b');
    const uploaded = await send(emulator, 'POST /api/2.0/files/content', token, { body });
    const version = `POST /api/2.0/files/${fileId}/content` as const;
    await send(emulator, version, token, { body: uploadForm({}, 'a2') });
    expect(await reported()).toEqual([
      `FILE.UPLOADED ${uploadedId(uploaded)}`,
      `FILE.UPLOADED ${fileId}`,
    ]);
  });

  test('chunked uploads, once they are committed', async () => {
    const { emulator, folderId, token, post, reported } = await startDrive();
    const content = Buffer.alloc(20_000_000, 'x');
    const sessions = '/api/2.0/files/upload_sessions';
    const opened = await post(sessions, {
      folder_id: folderId,
      file_name: 'big.bin',
      file_size: content.byteLength,
    });
    const session = `${sessions}/${stringIn(opened, 'id')}`;
    const digest = (bytes: Buffer) => `sha=${createHash('sha1').update(bytes).digest('base64')}`;
    const parts: unknown[] = [];
    for (let offset = 0; offset < content.byteLength; offset += 8 * 1024 * 1024) {
      const part = content.subarray(offset, offset + 8 * 1024 * 1024);
      const range = `bytes ${offset}-${offset + part.byteLength - 1}/${content.byteLength}`;
      const headers = { 'content-range': range, digest: digest(part) };
      const body = new Uint8Array(part);
      const { json } = await send(emulator, `PUT ${session}`, token, { body, headers });
      parts.push((json as { part: unknown }).part);
    }
    expect(await reported()).toEqual([]);
    const headers = { digest: digest(content) };
    const done = await send(emulator, `POST ${session}/commit`, token, {
      json: { parts },
      headers,
    });
    expect(await reported()).toEqual([`FILE.UPLOADED ${uploadedId(done)}`]);
  });

  test('new folders, also in folders below', async () => {
    const { post, reported, subfolderId } = await startDrive();
    const created = await post('/2.0/folders', { name: 'New', parent: { id: subfolderId } });
    expect(await reported()).toEqual([`FOLDER.CREATED ${stringIn(created, 'id')}`]);
  });

  test('files and folders that a test adds', async () => {
    const { emulator, folderId, reported } = await startDrive();
    const parentId = folderId;
    const folder = emulator.addFolder({ name: 'New', parentId });
    const file = emulator.addFile({ name: 'new.txt', parentId: folder.id, content: '' });
    expect(await reported()).toEqual([`FOLDER.CREATED ${folder.id}`, `FILE.UPLOADED ${file.id}`]);
  });

  test('new names, locks and shared links', async () => {
    const { file, fileId, folderId, put, reported, subfolder, subfolderId } = await startDrive();
    await put(file, { name: 'b.txt', description: 'not reported' });
    await put(file, { lock: { access: 'lock' } });
    await put(file, { lock: null, shared_link: {} });
    await put(file, { shared_link: { password: 'Secret-1' } });
    await put(file, NO_LINK);
    await put(subfolder, { name: 'Other', shared_link: { access: 'company' } });
    await put(`/2.0/folders/${folderId}`, { name: 'Itself' });
    expect(await reported()).toEqual([
      `FILE.RENAMED ${fileId}`,
      `FILE.LOCKED ${fileId}`,
      `FILE.UNLOCKED ${fileId}`,
      `SHARED_LINK.CREATED ${fileId}`,
      `SHARED_LINK.UPDATED ${fileId}`,
      `SHARED_LINK.DELETED ${fileId}`,
      `FOLDER.RENAMED ${subfolderId}`,
      `SHARED_LINK.CREATED ${subfolderId}`,
      `FOLDER.RENAMED ${folderId}`,
    ]);
  });

  test('moves out of the folder, in it and into it', async () => {
    const { file, fileId, folderId, outside, put, reported, subfolder, subfolderId } =
      await startDrive();
    await put(file, { parent: { id: subfolderId } });
    await put(file, { parent: { id: outside } });
    await put(file, { name: 'unseen.txt' });
    await put(file, { parent: { id: folderId } });
    await put(subfolder, { parent: { id: outside } });
    expect(await reported()).toEqual([
      `FILE.MOVED ${fileId}`,
      `FILE.MOVED ${fileId}`,
      `FILE.MOVED ${fileId}`,
      `FILE.UPLOADED ${fileId}`,
      `FOLDER.MOVED ${subfolderId}`,
    ]);
  });

  test('copies, as the copy', async () => {
    const { file, folderId, outside, post, reported, subfolder } = await startDrive();
    const inside = await post(`${file}/copy`, { name: 'b.txt', parent: { id: folderId } });
    const away = await post(`${file}/copy`, { parent: { id: outside } });
    const folder = await post(`${subfolder}/copy`, { name: 'Sub 2', parent: { id: folderId } });
    expect(await reported()).toEqual([
      `FILE.COPIED ${stringIn(inside, 'id')}`,
      `FILE.COPIED ${stringIn(away, 'id')}`,
      `FOLDER.COPIED ${stringIn(folder, 'id')}`,
    ]);
  });

  test('downloads', async () => {
    const { emulator, file, fileId, reported, token } = await startDrive();
    await get(emulator, `${file}/content`, token);
    await get(emulator, file, token);
    expect(await reported()).toEqual([`FILE.DOWNLOADED ${fileId}`]);
  });

  test('the trash, and the end of files and folders', async () => {
    const { emulator, file, fileId, post, remove, reported, subfolder, subfolderId } =
      await startDrive();
    await remove(file);
    await post(file, {});
    await remove(file);
    await remove(`${file}/trash`);
    await remove(subfolder);
    await post(subfolder, {});
    await remove(subfolder);
    await remove(`${subfolder}/trash`);
    expect(await reported()).toEqual([
      ...['TRASHED', 'RESTORED', 'TRASHED', 'DELETED'].map((change) => `FILE.${change} ${fileId}`),
      ...['TRASHED', 'RESTORED', 'TRASHED', 'DELETED'].map(
        (change) => `FOLDER.${change} ${subfolderId}`,
      ),
    ]);
    expect(emulator.webhooks.deliveries[0]?.event).toMatchObject({
      source: { name: 'a.txt', item_status: 'trashed' },
    });
    expect(emulator.webhooks.deliveries[3]?.event).toMatchObject({ source: { name: 'a.txt' } });
  });

  test('the end of the webhook itself', async () => {
    const { emulator, token, remove, reported, folderId } = await startDrive();
    const { json } = await get(emulator, '/2.0/webhooks', token);
    const [webhook] = (json as { entries: { id: string }[] }).entries;
    await remove(`/2.0/webhooks/${webhook?.id}`);
    emulator.addFolder({ name: 'unseen', parentId: folderId });
    expect(await reported()).toEqual([`WEBHOOK.DELETED ${folderId}`]);
  });

  test('nothing about requests that fail', async () => {
    const { emulator, file, put, reported, token } = await startDrive();
    await put(file, { name: 'a/b' });
    await send(emulator, `DELETE ${file}`, token, { headers: { 'if-match': '99' } });
    emulator.failNext('api', { kind: 'unavailable' });
    await put(file, { name: 'b.txt' });
    expect(await reported()).toEqual([]);
    emulator.failNext('api', { kind: 'reset', processed: true });
    await put(file, { name: 'b.txt' }).catch(() => undefined);
    expect(await reported()).toHaveLength(1);
  });
});

describe('A webhook reports', () => {
  test('only its triggers', async () => {
    const { emulator, folderId, reported, watch } = await startWatched();
    watch(['FOLDER.CREATED']);
    emulator.addFile({ name: 'a', parentId: folderId, content: '' });
    expect(await reported()).toEqual([]);
  });

  test('of a file only that file', async () => {
    const box = await startWatched();
    const token = await mint(box.emulator);
    const file = (name: string) =>
      box.emulator.addFile({ name, parentId: box.folderId, content: '' }).id;
    const [watched, other] = [file('a'), file('b')];
    box.watch(['FILE.RENAMED', 'FILE.COPIED'], { type: 'file', id: watched });
    for (const id of [watched, other]) {
      await send(box.emulator, `PUT /2.0/files/${id}`, token, { json: { name: `${id}.txt` } });
    }
    const json = { name: 'copy', parent: { id: '0' } };
    const copy = await send(box.emulator, `POST /2.0/files/${watched}/copy`, token, { json });
    expect(await box.reported()).toEqual([
      `FILE.RENAMED ${watched}`,
      `FILE.COPIED ${stringIn(copy, 'id')}`,
    ]);
  });

  test('to its own address, when several are above an item', async () => {
    const box = await startWatched();
    const inner = box.emulator.addFolder({ name: 'Inner', parentId: box.folderId });
    const ids = [
      box.watch(['FILE.UPLOADED']),
      box.watch(['FILE.UPLOADED'], { type: 'folder', id: inner.id }),
    ];
    box.emulator.addFile({ name: 'a', parentId: inner.id, content: '' });
    await box.reported();
    const { deliveries } = box.emulator.webhooks;
    expect(deliveries.map(({ webhookId }) => webhookId).toSorted()).toEqual(ids.toSorted());
    expect(new Set(deliveries.map(({ id }) => id)).size).toBe(2);
  });

  test('the acting user', async () => {
    const { emulator, address, reported } = await startWatched();
    const parentId = emulator.addFolder({ name: 'Of Alice', ownerId: '11111' }).id;
    const target = { type: 'folder', id: parentId } as const;
    emulator.webhooks.add({ target, address, triggers: ['FILE.UPLOADED'], userId: '11111' });
    const body = uploadForm({ name: 'b.txt', parent: { id: parentId } }, 'b');
    const token = await mint(emulator);
    const headers = { 'as-user': '11111' };
    await send(emulator, 'POST /api/2.0/files/content', token, { body, headers });
    expect(await reported()).toHaveLength(1);
    expect(emulator.webhooks.deliveries[0]?.event).toMatchObject({
      created_by: { id: '11111', login: 'alice@example.com' },
    });
  });

  test('NO_ACTIVE_SESSION while the app is not authorized', async () => {
    const { emulator, folderId, reported, watch } = await startWatched();
    const id = watch(['FILE.UPLOADED']);
    emulator.authorized = false;
    const file = emulator.addFile({ name: 'a', parentId: folderId, content: '' });
    expect(await reported()).toEqual([`NO_ACTIVE_SESSION ${file.id}`]);
    const [delivery] = emulator.webhooks.deliveries;
    expect(delivery).toMatchObject({ state: 'delivered', event: { webhook: { id } } });
    expect(delivery?.event).not.toHaveProperty('created_by');
    emulator.authorized = true;
    const next = emulator.addFile({ name: 'b', parentId: folderId, content: '' });
    expect((await reported()).at(-1)).toBe(`FILE.UPLOADED ${next.id}`);
  });

  test('NO_ACTIVE_SESSION after the user has removed the OAuth app', async () => {
    const { emulator, address, reported } = await startWatched();
    const { access: accessToken } = await connect(emulator, '11111');
    const parentId = emulator.addFolder({ name: 'Of Alice', ownerId: '11111' }).id;
    const target = { type: 'folder', id: parentId };
    const json = { target, address, triggers: ['FILE.UPLOADED'] };
    const created = await send(emulator, 'POST /2.0/webhooks', accessToken, { json });
    expect(created).toMatchObject({ status: 201 });
    emulator.authorized = false; // another app
    const add = (name: string) =>
      emulator.addFile({ name, parentId, ownerId: '11111', content: '' }).id;
    const before = add('before');
    emulator.revokeUserConnection('11111');
    const after = add('after');
    expect(await reported()).toEqual([`FILE.UPLOADED ${before}`, `NO_ACTIVE_SESSION ${after}`]);
  });
});

describe('A test that adds a webhook', () => {
  test.each([
    ['another scheme', { address: 'http://app.example/' }, 'expected an https URL'],
    ['no address', { address: '/webhooks' }, 'expected an https URL'],
    ['an address at Box', { address: 'https://upload.box.com/' }, 'not at box.com'],
    ['the root folder', { target: { type: 'folder', id: '0' } }, 'root folder'],
    [
      'a missing target',
      { target: { type: 'file', id: '7' }, triggers: ['FILE.MOVED'] },
      'no file',
    ],
    ['a target of another user', { userId: '11111' }, 'user 11111 has no folder'],
    ['no triggers', { triggers: [] }, 'one trigger or more'],
    ['an unknown trigger', { triggers: ['FILE.EATEN'] }, 'FILE.EATEN'],
    ['a folder trigger of a file', { target: { type: 'file', id: '7' } }, 'folders only'],
  ])('learns that Box does not accept %s', async (_what, changes, message) => {
    const { emulator, address, folderId } = await startWatched();
    const target = { type: 'folder', id: folderId };
    const webhook = { target, address, triggers: ['FILE.UPLOADED'], ...changes };
    const add = () => emulator.webhooks.add(webhook as Parameters<typeof emulator.webhooks.add>[0]);
    expect(add).toThrow(TypeError);
    expect(add).toThrow(message);
  });

  test('learns that the target has one', async () => {
    const { watch, emulator, folderId } = await startWatched();
    const id = watch(['FILE.UPLOADED']);
    expect(() => watch(['FILE.UPLOADED'])).toThrow('has one already');
    const { json } = await get(emulator, `/2.0/webhooks/${id}`, await mint(emulator));
    expect(json).toMatchObject({ id, target: { type: 'folder', id: folderId } });
  });
});
