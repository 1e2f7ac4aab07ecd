import { once } from 'node:events';
import { Agent as HttpAgent, createServer, request as httpRequest } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { Controller, Get, type INestApplication, Req } from '@nestjs/common';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { Test } from '@nestjs/testing';
import axios from 'axios';
import express from 'express';
import { Agent, request as undiciRequest } from 'undici';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { AsUser, BoxAuthModule, BoxFetch, BoxTokenProvider, ForEnterprise } from 'nestjs-box-auth';
import { boxAuth, type BoxAuthExpressOptions } from 'nestjs-box-auth/express';
import { attachBoxAuth } from 'nestjs-box-auth/express/axios';
import { boxClient } from 'nestjs-box-auth/express/sdk';
import { boxAuthInterceptor } from 'nestjs-box-auth/undici';

const REQUESTS = 1000;
const AT_ONCE = 20;
const ME = '/2.0/users/me';
const COOKIE = 'session=cookie-of-alice';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

/** The inbound requests, each for as long as something else holds it. */
const inbound: WeakRef<object>[] = [];
function keepWeakly(request: object): void {
  inbound.push(new WeakRef(request));
  // Fastify has an object of its own besides that of Node.
  const raw: unknown = Reflect.get(request, 'raw');
  if (typeof raw === 'object' && raw !== null) inbound.push(new WeakRef(raw));
}

const boxServer = createServer(({ url }, response) => {
  response.statusCode = url === ME || url === '/oauth2/token' ? 200 : 404;
  response
    .setHeader('content-type', 'application/json')
    .end('{"type":"user","id":"1","access_token":"token","expires_in":3600}');
});
boxServer.keepAliveTimeout = 0;
let boxUrl: string;
beforeAll(async () => {
  boxServer.listen(0, '127.0.0.1');
  await once(boxServer, 'listening');
  boxUrl = `http://127.0.0.1:${(boxServer.address() as AddressInfo).port}`;
});
afterAll(() => {
  boxServer.closeAllConnections();
  boxServer.close();
});

/** The errors of calls, as an app may keep them for a report. */
const kept: unknown[] = [];

const opened: (() => unknown)[] = [];
afterEach(async () => {
  await Promise.all(opened.splice(0).map((close) => close()));
  inbound.length = 0;
  kept.length = 0;
});

/** Calls Box by each client in turn, over connections that outlive the request that opens them. */
function clientsOf(provider: BoxTokenProvider, boxFetch: BoxFetch): () => Promise<unknown> {
  const httpAgent = new HttpAgent({ keepAlive: true });
  const agent = new Agent();
  opened.push(
    () => httpAgent.destroy(),
    () => agent.destroy(),
  );
  const dispatcher = agent.compose(boxAuthInterceptor(provider));
  const http = axios.create({ baseURL: boxUrl, httpAgent });
  attachBoxAuth(http, provider);
  const sdk = boxClient(provider);
  const calls = [
    async () => (await boxFetch(ME)).text(),
    () => http.get(ME),
    () => http.get('/2.0/nowhere'),
    async () => (await undiciRequest(boxUrl + ME, { dispatcher })).body.text(),
    () => sdk.users.getUserMe(),
  ];
  let made = 0;
  return () => calls[made++ % calls.length]?.() ?? Promise.reject();
}

let callBox: () => Promise<unknown>;

async function handle(request: object): Promise<void> {
  keepWeakly(request);
  await callBox().catch((error: unknown) => kept.push(error));
}

@Controller()
class AliceController {
  @Get()
  @AsUser(() => '11111')
  async get(@Req() request: object) {
    await handle(request);
  }
}

@Controller()
class TenantController {
  @Get()
  @ForEnterprise(() => '7')
  @AsUser(() => '11111')
  async get(@Req() request: object) {
    await handle(request);
  }
}

async function startNest(app: INestApplication): Promise<string> {
  opened.push(() => app.close());
  app.useLogger(false);
  callBox = clientsOf(app.get(BoxTokenProvider), app.get(BoxFetch));
  await app.listen(0, '127.0.0.1');
  return app.getUrl();
}

const testing = () =>
  Test.createTestingModule({
    imports: [BoxAuthModule.forRoot({ credentials: { developerToken: 'token' }, apiUrl: boxUrl })],
    controllers: [AliceController],
  }).compile();

/** The function `tenants` waits, so its result is a promise of each request. */
const ofTenants = {
  credentials: { clientId: 'client', clientSecret: 'a secret', enterpriseId: '1' },
  tenants: async () => {
    await nextTurn();
    return true;
  },
};

const testingTenants = () =>
  Test.createTestingModule({
    imports: [BoxAuthModule.forRoot({ ...ofTenants, apiUrl: boxUrl })],
    controllers: [TenantController],
  }).compile();

async function startExpress(options: BoxAuthExpressOptions = {}): Promise<string> {
  const box = boxAuth({
    credentials: { developerToken: 'token' },
    apiUrl: boxUrl,
    actingUser: () => '11111',
    ...options,
  });
  callBox = clientsOf(box.provider, box.fetch);
  const app = express();
  app.use(box);
  app.get('/', (request, response, next) => {
    handle(request).then(() => response.end(), next);
  });
  const server = app.listen(0, '127.0.0.1');
  await once(server, 'listening');
  opened.push(() => server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
}

describe.each([
  ['Nest on Express', async () => startNest((await testing()).createNestApplication())],
  [
    'Nest on Fastify',
    async () => startNest((await testing()).createNestApplication(new FastifyAdapter())),
  ],
  ['Nest for a tenant', async () => startNest((await testingTenants()).createNestApplication())],
  ['Express', () => startExpress()],
  ['Express for a tenant', () => startExpress({ ...ofTenants, enterprise: () => '7' })],
])('%s', (_, start) => {
  it('keeps no finished request in memory, while connections to Box and errors of calls are alive', async () => {
    const url = await start();
    for (let made = 0; made < REQUESTS; made += AT_ONCE) {
      await Promise.all(Array.from({ length: AT_ONCE }, () => get(url)));
    }
    expect(inbound.length).toBeGreaterThanOrEqual(REQUESTS);
    // A reference is weak from the next turn on, and what one collection frees may have held more.
    for (let turn = 0; turn < 4; turn++) {
      await nextTurn();
      collectGarbage();
    }
    expect(inbound.filter((request) => request.deref() !== undefined)).toHaveLength(0);
  });

  it('shows nothing of its request in the error of a call', async () => {
    const url = await start();
    for (let made = 0; made < 5; made++) await get(url);
    expect(kept).toHaveLength(1);
    expect(textsIn(kept).filter((text) => text.includes(COOKIE))).toEqual([]);
  });
});

/** A request over a connection of its own, which leaves nothing behind. */
function get(url: string): Promise<void> {
  return new Promise((resolve, reject) => {
    httpRequest(url, { agent: false, headers: { cookie: COOKIE } }, (response) => {
      expect(response.statusCode).toBe(200);
      response.resume().on('end', resolve);
    })
      .on('error', reject)
      .end();
  });
}

/** Every text that can be reached from `root` by properties, symbols and getters. */
function textsIn(root: unknown): string[] {
  const texts: string[] = [];
  const seen = new Set<object>();
  const open: unknown[] = [root];
  while (open.length > 0) {
    const value = open.pop();
    if (typeof value === 'string') texts.push(value);
    if (typeof value !== 'object' || value === null || seen.has(value)) continue;
    seen.add(value);
    for (const key of Reflect.ownKeys(value)) {
      try {
        open.push(Reflect.get(value, key));
      } catch {
        // A getter that cannot be called.
      }
    }
  }
  return texts;
}
