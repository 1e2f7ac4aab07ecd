import { createPrivateKey } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DynamicModule, INestApplicationContext, Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { BoxAuthModule, BoxFetch, BoxTokenProvider } from 'nestjs-box-auth';
import { BoxEmulator, WorkfrontEmulator } from 'nestjs-box-auth/testing';
import { type LoopbackServer } from '../support/loopback-server.js';
import { exampleIn, run } from './example.js';
import { kmsWith, startVault } from './fake-vault.js';
import { startProxy } from './fake-proxy.js';

let emulator: BoxEmulator;
beforeAll(async () => {
  emulator = await BoxEmulator.start();
});
afterAll(() => emulator.stop());

const open = new Set<() => unknown>();
beforeEach(() => {
  emulator.clearRequests();
  vi.stubEnv('BOX_CONFIG', JSON.stringify(emulator.config));
  vi.stubEnv('BOX_API_URL', emulator.url);
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await Promise.all([...open].map((close) => close()));
  open.clear();
});

const actingUsers = () => emulator.apiRequests.map(({ actingUser }) => actingUser);

async function started(module: unknown): Promise<INestApplicationContext> {
  const app = await NestFactory.createApplicationContext(module as Type, { logger: false });
  open.add(() => app.close());
  return app;
}

async function withBox(options = {}): Promise<[BoxTokenProvider, BoxFetch]> {
  const app = await started(BoxAuthModule.forRoot(options));
  return [app.get(BoxTokenProvider), app.get(BoxFetch)];
}

describe('The README', () => {
  it('begins with an app that answers the person who signed in', async () => {
    const { AppModule } = await run(exampleIn('README.md', 'class MeController'));
    const app = await NestFactory.create(AppModule as Type, { logger: false });
    open.add(() => app.close());
    app.use((request: object, _: unknown, next: () => void) => {
      Object.assign(request, { user: { boxId: '11111' } });
      next();
    });
    await app.listen(0, '127.0.0.1');

    const response = await fetch(`${await app.getUrl()}/me`);
    expect(await response.json()).toMatchObject({ id: '11111', name: 'Alice' });
    expect(actingUsers()).toEqual(['11111']);
  });

  it('asks Box nothing for a request of nobody', async () => {
    const { AppModule } = await run(exampleIn('README.md', 'class MeController'));
    const app = await NestFactory.create(AppModule as Type, { logger: false });
    open.add(() => app.close());
    await app.listen(0, '127.0.0.1');

    expect((await fetch(`${await app.getUrl()}/me`)).status).toBe(500);
    expect(emulator.requests).toEqual([]);
  });

  it('shows a report that prints tokens without telling them', async () => {
    const [provider] = await withBox();
    const log = vi.fn<(...shown: unknown[]) => void>();
    const { NightlyReport } = await run(exampleIn('README.md', 'class NightlyReport'), {
      console: { log },
    });
    const Report = NightlyReport as new (box: BoxTokenProvider) => { run(): Promise<void> };
    await new Report(provider).run();

    const { value, fingerprint } = await provider.getToken();
    const printed = JSON.stringify(log.mock.calls);
    expect(printed).toContain(fingerprint);
    expect(printed).not.toContain(value);
    expect(log).toHaveBeenLastCalledWith({ type: 'user', id: '11111' });
  });

  it('shows a test on the emulator, and what it prints', async () => {
    const log = vi.fn<(...shown: unknown[]) => void>();
    await run(exampleIn('README.md', 'BoxEmulator.start()'), { console: { log } });
    expect(log.mock.calls).toEqual([[200], [undefined]]);
  });

  it('shows how Workfront is called', async () => {
    const workfront = await WorkfrontEmulator.start();
    open.add(() => workfront.stop());
    vi.stubEnv('WORKFRONT_URL', workfront.url);
    for (const [name, value] of Object.entries(workfront.credentials)) {
      vi.stubEnv(`WORKFRONT_${name.replace(/[A-Z]/g, '_$&').toUpperCase()}`, String(value));
    }
    const { AppModule, Projects } = await run(exampleIn('README.md', 'WorkfrontFetch'));
    const projects = (await started(AppModule)).get<{ all(): Promise<unknown> }>(Projects as Type);
    expect(await projects.all()).toHaveProperty('data');
    expect(workfront.mints).toBe(1);
  });
});

describe('Migrating from box-node-sdk', () => {
  const page = 'docs/migrating-from-box-node-sdk.md';

  it("leaves what is called on the SDK's client as it was", async () => {
    emulator.addFile({ name: 'plan.txt', content: 'The plan' });
    const { AppModule, Folders } = await run(exampleIn(page, 'BoxSdkModule'));
    const app = await started(AppModule);
    const folders = app.get<{ names(id: string): Promise<string[]> }>(Folders as Type);
    expect(await folders.names('0')).toContain('plan.txt');
    expect(emulator.apiRequests).toHaveLength(1);
  });

  it('has a downscope and a revocation that Box takes', async () => {
    const [provider] = await withBox();
    const file = emulator.addFile({ name: 'plan.txt', content: 'The plan' });
    const { previewToken, signOut } = await run(exampleIn(page, 'previewToken', 'box.downscope'));
    const preview = previewToken as (box: BoxTokenProvider, id: string) => Promise<string>;
    expect(await preview(provider, file.id)).toMatch(/^\S{10,}$/);

    const revoked = await provider.getToken();
    await (signOut as (box: BoxTokenProvider) => Promise<void>)(provider);
    expect((await provider.getToken()).value).not.toBe(revoked.value);
  });

  it('has a client for apps without Nest', async () => {
    const { box, client } = await run(exampleIn(page, 'boxClient'));
    open.add(() => (box as { close(): void }).close());
    const { id } = await (
      client as { users: { getUserMe(): Promise<{ id: string }> } }
    ).users.getUserMe();
    expect(id).toBe(emulator.serviceAccountId);
  });
});

describe('A key that is elsewhere', () => {
  let vault: LoopbackServer;
  const key = () => {
    const { privateKey, passphrase } = emulator.config.boxAppSettings.appAuth;
    return createPrivateKey({ key: privateKey, passphrase: passphrase ?? '' });
  };

  beforeEach(async () => {
    const { boxAppSettings, enterpriseID } = emulator.config;
    vi.stubEnv('BOX_CLIENT_ID', boxAppSettings.clientID);
    vi.stubEnv('BOX_CLIENT_SECRET', boxAppSettings.clientSecret);
    vi.stubEnv('BOX_ENTERPRISE_ID', enterpriseID);
    vi.stubEnv('BOX_PUBLIC_KEY_ID', boxAppSettings.appAuth.publicKeyID);
    vault = await startVault(key(), JSON.stringify(emulator.config));
    open.add(() => vault.stop());
    vi.stubEnv('VAULT_ADDR', vault.url);
    vi.stubEnv('VAULT_TOKEN', 'of-this-test');
  });

  /** What Box answered to the token requests of this app. */
  async function mintedBy(module: unknown): Promise<readonly unknown[]> {
    const app = await started(module);
    await app.get(BoxTokenProvider).getToken();
    return emulator.tokenRequests.map(({ status }) => status);
  }

  it('signs in AWS KMS', async () => {
    const { boxAuth } = await run(exampleIn('docs/external-signer.md', 'interface Kms'));
    const module = (boxAuth as (kms: object) => DynamicModule)(kmsWith(key()));
    expect(await mintedBy(module)).toEqual([200]);
  });

  it("signs in Vault's transit engine", async () => {
    const { boxAuth } = await run(exampleIn('docs/recipes.md', 'signWithVault'));
    expect(await mintedBy((boxAuth as () => DynamicModule)())).toEqual([200]);
    expect(vault.arrived.map(({ path }) => path)).toEqual(['/v1/transit/sign/box/sha2-256']);
  });

  it("is read from Vault's KV engine at a mint", async () => {
    const { boxAuth } = await run(exampleIn('docs/recipes.md', 'fromVault'));
    expect(await mintedBy(boxAuth)).toEqual([200]);
    expect(vault.arrived.at(-1)?.path).toBe('/v1/secret/data/box');
  });
});

describe('The recipes', () => {
  const page = 'docs/recipes.md';
  const folder = mkdtempSync(join(tmpdir(), 'examples-'));
  afterAll(() => rmSync(folder, { recursive: true }));

  it('send token requests and calls through a proxy', async () => {
    const proxy = await startProxy();
    open.add(() => proxy.stop());
    const { fetchThrough } = await run(exampleIn(page, 'ProxyAgent'));
    const fetch = (fetchThrough as (url: string) => typeof globalThis.fetch)(proxy.url);
    const [, box] = await withBox({ fetch });

    expect((await box('/2.0/users/me')).status).toBe(200);
    expect(emulator.tokenRequests).toHaveLength(1);
    expect(new Set(proxy.asked)).toEqual(new Set([new URL(emulator.url).host]));
  });

  it('run a job for each user, by name', async () => {
    const [provider, box] = await withBox();
    const { NightlyDigest } = await run(exampleIn(page, 'class NightlyDigest'));
    const Digest = NightlyDigest as new (...parts: unknown[]) => { run(): Promise<void> };
    await new Digest(provider, box).run();
    expect(actingUsers()).toEqual(['11111', '22222']);
  });

  it('download a file to disk, from the origin that Box redirects to', async () => {
    const [, box] = await withBox();
    const { id } = emulator.addFile({ name: 'plan.txt', content: 'The plan' });
    const { download } = await run(exampleIn(page, 'createWriteStream'));
    const path = join(folder, 'plan.txt');
    await (download as (box: BoxFetch, id: string, path: string) => Promise<void>)(box, id, path);
    expect(readFileSync(path, 'utf8')).toBe('The plan');
  });
});

describe('Watching', () => {
  it('has a health check that says whether there is a token', async () => {
    const { HealthModule } = await run(exampleIn('docs/watching.md', 'class HealthModule'));
    const module = { module: class {}, imports: [BoxAuthModule.forRoot(), HealthModule as Type] };
    const app = await NestFactory.create(module, { logger: false });
    open.add(() => app.close());
    await app.listen(0, '127.0.0.1');

    const response = await fetch(`${await app.getUrl()}/health`);
    expect(await response.json()).toMatchObject({
      status: 'ok',
      info: { box: { state: 'healthy' } },
    });
  });
});
