import { createServer, type Server } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import axios from 'axios';
import { BoxClient } from 'box-node-sdk';
import { NetworkSession } from 'box-node-sdk/networking';
import fc from 'fast-check';
import * as undici from 'undici';
import * as undici6 from 'undici6';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { BoxCredentials } from 'nestjs-box-auth';
import { BoxSdkAuthentication, BoxSdkNetworkClient } from 'nestjs-box-auth/sdk';
import { boxAuthInterceptor } from 'nestjs-box-auth/undici';
import { BoxAuth } from '../../lib/box/box-auth.js';
import { attachToAxios } from '../../lib/axios/axios-authorization.js';
import { proxyRefusal } from '../../lib/core/http/env-proxy.js';
import { type LoopbackServer, startServer } from '../support/loopback-server.js';
import { thrownBy } from '../support/thrown.js';

const TOKEN = { developerToken: 'the-token' };
const CLIENT = { clientId: 'client', clientSecret: 'the-secret', enterpriseId: '1' };

/** Sees what it is asked to forward, or to open a tunnel to. */
let proxy: Server;
let seen: string[];
let api: LoopbackServer;
const closing: (() => unknown)[] = [];
beforeEach(async () => {
  seen = [];
  proxy = createServer(({ method, url }, response) => {
    seen.push(`${method} ${url}`);
    response.end('{}');
  });
  proxy.on('connect', ({ url }, socket: Socket) => {
    seen.push(`CONNECT ${url}`);
    socket.end('HTTP/1.1 502 Bad Gateway\r\n\r\n');
  });
  await new Promise<void>((resolve) => {
    proxy.listen(0, '127.0.0.1', resolve);
  });
  const url = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`;
  for (const name of ['HTTP_PROXY', 'http_proxy', 'HTTPS_PROXY', 'https_proxy']) {
    vi.stubEnv(name, url);
  }
  for (const name of ['NO_PROXY', 'no_proxy']) vi.stubEnv(name, '');
  api = await startServer((_, response) => response.end('{}'));
});
afterEach(async () => {
  vi.unstubAllEnvs();
  for (const close of closing.splice(0).toReversed()) await close();
  await api.stop();
  await new Promise((resolve) => {
    proxy.close(resolve);
    proxy.closeAllConnections();
  });
});

function boxWith(credentials: BoxCredentials, send?: typeof fetch): BoxAuth {
  const box = new BoxAuth({ credentials, apiUrl: api.url, ...(send && { fetch: send }) });
  closing.push(() => box.close());
  return box;
}

const libraries: [string, typeof undici][] = [
  ['undici 6', undici6 as unknown as typeof undici],
  ['undici 7', undici],
];

function attached(box: BoxAuth, defaults: object = {}) {
  const instance = axios.create({ baseURL: api.url, ...defaults });
  attachToAxios(instance, box.policy, box.fetch);
  return instance;
}

describe('A token for plain http on loopback', () => {
  it.each([
    ['of the environment', () => ({})],
    [
      'of the call',
      () => ({
        proxy: { protocol: 'http', host: '127.0.0.1', port: (proxy.address() as AddressInfo).port },
      }),
    ],
  ])('reaches no proxy %s with axios', async (_, options) => {
    const { config } = await attached(boxWith(TOKEN), options()).get('/2.0/users/me');
    expect(seen).toEqual([]);
    expect(api.arrived[0]?.headers.authorization).toBe('Bearer the-token');
    expect(config.proxy).toEqual(options()['proxy' as never]);
  });

  it('is not added by axios to a redirect from another allowed origin that a proxy may serve', async () => {
    const box = new BoxAuth({ credentials: TOKEN, origins: [api.url] });
    const headers: object = { authorization: 'Bearer the-token' };
    const instance = axios.create({
      adapter: (config) => {
        config.beforeRedirect?.({ href: `${api.url}/2.0/x`, headers }, {} as never, {} as never);
        return Promise.resolve({ data: '', status: 200, statusText: '', headers: {}, config });
      },
    });
    attachToAxios(instance, box.policy, box.fetch);
    await instance.get('https://api.box.com/2.0/x');
    expect(headers).toEqual({});
  });

  it.each(libraries)(
    'is refused by the interceptor for any dispatcher of %s',
    async (_, library) => {
      const agent = new library.EnvHttpProxyAgent();
      closing.push(() => agent.destroy());
      const dispatcher = agent.compose(boxAuthInterceptor(boxWith(TOKEN).provider));
      const call = library.request(`${api.url}/2.0/users/me`, { dispatcher });
      const error = await thrownBy(() => call);
      expect(error).toMatchObject({ code: 'option_invalid', hint: 'Add 127.0.0.1 to NO_PROXY.' });
      expect([...seen, ...api.arrived]).toEqual([]);
    },
  );

  const clients: [string, (box: BoxAuth) => Promise<unknown>][] = [
    ['BoxFetch', (box) => box.fetch('/2.0/users/me')],
    [
      'axios on its fetch adapter',
      (box) => attached(box, { adapter: 'fetch' }).get('/2.0/users/me'),
    ],
    [
      'the SDK',
      (box) =>
        new BoxClient({
          auth: new BoxSdkAuthentication(box.provider),
          networkSession: new NetworkSession({
            networkClient: new BoxSdkNetworkClient(box.provider),
          }),
        }).makeRequest({ method: 'GET', url: `${api.url}/2.0/users/me` }),
    ],
    ['a token request', (box) => box.provider.getToken()],
  ];
  describe.each(clients)('with %s', (name, call) => {
    const credentials = name === 'a token request' ? CLIENT : TOKEN;

    it("is refused if the app's own fetch may use the environment", async () => {
      const dispatcher = new undici.EnvHttpProxyAgent();
      closing.push(() => dispatcher.destroy());
      const send = (input: unknown, init: object) =>
        undici.fetch(input as string, { ...init, dispatcher });
      const error = await thrownBy(() => call(boxWith(credentials, send as never)));
      expect(error.code).toBe('option_invalid');
      expect([...seen, ...api.arrived]).toEqual([]);
    });

    it.each(libraries)(
      'is refused if the global dispatcher is a proxy agent of %s',
      async (_, library) => {
        const before = library.getGlobalDispatcher();
        const dispatcher = new library.EnvHttpProxyAgent();
        library.setGlobalDispatcher(dispatcher);
        closing.push(async () => {
          library.setGlobalDispatcher(before);
          await dispatcher.destroy();
        });
        expect((await thrownBy(() => call(boxWith(credentials)))).code).toBe('option_invalid');
        expect([...seen, ...api.arrived]).toEqual([]);
      },
    );

    it('is sent if the global fetch has no proxy', async () => {
      await call(boxWith(credentials)).catch(() => undefined);
      expect(api.arrived.length).toBeGreaterThan(0);
      expect(seen).toEqual([]);
    });
  });
});

describe('NO_PROXY', () => {
  const isRefused = (noProxy: string, url = 'http://127.0.0.1:4000/') => {
    vi.stubEnv('NO_PROXY', noProxy).stubEnv('no_proxy', noProxy);
    return proxyRefusal(new URL(url)) !== undefined;
  };

  it('has the rules of EnvHttpProxyAgent', async () => {
    const entry = fc.constantFrom('127.0.0.1', '*', '0.0.1', '.1', '*.0.1', 'localhost', ':80', '');
    const port = fc.constantFrom('', ':1', ':2');
    const list = fc.array(
      fc.tuple(entry, port).map((parts) => parts.join('')),
      { maxLength: 3 },
    );
    await fc.assert(
      fc.asyncProperty(list, fc.constantFrom(',', ' '), async (entries, separator) => {
        const noProxy = entries.join(separator);
        seen = [];
        vi.stubEnv('NO_PROXY', noProxy).stubEnv('no_proxy', noProxy);
        const dispatcher = new undici.EnvHttpProxyAgent();
        const url = 'http://127.0.0.1:1/';
        await undici.request(url, { dispatcher }).catch(() => undefined);
        await dispatcher.destroy();
        expect(isRefused(noProxy, url)).toBe(seen.length > 0);
      }),
      { numRuns: 60 },
    );
  });
});

describe('An https call of axios', () => {
  it('opens a tunnel through a proxy, which sees no token', async () => {
    const box = new BoxAuth({ credentials: TOKEN });
    await attached(box)
      .get('https://api.box.com/2.0/users/me')
      .catch(() => undefined);
    expect(seen).toEqual(['CONNECT api.box.com:443']);
  });

  it.each(['0.30.1', '1.9.0', '1.12.0', '1.15.9', '1.16.0'])(
    'is refused with axios %s, which opens no tunnel',
    async (version) => {
      const { VERSION } = axios;
      closing.push(() => Object.assign(axios, { VERSION }));
      Object.assign(axios, { VERSION: version });
      const error = await thrownBy(() => attached(boxWith(TOKEN)));
      expect(error).toMatchObject({
        code: 'option_invalid',
        message: `axios ${version} sends the tokens of https calls to a proxy in clear text.`,
      });
    },
  );

  it.each(['1.16.1', '1.16.10', '1.17.0', '1.100.0', '2.0.0', undefined])(
    'is sent with axios %s',
    (version) => {
      const { VERSION } = axios;
      closing.push(() => Object.assign(axios, { VERSION }));
      Object.assign(axios, { VERSION: version });
      expect(() => attached(boxWith(TOKEN))).not.toThrow();
    },
  );
});
