import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { HttpService } from '@nestjs/axios';
import { Test, type TestingModule } from '@nestjs/testing';
import { BoxClient } from 'box-node-sdk';
import type { Dispatcher } from 'undici';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { BoxAuthModule, BoxFetch, BoxTokenProvider } from 'nestjs-box-auth';
import { BoxHttpModule } from 'nestjs-box-auth/axios';
import { BoxSdkModule } from 'nestjs-box-auth/sdk';
import { BoxEmulator } from 'nestjs-box-auth/testing';
import { exampleIn, run } from './example.js';

const PAGE = 'docs/uploads-and-downloads.md';
const CONTENT = 'The plan\n'.repeat(20_000); // several chunks of a file stream

let box: BoxEmulator;
const folder = mkdtempSync(join(tmpdir(), 'uploads-'));
const path = join(folder, 'plan.txt');
beforeAll(async () => {
  box = await BoxEmulator.start();
  writeFileSync(path, CONTENT);
});
afterAll(async () => {
  await box.stop();
  rmSync(folder, { recursive: true });
});

let app: TestingModule;
beforeEach(async () => {
  vi.stubEnv('BOX_CONFIG', JSON.stringify(box.config));
  vi.stubEnv('BOX_API_URL', box.url);
  app = await Test.createTestingModule({
    imports: [BoxAuthModule.forRoot(), BoxHttpModule, BoxSdkModule],
  }).compile();
  await app.get(BoxTokenProvider).getToken();
  box.clearRequests();
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await app.close();
});

/** What the functions of the examples take first. */
async function clientFor(marker: string, exported: Record<string, unknown>): Promise<unknown> {
  switch (marker) {
    case 'type BoxFetch':
      return app.get(BoxFetch);
    case 'AxiosInstance':
      return app.get(HttpService).axiosRef;
    case 'BoxClient':
      return app.get(BoxClient);
    default: {
      const dispatcherFor = exported['dispatcherFor'] as (of: BoxTokenProvider) => Dispatcher;
      return dispatcherFor(app.get(BoxTokenProvider));
    }
  }
}

type Transfer = (client: unknown, ...parts: readonly string[]) => Promise<string>;

async function example(marker: string) {
  const exported = await run(exampleIn(PAGE, marker, 'function upload'));
  const client = await clientFor(marker, exported);
  const { upload, download } = exported as { upload: Transfer; download: Transfer };
  const parent = box.addFolder({ name: `${marker} ${performance.now()}` });
  return {
    exported,
    upload: () => upload(client, path, parent.id),
    download: (id: string, to: string) => download(client, id, to),
  };
}

const clients = ['type BoxFetch', 'AxiosInstance', 'boxAuthInterceptor', 'BoxClient'];

describe('The page about uploads and downloads', () => {
  it.each(clients)('uploads and downloads a file (%s)', async (marker) => {
    const { upload, download } = await example(marker);
    const to = join(folder, 'downloaded.txt');
    await download(await upload(), to);
    expect(readFileSync(to, 'utf8')).toBe(CONTENT);
    for (const { headers } of box.downloadRequests) {
      expect(headers).not.toHaveProperty('authorization');
    }
  });

  it('fails the download of a file that is not ready', async () => {
    const { upload, download } = await example('type BoxFetch');
    const id = await upload();
    box.failNext('api', { kind: 'status', status: 202, headers: { 'retry-after': '2' } });
    await expect(download(id, join(folder, 'not-ready.txt'))).rejects.toMatchObject({
      name: 'BoxAuthError',
      status: 202,
      retryAfterMs: 2_000,
    });
  });

  it('has an address for a browser', async () => {
    const { exported, upload } = await example('type BoxFetch');
    const downloadUrl = exported['downloadUrl'] as (
      client: BoxFetch,
      id: string,
    ) => Promise<string>;
    const url = await downloadUrl(app.get(BoxFetch), await upload());
    expect(await (await fetch(url)).text()).toBe(CONTENT);
  });

  it.each(clients)('repeats an upload after a 401 (%s)', async (marker) => {
    const { upload } = await example(marker);
    box.revokeAllTokens();
    expect(await upload()).toMatch(/^\d+$/);
    expect(box.apiRequests.map(({ status }) => status)).toEqual([401, 201]);
  });

  it('repeats an upload whose body is a function', async () => {
    const { sendLargeFile } = await run(exampleIn(PAGE, 'sendLargeFile'));
    box.revokeAllTokens();
    await (sendLargeFile as Transfer)(app.get(HttpService).axiosRef, path);
    expect(box.apiRequests.map(({ status }) => status)).toEqual([401, 201]);
  });
});
