import { Readable } from 'node:stream';
import axios, { type AxiosAdapter, type AxiosRequestConfig } from 'axios';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { attachToAxios } from '../../lib/axios/axios-authorization.js';
import { BoxAuth } from '../../lib/box/box-auth.js';
import { type LoopbackServer, startServer } from '../support/loopback-server.js';

let server: LoopbackServer;
let box: BoxAuth;
beforeAll(async () => {
  server = await startServer(({ path }, response) => {
    response.setHeader('content-type', 'application/json');
    response.statusCode = Number(/status-(\d+)/.exec(path)?.[1] ?? 200);
    const token = { access_token: 'token', expires_in: 3600 };
    response.end(JSON.stringify(path === '/oauth2/token' ? token : {}));
  });
  box = new BoxAuth({
    credentials: { clientId: 'client', clientSecret: 'secret', enterpriseId: '1' },
    apiUrl: server.url,
  });
});
afterAll(async () => {
  box.close();
  await server.stop();
});

describe('A call with the fetch adapter of axios', () => {
  it.each([
    ['text', () => 'x'.repeat(200_000)],
    ['a stream', () => Readable.from([Buffer.alloc(100_000), Buffer.alloc(100_000)])],
    ['a Blob', () => new Blob(['x'.repeat(200_000)])],
  ])('reports the progress of an upload of %s', async (_, body) => {
    const instance = axios.create({ baseURL: server.url, adapter: 'fetch' });
    attachToAxios(instance, box.policy, box.fetch);
    const loaded: number[] = [];
    await instance.post('/2.0/files', body(), {
      onUploadProgress: (event) => void loaded.push(event.loaded),
    });
    expect(loaded.at(-1)).toBe(200_000);
  });
});

describe('A retry with the config of an error', () => {
  it.each(['http', 'fetch', 'function'])(
    'sends one call with a token, with the adapter %s',
    async (kind) => {
      let calls = 0;
      const adapter: AxiosAdapter = (config) => {
        calls += 1;
        return axios.getAdapter('http')(config);
      };
      const instance = axios.create({
        baseURL: server.url,
        adapter: kind === 'function' ? adapter : kind,
        validateStatus: (status) => status === 200,
      });
      attachToAxios(instance, box.policy, box.fetch);
      let config: AxiosRequestConfig = { url: '/2.0/status-503' };
      for (let attempt = 1; attempt <= 5; attempt++) {
        const error: unknown = await instance.request(config).catch((reason: unknown) => reason);
        if (!axios.isAxiosError(error) || error.config === undefined) throw new Error('no config');
        config = error.config;
      }
      expect(config.adapter).toBe(kind === 'function' ? adapter : kind);
      expect(calls).toBe(kind === 'function' ? 5 : 0);
      server.arrived.length = 0;
      await instance.request({ ...config, url: '/2.0/users/me' });
      expect(server.arrived.map(({ headers }) => headers.authorization)).toEqual(['Bearer token']);
      await axios.request({ ...config, url: '/2.0/users/me' });
      expect(server.arrived.at(-1)?.headers.authorization).toBeUndefined();
    },
  );

  it('wraps the adapter once if the call was canceled before it was sent', async () => {
    let calls = 0;
    const instance = axios.create({
      baseURL: server.url,
      adapter: (config) => {
        calls += 1;
        return axios.getAdapter('http')(config);
      },
    });
    attachToAxios(instance, box.policy, box.fetch);
    const error: unknown = await instance
      .get('/2.0/users/me', { signal: AbortSignal.abort() })
      .catch((reason: unknown) => reason);
    if (!axios.isCancel(error) || !('config' in error)) throw new Error('not canceled');
    const { signal: _, ...config } = error.config;
    server.arrived.length = 0;
    const response = await instance.request(config);
    expect(response.config.adapter).toBe(instance.defaults.adapter);
    expect([calls, server.arrived.length]).toEqual([1, 1]);
  });
});

it('The `auth` of a call is the caller’s own authorization: no token and no acting user are added', async () => {
  for (const adapter of ['http', 'fetch']) {
    const instance = axios.create({ baseURL: server.url, adapter });
    attachToAxios(instance, box.policy, box.fetch);
    await box.provider.runAs('1001', () =>
      instance.get('/2.0/users/me', { auth: { username: 'me', password: 'mine' } }),
    );
    const { authorization, 'as-user': asUser } = server.arrived.at(-1)?.headers ?? {};
    expect([authorization, asUser]).toEqual(['Basic bWU6bWluZQ==', undefined]);
  }
});
