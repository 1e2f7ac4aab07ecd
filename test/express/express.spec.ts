import { EventEmitter, once } from 'node:events';
import { readFileSync } from 'node:fs';
import type { Server } from 'node:http';
import axios from 'axios';
import express5, { type Express, type Request } from 'express';
import express4 from 'express4';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { BoxAuthError } from 'nestjs-box-auth';
import { boxAuth, boxAuthErrors, type BoxAuthExpressOptions } from 'nestjs-box-auth/express';
import { attachBoxAuth } from 'nestjs-box-auth/express/axios';
import { boxClient } from 'nestjs-box-auth/express/sdk';
import { BoxEmulator } from 'nestjs-box-auth/testing';
import { thrownBy } from '../support/thrown.js';

const BOX_IDS: Readonly<Record<string, string>> = { alice: '11111', bob: '22222' };
const boxIdOfSession = (request: Request) => BOX_IDS[request.get('x-demo-user') ?? ''];

let emulator: BoxEmulator;
beforeAll(async () => {
  emulator = await BoxEmulator.start();
});
beforeEach(() => {
  emulator.heal();
  emulator.clearRequests();
});
afterAll(() => emulator.stop());

const open = new Set<() => unknown>();
afterEach(async () => {
  vi.unstubAllEnvs();
  await Promise.all([...open].map((close) => close()));
  open.clear();
});

const options = (more: BoxAuthExpressOptions = {}): BoxAuthExpressOptions => ({
  credentials: { config: emulator.config },
  apiUrl: emulator.url,
  actingUser: boxIdOfSession,
  ...more,
});
function addressOf(server: Server): string {
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the server has no port');
  return `http://127.0.0.1:${address.port}`;
}

const asUsers = () => emulator.apiRequests.map(({ headers }) => headers['as-user']);

describe.each([
  ['Express 4', express4],
  ['Express 5', express5],
])('%s', (_, express) => {
  async function start(
    build: (app: Express) => void,
  ): Promise<(path: string, user?: string) => Promise<Response>> {
    const app = express();
    build(app);
    const server = app.listen(0);
    await once(server, 'listening');
    open.add(() => new Promise((resolve) => server.close(resolve)));
    return (path, user) =>
      fetch(
        `${addressOf(server)}${path}`,
        user === undefined ? {} : { headers: { 'x-demo-user': user } },
      );
  }

  const whoAmI = (app: Express) =>
    app.get('/me', (req, res, next) => {
      req.box
        .fetch('/2.0/users/me')
        .then(async (answer) => res.status(answer.status).json(await answer.json()))
        .catch(next);
    });

  it('gives each request a fetch that acts for its user', async () => {
    const call = await start((app) => {
      app.use(boxAuth(options()));
      whoAmI(app);
    });
    const people = ['alice', 'bob', 'alice', 'bob', 'bob', 'alice'];
    const seen = await Promise.all(
      people.map(async (user) => ((await (await call('/me', user)).json()) as { id: string }).id),
    );
    expect(seen).toEqual(people.map((user) => (user === 'alice' ? '11111' : '22222')));
    expect(emulator.tokenRequests).toHaveLength(1);
  });

  it('acts for the user even if the async context is lost or belongs to another request', async () => {
    const elsewhere = new EventEmitter();
    const waiting: Request[] = [];
    const call = await start((app) => {
      app.use(boxAuth(options()));
      // As a driver does that calls back from a socket which some other request opened.
      app.use((req, _res, next) => {
        elsewhere.once('go', next);
        if (waiting.push(req) === 2) elsewhere.emit('go');
      });
      whoAmI(app);
    });
    const answers = await Promise.all([call('/me', 'alice'), call('/me', 'bob')]);
    const ids = await Promise.all(
      answers.map(async (answer) => (await answer.json()) as { id: string }),
    );
    expect(ids.map(({ id }) => id)).toEqual(['11111', '22222']);
  });

  it('has runAs and getToken', async () => {
    const call = await start((app) => {
      app.use(boxAuth(options()));
      app.get('/as-bob', (req, res, next) => {
        req.box
          .runAs('22222', async () => {
            const answer = await req.box.fetch('/2.0/users/me');
            const { subject } = await req.box.getToken();
            res.json({ ...((await answer.json()) as object), subject });
          })
          .catch(next);
      });
    });
    expect(await (await call('/as-bob', 'alice')).json()).toMatchObject({
      id: '22222',
      subject: { type: 'enterprise', id: emulator.config.enterpriseID },
    });
  });

  it('applies the acting user to other fetches of the app, too', async () => {
    const box = boxAuth(options());
    const call = await start((app) => {
      app.use(box);
      app.get('/me', (_req, res, next) => {
        box.fetch('/2.0/users/me').then(async (answer) => res.json(await answer.json()), next);
      });
    });
    expect(await (await call('/me', 'bob')).json()).toMatchObject({ id: '22222' });
  });

  it('uses an access token of the user with `via: token`', async () => {
    const call = await start((app) => {
      app.use(boxAuth(options({ via: 'token' })));
      whoAmI(app);
    });
    expect(await (await call('/me', 'alice')).json()).toMatchObject({ id: '11111' });
    expect(asUsers()).toEqual([undefined]);
    expect(emulator.apiRequests[0]?.subject).toEqual({ type: 'user', id: '11111' });
  });

  it('acts as the service account without a resolver', async () => {
    const call = await start((app) => {
      app.use(boxAuth(options({ actingUser: undefined })));
      whoAmI(app);
    });
    expect(await (await call('/me', 'alice')).json()).toMatchObject({
      id: emulator.serviceAccountId,
    });
  });

  describe('when the resolver returns no user', () => {
    const errors: BoxAuthError[] = [];
    const errorHandler = () => boxAuthErrors({ log: (error) => errors.push(error) });
    beforeEach(() => errors.splice(0));

    it('refuses the request and makes no call', async () => {
      const call = await start((app) => {
        app.use(boxAuth(options()));
        whoAmI(app);
        app.use(errorHandler());
      });
      expect((await call('/me')).status).toBe(401);
      expect(errors.map(({ code }) => code)).toEqual(['acting_user_missing']);
      expect(emulator.requests).toEqual([]);
    });

    it.each([
      [
        'throws',
        () => {
          throw new Error('no session store');
        },
        500,
      ],
      ['gives no id', () => 'alice@example.com', 502],
      // To Express itself these are no errors at all.
      ['rejects with nothing', () => Promise.reject(), 500],
      ['rejects with a word of Express', () => Promise.reject('route'), 500],
    ])('refuses the request when the resolver %s', async (_how, actingUser, status) => {
      const call = await start((app) => {
        app.use(boxAuth(options({ actingUser })));
        whoAmI(app);
        app.use(errorHandler());
        app.use((_error: unknown, _req: unknown, res: express5.Response, _next: unknown) => {
          res.status(500).end();
        });
      });
      expect((await call('/me')).status).toBe(status);
      expect(emulator.requests).toEqual([]);
    });

    it('serves the request as the service account with `optional: true`', async () => {
      const call = await start((app) => {
        app.use(boxAuth(options({ optional: true })));
        whoAmI(app);
      });
      expect(await (await call('/me')).json()).toMatchObject({ id: emulator.serviceAccountId });
    });
  });

  describe('boxAuthErrors', () => {
    const failing = (error: unknown) =>
      start((app) => {
        app.get('/', (_req, _res, next) => next(error));
        app.use(boxAuthErrors({ log: () => undefined }));
        app.use((other: Error, _req: unknown, res: express5.Response, _next: unknown) => {
          res.status(418).send(other.message);
        });
      });
    const boxError = (more: object) =>
      new BoxAuthError({ code: 'rate_limited', message: 'inner', hint: 'h', docs: 'd', ...more });

    it('responds with 503 and Retry-After to a transient error', async () => {
      const answer = await (
        await failing(boxError({ retryable: true, retryAfterMs: 1200, status: 429 }))
      )('/');
      expect(answer.status).toBe(503);
      expect(answer.headers.get('retry-after')).toBe('2');
      expect(await answer.text()).not.toContain('inner');
    });

    it('responds with 502 to a permanent error', async () => {
      const answer = await (await failing(boxError({ status: 400 })))('/');
      expect(answer.status).toBe(502);
      expect(answer.headers.get('retry-after')).toBeNull();
    });

    it('finds the error in the cause of a fetch error', async () => {
      const thrown = new TypeError('fetch failed', { cause: boxError({ retryable: true }) });
      expect((await (await failing(thrown))('/')).status).toBe(503);
    });

    it('sends no Retry-After with a permanent error', async () => {
      const answer = await (await failing(boxError({ status: 400, retryAfterMs: 30_000 })))('/');
      expect(answer.headers.get('retry-after')).toBeNull();
    });

    it('passes on other errors', async () => {
      const answer = await (await failing(new Error('mine')))('/');
      expect([answer.status, await answer.text()]).toEqual([418, 'mine']);
    });

    it('logs the error with its hint', async () => {
      const log = vi.spyOn(console, 'error').mockImplementation(() => undefined);
      const call = await start((app) => {
        app.get('/', (_req, _res, next) => next(boxError({})));
        app.use(boxAuthErrors());
      });
      await call('/');
      expect(log.mock.calls).toEqual([['rate_limited: inner h']]);
      log.mockRestore();
    });
  });
});

describe('boxAuth', () => {
  beforeEach(() => {
    for (const name of Object.keys(process.env).filter((key) => key.startsWith('BOX_')))
      vi.stubEnv(name, undefined);
  });

  it('reads the environment without credentials, and names the missing variables', async () => {
    expect((await thrownBy(() => boxAuth())).code).toBe('config_missing');
    vi.stubEnv('BOX_CONFIG', JSON.stringify(emulator.config));
    vi.stubEnv('BOX_API_URL', emulator.url);
    const box = boxAuth();
    expect((await box.fetch('/2.0/users/me')).status).toBe(200);
    box.close();
    expect((await thrownBy(() => box.provider.getToken())).code).toBe('closed');
  });

  it('acts only for the users of its own app if two Box apps serve a request', async () => {
    const other = await BoxEmulator.start();
    open.add(() => other.stop());
    const app = express5();
    const kept: Request['box'][] = [];
    app.use(boxAuth(options()));
    app.use((req, _res, next) => {
      kept.push(req.box);
      next();
    });
    app.use(boxAuth({ credentials: { config: other.config }, apiUrl: other.url }));
    app.get('/', (req, res, next) => {
      Promise.all([kept[0]?.fetch('/2.0/users/me'), req.box.fetch('/2.0/users/me')]).then(
        () => res.end(),
        next,
      );
    });
    const server = app.listen(0);
    await once(server, 'listening');
    open.add(() => new Promise((resolve) => server.close(resolve)));
    await fetch(addressOf(server), { headers: { 'x-demo-user': 'alice' } });
    expect(asUsers()).toEqual(['11111']);
    expect(other.apiRequests.map(({ actingUser }) => actingUser)).toEqual([undefined]);
  });

  it.each([
    ['via', { via: 'Header' }],
    ['actingUser', { actingUser: '11111' }],
  ])('refuses a bad %s', async (name, bad) => {
    const error = await thrownBy(() => boxAuth(options(bad as unknown as BoxAuthExpressOptions)));
    expect(error.code).toBe('option_invalid');
    expect(error.message).toContain(name);
  });

  it('refuses an unknown option', async () => {
    // @ts-expect-error -- as somebody without types may write it
    expect((await thrownBy(() => boxAuth(options({ actingUsers: boxIdOfSession })))).code).toBe(
      'option_invalid',
    );
  });

  it('adds the acting user to the calls of axios and of the official SDK, too', async () => {
    const app = express5();
    const box = boxAuth(options());
    const http = axios.create({ baseURL: `${emulator.url}/2.0` });
    attachBoxAuth(http, box.provider);
    const client = boxClient(box.provider);
    app.use(box);
    app.get('/', (_req, res, next) => {
      Promise.all([http.get<{ name: string }>('/users/me'), client.users.getUserMe()]).then(
        ([byAxios, bySdk]) => res.json([byAxios.data.name, bySdk.name]),
        next,
      );
    });
    const server = app.listen(0);
    await once(server, 'listening');
    open.add(() => new Promise((resolve) => server.close(resolve)));
    const answer = await fetch(addressOf(server), { headers: { 'x-demo-user': 'alice' } });
    expect(await answer.json()).toEqual(['Alice', 'Alice']);
    expect(asUsers()).toEqual(['11111', '11111']);
    box.close();
  });

  it('takes ten lines, as in the docs', async () => {
    const source = readFileSync(new URL('ten-lines.ts', import.meta.url), 'utf8');
    const docs = readFileSync(new URL('../../docs/express.md', import.meta.url), 'utf8');
    expect(docs).toContain(`\`\`\`ts\n${source}\`\`\``);

    vi.stubEnv('PORT', '0');
    vi.stubEnv('BOX_CONFIG', JSON.stringify(emulator.config));
    vi.stubEnv('BOX_API_URL', emulator.url);
    const { server }: { server: Server } = await import('./ten-lines.js');
    open.add(() => new Promise((resolve) => server.close(resolve)));
    if (!server.listening) await once(server, 'listening');
    const answer = await fetch(`${addressOf(server)}/folders/0/items`, {
      headers: { cookie: 'session=of-alice' },
    });
    expect(answer.status).toBe(200);
    expect(asUsers()).toEqual(['11111']);
  });
});
