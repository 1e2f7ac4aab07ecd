import { request as httpRequest, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import express from 'express';
import express4 from 'express4';
import { afterEach, describe, expect, it, vi } from 'vitest';
import {
  boxAuthErrors,
  boxWebhook,
  type BoxWebhookExpressOptions,
  MemoryWebhookDeliveries,
} from 'nestjs-box-auth/express';
import { signBoxWebhook } from 'nestjs-box-auth/testing';
import { FakeRuntime, settled } from '../support/fake-runtime.js';
import { thrownBy } from '../support/thrown.js';

const keys = { primaryKey: 'primary', secondaryKey: 'secondary' };
const event = {
  trigger: 'FILE.UPLOADED',
  id: 'e1',
  source: { type: 'file', id: '7', name: 'é/1' },
};
const sign = (fields = {}) => signBoxWebhook({ event: { ...event, ...fields }, ...keys });

let server: Server | undefined;
afterEach(() => {
  server?.close();
  server?.closeAllConnections();
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
});

async function listen(app: express.Express): Promise<string> {
  app.set('env', 'test'); // Express logs nothing
  const listening = app.listen(0, '127.0.0.1');
  server = listening;
  await new Promise((resolve) => {
    listening.once('listening', resolve);
  });
  return `http://127.0.0.1:${(listening.address() as AddressInfo).port}/hook`;
}

type Handler = (request: express.Request, response: express.Response) => unknown;
const created: Handler = (request, response) => response.status(201).json(request.boxWebhook);

function appWith(
  options: BoxWebhookExpressOptions = keys,
  handler: Handler = created,
  make: () => express.Express = express,
): express.Express {
  const app = make();
  app.post('/hook', boxWebhook(options), handler);
  return app;
}

const post = (url: string, webhook = sign()) =>
  fetch(url, { method: 'POST', body: webhook.body, headers: webhook.headers });

describe.each([
  ['Express 5', express],
  ['Express 4', express4],
])('boxWebhook on %s', (_, make) => {
  it('sets the verified event', async () => {
    const response = await post(await listen(appWith(keys, created, make)));
    expect(response.status).toBe(201);
    expect(await response.json()).toMatchObject(event);
  });

  it('responds with 403 to a webhook that Box has not signed', async () => {
    const handler = vi.fn<Handler>(created);
    const url = await listen(appWith(keys, handler, make));
    const { body, headers } = sign();
    expect((await post(url, { body: Buffer.concat([body, body]), headers })).status).toBe(403);
    expect((await fetch(url, { method: 'POST' })).status).toBe(403);
    expect(handler).not.toHaveBeenCalled();
  });
});

describe('boxWebhook', () => {
  it('passes its errors to boxAuthErrors', async () => {
    const codes: string[] = [];
    const app = appWith();
    app.use(boxAuthErrors({ log: ({ code }) => codes.push(code) }));
    const response = await fetch(await listen(app), { method: 'POST', body: '{}' });
    expect([response.status, await response.json()]).toEqual([
      403,
      { statusCode: 403, error: 'Forbidden', message: 'This webhook could not be verified.' },
    ]);
    expect(codes).toEqual(['webhook_invalid']);
  });

  it('reads the keys from the environment', async () => {
    vi.stubEnv('BOX_WEBHOOK_PRIMARY_KEY', '');
    vi.stubEnv('BOX_WEBHOOK_SECONDARY_KEY', 'secondary');
    expect((await post(await listen(appWith({})))).status).toBe(201);
  });

  it.each([
    ['no key', {}, 'BOX_WEBHOOK_PRIMARY_KEY'],
    ['an unknown option', { ...keys, limit: 5 }, 'maxBodyBytes'],
    ['a size as a string', { ...keys, maxBodyBytes: '1mb' }, '`maxBodyBytes`'],
    ['deliveries without methods', { ...keys, deliveries: {} }, '`deliveries`'],
    ['no object', 'key', 'boxWebhook'],
  ])('throws for invalid options: %s', async (_, options, text) => {
    const error = await thrownBy(() => boxWebhook(options as never));
    expect(error.code).toBe('option_invalid');
    expect(`${error.message} ${error.hint}`).toContain(text);
  });

  it.each([
    ['with its length', false],
    ['in chunks', true],
  ])('responds with 413 to a large body and names the option: %s', async (_, isChunked) => {
    const thrown: unknown[] = [];
    const app = appWith({ ...keys, maxBodyBytes: 1_000 });
    app.use(boxAuthErrors({ log: (error) => thrown.push(error.code, error.hint) }));
    const url = await listen(app);
    const { body, headers } = sign({ source: { name: 'x'.repeat(100_000) } });
    const sent = isChunked ? new Blob([body]).stream() : body;
    const response = await fetch(url, {
      method: 'POST',
      headers,
      body: sent,
      duplex: 'half',
    });
    expect(response.status).toBe(413);
    expect(thrown).toEqual([
      'webhook_raw_body_missing',
      expect.stringContaining('`maxBodyBytes`') as unknown,
    ]);
    const exact = sign();
    const fitting = appWith({ ...keys, maxBodyBytes: exact.body.byteLength });
    server?.close();
    expect((await post(await listen(fitting), exact)).status).toBe(201);
  });

  it('says that it must be before a parser which has read the body', async () => {
    const thrown: unknown[] = [];
    const app = express();
    app.use(express.json());
    app.post('/hook', boxWebhook(keys), created);
    app.use(boxAuthErrors({ log: (error) => thrown.push(error.code, error.hint) }));
    expect((await post(await listen(app))).status).toBe(500);
    expect(thrown).toEqual([
      'webhook_raw_body_missing',
      expect.stringContaining('before express.json()') as unknown,
    ]);
  });

  it.each([
    ['as body', express.raw({ type: () => true })],
    [
      'as rawBody',
      express.json({
        verify: (request, _, bytes) => void Object.assign(request, { rawBody: bytes }),
      }),
    ],
  ])('uses the bytes that a parser has kept %s', async (_, parser) => {
    const app = express();
    app.use(parser);
    app.post('/hook', boxWebhook(keys), created);
    expect((await post(await listen(app))).status).toBe(201);
  });
});

describe('boxWebhook with deliveries', () => {
  const runtime = new FakeRuntime(Date.now());
  const withDeliveries = () => ({
    ...keys,
    runtime,
    deliveries: new MemoryWebhookDeliveries({ runtime }),
  });

  it('runs the handler of a repeated event once', async () => {
    const handler = vi.fn<Handler>(created);
    const url = await listen(appWith(withDeliveries(), handler));
    expect((await post(url)).status).toBe(201);
    expect((await post(url)).status).toBe(200);
    expect((await post(url, sign({ id: 'e2' }))).status).toBe(201);
    expect(handler).toHaveBeenCalledTimes(2);
  });

  it.each([
    ['throws', () => Promise.reject(new Error('failed'))],
    ['responds with 500', (_: unknown, response: express.Response) => response.sendStatus(500)],
    ['redirects', (_: unknown, response: express.Response) => response.redirect('/other')],
  ] as const)('runs it again after it %s', async (_, fail) => {
    const handler = vi.fn<Handler>().mockImplementationOnce(fail).mockImplementation(created);
    const url = await listen(appWith(withDeliveries(), handler));
    const { body, headers } = sign();
    const first = await fetch(url, { method: 'POST', body, headers, redirect: 'manual' });
    expect(first.ok).toBe(false);
    expect((await post(url)).status).toBe(201);
    expect((await post(url)).status).toBe(200);
    expect(handler).toHaveBeenCalledTimes(2);
  });

  it('responds with 503 to a repeat while the handler runs, even after Box has given up', async () => {
    const responses: express.Response[] = [];
    const handler = vi.fn<Handler>((_, response) => void responses.push(response));
    const url = await listen(appWith(withDeliveries(), handler));
    const { body, headers } = sign();
    const first = httpRequest(url, { method: 'POST', headers }).on('error', () => undefined);
    first.end(body);
    await vi.waitFor(() => expect(responses).toHaveLength(1));
    expect((await post(url)).status).toBe(503);
    const isClosed = new Promise((resolve) => responses[0]?.once('close', resolve));
    first.destroy();
    await isClosed;
    for (let minute = 0; minute < 3; minute++) await runtime.advance(60_000);
    expect((await post(url)).status).toBe(503);
    responses[0]?.sendStatus(204);
    await settled();
    expect((await post(url)).status).toBe(200);
    expect(handler).toHaveBeenCalledTimes(1);
  });
});
