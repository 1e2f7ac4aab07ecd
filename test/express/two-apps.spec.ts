import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import axios from 'axios';
import express, { type Express, type Request } from 'express';
import { Agent, request as undiciRequest } from 'undici';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { boxAuth, type BoxAuthMiddleware } from 'nestjs-box-auth/express';
import { attachBoxAuth } from 'nestjs-box-auth/express/axios';
import { boxClient } from 'nestjs-box-auth/express/sdk';
import { BoxEmulator } from 'nestjs-box-auth/testing';
import { boxAuthInterceptor } from 'nestjs-box-auth/undici';

const ALICE = '11111';
const BOB = '22222';
const ME = '/2.0/users/me';

let first: BoxEmulator;
let second: BoxEmulator;
beforeAll(async () => {
  [first, second] = await Promise.all([BoxEmulator.start(), BoxEmulator.start()]);
});
beforeEach(() => {
  first.clearRequests();
  second.clearRequests();
});
afterAll(() => Promise.all([first.stop(), second.stop()]));

const open: (() => unknown)[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((close) => close()));
});

function appAt(emulator: BoxEmulator, actingUser?: () => string): BoxAuthMiddleware {
  const box = boxAuth({
    credentials: { config: emulator.config },
    apiUrl: emulator.url,
    actingUser,
  });
  open.push(() => box.close());
  return box;
}

/** Serves one request, whose handler is `work`. */
async function serve(build: (app: Express) => void, work: (request: Request) => Promise<unknown>) {
  const app = express();
  build(app);
  app.get('/', (request, response, next) => {
    work(request).then(() => response.end(), next);
  });
  const server = app.listen(0, '127.0.0.1');
  await once(server, 'listening');
  open.push(() => server.close());
  const { status } = await fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
  expect(status).toBe(200);
}

const asUsers = (emulator: BoxEmulator) => emulator.apiRequests.map(({ actingUser }) => actingUser);

/** A call of `box` by every client there is. */
async function callByAllClients(box: BoxAuthMiddleware, { url }: BoxEmulator): Promise<number> {
  const http = axios.create({ baseURL: url });
  attachBoxAuth(http, box.provider);
  const agent = new Agent();
  open.push(() => agent.destroy());
  const dispatcher = agent.compose(boxAuthInterceptor(box.provider));
  const calls = [
    box.fetch(ME),
    http.get(ME),
    undiciRequest(url + ME, { dispatcher }),
    boxClient(box.provider).users.getUserMe(),
    box.provider.getHeaders(url + ME).then((headers) => fetch(url + ME, { headers })),
  ];
  await Promise.all(calls);
  return calls.length;
}

describe('Two boxAuth() in one Express app', () => {
  it.each(['first', 'last'])(
    'leave the acting user to the app that has one, by every client, where it comes %s',
    async (place) => {
      const acting = appAt(first, () => ALICE);
      const plain = appAt(second);
      const middleware = place === 'first' ? [acting, plain] : [plain, acting];
      let calls = 0;
      await serve(
        (app) => app.use(...middleware),
        async () => {
          calls = await callByAllClients(acting, first);
          await callByAllClients(plain, second);
        },
      );
      expect(asUsers(first)).toEqual(Array.from({ length: calls }, () => ALICE));
      expect(asUsers(second)).toEqual(Array.from({ length: calls }, () => undefined));
    },
  );

  it('each act for a user of their own', async () => {
    const one = appAt(first, () => ALICE);
    const other = appAt(second, () => BOB);
    await serve(
      (app) => app.use(one, other),
      () => Promise.all([one.fetch(ME), other.fetch(ME)]),
    );
    expect([asUsers(first), asUsers(second)]).toEqual([[ALICE], [BOB]]);
  });

  it('downscope for the acting user of the app whose token it is', async () => {
    const acting = appAt(first, () => ALICE);
    await serve(
      (app) => app.use(acting, appAt(second)),
      () => acting.provider.downscope({ scopes: ['base_preview'] }),
    );
    expect(first.tokenRequests.map(({ subject }) => subject)).toContainEqual({
      type: 'user',
      id: ALICE,
    });
  });

  it('keep the user of the one in req.box of the other, also inside runAs', async () => {
    const one = appAt(first, () => ALICE);
    const other = appAt(second, () => ALICE);
    const boxes: Request['box'][] = [];
    const keep = (request: Request, _response: unknown, next: () => void) => {
      boxes.push(request.box);
      next();
    };
    await serve(
      (app) => app.use(one, keep, other, keep),
      async () => {
        const [ofOne, ofOther] = boxes;
        await ofOne?.fetch(ME);
        await ofOne?.runAs(BOB, () => Promise.all([ofOne.fetch(ME), ofOther?.fetch(ME)]));
        await other.provider.runAs(BOB, async () => ofOne?.fetch(ME));
        await one.provider.runAs(BOB, async () => ofOne?.fetch(ME));
      },
    );
    expect(asUsers(first)).toEqual([ALICE, BOB, ALICE, BOB]);
    expect(asUsers(second)).toEqual([ALICE]);
  });
});

describe('runAs of two apps', () => {
  it('sets the user of its own app, inside that of the other', async () => {
    const [one, other] = [appAt(first), appAt(second)];
    await one.provider.runAs(ALICE, () =>
      other.provider.runAs(BOB, () => Promise.all([one.fetch(ME), other.fetch(ME)])),
    );
    expect([asUsers(first), asUsers(second)]).toEqual([[ALICE], [BOB]]);
  });

  it('makes an app without a user of its own act for the innermost, not as the service account', async () => {
    const [one, other] = [appAt(first), appAt(second)];
    await one.provider.runAs(ALICE, () => one.provider.runAs(BOB, () => other.fetch(ME)));
    expect(asUsers(second)).toEqual([BOB]);
  });

  it('ends with what it runs', async () => {
    const [one, other] = [appAt(first), appAt(second)];
    await one.provider.runAs(ALICE, async () => {
      await other.provider.runAs(BOB, () => other.fetch(ME));
      await one.provider.runAs(BOB, () => one.fetch(ME));
      await one.fetch(ME);
      await other.fetch(ME);
    });
    await Promise.all([one.fetch(ME), other.fetch(ME)]);
    expect(asUsers(first)).toEqual([BOB, ALICE, undefined]);
    expect(asUsers(second)).toEqual([BOB, ALICE, undefined]);
  });
});
