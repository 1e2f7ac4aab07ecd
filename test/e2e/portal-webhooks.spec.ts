import { describe, expect, test } from 'vitest';
import { watch } from './event-stream.js';
import { ALICE, BOB, entriesIn, PLATFORMS, type Portal, startPortal } from './portal-fixture.js';

const patience = { timeout: 30_000 };

/** Gives Alice a folder with a webhook that the portal receives. */
function addInbox({ emulator, url }: Portal): string {
  const { id } = emulator.addFolder({ name: 'Inbox', ownerId: ALICE.id });
  emulator.webhooks.add({
    target: { type: 'folder', id },
    address: `${url}/webhooks/box`,
    triggers: ['FILE.UPLOADED', 'FILE.TRASHED', 'FOLDER.RENAMED'],
    userId: ALICE.id,
  });
  return id;
}

const watchFolder = ({ url }: Portal, id: string) =>
  watch(`${url}/api/folders/${id}/changes`, { 'x-demo-user': 'alice' });

describe.each(PLATFORMS)('The portal on %s', patience, (platform) => {
  test('reports a webhook to the users who watch the folder', async () => {
    const portal = await startPortal(platform);
    const { ask, emulator } = portal;
    const id = addInbox(portal);
    const watchers = await Promise.all([watchFolder(portal, id), watchFolder(portal, id)]);
    const uploaded = await ask(`/api/files?folder=${id}&name=a.txt`, {
      as: 'alice',
      method: 'POST',
      body: 'a',
    });
    expect(uploaded.status).toBe(201);
    for (const watcher of watchers) {
      expect(await watcher.next()).toMatchObject({ data: { trigger: 'FILE.UPLOADED' } });
    }
    const items = entriesIn(await ask(`/api/folders/${id}/items`, { as: 'alice' }));
    expect(items).toMatchObject([{ name: 'a.txt' }]);
    await emulator.webhooks.settled();
    expect(emulator.webhooks.deliveries).toMatchObject([
      { state: 'delivered', attempts: [{ status: 204 }] },
    ]);
  });

  test('reports each event once, and none that Box has not sent', async () => {
    const portal = await startPortal(platform);
    const { ask, emulator } = portal;
    const id = addInbox(portal);
    const watcher = await watchFolder(portal, id);
    const add = (name: string) =>
      emulator.addFile({ name, parentId: id, ownerId: ALICE.id, content: '' });
    add('a.txt');
    expect(await watcher.next()).toMatchObject({ data: { trigger: 'FILE.UPLOADED' } });
    await emulator.webhooks.settled();
    const [first] = emulator.webhooks.deliveries;
    const repeated = await emulator.webhooks.redeliver(first?.id ?? '');
    expect(repeated.attempts.map(({ status }) => status)).toEqual([204, 204]);

    const { keys } = emulator.webhooks;
    emulator.webhooks.keys = { primaryKey: 'of a stranger' };
    add('b.txt');
    await emulator.webhooks.settled();
    expect(emulator.webhooks.deliveries[1]).toMatchObject({ attempts: [{ status: 403 }] });
    const forged = await ask('/webhooks/box', {
      method: 'POST',
      body: JSON.stringify(first?.event),
    });
    expect(forged.status).toBe(403);

    emulator.webhooks.keys = keys;
    add('c.txt');
    expect(await watcher.next()).toMatchObject({ data: { trigger: 'FILE.UPLOADED' } });
    await portal.app.close();
    expect(await watcher.next()).toBeUndefined();
  });

  test('reports nothing about folders that the user may not see', async () => {
    const portal = await startPortal(platform);
    const { ask, emulator } = portal;
    const id = addInbox(portal);
    expect((await ask(`/api/folders/${id}/changes`)).status).toBe(401);
    expect((await ask(`/api/folders/${id}/changes`, { as: 'bob' })).status).toBe(404);
    expect((await ask('/api/folders/x/changes', { as: 'alice' })).status).toBe(400);
    expect(emulator.apiRequests).toMatchObject([{ actingUser: BOB.id, status: 404 }]);
  });

  test('still streams uploads of JSON unchanged', async () => {
    const { ask } = await startPortal(platform);
    const body = '{ "a" : 1 }';
    const uploaded = await ask('/api/files?name=a.json', {
      as: 'alice',
      method: 'POST',
      body,
      headers: { 'content-type': 'application/json' },
    });
    const [file] = entriesIn(uploaded);
    const { text } = await ask(`/api/files/${String(file?.['id'])}/content`, { as: 'alice' });
    expect(text).toBe(body);
  });
});
