import { type BoxEmulator, type EmulatedUser } from 'nestjs-box-auth/testing';
import { BoxTokenProvider } from 'nestjs-box-auth';
import { describe, expect, test } from 'vitest';
import { DemoUsers } from '../../sample-app/src/sign-in/demo-users.js';
import { ALICE, entriesIn, PLATFORMS, type Portal, startPortal } from './portal-fixture.js';
import { seededRandom, shuffled } from './seeded-random.js';

const SEED = 20_261_126;
const CAROL = { id: '33333', name: 'carol', login: 'carol@globex.example' };
const DAVE = { id: '44444', name: 'dave', login: 'dave@hooli.example' };
const GLOBEX = { id: '7654321', users: [CAROL] };
const HOOLI = { id: '8765432', users: [DAVE] };
const enterprises = [GLOBEX, HOOLI];

describe.each(PLATFORMS)(
  'The portal for several tenants on %s',
  { timeout: 30_000 },
  (platform) => {
    const start = () => startPortal(platform, { enterprises });

    test('calls Box in the enterprise of the signed-in user', async () => {
      const { ask, emulator } = await start();
      for (const { name, id } of [ALICE, CAROL, DAVE]) {
        expect(await ask('/api/me', { as: name })).toMatchObject({ status: 200, json: { id } });
      }
      const items = entriesIn(await ask('/api/folders/0/items', { as: 'carol' }));
      expect(items.map((item) => item['name'])).toEqual(["carol's papers", "carol's notes.txt"]);
      expect(placesIn(emulator)).toEqual([
        [emulator.config.enterpriseID, ALICE.id],
        [GLOBEX.id, CAROL.id],
        [HOOLI.id, DAVE.id],
        [GLOBEX.id, CAROL.id],
      ]);
      expect(emulator.tokenRequests).toHaveLength(3);
    });

    test('shows the service account of the tenant', async () => {
      const { ask, emulator } = await start();
      expect(await ask('/api/tenant', { as: 'carol' })).toMatchObject({
        status: 200,
        json: {
          enterprise: GLOBEX.id,
          serviceAccount: { id: emulator.serviceAccountIdOf(GLOBEX.id) },
        },
      });
      expect(await ask('/api/tenant', { as: 'alice' })).toMatchObject({
        status: 200,
        json: { serviceAccount: { id: emulator.serviceAccountId } },
      });
    });

    test('keeps 40 users of four enterprises apart in 160 interleaved requests', async () => {
      const random = seededRandom(SEED);
      const [own = [], ...others] = [0, 1, 2, 3].map((tenant) => usersOf(tenant));
      const tenants = others.map((users, index) => ({ id: String(7_000_001 + index), users }));
      const portal = await startPortal(platform, { users: own, enterprises: tenants });
      const { emulator } = portal;
      const places = [{ id: emulator.config.enterpriseID, users: own }, ...tenants].flatMap(
        ({ id, users }) => users.map((user) => ({ user, enterprise: id })),
      );
      const visits = shuffled(
        places.flatMap(({ user, enterprise }) => [
          () => visitSelf(portal, user),
          () => visitRoot(portal, user),
          () => visitTenant(portal, user, enterprise),
          () => leaveFile(portal, user),
        ]),
        random,
      );
      for (const _visit of visits) {
        emulator.failNext('api', { kind: 'delay', ms: Math.floor(random() * 10) });
      }
      await Promise.all(visits.map((visit) => visit()));

      expect(emulator.apiRequests).toHaveLength(160);
      expect(emulator.tokenRequests).toHaveLength(4);
      for (const { user, enterprise } of places) {
        const calls = emulator.apiRequests.filter(({ actingUser }) => actingUser === user.id);
        expect(calls.map((call) => call.enterprise)).toEqual([enterprise, enterprise, enterprise]);
      }
    });

    test('takes the tenant from nothing that the client sends', async () => {
      const { ask, emulator } = await start();
      const headers = {
        'x-enterprise': GLOBEX.id,
        'x-tenant': GLOBEX.id,
        'box-enterprise': GLOBEX.id,
        'as-user': CAROL.id,
        cookie: `enterprise=${GLOBEX.id}; demo-user=carol@${GLOBEX.id}`,
      };
      const query = `enterprise=${GLOBEX.id}&enterpriseId=${GLOBEX.id}&tenant=${GLOBEX.id}`;
      for (const path of ['/api/me', '/api/folders/0/items', '/api/tenant']) {
        expect(await ask(`${path}?${query}`, { as: 'dave', headers })).toMatchObject({
          status: 200,
        });
        expect(await ask(`${path}?${query}`, { headers })).toMatchObject({ status: 401 });
      }
      expect(new Set(placesIn(emulator).map(([enterprise]) => enterprise))).toEqual(
        new Set([HOOLI.id]),
      );
      expect(JSON.stringify(emulator.requests)).not.toContain(GLOBEX.id);
    });

    test('shows no user the files of another tenant', async () => {
      const { ask, emulator } = await start();
      const file = emulator.addFile({ name: 'plan.txt', content: 'Plan', ownerId: CAROL.id });
      expect(await ask(`/api/files/${file.id}/content`, { as: 'carol' })).toMatchObject({
        text: 'Plan',
      });
      for (const as of ['alice', 'dave']) {
        expect(await ask(`/api/files/${file.id}/content`, { as })).toMatchObject({ status: 404 });
      }
    });

    test('creates a preview token for a user of the tenant, and for no other user', async () => {
      const portal = await start();
      const { ask, emulator, app } = portal;
      const file = emulator.addFile({ name: 'plan.txt', content: 'Plan', ownerId: CAROL.id });
      const path = `/api/files/${file.id}/preview-token`;
      expect(await ask(path, { as: 'carol', method: 'POST' })).toMatchObject({ status: 201 });
      // A row of the user table is wrong: it has the Box user of another tenant.
      const users = app.get(DemoUsers);
      const find = users.find.bind(users);
      users.find = (name) => {
        const user = find(name);
        return user && { ...user, boxId: name === 'dave' ? CAROL.id : user.boxId };
      };
      expect(await ask(path, { as: 'dave', method: 'POST' })).toMatchObject({ status: 502 });
      expect(await ask('/api/me', { as: 'dave' })).toMatchObject({ status: 403 });
    });

    test('tells the users of a tenant that its admin must authorize the app, and serves the others', async () => {
      const { app, ask, emulator } = await start();
      await ask('/api/me', { as: 'carol' });
      emulator.deauthorize(GLOBEX.id);
      for (const path of ['/api/me', '/api/tenant']) {
        expect(await ask(path, { as: 'carol' })).toMatchObject({
          status: 403,
          json: { message: 'The Box admin of your company has not authorized this app.' },
        });
      }
      expect(await ask('/api/me', { as: 'dave' })).toMatchObject({ status: 200 });
      expect(await ask('/api/me', { as: 'alice' })).toMatchObject({ status: 200 });
      expect(await ask('/health')).toMatchObject({ status: 200 });

      emulator.authorize(GLOBEX.id);
      app.get(BoxTokenProvider).flush({ enterprise: GLOBEX.id });
      expect(await ask('/api/me', { as: 'carol' })).toMatchObject({ status: 200 });
    });
  },
);

/** The enterprise and the acting user of each call. */
function placesIn({ apiRequests }: BoxEmulator): readonly (readonly unknown[])[] {
  return apiRequests.map(({ enterprise, actingUser }) => [enterprise, actingUser]);
}

function usersOf(tenant: number): readonly EmulatedUser[] {
  return Array.from({ length: 10 }, (_none, index) => {
    const name = `user-${tenant}-${index}`;
    return { id: String(5_000_000 + 100 * tenant + index), name, login: `${name}@example.com` };
  });
}

async function visitSelf({ ask }: Portal, { id, name }: EmulatedUser): Promise<void> {
  expect(await ask('/api/me', { as: name })).toMatchObject({ status: 200, json: { id } });
}

async function visitRoot({ ask }: Portal, { name }: EmulatedUser): Promise<void> {
  const items = entriesIn(await ask('/api/folders/0/items', { as: name }));
  const names = items.map((item) => item['name']);
  expect(names).toEqual(expect.arrayContaining([`${name}'s papers`, `${name}'s notes.txt`]));
}

async function visitTenant(
  { ask, emulator }: Portal,
  { name }: EmulatedUser,
  enterprise: string,
): Promise<void> {
  expect(await ask('/api/tenant', { as: name })).toMatchObject({
    json: { serviceAccount: { id: emulator.serviceAccountIdOf(enterprise) } },
  });
}

async function leaveFile({ ask }: Portal, { id, name }: EmulatedUser): Promise<void> {
  const upload = await ask(`/api/files?name=${name}.txt`, { as: name, method: 'POST', body: name });
  expect(entriesIn(upload)).toMatchObject([{ owned_by: { id } }]);
}
