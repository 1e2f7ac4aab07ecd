import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import axios from 'axios';
import express, { type RequestHandler } from 'express';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import {
  boxApiError,
  boxAuth,
  boxAuthErrors,
  type BoxAuthMiddleware,
} from 'nestjs-box-auth/express';
import { attachBoxAuth } from 'nestjs-box-auth/express/axios';
import { boxClient } from 'nestjs-box-auth/express/sdk';
import { BoxEmulator } from 'nestjs-box-auth/testing';
import { thrownBy } from '../support/thrown.js';

let box: BoxEmulator;
beforeAll(async () => {
  box = await BoxEmulator.start();
});
const open = new Set<() => unknown>();
beforeEach(() => box.heal());
afterEach(async () => {
  vi.restoreAllMocks();
  await Promise.all([...open].map((close) => close()));
  open.clear();
});
afterAll(() => box.stop());

const create = (): BoxAuthMiddleware => {
  const app = boxAuth({ credentials: { config: box.config }, apiUrl: box.url });
  open.add(() => app.close());
  return app;
};

describe('boxAuthErrors', () => {
  async function serve(handler: RequestHandler): Promise<(path?: string) => Promise<Response>> {
    const app = express();
    app.get('/', handler);
    app.use(boxAuthErrors({ statuses: { 404: 404 } }));
    app.use(((_error, _req, res, _next) => {
      res.status(500).send('another error handler');
    }) as express.ErrorRequestHandler);
    const server = app.listen(0, '127.0.0.1');
    await once(server, 'listening');
    open.add(() => server.close());
    return () => fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
  }
  const failWith = (status: number): void =>
    box.always('api', {
      kind: 'status',
      status,
      headers: { 'content-type': 'application/json', 'retry-after': '7' },
      body: { type: 'error', code: 'some_code', message: 'Secret plans' },
    });

  function handlers(): Record<string, RequestHandler> {
    const middleware = create();
    const http = axios.create({ baseURL: box.url });
    attachBoxAuth(http, middleware.provider);
    const client = boxClient(middleware.provider, {
      retryStrategy: { shouldRetry: async () => false, retryAfter: () => 0 },
    });
    return {
      axios: async () => void (await http.get('/2.0/folders/404404')),
      'axios with a stream': async () =>
        void (await http.get('/2.0/folders/404404', { responseType: 'stream' })),
      SDK: async () => void (await client.folders.getFolderById('404404')),
      fetch: async () => {
        throw await boxApiError(await middleware.fetch('/2.0/folders/404404'));
      },
    };
  }

  it.each(['axios', 'axios with a stream', 'SDK', 'fetch'])(
    'turns failed calls into responses (%s)',
    async (client) => {
      const log = vi.spyOn(console, 'error').mockReturnValue();
      const warn = vi.spyOn(console, 'warn').mockReturnValue();
      const call = await serve(handlers()[client] ?? expect.unreachable());
      failWith(404);
      const notFound = await call();
      expect([notFound.status, await notFound.json()]).toEqual([
        404,
        { statusCode: 404, message: 'A call to an upstream service failed.', error: 'Not Found' },
      ]);
      failWith(429);
      for (let request = 0; request < 25; request += 1) {
        const limited = await call();
        expect([limited.status, limited.headers.get('retry-after')]).toEqual([503, '7']);
      }
      expect(log).toHaveBeenCalledTimes(1);
      expect(warn).toHaveBeenCalledTimes(1);
    },
  );

  it('passes on a failed call of axios to another host', async () => {
    const other = await BoxEmulator.start();
    open.add(() => other.stop());
    other.always('api', { kind: 'rate-limit', retryAfter: 7 });
    const http = axios.create();
    attachBoxAuth(http, create().provider);
    const call = await serve(async () => void (await http.get(`${other.url}/2.0/users/me`)));
    const response = await call();
    expect([response.status, await response.text()]).toEqual([500, 'another error handler']);
  });

  it('rejects an invalid `statuses`', async () => {
    const error = await thrownBy(() => boxAuthErrors({ statuses: { 404: 200 } }));
    expect(error.message).toContain('Invalid `statuses`');
  });
});
