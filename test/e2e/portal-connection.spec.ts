import type { BoxEmulator } from 'nestjs-box-auth/testing';
import { beforeEach, describe, expect, test } from 'vitest';
import { Browser } from '../support/connections-app.js';
import { BOB, entriesIn, fieldIn, PLATFORMS, type Portal, startPortal } from './portal-fixture.js';

const ORIGIN = 'http://localhost:3000';
const ROUTES = ['/api/connection', '/api/connection/items'];

describe.each(PLATFORMS)('The portal on %s', (platform) => {
  describe('with an OAuth app', () => {
    let portal: Portal;
    let alice: Browser;
    beforeEach(async () => {
      portal = await startPortal(platform, { redirectUri: `${ORIGIN}/box/callback` });
      alice = browserOf('alice', portal);
    });

    test('knows where users can connect an account', async () => {
      expect(await portal.ask('/')).toMatchObject({
        text: expect.stringContaining(`data-origin="${ORIGIN}"`) as string,
      });
    });

    test.each(ROUTES)('rejects people who are not signed in at %s', async (route) => {
      expect(await portal.ask(route)).toMatchObject({
        status: 401,
        json: { message: 'Please sign in.' },
      });
      expect(await portal.ask(route, { as: 'mallory' })).toMatchObject({ status: 401 });
    });

    test('connects no account to a name that is not a user', async () => {
      for (const name of ['mallory', '', 'constructor']) {
        const response = await browserOf(name, portal).get('/box/connect');
        expect(response.status).toBe(401);
        expect(await response.text()).toContain('You are not signed in');
      }
    });

    test('shows the account and its files to the user who has connected it', async () => {
      expect((await portal.ask('/api/connection', { as: 'alice' })).json).toEqual({
        status: 'none',
      });
      await connect(alice, portal.emulator);
      const account = { name: BOB.name, login: BOB.login };
      const connectedAt = expect.stringMatching(/^20\d\d-.*Z$/) as string;
      expect((await portal.ask('/api/connection', { as: 'alice' })).json).toEqual({
        status: 'active',
        account,
        connectedAt,
      });
      const items = await portal.ask('/api/connection/items', { as: 'alice' });
      expect(entriesIn(items).map(({ name }) => name)).toEqual(["bob's papers", "bob's notes.txt"]);
      // Not even to the person whose account it is.
      for (const as of ['bob', undefined]) {
        const response = await portal.ask('/api/connection/items', as === undefined ? {} : { as });
        expect(response).toMatchObject({ status: 401 });
      }
    });

    test('asks for an account while none is connected', async () => {
      expect(await portal.ask('/api/connection/items', { as: 'alice' })).toMatchObject({
        status: 401,
        json: { statusCode: 401, message: 'Please connect your Box account.' },
      });
    });

    test('asks for the account again after the person has ended the access at Box', async () => {
      await connect(alice, portal.emulator);
      portal.emulator.revokeUserConnection(BOB.id);
      const items = () => portal.ask('/api/connection/items', { as: 'alice' });
      expect(await items()).toMatchObject({
        status: 401,
        json: { message: 'Please connect your Box account.' },
      });
      expect(await portal.ask('/api/connection', { as: 'alice' })).toMatchObject({
        json: { status: 'reauthorization_required', account: { login: BOB.login } },
      });
      await connect(alice, portal.emulator);
      expect(await items()).toMatchObject({ status: 200 });
    });

    test('disconnects the account for its own page only', async () => {
      await connect(alice, portal.emulator);
      const disconnect = (site: string) =>
        alice.send('POST', '/box/disconnect', {
          accept: 'application/json',
          'sec-fetch-site': site,
        });
      expect((await disconnect('cross-site')).status).toBe(403);
      expect(portal.emulator.connections).toHaveLength(1);
      const response = await disconnect('same-origin');
      expect(await response.json()).toEqual({ revoked: true });
      expect(portal.emulator.connections).toEqual([]);
    });

    test('documents all of their routes', async () => {
      const paths = fieldIn(await portal.ask('/docs-json'), 'paths');
      const routes = Object.entries(paths as Record<string, Record<string, Operation>>)
        .flatMap(([path, methods]) =>
          Object.entries(methods).map(([method, operation]) => ({ path, method, operation })),
        )
        .filter(({ path }) => /^\/(?:box|api\/connection)/.test(path));
      expect(routes.map(({ method, path }) => `${method} ${path}`).toSorted()).toEqual([
        'get /api/connection',
        'get /api/connection/items',
        'get /box/callback',
        'get /box/connect',
        'post /box/disconnect',
      ]);
      for (const { path, operation } of routes) {
        const { tags, summary, responses, security } = operation;
        expect(tags, path).toEqual(['connection']);
        expect(summary, path).toBeTypeOf('string');
        expect(
          Object.keys(responses).some((status) => /^[23]/.test(status)),
          path,
        ).toBe(true);
        expect(responses, path).toHaveProperty('401');
        expect(security, path).toEqual([{ 'demo-user': [] }]);
      }
    });
  });

  test('has no connections without an OAuth app', async () => {
    const { ask } = await startPortal(platform);
    expect((await ask('/')).text).toContain('data-origin=""');
    for (const route of [...ROUTES, '/box/connect']) {
      expect(await ask(route, { as: 'alice' })).toMatchObject({ status: 404 });
    }
  });
});

interface Operation {
  readonly tags: readonly string[];
  readonly summary: string;
  readonly responses: object;
  readonly security: readonly object[];
}

function browserOf(name: string, { url }: Portal): Browser {
  const browser = new Browser(url);
  browser.cookies.set('demo-user', name);
  return browser;
}

/** Connects Bob's account. */
async function connect(browser: Browser, emulator: BoxEmulator): Promise<void> {
  const url = await browser.begin('/box/connect?returnTo=/%23own-title');
  const response = await browser.get(emulator.consent(url, { userId: BOB.id }));
  expect(response.headers.get('location')).toBe('/#own-title');
}
