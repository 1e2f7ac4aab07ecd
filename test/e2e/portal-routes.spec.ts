import { type BoxEmulator } from 'nestjs-box-auth/testing';
import { beforeEach, describe, expect, test } from 'vitest';
import {
  ALICE,
  type ReadResponse,
  BOB,
  entriesIn,
  PLATFORMS,
  type Portal,
  type PortalRequest,
  startPortal,
} from './portal-fixture.js';

const upload = { method: 'POST', body: 'Hello' };

/** The routes that call the API for a user. */
const API_ROUTES: readonly (readonly [path: string, request: PortalRequest])[] = [
  ['/api/me', {}],
  ['/api/folders/0/items', {}],
  ['/api/files/1/content', {}],
  ['/api/files?name=hello.txt', upload],
];

/** All routes that require sign-in: also one that calls only the token endpoint, and one for the service account. */
const ROUTES = [
  ...API_ROUTES,
  ['/api/files/1/preview-token', { method: 'POST' }],
  ['/api/tenant', {}],
] as const;

describe.each(PLATFORMS)('The portal on %s', { timeout: 30_000 }, (platform) => {
  let portal: Portal;
  beforeEach(async () => {
    portal = await startPortal(platform);
  });

  const people = [ALICE, BOB];
  const actingUsers = () => portal.emulator.apiRequests.map(({ actingUser }) => actingUser);

  describe('acts for the user', () => {
    test.each([undefined, 'alice', 'mallory'])(
      'the service account on whoami, whatever the user (%s)',
      async (as) => {
        const response = await portal.ask('/api/whoami', as === undefined ? {} : { as });
        expect(response).toMatchObject({
          status: 200,
          json: { type: 'user', id: portal.emulator.serviceAccountId },
        });
        expect(actingUsers()).toEqual([undefined]);
      },
    );

    test.each(people)('$name on me', async ({ id, name }) => {
      expect(await portal.ask('/api/me', { as: name })).toMatchObject({
        status: 200,
        json: { id },
      });
      expect(actingUsers()).toEqual([id]);
    });

    test('of the cookie, unless the header names another one', async () => {
      const headers = { cookie: 'theme=dark; demo-user=alice; other=demo-user=bob' };
      expect(await portal.ask('/api/me', { headers })).toMatchObject({ json: { id: ALICE.id } });
      expect(await portal.ask('/api/me', { headers, as: 'bob' })).toMatchObject({
        json: { id: BOB.id },
      });
      expect(actingUsers()).toEqual([ALICE.id, BOB.id]);
    });

    test.each(people)('$name on a folder', async ({ id, name }) => {
      portal.emulator.addFile({ name: `${name}.txt`, content: '12345', ownerId: id });
      const response = await portal.ask('/api/folders/0/items', { as: name });
      expect(response.status).toBe(200);
      expect(entriesIn(response).map((entry) => entry['name'])).toEqual([
        `${name}'s papers`,
        `${name}.txt`,
        `${name}'s notes.txt`,
      ]);
      expect(entriesIn(response)[1]).toMatchObject({ type: 'file', size: 5 });
      expect(actingUsers()).toEqual([id]);
    });

    test.each(people)(
      '$name on a download, but not at the download origin',
      async ({ id, name }) => {
        const file = portal.emulator.addFile({ name: 'plan.txt', content: 'Plan', ownerId: id });
        const path = `/api/files/${file.id}/content`;
        expect(await portal.ask(path, { as: name })).toMatchObject({ status: 200, text: 'Plan' });
        expect(actingUsers()).toEqual([id]);
        for (const other of people.filter((person) => person.name !== name)) {
          expect(await portal.ask(path, { as: other.name })).toMatchObject({ status: 404 });
        }
      },
    );

    test.each(people)('$name on an upload into their own folder', async ({ id, name }) => {
      const folder = portal.emulator.addFolder({ name: 'Plans', ownerId: id });
      const path = `/api/files?folder=${folder.id}&name=${encodeURIComponent('plän "1".txt')}`;
      const response = await portal.ask(path, { ...upload, as: name });
      expect(response.status).toBe(201);
      expect(entriesIn(response)).toMatchObject([
        {
          type: 'file',
          name: 'plän "1".txt',
          size: 5,
          owned_by: { id },
          parent: { id: folder.id },
        },
      ]);
      expect(actingUsers()).toEqual([id]);
    });
  });

  describe('rejects', () => {
    const strangers: readonly (readonly [who: string, headers: Record<string, string>])[] = [
      ['no user', {}],
      ['a name that is not known', { 'x-demo-user': 'mallory' }],
      ['an empty name', { 'x-demo-user': '' }],
      ['a name of every object', { 'x-demo-user': 'constructor' }],
      ['two names at once', { 'x-demo-user': 'alice, bob' }],
      ['an id of Box for a name', { 'x-demo-user': ALICE.id }],
      ['an id of Box in a header', { 'as-user': ALICE.id }],
      ['an unknown name in the cookie', { cookie: 'demo-user=mallory' }],
      [
        'an unknown name in spite of a good cookie',
        { cookie: 'demo-user=bob', 'x-demo-user': 'x' },
      ],
    ];
    test.each(strangers)('%s on every route, without a call to Box', async (_who, headers) => {
      for (const [path, request] of ROUTES) {
        expect(await portal.ask(path, { ...request, headers })).toMatchObject({
          status: 401,
          json: { statusCode: 401, message: 'Please sign in.' },
        });
      }
      expect(portal.emulator.requests).toEqual([]);
    });

    test.each([
      'abc',
      '1x',
      '-1',
      '1.5',
      '..%2f0',
      '0%2f..',
      '0%3Fa',
      '%20',
      '１',
      '123456789012345678901',
    ])('the id %s, without a call to Box', async (id) => {
      const paths: readonly (readonly [string, PortalRequest])[] = [
        [`/api/folders/${id}/items`, {}],
        [`/api/files/${id}/content`, {}],
        [`/api/files?folder=${id}&name=hello.txt`, upload],
      ];
      for (const [path, request] of paths) {
        expect(await portal.ask(path, { ...request, as: 'alice' })).toMatchObject({ status: 400 });
      }
      expect(portal.emulator.requests).toEqual([]);
    });

    test.each([
      '',
      'name=',
      'name=..',
      'name=a/b',
      'name=a%5Cb',
      'name=%20a',
      'name=a%0D%0Ab',
      'name=a&name=b',
      'name=a&folder=1&folder=2',
    ])('an upload with ?%s, without a call to Box', async (query) => {
      const request = { ...upload, as: 'alice' };
      expect(await portal.ask(`/api/files?${query}`, request)).toMatchObject({ status: 400 });
      expect(portal.emulator.requests).toEqual([]);
    });

    test('a name of more than 255 characters', async () => {
      for (const [length, status] of [
        [256, 400],
        [255, 201],
      ] as const) {
        const path = `/api/files?name=${'x'.repeat(length)}`;
        expect(await portal.ask(path, { ...upload, as: 'alice' })).toMatchObject({ status });
      }
    });
  });

  describe('reports, after an error response of Box,', () => {
    test.each([
      ['/api/folders/999/items', {}],
      ['/api/files/999/content', {}],
      ['/api/files?folder=999&name=hello.txt', upload],
    ] as const)('that %s does not exist', async (path, request) => {
      expect(await portal.ask(path, { ...request, as: 'alice' })).toMatchObject({
        status: 404,
        json: { statusCode: 404, error: 'Not Found' },
      });
    });

    test.each(API_ROUTES)('that %s is not allowed', async (path, request) => {
      portal.emulator.asUserEnabled = false;
      expect(await portal.ask(path, { ...request, as: 'alice' })).toMatchObject({
        status: 403,
        json: { statusCode: 403, error: 'Forbidden' },
      });
    });

    test('that a name exists already', async () => {
      const request = { ...upload, as: 'alice' };
      expect(await portal.ask('/api/files?name=a.txt', request)).toMatchObject({ status: 201 });
      expect(await portal.ask('/api/files?name=a.txt', request)).toMatchObject({ status: 409 });
    });

    test.each(API_ROUTES)('a bad gateway on %s for any other status', async (path, request) => {
      const { emulator } = portal;
      for (const fault of [
        { kind: 'status', status: 500, body: { message: 'Something of Box, 127.0.0.1' } },
        { kind: 'status', status: 418, body: 'A teapot, 127.0.0.1' },
        { kind: 'rate-limit', retryAfter: 1 },
        { kind: 'reset' },
      ] as const) {
        emulator.failNext('api', fault);
        const response = await portal.ask(path, { ...request, as: 'alice' });
        expect(response).toMatchObject({ status: 502, json: { statusCode: 502 } });
        expectNothingInside(response, emulator);
      }
    });

    test.each(API_ROUTES.filter(([path]) => !path.endsWith('content')))(
      'on %s that what Box said makes no sense',
      async (path, request) => {
        portal.emulator.failNext('api', { kind: 'garbage' });
        expect(await portal.ask(path, { ...request, as: 'alice' })).toMatchObject({ status: 502 });
      },
    );

    test.each(API_ROUTES)('on %s that the app has no access', async (path, request) => {
      const { emulator } = portal;
      emulator.authorized = false;
      const response = await portal.ask(path, { ...request, as: 'alice' });
      expect(response).toMatchObject({ status: 502, json: { statusCode: 502 } });
      expectNothingInside(response, emulator);
    });

    test('that a download is not ready', async () => {
      const headers = { 'retry-after': '1' };
      portal.emulator.failNext('api', { kind: 'status', status: 202, headers });
      const response = await portal.ask('/api/files/1/content', { as: 'alice' });
      expect(response).toMatchObject({ status: 503 });
    });
  });

  test('asks the client to retry while no token is available', async () => {
    const patience = await startPortal(platform, { box: { tokenEndpoint: { attempts: 1 } } });
    patience.emulator.always('token', { kind: 'rate-limit', retryAfter: 7 });
    for (const [path, request] of API_ROUTES) {
      const response = await patience.ask(path, { ...request, as: 'alice' });
      expect(response).toMatchObject({ status: 503, json: { statusCode: 503 } });
      expect(response.headers.get('retry-after')).toMatch(/^[1-7]$/);
    }
  });

  describe('serves a page', () => {
    test('that offers every demo user and no user', async () => {
      const { text } = await portal.ask('/');
      const names = [...text.matchAll(/data-user="([^"]*)"/g)].map(([, name]) => name);
      expect(names).toEqual(['alice', 'bob', '']);
    });

    test('that makes no call to Box by itself', async () => {
      await portal.ask('/');
      expect(portal.emulator.requests).toEqual([]);
    });
  });
});

/** Expects neither secrets nor URLs nor code. */
function expectNothingInside(
  { text }: ReadResponse,
  { url, config, tokenRequests }: BoxEmulator,
): void {
  const { clientID, clientSecret } = config.boxAppSettings;
  const assertions = tokenRequests.map(({ body }) => body?.['assertion'] ?? 'assertion');
  for (const secret of [clientID, clientSecret, url, ...assertions]) {
    expect(text).not.toContain(secret);
  }
  expect(text).not.toMatch(/bearer|authorization|127\.0\.0\.1|node_modules|\.[jt]s\b/i);
}
