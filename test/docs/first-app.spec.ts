import type { INestApplication, Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { BoxEmulator } from 'nestjs-box-auth/testing';
import { exampleIn, run } from './example.js';

const PAGE = 'docs/first-app.md';

describe('The tutorial', () => {
  let emulator: BoxEmulator;
  let app: INestApplication | undefined;

  beforeEach(async () => {
    emulator = await BoxEmulator.start();
    vi.stubEnv('BOX_CONFIG', JSON.stringify(emulator.config));
    vi.stubEnv('BOX_API_URL', emulator.url);
  });
  afterEach(async () => {
    vi.unstubAllEnvs();
    await app?.close();
    await emulator.stop();
  });

  async function start(marker: string): Promise<string> {
    const { AppModule } = await run(exampleIn(PAGE, marker));
    app = await NestFactory.create(AppModule as Type, { logger: false });
    await app.listen(0, '127.0.0.1');
    return app.getUrl();
  }

  it('begins with a call as the service account', async () => {
    const response = await fetch(`${await start('class MeController')}/me`);
    expect(response.status).toBe(200);
    expect(await response.json()).toMatchObject({ id: emulator.serviceAccountId });
  });

  it('shows each user their own files, and survives revoked tokens and an outage', async () => {
    const url = `${await start('class FilesController')}/files`;
    emulator.addFile({ name: 'of-alice.txt', content: 'A', ownerId: '11111' });
    emulator.addFile({ name: 'of-bob.txt', content: 'B', ownerId: '22222' });
    const list = (cookie = '') => fetch(url, { headers: { cookie } });

    expect(await (await list('session=of-alice')).text()).toContain('of-alice.txt');
    expect(await (await list('session=of-bob')).text()).toContain('of-bob.txt');
    emulator.clearRequests();
    expect((await list()).status).toBe(401);
    expect(emulator.requests).toEqual([]);

    emulator.revokeAllTokens();
    expect((await list('session=of-alice')).status).toBe(200);
    emulator.always('token', { kind: 'unavailable' });
    expect((await list('session=of-alice')).status).toBe(200);
  });
});
