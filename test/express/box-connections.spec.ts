import { once } from 'node:events';
import express5, { type Express, type Request, type Response as ExpressResponse } from 'express';
import express4 from 'express4';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import {
  boxAuth,
  boxAuthErrors,
  BoxConnections,
  boxConnections,
  type BoxConnectionsExpressOptions,
  type BoxConnectionsMiddleware,
} from 'nestjs-box-auth/express';
import { BoxEmulator, MemoryConnectionVault } from 'nestjs-box-auth/testing';
import { Browser, optionsFor, ownerOf, REDIRECT_URI } from '../support/connections-app.js';
import { VAULT_SECRET } from '../support/connections.js';
import { thrownBy } from '../support/thrown.js';

const ALICE = '11111';
const ME = '/2.0/users/me';

let emulator: BoxEmulator;
beforeAll(async () => {
  emulator = await BoxEmulator.start({
    redirectUris: [REDIRECT_URI, 'http://localhost:3000/mounted/box/callback'],
  });
});
afterAll(() => emulator.stop());

const open: (() => unknown)[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((close) => close()));
  vi.unstubAllEnvs();
});

function create(changes: Partial<BoxConnectionsExpressOptions> = {}): BoxConnectionsMiddleware {
  const middleware = boxConnections({
    ...optionsFor(emulator),
    logger: false,
    ...changes,
  });
  open.push(() => middleware.close());
  return middleware;
}

async function listen(app: Express): Promise<string> {
  app.use(boxAuthErrors({ log: () => undefined }));
  const server = app.listen(0, '127.0.0.1');
  await once(server, 'listening');
  open.push(() => new Promise((resolve) => server.close(resolve)));
  const address = server.address();
  return `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`;
}

/** Responds with the result of `work`. */
const handler =
  (work: (request: Request) => Promise<unknown>) =>
  (request: Request, response: ExpressResponse, next: (error: unknown) => void): void => {
    work(request).then((result) => response.json(result), next);
  };

async function connect(connections: BoxConnections): Promise<void> {
  const person = { owner: 'ann', binding: 'browser' };
  const query = emulator.consent(await connections.authorizationUrl(person), { userId: ALICE });
  await connections.complete({ ...person, query });
}

describe.each([
  ['Express 5', express5],
  ['Express 4', express4],
])('boxConnections on %s', (_, express) => {
  it('gives each request the connections of the app', async () => {
    const middleware = create();
    await connect(middleware.connections);
    const app = express();
    app.use(middleware);
    app.get(
      '/me',
      handler(async (request) => {
        const { boxConnections: box } = request;
        const response = await box.runAs(ownerOf(request) ?? '', () => box.fetch(ME));
        return { isSame: box === middleware.connections, status: response.status };
      }),
    );
    const browser = new Browser(await listen(app), 'ann');
    expect(await (await browser.get('/me')).json()).toEqual({ isSame: true, status: 200 });
  });

  it('makes the calls of boxAuth with the account of the person, inside runAs', async () => {
    const middleware = create();
    await connect(middleware.connections);
    const box = boxAuth({
      credentials: { config: emulator.config },
      apiUrl: emulator.url,
      actingUser: () => '22222',
      logger: false,
    });
    open.push(() => box.close());
    const app = express();
    app.use(middleware, box);
    const idOf = async (response: Promise<Response>) =>
      ((await (await response).json()) as { id: string }).id;
    app.get(
      '/me',
      handler(async (request) => [
        await request.boxConnections.runAs('ann', () => idOf(box.fetch(ME))),
        await idOf(request.box.fetch(ME)),
      ]),
    );
    const browser = new Browser(await listen(app), 'ann');
    expect(await (await browser.get('/me')).json()).toEqual([ALICE, '22222']);
  });

  it.each([
    [{ owner: ownerOf }, { connectUrl: '/box/connect' }],
    [undefined, {}],
  ])(
    'responds with 401 to a person without a connection, with the routes %o',
    async (routes, rest) => {
      const app = express();
      app.use(create({ routes }));
      app.get(
        '/me',
        handler(({ boxConnections: box }) => box.getToken('dora')),
      );
      const response = await new Browser(await listen(app)).get('/me');
      expect(response.status).toBe(401);
      expect(await response.json()).toEqual({
        statusCode: 401,
        message: 'This request needs a connected account.',
        error: 'Unauthorized',
        code: 'connection_missing',
        ...rest,
      });
    },
  );

  it('leaves other paths, and all paths without `routes`, to the app', async () => {
    const app = express();
    app.use(create());
    app.use((_request: Request, response: ExpressResponse) => response.status(418).end());
    const browser = new Browser(await listen(app), 'ann');
    expect((await browser.get('/box/connect')).status).toBe(418);
  });

  it('works under the path of a router, and with a slash at the end', async () => {
    const redirectUri = 'http://localhost:3000/mounted/box/callback';
    const app = express();
    app.use('/mounted', create({ redirectUri, routes: { owner: ownerOf } }));
    const browser = new Browser(await listen(app), 'ann');
    const address = await browser.begin('/mounted/box/connect/');
    const response = await browser.get(emulator.consent(address, { userId: ALICE }));
    expect(response.headers.get('location')).toBe('/mounted/');
  });

  it('sets its cookie next to those of the app', async () => {
    const app = express();
    app.use((_request: Request, response: ExpressResponse, next: () => void) => {
      response.append('set-cookie', 'mine=1');
      next();
    });
    app.use(create({ routes: { owner: ownerOf } }));
    const response = await new Browser(await listen(app), 'ann').get('/box/connect');
    expect(response.headers.getSetCookie()).toEqual([
      'mine=1',
      expect.stringMatching(/^box-connect=/),
    ]);
  });

  it.each([undefined, null, 'route', 'text'])(
    'fails a request whose look-up of the person rejects with %o',
    async (thrown) => {
      const app = express();
      app.use(create({ routes: { owner: () => Promise.reject(thrown as unknown as Error) } }));
      app.use((_request: Request, response: ExpressResponse) => response.json('served'));
      app.use((error: Error, _req: unknown, res: ExpressResponse, _next: unknown) => {
        res.status(418).json(error.message);
      });
      const response = await new Browser(await listen(app)).get('/box/connect');
      expect(await response.json()).toContain('A function of boxConnections threw');
    },
  );
});

describe('boxConnections', () => {
  it('reads missing options from the environment', async () => {
    const { clientId, clientSecret } = emulator.oauthApp;
    vi.stubEnv('BOX_OAUTH_CLIENT_ID', clientId);
    vi.stubEnv('BOX_OAUTH_CLIENT_SECRET', clientSecret);
    vi.stubEnv('BOX_OAUTH_REDIRECT_URI', REDIRECT_URI);
    vi.stubEnv('BOX_OAUTH_VAULT_SECRET', VAULT_SECRET);
    vi.stubEnv('BOX_API_URL', emulator.url);
    const middleware = boxConnections({ vault: new MemoryConnectionVault(), logger: false });
    open.push(() => middleware.close());
    await connect(middleware.connections);
    expect(await middleware.connections.get('ann')).toMatchObject({ user: { id: ALICE } });
  });

  it.each([
    [{ name: '' }, 'Invalid `name`'],
    [{ logger: 7 }, 'Invalid `logger`'],
    [{ routes: {} }, 'routes.owner'],
    [{ isGlobal: true }, 'Unknown option `isGlobal`'],
    [{ clientId: undefined }, '`clientId` is missing'],
  ])('rejects the options %o', async (changes, message) => {
    const error = await thrownBy(() => create(changes as never));
    expect(error).toMatchObject({
      code: 'option_invalid',
      message: expect.stringContaining(message),
    });
  });

  it('logs a failed refresh, with its name', async () => {
    const lines: string[] = [];
    const log = (line: string) => void lines.push(line);
    const { connections } = create({
      name: 'hr',
      tokenEndpoint: { attempts: 1 },
      logger: { error: log, warn: log, info: log },
    });
    await connect(connections);
    emulator.revokeAllTokens();
    emulator.always('token', { kind: 'unavailable' });
    await connections.runAs('ann', () => connections.fetch(ME)).catch(() => undefined);
    emulator.heal();
    expect(lines).toEqual([expect.stringMatching(/^hr: .*\(unavailable\)/)]);
  });

  it('reads nothing of a connection after it is closed', async () => {
    const middleware = create();
    await connect(middleware.connections);
    await middleware.close();
    expect((await thrownBy(() => middleware.connections.getToken('ann'))).code).toBe('closed');
  });
});
