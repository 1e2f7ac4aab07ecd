import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  Controller,
  type DynamicModule,
  Get,
  type INestApplication,
  Logger,
  Module,
  Post,
  type Type,
} from '@nestjs/common';
import { APP_GUARD, NestFactory } from '@nestjs/core';
import type { Express } from 'express';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { BoxAuthModule, BoxFetch } from 'nestjs-box-auth';
import { BoxEmulator, type EmulatedWebhookDelivery, signBoxWebhook } from 'nestjs-box-auth/testing';
import { BoxWebhook, type BoxWebhookEvent, BoxWebhooksModule } from 'nestjs-box-auth/webhooks';
import { exampleIn, examplesIn, run } from './example.js';

const PAGE = 'docs/webhooks.md';
const GLOBEX = '7654321';

let box: BoxEmulator;
const open = new Set<() => unknown>();
beforeEach(async () => {
  box = await BoxEmulator.start({ enterprises: [{ id: GLOBEX }] });
  const { primaryKey, secondaryKey } = box.webhooks.keys;
  vi.stubEnv('PORT', '0');
  vi.stubEnv('BOX_WEBHOOK_PRIMARY_KEY', primaryKey);
  vi.stubEnv('BOX_WEBHOOK_SECONDARY_KEY', secondaryKey);
  vi.stubEnv('BOX_CONFIG', JSON.stringify(box.config));
  vi.stubEnv('BOX_API_URL', box.url);
  Logger.overrideLogger(false);
});
afterEach(async () => {
  await Promise.all([...open].map((close) => close()));
  open.clear();
  await box.stop();
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
});

/** The URL of a started Nest app, which is closed after the test. */
async function urlOf(app: INestApplication): Promise<string> {
  open.add(() => app.close());
  return (await app.getUrl()).replace('[::1]', '127.0.0.1');
}

async function serve(module: Type | DynamicModule): Promise<string> {
  const app = await NestFactory.create(module, { rawBody: true, logger: false });
  await app.listen(0, '127.0.0.1');
  return urlOf(app);
}

/** Lets a file be uploaded to a folder that has a webhook, and returns the delivery. */
async function upload(address: string): Promise<EmulatedWebhookDelivery | undefined> {
  const { id } = box.addFolder({ name: 'Contracts' });
  const target = { type: 'folder', id } as const;
  box.webhooks.add({ target, address, triggers: ['FILE.UPLOADED'] });
  box.addFile({ name: 'plan.pdf', parentId: id, content: 'The plan' });
  await box.webhooks.settled();
  return box.webhooks.deliveries.at(-1);
}

/** The statuses of a delivery and of its repeat. */
async function statusesAt(address: string): Promise<readonly (number | undefined)[]> {
  const delivery = await upload(address);
  const repeated = await box.webhooks.redeliver(delivery?.id ?? '');
  return repeated.attempts.map(({ status }) => status);
}

describe('The page about webhooks', () => {
  it('shows how to receive them with Nest, once each', async () => {
    const log = vi.spyOn(console, 'log').mockReturnValue(undefined);
    const example = exampleIn(PAGE, 'class WebhooksController', 'NestFactory.create');
    const { app } = await run(example.replace('const app', 'export const app'));
    const url = await urlOf(app as INestApplication);
    expect(await statusesAt(`${url}/webhooks/box`)).toEqual([204, 204]);
    expect(log.mock.calls).toEqual([['New file: plan.pdf']]);
    expect((await fetch(`${url}/webhooks/box`, { method: 'POST' })).status).toBe(403);
  });

  it('shows how to create one', async () => {
    const { watchFolder } = await run(exampleIn(PAGE, 'watchFolder'));
    const app = await NestFactory.createApplicationContext(BoxAuthModule.forRoot(), {
      logger: false,
    });
    open.add(() => app.close());
    const { id: folderId } = box.addFolder({ name: 'Contracts' });
    const watch = watchFolder as (box: BoxFetch, id: string, address: string) => Promise<string>;
    const address = 'https://app.example/webhooks/box';
    const id = await watch(app.get(BoxFetch), folderId, address);
    box.addFile({ name: 'plan.pdf', parentId: folderId, content: '' });
    expect(box.webhooks.deliveries).toMatchObject([{ webhookId: id, address }]);
    await expect(watch(app.get(BoxFetch), '0', address)).rejects.toThrow('root folder');
  });

  it('shows how to receive them with Express, once each', async () => {
    const log = vi.spyOn(console, 'log').mockReturnValue(undefined);
    const example = exampleIn(PAGE, 'express()', 'boxWebhook');
    const { app } = await run(example.replace('const app', 'export const app'));
    const server = (app as Express).listen(0, '127.0.0.1');
    open.add(() => server.close());
    await once(server, 'listening');
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/webhooks/box`;
    expect(await statusesAt(url)).toEqual([204, 200]);
    expect(log.mock.calls).toEqual([['FILE.UPLOADED']]);
  });

  it('shows how to verify them without a framework', async () => {
    const log = vi.spyOn(console, 'log').mockReturnValue(undefined);
    const { receive } = await run(exampleIn(PAGE, 'verifyBoxWebhook'));
    const received = receive as (request: Request) => Promise<Response>;
    const { headers, body } = signBoxWebhook({
      event: { trigger: 'FILE.TRASHED' },
      ...box.webhooks.keys,
    });
    const request = () => new Request('https://app.example', { method: 'POST', headers, body });
    expect((await received(request())).status).toBe(204);
    expect(log.mock.calls).toEqual([['FILE.TRASHED']]);
    vi.stubEnv('BOX_WEBHOOK_PRIMARY_KEY', 'another');
    vi.stubEnv('BOX_WEBHOOK_SECONDARY_KEY', 'another');
    await expect(received(request())).rejects.toMatchObject({ code: 'webhook_invalid' });
  });

  it('shows how to rotate keys without a deployment', async () => {
    const keys = new Map([
      ['box-webhook-primary', 'old-1'],
      ['box-webhook-secondary', 'old-2'],
    ]);
    const vault = { read: (name: string) => Promise.resolve(keys.get(name)) };
    const { AppModule } = await run(exampleIn(PAGE, 'vault.read'), { vault });
    const url = `${await serve(withReceiver(AppModule as Type))}/hook`;
    expect((await upload(url))?.state).toBe('pending');
    keys.set('box-webhook-primary', box.webhooks.keys.primaryKey ?? '');
    const [delivery] = box.webhooks.deliveries;
    expect((await box.webhooks.redeliver(delivery?.id ?? '')).state).toBe('delivered');
  });

  it('shows how to exempt them from a global guard', async () => {
    const { SessionGuard, WebhooksController } = await run(exampleIn(PAGE, 'SessionGuard'));
    class AppModule {}
    Module({
      imports: [BoxWebhooksModule.forRoot({ ...box.webhooks.keys })],
      controllers: [WebhooksController as Type, PrivateController],
      providers: [{ provide: APP_GUARD, useClass: SessionGuard as Type }],
    })(AppModule);
    const url = await serve(AppModule);
    expect((await upload(`${url}/webhooks/box`))?.state).toBe('delivered');
    expect((await fetch(`${url}/private`)).status).toBe(403);
  });

  it('shows how to find the tenant', async () => {
    const tenants = new Map([['53', GLOBEX]]);
    const webhooks = { tenantOf: (id: string) => Promise.resolve(tenants.get(id)) };
    const { Imports } = await run(exampleIn(PAGE, 'tenantOf'), { webhooks });
    class AppModule {}
    Module({
      imports: [BoxAuthModule.forRoot({ tenants: [GLOBEX] })],
      providers: [Imports as Type],
    })(AppModule);
    const app = await NestFactory.createApplicationContext(AppModule, { logger: false });
    open.add(() => app.close());
    const imports = app.get<{ handle(event: object): Promise<void> }>(Imports as Type);
    const event = { trigger: 'FILE.UPLOADED', source: { type: 'file', id: '7' } };
    await imports.handle({ ...event, webhook: { id: 'of a stranger' } });
    expect(box.requests).toEqual([]);
    await imports.handle({ ...event, webhook: { id: '53' } });
    expect(box.apiRequests).toMatchObject([{ path: '/2.0/files/7/content', enterprise: GLOBEX }]);
  });

  it('shows how to test the receiver', async () => {
    const { reportUpload } = await run(exampleIn(PAGE, 'reportUpload('));
    const keys = { primaryKey: 'the-primary-key' };
    const url = await serve(withReceiver(BoxWebhooksModule.forRoot(keys)));
    const report = reportUpload as (url: string) => Promise<number>;
    expect(await report(`${url}/hook`)).toBe(201);
  });

  it('shows how to test with the emulator', async () => {
    const { reportUploads } = await run(exampleIn(PAGE, 'reportUploads('));
    const server = createServer((_request, response) => void response.end()).listen(0, '127.0.0.1');
    open.add(() => server.close());
    await once(server, 'listening');
    const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
    const report = reportUploads as (
      emulator: BoxEmulator,
      address: string,
    ) => Promise<readonly EmulatedWebhookDelivery[]>;
    expect(await report(box, address)).toMatchObject([
      { trigger: 'FILE.UPLOADED', state: 'delivered', attempts: [{ status: 200 }] },
    ]);
  });

  it('has no examples besides these', () => {
    expect(examplesIn(PAGE)).toHaveLength(9);
  });
});

@Controller('hook')
class Receiver {
  @Post()
  receive(@BoxWebhook() event: BoxWebhookEvent): string {
    return event.trigger;
  }
}

@Controller('private')
class PrivateController {
  @Get()
  show(): string {
    return 'private';
  }
}

function withReceiver(webhooks: Type | DynamicModule): DynamicModule {
  class AppModule {}
  return { module: AppModule, imports: [webhooks], controllers: [Receiver] };
}
