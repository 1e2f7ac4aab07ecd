import axios, { type AxiosInstance } from 'axios';
import { type AxiosCacheInstance, buildKeyGenerator, setupCache } from 'axios-cache-interceptor';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { attachBoxAuth } from 'nestjs-box-auth/axios';
import { BoxEmulator } from 'nestjs-box-auth/testing';
import { runInActingContext } from '../../lib/core/acting/acting.context.js';
import { BoxAuth } from '../../lib/box/box-auth.js';
import type { LoopbackServer } from '../support/loopback-server.js';
import {
  OTHER_TENANT,
  startTenantServer,
  TENANT,
  TenantBox,
  tenantApp,
} from '../support/tenant-box.js';

const ALICE = '11111';
const BOB = '22222';
const WHO = '/2.0/who';

let box: BoxEmulator;
let auth: BoxAuth;
let instance: AxiosInstance;
beforeEach(async () => {
  box = await BoxEmulator.start();
  box.route('GET', WHO, (request, response) => {
    response.setHeader('etag', '"same"');
    response.end(String(request.headers['as-user'] ?? 'service account'));
  });
  auth = new BoxAuth({ credentials: { config: box.config }, apiUrl: box.url });
  instance = axios.create({ baseURL: box.url });
});
afterEach(async () => {
  auth.close();
  await box.stop();
});

const attach = () => attachBoxAuth(instance, auth.provider);
const textOf = async (path: string, config = {}) =>
  (await instance.get<string>(path, { responseType: 'text', ...config })).data;
const read = (headers = {}) => textOf(WHO, { headers });
const as = (id: string, headers = {}) => auth.provider.runAs(id, () => read(headers));

/** In which order an app may set things up. */
const setups: Record<string, (options?: Parameters<typeof setupCache>[1]) => void> = {
  'set up before': (options) => {
    setupCache(instance, options);
    attach();
  },
  'set up after': (options) => {
    attach();
    setupCache(instance, options);
  },
};

describe.each(Object.entries(setups))('axios-cache-interceptor, %s', (_, setUp) => {
  it('gives each user its own responses, and calls Box once for each', async () => {
    setUp();
    for (const round of [1, 2]) {
      const served = [await as(ALICE), await as(BOB), await read(), await as(ALICE)];
      expect(served, `round ${round}`).toEqual([ALICE, BOB, 'service account', ALICE]);
    }
    expect(box.apiRequests.map(({ actingUser }) => actingUser)).toEqual([ALICE, BOB, undefined]);
  });

  it('shares a call in flight only between calls of the same user', async () => {
    setUp();
    const served = await Promise.all([as(ALICE), as(BOB), read(), as(BOB), as(ALICE), read()]);
    expect(served).toEqual([ALICE, BOB, 'service account', BOB, ALICE, 'service account']);
    expect(box.apiRequests).toHaveLength(3);
  });

  it("distinguishes the identities in a caller's own headers", async () => {
    setUp();
    const { value } = await auth.provider.getToken({ subject: { type: 'user', id: BOB } });
    const served = [
      await read(),
      await read({ 'as-user': ALICE }),
      await read({ 'As-User': BOB }),
      await read({ authorization: `Bearer ${value}` }),
      await read(),
    ];
    expect(box.apiRequests).toHaveLength(4);
    expect(served).toEqual(['service account', ALICE, BOB, 'service account', 'service account']);
  });

  it('distinguishes users by a header with white space around its name', async () => {
    setUp();
    expect([await read({ 'as-user ': ALICE }), await read({ 'as-user ': BOB })]).toEqual([
      ALICE,
      BOB,
    ]);
  });

  it('distinguishes users of its Box app while another app acts for one user', async () => {
    setUp();
    const other = new BoxAuth({ credentials: { config: box.config }, apiUrl: box.url });
    const within = (user: string) =>
      auth.provider.runAs(user, () => other.provider.runAs('33333', () => read()));
    expect([await within(ALICE), await within(BOB)]).toEqual([ALICE, BOB]);
    other.close();
  });

  it('distinguishes users of runAs in a handler with @AsUser', async () => {
    setUp();
    const user = { id: '33333', via: 'header' } as const;
    const served = await runInActingContext({ user }, async () => [await as(ALICE), await as(BOB)]);
    expect(served).toEqual([ALICE, BOB]);
  });

  it('distinguishes users with a custom key or id', async () => {
    setUp({ generateKey: buildKeyGenerator(({ url }) => url) });
    expect([await as(ALICE), await as(BOB)]).toEqual([ALICE, BOB]);
    const byId = (user: string) => auth.provider.runAs(user, () => textOf(WHO, { id: 'mine' }));
    expect([await byId(ALICE), await byId(BOB)]).toEqual([ALICE, BOB]);
  });

  it('distinguishes users if the response varies by a header', async () => {
    box.route('GET', '/2.0/vary', ({ headers }, response) => {
      response.setHeader('vary', 'accept-language');
      response.end(`${headers['as-user']} ${headers['accept-language']}`);
    });
    setUp();
    for (const language of ['de', 'ja', 'de']) {
      for (const user of [ALICE, BOB]) {
        const call = () => textOf('/2.0/vary', { headers: { 'accept-language': language } });
        expect(await auth.provider.runAs(user, call)).toBe(`${user} ${language}`);
      }
    }
  });

  it('hides the user id in its keys', async () => {
    setUp();
    await as(ALICE);
    const { generateKey } = instance as AxiosCacheInstance;
    const key = auth.provider.runAs(ALICE, () => generateKey({ url: WHO, headers: {} } as never));
    expect(key).not.toContain(ALICE);
  });
});

describe('axios-cache-interceptor with tenants', () => {
  let api: TenantBox;
  let server: LoopbackServer;
  let app: BoxAuth;
  beforeEach(async () => {
    api = new TenantBox();
    server = await startTenantServer(api);
    app = tenantApp(api, { fetch, apiUrl: server.url });
    instance = axios.create({ baseURL: server.url });
    setupCache(instance);
    attachBoxAuth(instance, app.provider);
  });
  afterEach(async () => {
    app.close();
    await server.stop();
  });

  const seen = async () => {
    const { data } = await instance.get<{ token: string; asUser?: string }>(WHO);
    return [data.token, data.asUser];
  };
  const jobs = () => [
    app.provider.runFor({ enterprise: TENANT }, seen),
    app.provider.runFor({ enterprise: OTHER_TENANT }, seen),
    app.provider.runFor({ enterprise: TENANT, user: ALICE }, seen),
    app.provider.runFor({ enterprise: OTHER_TENANT, user: ALICE }, seen),
    app.provider.runAs(ALICE, seen),
    seen(),
  ];
  const expected = [
    ['enterprise:7', undefined],
    ['enterprise:8', undefined],
    ['enterprise:7', ALICE],
    ['enterprise:8', ALICE],
    ['enterprise:1', ALICE],
    ['enterprise:1', undefined],
  ];

  it('gives each tenant and each of its users its own responses, and calls Box once for each', async () => {
    for (const round of [1, 2]) {
      expect(await Promise.all(jobs()), `round ${round}`).toEqual(expected);
    }
    expect(api.calls).toHaveLength(expected.length);
  });

  it('shares a call in flight only within a tenant', async () => {
    const served = await Promise.all([...jobs(), ...jobs()]);
    expect(served).toEqual([...expected, ...expected]);
    expect(api.calls).toHaveLength(expected.length);
  });

  it('hides the enterprise in its keys', async () => {
    const { generateKey } = instance as AxiosCacheInstance;
    const key = () => generateKey({ url: '/', headers: {} } as never);
    const keys = await Promise.all(
      [TENANT, OTHER_TENANT].map((enterprise) => app.provider.runFor({ enterprise }, key)),
    );
    expect(new Set([...keys, key()]).size).toBe(3);
    expect(keys[0]).toMatch(/^[\w-]{16} /);
  });
});

it('An instance without a cache gets no key generator', () => {
  attach();
  expect(Reflect.get(instance, 'generateKey')).toBeUndefined();
  expect(Object.keys(instance)).not.toContain('generateKey');
});
