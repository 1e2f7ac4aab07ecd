import { AsyncResource } from 'node:async_hooks';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import express, { type Request } from 'express';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import {
  boxAuth,
  type BoxAuthExpressOptions,
  type BoxAuthMiddleware,
} from 'nestjs-box-auth/express';
import { BoxEmulator } from 'nestjs-box-auth/testing';
import { ScriptedDirectory } from '../box/users/scripted-directory.js';

let emulator: BoxEmulator;
beforeAll(async () => {
  emulator = await BoxEmulator.start();
});
beforeEach(() => emulator.clearRequests());
afterAll(() => emulator.stop());

const open: (() => unknown)[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((close) => close()));
});

/** Starts an app whose handler is `work`. Returns a function that sends a request with an email address. */
async function start(
  options: BoxAuthExpressOptions,
  work: (request: Request) => Promise<unknown>,
): Promise<{ box: BoxAuthMiddleware; call: (email: string) => Promise<unknown> }> {
  const box = boxAuth({ logger: false, ...options });
  const app = express();
  app.use(box);
  app.get('/', (request, response, next) => {
    work(request).then((body) => response.json(body ?? null), next);
  });
  app.use(((_error, _request, response, _next) => {
    response.sendStatus(500);
  }) satisfies express.ErrorRequestHandler);
  const server = app.listen(0, '127.0.0.1');
  await once(server, 'listening');
  open.push(
    () => server.close(),
    () => box.close(),
  );
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  return {
    box,
    call: async (email) => {
      const response = await fetch(url, { headers: { 'x-email': email } });
      return response.ok ? response.json() : response.status;
    },
  };
}

/** The async context in which the tests started. */
const outside = new AsyncResource('outside of every request');

const emailOf = (request: Request) => request.get('x-email') ?? '';

describe('boxAuth', () => {
  const options = (): BoxAuthExpressOptions => ({
    credentials: { config: emulator.config },
    apiUrl: emulator.url,
    actingUser: (request, users) => users.find({ login: emailOf(request) }),
  });
  const me = async ({ box }: Request) => (await box.fetch('/2.0/users/me?fields=id')).json();

  it('finds the acting user with the second argument of actingUser', async () => {
    const { call } = await start(options(), me);
    expect(await call('alice@example.com')).toMatchObject({ id: '11111' });
    expect(await call('bob@example.com')).toMatchObject({ id: '22222' });
    expect(await call('nobody@example.com')).toBe(500);
  });

  it('shares the directory with the rest of the app', async () => {
    const { box, call } = await start(options(), ({ box: { users } }) =>
      users.find({ login: 'bob@example.com' }),
    );
    expect(await call('alice@example.com')).toBe('22222');
    expect(await box.users.find({ login: 'alice@example.com' })).toBe('11111');
    expect(await box.users.find({ login: 'bob@example.com' })).toBe('22222');
    expect(emulator.apiRequests.map(({ actingUser }) => actingUser)).toEqual([
      undefined,
      undefined,
    ]);
  });
});

it('req.box.users searches the enterprise of its request, in any async context', async () => {
  const directory = new ScriptedDirectory();
  const login = 'ann@example.com';
  const ids = ['2', '3'].map((enterprise) => directory.add({ enterprise, login }));
  const { box, call } = await start(
    {
      credentials: { clientId: 'app', clientSecret: 'hush', enterpriseId: '1' },
      fetch: directory.fetch,
      tenants: ['2', '3'],
      enterprise: (request) => emailOf(request).replace(/.*@/, ''),
    },
    ({ box: { users } }) =>
      outside.runInAsyncScope(async () => {
        const id = await users.find({ login });
        users.forget({ login });
        return [id, await users.findOrCreate({ externalAppUserId: 'e1', name: 'New' })];
      }),
  );
  const [second, third] = [await call('ann@2'), await call('ann@3')];
  const created = directory.users.filter(({ externalId }) => externalId === 'e1');
  expect(created).toMatchObject([{ enterprise: '2' }, { enterprise: '3' }]);
  expect(second).toEqual([ids[0], created[0]?.id]);
  expect(third).toEqual([ids[1], created[1]?.id]);
  directory.calls.splice(0);
  await box.users.find({ enterprise: '2', login });
  await box.users.find({ enterprise: '2', externalAppUserId: 'e1' });
  expect(directory.calls).toHaveLength(1); // the login was forgotten
});
