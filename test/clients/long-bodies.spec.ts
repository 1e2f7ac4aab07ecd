import { Readable } from 'node:stream';
import axios from 'axios';
import * as undici from 'undici';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { boxAuthInterceptor } from 'nestjs-box-auth/undici';
import { attachToAxios } from '../../lib/axios/axios-authorization.js';
import { BoxAuth } from '../../lib/box/box-auth.js';
import type { BoxFetchInit } from '../../lib/box/box-fetch.js';
import { FakeRuntime } from '../support/fake-runtime.js';
import { type LoopbackServer, startServer } from '../support/loopback-server.js';
import { ScriptedEndpoint } from '../support/scripted-endpoint.js';

const MINUTE_MS = 60_000;
const LARGE = Buffer.alloc(1024 * 1024 + 1);

let server: LoopbackServer;
let runtime: FakeRuntime;
let endpoint: ScriptedEndpoint;
let box: BoxAuth;
const closing: (() => unknown)[] = [];
beforeEach(async () => {
  server = await startServer((_, response) => response.end('{}'));
  runtime = new FakeRuntime();
  endpoint = new ScriptedEndpoint(runtime);
  box = new BoxAuth({
    credentials: { clientId: 'client', clientSecret: 'secret', enterpriseId: '1' },
    apiUrl: server.url,
    runtime,
    fetch: (input, init) =>
      String(input).endsWith('/oauth2/token') ? endpoint.fetch(input, init) : fetch(input, init),
  });
});
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
  box.close();
  await server.stop();
});

const dispatcher = () => {
  const agent = new undici.Agent();
  closing.push(() => agent.close());
  return agent.compose(boxAuthInterceptor(box.provider));
};
const clients: Record<string, (body: unknown) => Promise<unknown>> = {
  BoxFetch: (body) => box.fetch('/x', { method: 'POST', body: body as BoxFetchInit['body'] }),
  axios: (data) => {
    const instance = axios.create({ baseURL: server.url });
    attachToAxios(instance, box.policy, box.fetch);
    return instance.post('/x', data);
  },
  'request of undici': async (body) => {
    const options = { method: 'POST', body: body as Readable, dispatcher: dispatcher() } as const;
    await (await undici.request(`${server.url}/x`, options)).body.dump();
  },
  'fetch of undici': async (body) => {
    const options = {
      method: 'POST',
      body: body as Readable,
      dispatcher: dispatcher(),
      duplex: 'half',
    } as const;
    await (await undici.fetch(`${server.url}/x`, options)).text();
  },
};
const tokens = () => server.arrived.map(({ headers }) => headers.authorization);
const OLD = 'Bearer token-1-for-1';
const NEW = 'Bearer token-2-for-1';

describe.each(Object.entries(clients))('%s', (_, call) => {
  it.each([
    ['a stream', () => Readable.from([Buffer.from('hello')])],
    ['a large Buffer', () => LARGE],
  ])(
    'waits for a new token before it sends %s with one that expires in 4 minutes',
    async (__, body) => {
      await call('x');
      await runtime.advance(56 * MINUTE_MS);
      await call(body());
      expect(tokens()).toEqual([OLD, NEW]);
    },
  );

  it('sends a small body at once with such a token', async () => {
    await call('x');
    await runtime.advance(56 * MINUTE_MS);
    await call('x');
    expect(tokens()).toEqual([OLD, OLD]);
  });

  it('uses a token that lives longer', async () => {
    await call('x');
    await runtime.advance(40 * MINUTE_MS);
    await call(LARGE);
    expect(tokens()).toEqual([OLD, OLD]);
    expect(endpoint.received).toHaveLength(1);
  });

  it('requests one token for a large body if tokens live for 30 s', async () => {
    endpoint.lifetimeS = 30;
    await call(LARGE);
    await call(LARGE);
    expect(tokens()).toEqual([OLD, OLD]);
    await runtime.advance(8_000);
    await call(LARGE);
    expect(tokens()).toEqual([OLD, OLD, NEW]);
    expect(endpoint.received).toHaveLength(2);
  });
});
