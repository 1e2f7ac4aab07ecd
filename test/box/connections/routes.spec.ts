import { BoxEmulator } from 'nestjs-box-auth/testing';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import {
  ALICE,
  BOB,
  Browser,
  optionsFor,
  ownerOf,
  platforms,
  REDIRECT_URI,
  type RunningApp,
} from '../../support/connections-app.js';
import { FakeRuntime } from '../../support/fake-runtime.js';

const HTTPS_REDIRECT_URI = 'https://app.example.com/box/callback';

let emulator: BoxEmulator;
beforeAll(async () => {
  emulator = await BoxEmulator.start({ redirectUris: [REDIRECT_URI, HTTPS_REDIRECT_URI] });
});
beforeEach(() => {
  emulator.heal();
  emulator.clearRequests();
});
afterAll(() => emulator.stop());

const open: RunningApp[] = [];
afterEach(() => Promise.all(open.splice(0).map((app) => app.close())));

describe.each(Object.keys(platforms))('The routes on %s', (platform) => {
  async function start(
    changes: Parameters<typeof optionsFor>[1] = {},
    routes: object = {},
  ): Promise<RunningApp> {
    const app = await platforms[platform]?.({
      options: optionsFor(emulator, changes),
      routes: { owner: ownerOf, ...routes },
    });
    if (app === undefined) throw new Error(platform);
    open.push(app);
    return app;
  }

  /** A browser that has signed in to Box and returns to the app. */
  async function returning(browser: Browser, path?: string, userId = ALICE): Promise<string> {
    return emulator.consent(await browser.begin(path), { userId });
  }

  it('connect an account and return to the page that the person came from', async () => {
    const { url, connections } = await start();
    const browser = new Browser(url, 'ann');
    const callback = await returning(browser, '/box/connect?returnTo=%2Ffiles%3Fsort%3Dname');
    const response = await browser.get(callback);
    expect(response.status).toBe(302);
    expect(response.headers.get('location')).toBe('/files?sort=name');
    expect(response.headers.get('cache-control')).toBe('no-store');
    expect(response.headers.get('referrer-policy')).toBe('no-referrer');
    expect(await connections.get('ann')).toMatchObject({ owner: 'ann', user: { id: ALICE } });
  });

  it('return to the first page by default', async () => {
    const { url } = await start();
    const browser = new Browser(url, 'ann');
    const response = await browser.get(await returning(browser));
    expect(response.headers.get('location')).toBe('/');
  });

  it('return to a path outside of ASCII', async () => {
    const { url } = await start();
    const browser = new Browser(url, 'ann');
    const callback = await returning(
      browser,
      `/box/connect?returnTo=${encodeURIComponent('/é f')}`,
    );
    const { headers } = await browser.get(callback);
    expect(headers.get('location')).toBe('/%C3%A9%20f');
  });

  it('connect two people at once, each in their own browser', async () => {
    const { url, connections } = await start();
    const ann = new Browser(url, 'ann');
    const ben = new Browser(url, 'ben');
    const [ofAnn, ofBen] = [await ann.begin(), await ben.begin()];
    const callbacks = [
      ben.get(emulator.consent(ofBen, { userId: BOB })),
      ann.get(emulator.consent(ofAnn, { userId: ALICE })),
    ];
    for (const { status } of await Promise.all(callbacks)) expect(status).toBe(302);
    expect((await connections.get('ann'))?.user.id).toBe(ALICE);
    expect((await connections.get('ben'))?.user.id).toBe(BOB);
  });

  it('connect in one of two tabs that have begun', async () => {
    const { url } = await start();
    const browser = new Browser(url, 'ann');
    const first = await browser.begin();
    await browser.begin();
    const response = await browser.get(emulator.consent(first, { userId: ALICE }));
    expect(response.status).toBe(302);
  });

  it.each([
    [REDIRECT_URI, /^box-connect=[\w-]{43}; Max-Age=3600; Path=\/; HttpOnly; SameSite=Lax$/],
    [
      HTTPS_REDIRECT_URI,
      /^__Host-box-connect=[\w-]{43}; Max-Age=3600; Path=\/; HttpOnly; SameSite=Lax; Secure$/,
    ],
  ])('bind a sign-in to the browser by a cookie, with %s', async (redirectUri, pattern) => {
    const { url } = await start({ redirectUri });
    const browsers = [new Browser(url, 'ann'), new Browser(url, 'ann')];
    const values: string[] = [];
    for (const browser of browsers) {
      const response = await browser.get('/box/connect');
      expect(response.headers.getSetCookie()).toEqual([expect.stringMatching(pattern)]);
      values.push(...browser.cookies.values());
    }
    expect(new Set(values).size).toBe(2);
    for (const browser of browsers) {
      expect((await browser.get(await returning(browser))).status).toBe(302);
    }
  });

  it('replace a binding that this package did not write', async () => {
    const { url } = await start();
    const browser = new Browser(url, 'ann');
    browser.cookies.set('box-connect', 'x');
    await browser.begin();
    expect(browser.cookies.get('box-connect')).toMatch(/^[\w-]{43}$/);
  });

  interface Failure {
    readonly status: number;
    readonly code: string;
    readonly says: string;
    /** Whether Box got the code. */
    readonly redeems?: boolean;
    readonly call: (app: RunningApp, browser: Browser) => Promise<Failing>;
  }
  type Failing = readonly [browser: Browser, address: string];

  const failures: Readonly<Record<string, Failure>> = {
    'a denied consent': {
      status: 403,
      code: 'consent_denied',
      says: 'You did not allow this app to use your Box account.',
      call: async (_app, browser) => [browser, emulator.deny(await browser.begin())],
    },
    'another browser': {
      status: 400,
      code: 'state_invalid',
      says: 'another browser',
      call: async ({ url }, browser) => {
        const other = new Browser(url, 'ann');
        await other.begin();
        return [other, await returning(browser)];
      },
    },
    'a browser without the cookie': {
      status: 400,
      code: 'state_invalid',
      says: 'another browser',
      call: async ({ url }, browser) => [new Browser(url, 'ann'), await returning(browser)],
    },
    'another person in the same browser': {
      status: 400,
      code: 'state_invalid',
      says: 'another person',
      call: async ({ url }, browser) => {
        const other = new Browser(url, 'ben');
        const callback = await returning(browser);
        for (const [name, value] of browser.cookies) other.cookies.set(name, value);
        return [other, callback];
      },
    },
    'a forged callback': {
      status: 400,
      code: 'state_invalid',
      says: 'another browser',
      call: async (_app, browser) => {
        await browser.begin();
        return [browser, `/box/callback?code=stolen&state=${'x'.repeat(43)}`];
      },
    },
    'a callback with a second code': {
      status: 400,
      code: 'state_invalid',
      says: 'another browser',
      call: async (_app, browser) => [browser, `${await returning(browser)}&code=stolen`],
    },
    'a callback without parameters': {
      status: 400,
      code: 'state_invalid',
      says: 'another browser',
      call: async (_app, browser) => {
        await browser.begin();
        return [browser, '/box/callback'];
      },
    },
    'a callback that was opened before': {
      status: 400,
      code: 'state_used',
      says: 'already complete',
      redeems: true,
      call: async (_app, browser) => {
        const callback = await returning(browser);
        await browser.get(callback);
        return [browser, callback];
      },
    },
    'a person who is not signed in, at the callback': {
      status: 401,
      code: 'owner_invalid',
      says: 'You are not signed in',
      call: async ({ url }, browser) => [new Browser(url), await returning(browser)],
    },
    'a person who is not signed in': {
      status: 401,
      code: 'owner_invalid',
      says: 'You are not signed in',
      call: async ({ url }) => [new Browser(url), '/box/connect'],
    },
    ...Object.fromEntries(
      [
        'https://evil.example/',
        '//evil.example',
        '/\\evil.example',
        '/\t/evil.example',
        'files',
        '',
      ].map((returnTo) => [
        `the address ${JSON.stringify(returnTo)} to return to`,
        {
          status: 400,
          code: 'return_to_invalid',
          says: 'The link is invalid',
          call: async (_app: RunningApp, browser: Browser): Promise<Failing> => [
            browser,
            `/box/connect?returnTo=${encodeURIComponent(returnTo)}`,
          ],
        },
      ]),
    ),
    'two addresses to return to': {
      status: 400,
      code: 'return_to_invalid',
      says: 'The link is invalid',
      call: async (_app, browser) => [browser, '/box/connect?returnTo=/a&returnTo=/b'],
    },
  };

  it.each(Object.keys(failures))('say what to do about %s', async (title) => {
    const failure = failures[title];
    if (failure === undefined) throw new Error(title);
    const app = await start();
    const [browser, address] = await failure.call(app, new Browser(app.url, 'ann'));
    const response = await browser.get(address);
    expect(response.status).toBe(failure.status);
    expect(response.headers.get('content-type')).toBe('text/html; charset=utf-8');
    expect(response.headers.get('content-security-policy')).toMatch(/^default-src 'none'; style-/);
    expect(response.headers.get('cache-control')).toBe('no-store');
    expect(response.headers.get('referrer-policy')).toBe('no-referrer');
    expect(response.headers.get('location')).toBeNull();
    const html = await response.text();
    expect(html).toContain(failure.says);
    expect(html).toContain('<a href="/box/connect">');
    expect(html).not.toMatch(/<script|stolen|evil|state=/);
    expect(emulator.tokenRequests).toHaveLength(failure.redeems ? 1 : 0);
  });

  it.each(Object.keys(failures))(
    'respond in JSON to %s, if the client asks for it',
    async (title) => {
      const failure = failures[title];
      if (failure === undefined) throw new Error(title);
      const app = await start();
      const [browser, address] = await failure.call(app, new Browser(app.url, 'ann'));
      const response = await browser.get(address, { accept: 'application/json' });
      expect(response.status).toBe(failure.status);
      expect(await response.json()).toEqual({
        statusCode: failure.status,
        message: expect.any(String),
        error: expect.any(String),
        code: failure.code,
        connectUrl: '/box/connect',
      });
    },
  );

  it('say that a sign-in has expired after ten minutes', async () => {
    const runtime = new FakeRuntime();
    const { url } = await start({ runtime });
    const browser = new Browser(url, 'ann');
    const callback = await returning(browser);
    await runtime.advance(600_000);
    const response = await browser.get(callback);
    expect(response.status).toBe(400);
    expect(await response.text()).toContain('The sign-in to Box took too long');
  });

  it('respond with 503 while Box is unavailable', async () => {
    emulator.always('token', { kind: 'unavailable' });
    const { url } = await start({ tokenEndpoint: { attempts: 1 } });
    const browser = new Browser(url, 'ann');
    const response = await browser.get(await returning(browser));
    expect(response.status).toBe(503);
    expect(await response.text()).toContain('temporarily unavailable');
  });

  it('complete nothing for a HEAD request', async () => {
    const { url, connections } = await start();
    const browser = new Browser(url, 'ann');
    const callback = await returning(browser);
    expect((await browser.send('HEAD', callback)).status).toBeOneOf([404, 405]);
    expect(await connections.get('ann')).toBeUndefined();
    expect((await browser.get(callback)).status).toBe(302);
  });

  it('leave a failed look-up of the person to the app', async () => {
    const owner = () => Promise.reject(new Error('The sessions are unavailable.'));
    const { url } = await start({}, { owner });
    expect((await new Browser(url, 'ann').get('/box/connect')).status).toBe(500);
  });

  it('wait for the person, and reject an id that cannot be one', async () => {
    const { url } = await start(
      {},
      { owner: (request: object) => Promise.resolve(ownerOf(request)) },
    );
    await new Browser(url, 'ann').begin();
    const tooLong = new Browser(url, 'a'.repeat(256));
    expect((await tooLong.get('/box/connect')).status).toBe(401);
  });

  describe('disconnect', () => {
    async function connected() {
      const app = await start();
      const browser = new Browser(app.url, 'ann');
      await browser.get(await returning(browser));
      return { ...app, browser };
    }
    const json = { accept: '*/*' };

    it('removes the connection and revokes its tokens', async () => {
      const { browser, connections } = await connected();
      const before = emulator.connections.length;
      const headers = { ...json, 'sec-fetch-site': 'same-origin' };
      const response = await browser.send('POST', '/box/disconnect', headers);
      expect(response.status).toBe(200);
      expect(await response.json()).toEqual({ revoked: true });
      expect(await connections.get('ann')).toBeUndefined();
      expect(emulator.connections).toHaveLength(before - 1);
    });

    it.each([
      ['/box/disconnect', '/'],
      ['/box/disconnect?returnTo=/settings', '/settings'],
    ])('returns from the form %s to %s', async (path, location) => {
      const { browser } = await connected();
      const response = await browser.send('POST', path, { 'sec-fetch-site': 'same-origin' });
      expect(response.status).toBe(303);
      expect(response.headers.get('location')).toBe(location);
    });

    it.each([
      ['the public origin of the app', () => new URL(REDIRECT_URI).origin],
      ['the host of the request', (url: string) => url],
    ])('trusts a browser without Fetch Metadata that sends %s', async (_, originOf) => {
      const { browser, url } = await connected();
      const headers = { ...json, origin: originOf(url) };
      expect((await browser.send('POST', '/box/disconnect', headers)).status).toBe(200);
    });

    it.each([
      ['no header of a browser', {}],
      ['another site', { 'sec-fetch-site': 'cross-site' }],
      ['another subdomain', { 'sec-fetch-site': 'same-site' }],
      ['no page', { 'sec-fetch-site': 'none' }],
      [
        'another site, with a trusted origin',
        { 'sec-fetch-site': 'cross-site', origin: new URL(REDIRECT_URI).origin },
      ],
      ['another origin', { origin: 'https://evil.example' }],
      ['another port', { origin: 'http://localhost:3001' }],
      ['a sandbox', { origin: 'null' }],
      ['an origin that is not a URL', { origin: 'localhost:3000' }],
    ])('refuses a request from %s', async (_, headers: Record<string, string>) => {
      const { browser, connections } = await connected();
      const page = await browser.send('POST', '/box/disconnect?returnTo=/', headers);
      expect(page.status).toBe(403);
      expect(await page.text()).toContain('The request came from another site');
      const response = await browser.send('POST', '/box/disconnect', { ...headers, ...json });
      expect(await response.json()).toEqual({
        statusCode: 403,
        message: 'The request came from another site.',
        error: 'Forbidden',
      });
      expect(await connections.get('ann')).toBeDefined();
    });

    it.each(['GET', 'PUT'])('refuses %s', async (method) => {
      const { browser, connections } = await connected();
      const headers = { 'sec-fetch-site': 'same-origin' };
      const response = await browser.send(method, '/box/disconnect', headers);
      expect(response.status).toBeOneOf([404, 405]);
      expect(await connections.get('ann')).toBeDefined();
    });

    it('refuses a person who is not signed in, and an address of another site', async () => {
      const { browser, connections, url } = await connected();
      const headers = { ...json, 'sec-fetch-site': 'same-origin' };
      const anonymous = await new Browser(url).send('POST', '/box/disconnect', headers);
      expect(anonymous.status).toBe(401);
      const foreign = await browser.send(
        'POST',
        '/box/disconnect?returnTo=//evil.example',
        headers,
      );
      expect(foreign.status).toBe(400);
      expect(await connections.get('ann')).toBeDefined();
    });
  });

  it('have other paths, under the prefix of the app', async () => {
    const redirectUri = 'http://localhost:3000/portal/oauth/done';
    const { url, connections } = await start(
      { redirectUri },
      { connect: '/oauth/start', callback: '/oauth/done', disconnect: '/oauth/stop' },
    );
    const browser = new Browser(url, 'ann');
    expect((await browser.get('/box/connect')).status).toBe(404);
    const response = await browser.get('/oauth/done');
    expect(await response.text()).toContain('<a href="/portal/oauth/start">');
    await expect(connections.getToken('ann')).rejects.toMatchObject({
      code: 'connection_missing',
      connectUrl: '/portal/oauth/start',
    });
  });

  it.each([
    [{ connect: 'box/connect' }, 'routes.connect'],
    [{ callback: '/box/:id' }, 'routes.callback'],
    [{ disconnect: 7 }, 'routes.disconnect'],
    [{ disconnect: '/box/connect' }, 'the same path'],
    [{ callback: '/box/other' }, 'does not end with the route of the callback'],
    [{ owner: 'ann' }, 'routes.owner'],
    [{ conect: '/box' }, 'routes.conect'],
  ])('fail with option_invalid for %o', async (routes, message) => {
    await expect(start({}, routes)).rejects.toMatchObject({
      code: 'option_invalid',
      message: expect.stringContaining(message),
    });
  });
});
