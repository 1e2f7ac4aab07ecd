import { type RecordedRequest } from 'nestjs-box-auth/testing';
import { describe, expect, test } from 'vitest';
import {
  ALICE,
  entriesIn,
  fieldIn,
  PLATFORMS,
  type Portal,
  startPortal,
} from './portal-fixture.js';
import { seededRandom, shuffled } from './seeded-random.js';

const SEED = 20_260_731;
const USERS = Array.from({ length: 50 }, (_none, index) => ({
  id: String(5_000_000 + 37 * index),
  name: `user-${index}`,
  login: `user-${index}@example.com`,
}));

type User = (typeof USERS)[number];

/** A user with a private folder and file. */
interface Tenant extends User {
  readonly folderId: string;
  readonly fileId: string;
}

describe.each(PLATFORMS)('The portal on %s', { timeout: 30_000 }, (platform) => {
  test('keeps 50 users apart in 200 interleaved requests', async () => {
    const portal = await startPortal(platform, { users: USERS });
    const { emulator } = portal;
    const random = seededRandom(SEED);
    const tenants = USERS.map((user) => furnish(portal, user));
    const visits = shuffled(
      tenants.flatMap((tenant) => [
        () => visitSelf(portal, tenant),
        () => visitFolder(portal, tenant),
        () => visitFile(portal, tenant),
        () => leaveFile(portal, tenant),
      ]),
      random,
    );
    // Each response has a different delay, so that responses overtake each other.
    for (const _visit of visits) {
      emulator.failNext('api', { kind: 'delay', ms: Math.floor(random() * 10) });
    }

    await Promise.all(
      visits.map(async (visit) => {
        for (let turns = Math.floor(random() * 20); turns > 0; turns -= 1) await nextTurn(random);
        await visit();
      }),
    );

    expect(emulator.apiRequests).toHaveLength(200);
    expect(emulator.tokenRequests).toHaveLength(1);
    for (const tenant of tenants) {
      const own = emulator.apiRequests.filter(({ actingUser }) => actingUser === tenant.id);
      expect(own.map(pathOf).toSorted(byText)).toEqual([
        '/2.0/files/' + tenant.fileId + '/content',
        '/2.0/folders/' + tenant.folderId + '/items',
        '/2.0/users/me',
        '/api/2.0/files/content',
      ]);
    }
    expect(emulator.downloadRequests).toHaveLength(50);
    for (const { headers } of emulator.downloadRequests) {
      expect(headers).not.toHaveProperty('as-user');
      expect(headers).not.toHaveProperty('authorization');
    }
  });

  test('keeps the service account and users apart in interleaved requests', async () => {
    const portal = await startPortal(platform, { users: USERS });
    const random = seededRandom(SEED + 1);
    const asks = shuffled(
      USERS.flatMap(({ id, name }) => [
        { path: '/api/me', as: name, id },
        { path: '/api/whoami', as: name, id: portal.emulator.serviceAccountId },
      ]),
      random,
    );
    await Promise.all(
      asks.map(async ({ path, as, id }) => {
        for (let turns = Math.floor(random() * 20); turns > 0; turns -= 1) await nextTurn(random);
        expect(await portal.ask(path, { as })).toMatchObject({ status: 200, json: { id } });
      }),
    );
    const actingUsers = portal.emulator.apiRequests.map(({ actingUser }) => actingUser);
    expect(actingUsers.filter((id) => id === undefined)).toHaveLength(50);
    expect(new Set(actingUsers).size).toBe(51);
  });

  test('forwards no client header to Box', async () => {
    const { ask, emulator } = await startPortal(platform);
    const file = emulator.addFile({ name: 'a', content: 'Plan', ownerId: ALICE.id });
    const headers = {
      authorization: 'Bearer forged',
      'as-user': '22222',
      'As-User-Id': '22222',
      'proxy-authorization': 'Basic forged',
      boxapi: 'shared_link=forged',
      cookie: 'session=forged; demo-user=bob',
      'x-forwarded-user': '22222',
      'x-box-user': '22222',
    };
    const upload = { method: 'POST', body: 'Plan' };
    const responses = [
      await ask('/api/whoami?as-user=22222&access_token=forged', { headers }),
      await ask('/api/me?as-user=22222&access_token=forged', { as: 'alice', headers }),
      await ask('/api/folders/0/items?as-user=22222&user=22222', { as: 'alice', headers }),
      await ask(`/api/files/${file.id}/content?access_token=forged`, { as: 'alice', headers }),
      await ask('/api/files?name=b&as-user=22222', { as: 'alice', headers, ...upload }),
    ];
    expect(responses.map(({ status }) => status)).toEqual([200, 200, 200, 200, 201]);
    const received = [...emulator.requests, ...emulator.downloadRequests];
    expect(JSON.stringify(received)).not.toMatch(/forged|22222|demo-user|x-forwarded|boxapi/i);
    expect(emulator.apiRequests.map(({ actingUser }) => actingUser)).toEqual([
      undefined,
      ...Array.from({ length: 4 }, () => ALICE.id),
    ]);
  });
});

function furnish({ emulator }: Portal, user: User): Tenant {
  const folder = emulator.addFolder({ name: 'Papers', ownerId: user.id });
  const file = emulator.addFile({
    name: 'secret.txt',
    content: `The secret of ${user.name}`,
    ownerId: user.id,
    parentId: folder.id,
  });
  return { ...user, folderId: folder.id, fileId: file.id };
}

async function visitSelf({ ask }: Portal, { id, name, login }: Tenant): Promise<void> {
  const response = await ask('/api/me', { as: name });
  expect(response).toMatchObject({ status: 200, json: { id, name, login } });
}

async function visitFolder({ ask }: Portal, { name, folderId, fileId }: Tenant): Promise<void> {
  const response = await ask(`/api/folders/${folderId}/items`, { as: name });
  expect(response.status).toBe(200);
  expect(entriesIn(response)).toMatchObject([{ id: fileId, name: 'secret.txt' }]);
}

async function visitFile({ ask }: Portal, { name, fileId }: Tenant): Promise<void> {
  const response = await ask(`/api/files/${fileId}/content`, { as: name });
  expect(response).toMatchObject({ status: 200, text: `The secret of ${name}` });
}

async function leaveFile({ ask }: Portal, { id, name }: Tenant): Promise<void> {
  const body = `A note of ${name}`;
  // In the root folder: another request lists the items of the other folder.
  const response = await ask(`/api/files?name=note.txt`, { as: name, method: 'POST', body });
  expect(response.status).toBe(201);
  expect(fieldIn(response, 'total_count')).toBe(1);
  expect(entriesIn(response)).toMatchObject([
    { name: 'note.txt', size: body.length, owned_by: { id }, parent: { id: '0' } },
  ]);
}

/** Yields to other work: one event-loop tick, or only the pending microtasks. */
async function nextTurn(random: () => number): Promise<void> {
  await (random() < 0.5 ? new Promise(setImmediate) : undefined);
}

function pathOf({ path }: RecordedRequest): string {
  return path.replace(/\?.*/, '');
}

function byText(one: string, other: string): number {
  return one < other ? -1 : 1;
}
