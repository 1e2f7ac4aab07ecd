import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { boxAuth, type BoxAuthMiddleware } from 'nestjs-box-auth/express';
import { BoxEmulator } from 'nestjs-box-auth/testing';
import { exampleIn, run } from './example.js';

const PAGE = 'docs/operating-express.md';

let box: BoxEmulator;
beforeEach(async () => {
  box = await BoxEmulator.start();
  vi.stubEnv('PORT', '0');
  vi.stubEnv('BOX_CONFIG', JSON.stringify(box.config));
  vi.stubEnv('BOX_API_URL', box.url);
});
afterEach(async () => {
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
  await box.stop();
});

async function addressOf(server: Server): Promise<string> {
  if (!server.listening) await once(server, 'listening');
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

async function startApp() {
  const onSignal = vi.spyOn(process, 'once').mockReturnThis();
  const exported = await run(exampleIn(PAGE, 'function shutDown'));
  expect(onSignal).toHaveBeenCalledWith('SIGTERM', expect.any(Function));
  const { server, shutDown } = exported as { server: Server; shutDown: () => Promise<void> };
  return { url: await addressOf(server), server, shutDown };
}

describe('The page about operating an Express app', () => {
  it('has an app that is ready, responds and shuts down', async () => {
    const { url, server, shutDown } = await startApp();
    const ready = await fetch(`${url}/ready`);
    expect(ready.status).toBe(200);
    expect(await ready.json()).toMatchObject({ status: 'up', state: 'healthy' });
    expect(await (await fetch(`${url}/me`)).json()).toMatchObject({ id: box.serviceAccountId });
    await shutDown();
    expect(server.listening).toBe(false);
  });

  it('is not ready without a token, and responds with 502', async () => {
    box.authorized = false;
    const logged = vi.spyOn(console, 'error').mockReturnValue();
    const { url, shutDown } = await startApp();
    const ready = await fetch(`${url}/ready`);
    expect(ready.status).toBe(503);
    expect(await ready.json()).toMatchObject({ status: 'down', code: 'app_not_authorized' });
    const me = await fetch(`${url}/me`);
    expect([me.status, await me.json()]).toEqual([
      502,
      { statusCode: 502, message: expect.any(String) as unknown, error: 'Bad Gateway' },
    ]);
    expect(logged.mock.calls).toEqual([
      [expect.stringMatching(/^Token request failed \(app_not_authorized\)/)],
      [expect.stringMatching(/^app_not_authorized: /)],
    ]);
    await shutDown();
  });

  it('says that invalid credentials stop the start', () => {
    vi.stubEnv('BOX_CONFIG', '{}');
    expect(() => boxAuth()).toThrow(expect.objectContaining({ code: 'config_invalid' }));
  });

  it('logs failed token requests with the logger of the app', async () => {
    const log = vi.fn<(line: string) => void>();
    box.authorized = false;
    const exported = await run(exampleIn(PAGE, 'const logger ='), { console: { log } });
    const app = exported['box'] as BoxAuthMiddleware;
    await expect(app.provider.getToken()).rejects.toMatchObject({ code: 'app_not_authorized' });
    const lines = log.mock.calls.map(([line]) => JSON.parse(line) as object);
    expect(lines).toEqual([
      {
        level: 'debug',
        line: expect.stringContaining('hr: Token request (mint) failed') as string,
      },
      {
        level: 'error',
        line: expect.stringContaining('hr: Token request failed (app_not_authorized)') as string,
      },
    ]);
    app.close();
  });

  it('passes the chosen statuses of Box on', async () => {
    const exported = await run(exampleIn(PAGE, 'statuses: {'));
    const { server, close } = exported as { server: Server; close: () => void };
    const url = await addressOf(server);
    vi.spyOn(console, 'warn').mockReturnValue();
    expect((await fetch(`${url}/folders/0`)).status).toBe(200);
    expect((await fetch(`${url}/folders/404404`)).status).toBe(404);
    close();
    server.close();
  });

  it('keeps two Box apps apart', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'two-apps-'));
    for (const name of ['legal', 'hr']) {
      const file = join(folder, `${name}.json`);
      writeFileSync(file, JSON.stringify(box.config));
      vi.stubEnv(`${name.toUpperCase()}_CONFIG`, file);
    }
    const exported = await run(exampleIn(PAGE, 'legal.json'));
    const { server, close } = exported as { server: Server; close: () => void };
    const url = await addressOf(server);
    for (const path of ['/legal/me', '/hr/me']) {
      expect((await fetch(url + path)).status).toBe(200);
    }
    expect(box.mints).toBe(2);
    close();
    server.close();
    rmSync(folder, { recursive: true });
  });
});
