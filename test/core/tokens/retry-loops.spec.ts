import axios from 'axios';
import type { ServerResponse } from 'node:http';
import { BoxClient } from 'box-node-sdk';
import { NetworkSession } from 'box-node-sdk/networking';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { BoxAuthError, type RunForOptions, type Subject } from 'nestjs-box-auth';
import { BoxSdkAuthentication, BoxSdkNetworkClient } from 'nestjs-box-auth/sdk';
import { BoxAuth } from '../../../lib/box/box-auth.js';
import type { BoxAuthOptions } from '../../../lib/box/box-auth.options.js';
import { runInActingContext } from '../../../lib/core/acting/acting.context.js';
import { attachToAxios } from '../../../lib/axios/axios-authorization.js';
import { MemoryTokenStore } from '../../support/memory-token-store.js';
import type { TokenStore } from '../../../lib/core/tokens/token-store.js';
import { FakeRuntime } from '../../support/fake-runtime.js';
import { type LoopbackServer, startServer } from '../../support/loopback-server.js';
import { requests } from '../../support/undici-clients.js';

const MAX_REJECTIONS = 1_000;
/** Some rejections take one tick of the event loop, without a pause: how many depends on the machine. */
const MAX_WITHOUT_PAUSE = 100_000;

let server: LoopbackServer;
/** Sends the response of the token endpoint. */
let respond: (response: ServerResponse) => void;
beforeEach(async () => {
  server = await startServer((_request, response) => respond(response));
});
afterEach(() => server.stop());

const json = (status: number, body: object) => (response: ServerResponse) =>
  void response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));

const refused = json(400, { error: 'unauthorized_client' });
const unavailable = json(503, {});

const app = (store?: TokenStore, options: Partial<BoxAuthOptions> = {}) =>
  new BoxAuth({
    credentials: { clientId: 'client', clientSecret: 'a secret of it', enterpriseId: '1' },
    apiUrl: server.url,
    tokenEndpoint: { attempts: 1 },
    store,
    ...options,
  });

type Call = () => Promise<unknown>;

/** How often `call` rejects when retried at once, until a timer of 10 ms has fired three times; at most `most`. */
async function rejectionsOf(call: Call, most = MAX_REJECTIONS): Promise<number> {
  let ticks = 0;
  const timer = setInterval(() => ticks++, 10);
  try {
    for (let rejections = 0; ; rejections++) {
      if (ticks >= 3 || rejections > most) return rejections;
      await expect(call()).rejects.toBeInstanceOf(Error);
    }
  } finally {
    clearInterval(timer);
  }
}

/** A failing call of each client. */
const clients: Record<string, (box: BoxAuth) => Call> = {
  getToken:
    ({ provider }) =>
    () =>
      provider.getToken(),
  'getToken of a user':
    ({ provider }) =>
    () =>
      provider.getToken({ subject: { type: 'user', id: '5' } }),
  'getToken with a demand':
    ({ provider }) =>
    () =>
      provider.getToken({ minValidityMs: 1, signal: new AbortController().signal }),
  getHeaders:
    ({ provider, apiUrl }) =>
    () =>
      provider.getHeaders(`${apiUrl}/2.0/users/me`),
  downscope:
    ({ provider }) =>
    () =>
      provider.downscope({ scopes: ['base_preview'] }),
  BoxFetch:
    ({ fetch }) =>
    () =>
      fetch('/2.0/users/me'),
  axios: ({ policy, fetch, apiUrl }) => {
    const instance = axios.create({ baseURL: apiUrl });
    attachToAxios(instance, policy, fetch);
    return () => instance.get('/2.0/users/me');
  },
  'the fetch adapter of axios': ({ policy, fetch, apiUrl }) => {
    const instance = axios.create({ baseURL: apiUrl, adapter: 'fetch' });
    attachToAxios(instance, policy, fetch);
    return () => instance.get('/2.0/users/me');
  },
  'undici 6': ({ provider, apiUrl }) => {
    const client = requests['request of undici 6'](provider);
    return () => client.call(`${apiUrl}/2.0/users/me`);
  },
  'undici 7': ({ provider, apiUrl }) => {
    const client = requests['request of undici 7'](provider);
    return () => client.call(`${apiUrl}/2.0/users/me`);
  },
  'the SDK': ({ provider, apiUrl }) => {
    const client = new BoxClient({
      auth: new BoxSdkAuthentication(provider),
      networkSession: new NetworkSession({ networkClient: new BoxSdkNetworkClient(provider) }),
    });
    return () => client.makeRequest({ method: 'GET', url: `${apiUrl}/2.0/users/me` });
  },
  'the authentication of the SDK': ({ provider }) => {
    const auth = new BoxSdkAuthentication(provider);
    return () => auth.refreshToken();
  },
};

describe.each(Object.entries(clients))('A loop that retries %s at once', (_, callOf) => {
  it.each([
    ['the app is refused', refused],
    ['the token endpoint is unavailable', unavailable],
  ])('leaves the event loop to others while %s', async (_what, response) => {
    respond = response;
    expect(await rejectionsOf(callOf(app()))).toBeLessThan(MAX_REJECTIONS);
    expect(server.arrived.length).toBeLessThanOrEqual(2);
  });

  it('leaves the event loop to others once the app is closed', async () => {
    const box = app();
    const call = callOf(box);
    box.close();
    expect(await rejectionsOf(call)).toBeLessThan(MAX_REJECTIONS);
    expect(server.arrived).toEqual([]);
  });
});

describe.each(Object.entries(clients))(
  'A loop that retries %s for another enterprise at once',
  (_, callOf) => {
    it.each<[string, Partial<BoxAuthOptions>]>([
      ['a list of tenants', { tenants: ['7'] }],
      ['a function that refuses', { tenants: () => false }],
      ['a function that rejects', { tenants: () => Promise.reject(new Error('No.')) }],
      ['no option `tenants`', {}],
    ])('leaves the event loop to others with %s', async (_what, options) => {
      const call = callOf(app(undefined, options));
      const acting = { enterprise: '8', source: {} };
      const refusedCall = () => runInActingContext(acting, call);
      expect(await rejectionsOf(refusedCall, MAX_WITHOUT_PAUSE)).toBeLessThan(MAX_WITHOUT_PAUSE);
      expect(server.arrived).toEqual([]);
    });

    it('leaves the event loop to others with `tenantRequired` and no tenant', async () => {
      const call = callOf(app(undefined, { tenants: ['7'], tenantRequired: true }));
      expect(await rejectionsOf(call, MAX_WITHOUT_PAUSE)).toBeLessThan(MAX_WITHOUT_PAUSE);
      expect(server.arrived).toEqual([]);
    });
  },
);

describe('A loop that retries runFor at once', () => {
  it.each([{ enterprise: '8' }, { enterprise: '' }, null])(
    'leaves the event loop to others: %j',
    async (options) => {
      const { provider } = app(undefined, { tenants: () => Promise.reject(new Error('No.')) });
      const call = () => provider.runFor(options as RunForOptions, () => undefined);
      expect(await rejectionsOf(call, MAX_WITHOUT_PAUSE)).toBeLessThan(MAX_WITHOUT_PAUSE);
    },
  );
});

describe('A loop that retries a token request at once', () => {
  it.each([null, {}, { type: 'user', id: '' }, { type: 'user', id: 'x'.repeat(50_000) }])(
    'leaves the event loop to others if the subject is invalid: %#',
    async (subject) => {
      const { provider } = app();
      const call = () => provider.getToken({ subject: subject as Subject });
      expect(await rejectionsOf(call, MAX_WITHOUT_PAUSE)).toBeLessThan(MAX_WITHOUT_PAUSE);
    },
  );

  it('leaves the event loop to others if its signal is aborted', async () => {
    const { provider } = app();
    const signal = AbortSignal.abort();
    const call = () => provider.getToken({ signal });
    expect(await rejectionsOf(call, MAX_WITHOUT_PAUSE)).toBeLessThan(MAX_WITHOUT_PAUSE);
  });

  it('leaves the event loop to others while the replacement is refused', async () => {
    respond = json(200, { access_token: 'the-token', expires_in: 3_600 });
    const { tokens } = app();
    const first = await tokens.get();
    respond = json(200, { access_token: 'another-token', expires_in: 3_600 });
    const second = await tokens.replace(first, {});
    expect(await rejectionsOf(() => tokens.replace(second, {}))).toBeLessThan(MAX_REJECTIONS);
  });

  it.each([
    ['returns a pause', { state: 'paused', forMs: 60_000, reason: 'no' }],
    ['returns an empty list', []],
  ])('leaves the event loop to others if the store %s', async (_, claim) => {
    respond = refused;
    const runtime = new FakeRuntime();
    const store = Object.assign(new MemoryTokenStore(runtime), {
      claim: () => claim as never,
      invalidate: () => claim as never,
    });
    const { provider } = app(store);
    expect(await rejectionsOf(() => provider.getToken())).toBeLessThan(MAX_REJECTIONS);
  });

  it('gets a token as soon as the app may have one', async () => {
    respond = refused;
    const { provider } = app();
    await rejectionsOf(() => provider.getToken());
    respond = json(200, { access_token: 'the-token', expires_in: 3_600 });
    provider.flush();
    expect((await provider.getToken()).value).toBe('the-token');
  });

  it('gets the error of each attempt', async () => {
    respond = refused;
    const { provider } = app();
    for (let time = 0; time < 12; time++) {
      const error = await provider.getToken().catch((thrown: unknown) => thrown);
      expect(error).toBeInstanceOf(BoxAuthError);
      expect(error).toMatchObject({ code: 'app_not_authorized' });
    }
  });
});

describe('A loop that retries an invalid call at once', () => {
  const headers = { 'as-user': 'alice' };
  const invalid: Record<string, (box: BoxAuth) => Call> = {
    'getHeaders of another host':
      ({ provider }) =>
      () =>
        provider.getHeaders('https://example.com'),
    'downscope without scopes':
      ({ provider }) =>
      () =>
        provider.downscope({ scopes: [] }),
    'BoxFetch with an invalid as-user':
      ({ fetch }) =>
      () =>
        fetch('/2.0/users/me', { headers }),
    'axios with an invalid as-user': ({ policy, fetch, apiUrl }) => {
      const instance = axios.create({ baseURL: apiUrl, headers });
      attachToAxios(instance, policy, fetch);
      return () => instance.get('/2.0/users/me');
    },
    'undici with an invalid as-user': ({ provider, apiUrl }) => {
      const client = requests['request of undici 7'](provider);
      return () => client.call(`${apiUrl}/2.0/users/me`, { headers });
    },
  };

  it.each(Object.entries(invalid))('leaves the event loop to others: %s', async (_, callOf) => {
    expect(await rejectionsOf(callOf(app()), MAX_WITHOUT_PAUSE)).toBeLessThan(MAX_WITHOUT_PAUSE);
    expect(server.arrived).toEqual([]);
  });

  it('leaves the event loop to others: the revocation of a developer token', async () => {
    const { provider } = new BoxAuth({ credentials: { developerToken: 'theirs' } });
    await provider.getToken();
    const call = () => provider.revoke();
    expect(await rejectionsOf(call, MAX_WITHOUT_PAUSE)).toBeLessThan(MAX_WITHOUT_PAUSE);
  });
});
