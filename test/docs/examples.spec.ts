import { createPrivateKey } from 'node:crypto';
import type {
  DynamicModule,
  INestApplication,
  INestApplicationContext,
  Type,
} from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { BoxAuthModule, BoxFetch, BoxTokenProvider } from 'nestjs-box-auth';
import { BoxConnectionsModule } from 'nestjs-box-auth/connections';
import { BoxEmulator, MemoryConnectionVault, WorkfrontEmulator } from 'nestjs-box-auth/testing';
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
  async function withMeController(): Promise<INestApplication> {
    const { MeController } = await run(exampleIn('README.md', 'class MeController'));
    const controllers = [MeController as Type];
    const module = { module: class {}, imports: [BoxAuthModule.forRoot()], controllers };
    const app = await NestFactory.create(module, { logger: false });
    open.add(() => app.close());
    return app;
  }

  it('begins with an app that responds with 200', async () => {
    const { AppModule } = await run(exampleIn('README.md', 'class BoxController'));
    const app = await NestFactory.create(AppModule as Type, { logger: false });
    open.add(() => app.close());
    await app.listen(0, '127.0.0.1');

    const response = await fetch(`${await app.getUrl()}/box/me`);
    expect(response.status).toBe(200);
    expect(await response.json()).toMatchObject({ id: emulator.serviceAccountId });
    expect(actingUsers()).toEqual([undefined]);
  });

  it('has a handler that acts for the signed-in user', async () => {
    const app = await withMeController();
    app.use((request: object, _: unknown, next: () => void) => {
      Object.assign(request, { user: { boxId: '11111' } });
      next();
    });
    await app.listen(0, '127.0.0.1');

    const response = await fetch(`${await app.getUrl()}/me`);
    expect(await response.json()).toMatchObject({ id: '11111', name: 'Alice' });
    expect(actingUsers()).toEqual(['11111']);
  });

  it('sends nothing to Box for an unauthenticated request', async () => {
    const app = await withMeController();
    await app.listen(0, '127.0.0.1');

    expect((await fetch(`${await app.getUrl()}/me`)).status).toBe(500);
    expect(emulator.requests).toEqual([]);
  });

  it('has a test with the emulator that prints what it says', async () => {
    const log = vi.fn<(...shown: unknown[]) => void>();
    await run(exampleIn('README.md', 'BoxEmulator.start()'), { console: { log } });
    expect(log.mock.calls).toEqual([[200], [undefined]]);
  });
});

describe('The clients page', () => {
  it('prints tokens without their values', async () => {
    const [provider] = await withBox();
    const log = vi.fn<(...shown: unknown[]) => void>();
    const { NightlyReport } = await run(exampleIn('docs/clients.md', 'class NightlyReport'), {
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
});

describe('The page about Workfront', () => {
  it('calls Workfront', async () => {
    const workfront = await WorkfrontEmulator.start();
    open.add(() => workfront.stop());
    vi.stubEnv('WORKFRONT_URL', workfront.url);
    for (const [name, value] of Object.entries(workfront.credentials)) {
      vi.stubEnv(`WORKFRONT_${name.replace(/[A-Z]/g, '_$&').toUpperCase()}`, String(value));
    }
    const { AppModule, ProjectsController } = await run(
      exampleIn('docs/workfront.md', 'class ProjectsController'),
    );
    const projects = (await started(AppModule)).get<{ all(): Promise<unknown> }>(
      ProjectsController as Type,
    );
    expect(await projects.all()).toHaveProperty('data');
    expect(workfront.mints).toBe(1);
  });
});

describe('Migrating from box-node-sdk', () => {
  const page = 'docs/migrating-from-box-node-sdk.md';

  it("keeps the calls on the SDK's client unchanged", async () => {
    emulator.addFile({ name: 'plan.txt', content: 'The plan' });
    const { AppModule, Folders } = await run(exampleIn(page, 'BoxSdkModule', 'AppModule'));
    const app = await started(AppModule);
    const folders = app.get<{ names(id: string): Promise<string[]> }>(Folders as Type);
    expect(await folders.names('0')).toContain('plan.txt');
    expect(emulator.apiRequests).toHaveLength(1);
  });

  it('downscopes and revokes a token', async () => {
    const [provider] = await withBox();
    const file = emulator.addFile({ name: 'plan.txt', content: 'The plan' });
    const { previewToken, signOut } = await run(exampleIn(page, 'previewToken', 'box.downscope'));
    const preview = previewToken as (box: BoxTokenProvider, id: string) => Promise<string>;
    expect(await preview(provider, file.id)).toMatch(/^\S{10,}$/);

    const revoked = await provider.getToken();
    await (signOut as (box: BoxTokenProvider) => Promise<void>)(provider);
    expect((await provider.getToken()).value).not.toBe(revoked.value);
  });

  it('creates a client without Nest', async () => {
    const { box, client } = await run(exampleIn(page, 'boxClient'));
    open.add(() => (box as { close(): void }).close());
    const { id } = await (
      client as { users: { getUserMe(): Promise<{ id: string }> } }
    ).users.getUserMe();
    expect(id).toBe(emulator.serviceAccountId);
  });
});

describe('An external signer', () => {
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

  /** The statuses of Box's responses to the token requests of this app. */
  async function tokenStatusesOf(module: unknown): Promise<readonly unknown[]> {
    const app = await started(module);
    await app.get(BoxTokenProvider).getToken();
    return emulator.tokenRequests.map(({ status }) => status);
  }

  it('signs with AWS KMS', async () => {
    const { boxAuth } = await run(exampleIn('docs/external-signer.md', 'interface Kms'));
    const module = (boxAuth as (kms: object) => DynamicModule)(kmsWith(key()));
    expect(await tokenStatusesOf(module)).toEqual([200]);
  });

  it("signs with Vault's transit engine", async () => {
    const { boxAuth } = await run(exampleIn('docs/recipes.md', 'signWithVault'));
    expect(await tokenStatusesOf((boxAuth as () => DynamicModule)())).toEqual([200]);
    expect(vault.arrived.map(({ path }) => path)).toEqual(['/v1/transit/sign/box/sha2-256']);
  });

  it("can be replaced by a function that reads Vault's KV engine", async () => {
    const { boxAuth } = await run(exampleIn('docs/recipes.md', 'fromVault'));
    expect(await tokenStatusesOf(boxAuth)).toEqual([200]);
    expect(vault.arrived.at(-1)?.path).toBe('/v1/secret/data/box');
  });
});

describe('The recipes', () => {
  const page = 'docs/recipes.md';

  it('send token requests and calls through a proxy', async () => {
    const proxy = await startProxy();
    open.add(() => proxy.stop());
    const { fetchThrough } = await run(exampleIn(page, 'ProxyAgent'));
    const fetch = (fetchThrough as (url: string) => typeof globalThis.fetch)(proxy.url);
    const [, box] = await withBox({ fetch });

    expect((await box('/2.0/users/me')).status).toBe(200);
    expect(emulator.tokenRequests).toHaveLength(1);
    expect(new Set(proxy.targets)).toEqual(new Set([new URL(emulator.url).host]));
  });

  it('run a job for each user', async () => {
    const [provider, box] = await withBox();
    const { NightlyDigest } = await run(exampleIn(page, 'class NightlyDigest'));
    const Digest = NightlyDigest as new (...parts: unknown[]) => { run(): Promise<void> };
    await new Digest(provider, box).run();
    expect(actingUsers()).toEqual(['11111', '22222']);
  });
});

describe('Observability', () => {
  it('has a health check that reports a valid token', async () => {
    const { HealthModule } = await run(exampleIn('docs/observability.md', 'class HealthModule'));
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

  it('has a health check of the vault of connections', async () => {
    const example = exampleIn('docs/observability.md', 'class ConnectionsHealthModule');
    const { ConnectionsHealthModule } = await run(example);
    const { clientId, clientSecret, redirectUri } = emulator.oauthApp;
    const connections = BoxConnectionsModule.forRoot({
      clientId,
      clientSecret,
      redirectUri,
      secret: 'a secret of the vault, 0123456789abcdef',
      vault: new MemoryConnectionVault(),
    });
    const module = { module: class {}, imports: [connections, ConnectionsHealthModule as Type] };
    const app = await NestFactory.create(module, { logger: false });
    open.add(() => app.close());
    await app.listen(0, '127.0.0.1');

    const response = await fetch(`${await app.getUrl()}/health/connections`);
    expect(await response.json()).toMatchObject({
      status: 'ok',
      info: { 'box-connections': { state: 'healthy' } },
    });
  });
});
