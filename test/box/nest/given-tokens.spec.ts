import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { Test } from '@nestjs/testing';
import express from 'express';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import {
  type AccessTokenCredentials,
  BoxAuthModule,
  type BoxAuthModuleOptions,
  BoxFetch,
  BoxTokenProvider,
} from 'nestjs-box-auth';
import { boxAuth } from 'nestjs-box-auth/express';
import { BoxEmulator } from 'nestjs-box-auth/testing';
import { BoxAuth } from '../../../lib/box/box-auth.js';
import { type LoopbackServer, startServer } from '../../support/loopback-server.js';
import { thrownBy } from '../../support/thrown.js';

let emulator: BoxEmulator;
let gateway: LoopbackServer;
let stop: (() => Promise<void>)[];

/** A token that the emulator takes, as a console or a gateway has it. */
async function issued(): Promise<string> {
  const box = new BoxAuth({ credentials: { config: emulator.config }, apiUrl: emulator.url });
  const { value } = await box.provider.getToken();
  box.close();
  return value;
}

async function fromGateway(): Promise<AccessTokenCredentials> {
  const response = await fetch(gateway.url);
  if (!response.ok) throw new Error(`the gateway returned ${response.status}`);
  return (await response.json()) as AccessTokenCredentials;
}

async function start(options: BoxAuthModuleOptions) {
  const module = await Test.createTestingModule({
    imports: [BoxAuthModule.forRoot({ apiUrl: emulator.url, ...options })],
  }).compile();
  const app = module.createNestApplication();
  app.useLogger(false);
  stop.push(() => app.close());
  await app.init();
  return { provider: app.get(BoxTokenProvider), box: app.get(BoxFetch) };
}

beforeAll(async () => {
  emulator = await BoxEmulator.start();
  gateway = await startServer((_, response) => {
    void issued().then((accessToken) => {
      const expiresAt = Date.now() + 3_600_000;
      response.setHeader('content-type', 'application/json');
      response.end(JSON.stringify({ accessToken, expiresAt }));
    });
  });
});
beforeEach(() => {
  stop = [];
  gateway.arrived.length = 0;
  for (const name of Object.keys(process.env).filter((key) => key.startsWith('BOX_')))
    vi.stubEnv(name, undefined);
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await Promise.all(stop.map((end) => end()));
});
afterAll(async () => {
  await gateway.stop();
  await emulator.stop();
});

describe('BoxAuthModule with a gateway that issues tokens', () => {
  it('asks it once for 100 concurrent calls, and again when Box refuses the token', async () => {
    const { box } = await start({ credentials: fromGateway });
    const statuses = async () =>
      new Set(
        await Promise.all(
          Array.from({ length: 100 }, async () => (await box('/2.0/users/me')).status),
        ),
      );
    expect(await statuses()).toEqual(new Set([200]));
    expect(gateway.arrived).toHaveLength(1);
    emulator.revokeAllTokens();
    expect(await statuses()).toEqual(new Set([200]));
    expect(gateway.arrived).toHaveLength(2);
  });

  it('acts for users, and downscopes its token', async () => {
    const { box, provider } = await start({ credentials: fromGateway });
    await provider.runAs('11111', () => box('/2.0/users/me'));
    expect(emulator.apiRequests.at(-1)?.actingUser).toBe('11111');
    const narrow = await provider.downscope({ scopes: ['item_preview'] });
    expect(narrow.value).not.toBe((await provider.getToken()).value);
    expect(gateway.arrived).toHaveLength(1);
  });

  it('does not start where the gateway is down', async () => {
    const down = () => Promise.reject(new Error('the gateway is down'));
    const error = await thrownBy(() => start({ credentials: down }));
    expect(error.code).toBe('credentials_unavailable');
  });
});

describe('BoxAuthModule with an app token', () => {
  it('takes it from BOX_APP_TOKEN and calls Box with it, without any token request', async () => {
    const appToken = await issued();
    vi.stubEnv('BOX_APP_TOKEN', appToken);
    emulator.clearRequests();
    const { box, provider } = await start({});
    expect((await box('/2.0/users/me')).status).toBe(200);
    expect((await provider.getToken()).value).toBe(appToken);
    expect(emulator.tokenRequests).toEqual([]);
  });

  it('says where to get another once Box refuses it', async () => {
    const appToken = await issued();
    const { box } = await start({ credentials: { appToken } });
    emulator.revokeToken(appToken);
    const error = await thrownBy(() => box('/2.0/users/me'));
    expect(error).toMatchObject({ code: 'token_invalid', retryable: false });
    expect(error.hint).toContain('Configuration tab of the Box developer console');
    expect(`${error.message} ${error.hint}`).not.toMatch(/60 minutes|developer token/);
  });

  it('goes on with the secondary one once Box refuses the primary one', async () => {
    const [primary, secondary] = [await issued(), await issued()];
    const { box } = await start({ credentials: [{ appToken: primary }, { appToken: secondary }] });
    emulator.revokeToken(primary);
    expect((await box('/2.0/users/me')).status).toBe(200);
  });
});

describe('boxAuth of Express', () => {
  it.each([
    ['a gateway', async () => fromGateway],
    ['an app token', async () => ({ appToken: await issued() })],
    ['an access token', async () => ({ accessToken: await issued() })],
  ])('calls Box with the token of %s', async (_, credentials) => {
    const auth = boxAuth({ credentials: await credentials(), apiUrl: emulator.url });
    const app = express();
    app.use(auth);
    app.get('/', (request, response, next) => {
      request.box.fetch('/2.0/users/me').then(({ status }) => response.json({ status }), next);
    });
    const server = app.listen(0, '127.0.0.1');
    stop.push(async () => {
      auth.close();
      server.close();
    });
    await once(server, 'listening');
    const response = await fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
    expect(await response.json()).toEqual({ status: 200 });
  });
});
