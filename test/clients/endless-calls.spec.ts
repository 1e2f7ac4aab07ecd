import axios from 'axios';
import { Agent, fetch as undiciFetch, getGlobalDispatcher, setGlobalDispatcher } from 'undici';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { boxAuth } from 'nestjs-box-auth/express';
import { boxAuthInterceptor } from 'nestjs-box-auth/undici';
import { attachToAxios } from '../../lib/axios/axios-authorization.js';
import { BoxAuth } from '../../lib/box/box-auth.js';
import { type LoopbackServer, startServer } from '../support/loopback-server.js';
import { thrownBy } from '../support/thrown.js';

const original = globalThis.fetch;
const originalDispatcher = getGlobalDispatcher();
const credentials = { clientId: 'client', clientSecret: 'secret', enterpriseId: '1' };

let server: LoopbackServer;
const apps: { close(): void }[] = [];
beforeAll(async () => {
  server = await startServer(({ path }, response) => {
    response.setHeader('content-type', 'application/json');
    const token = { access_token: 'token', expires_in: 3600 };
    response.end(JSON.stringify(path === '/oauth2/token' ? token : {}));
  });
});
afterEach(() => {
  globalThis.fetch = original;
  setGlobalDispatcher(originalDispatcher);
  server.arrived.length = 0;
  for (const app of apps.splice(0)) app.close();
});
afterAll(() => server.stop());

function start(options: { fetch?: typeof fetch } = {}): BoxAuth {
  const box = new BoxAuth({ credentials, apiUrl: server.url, ...options });
  apps.push(box);
  return box;
}

const authorizations = () =>
  server.arrived
    .filter(({ path }) => path !== '/oauth2/token')
    .map(({ headers }) => headers.authorization);

/** Apps whose `fetch` leads back to the app. */
const endlessApps: Record<string, () => { box: BoxAuth; call: () => Promise<unknown> }> = {
  'assigned to globalThis.fetch': () => {
    const box = start();
    globalThis.fetch = box.fetch;
    return { box, call: () => fetch(`${server.url}/2.0/users/me`) };
  },
  'called by a function that is assigned to globalThis.fetch': () => {
    const box = start();
    globalThis.fetch = async (input, init) => {
      await Promise.resolve();
      return box.fetch(input, init);
    };
    return { box, call: () => fetch(`${server.url}/2.0/users/me`) };
  },
  'called by its own option `fetch`': () => {
    const box: BoxAuth = start({ fetch: (input, init) => box.fetch(input, init) });
    return { box, call: () => box.fetch('/2.0/users/me') };
  },
  'called by the option `fetch` of another app, which it calls itself': () => {
    const other: BoxAuth = start({ fetch: (input, init) => box.fetch(input, init) });
    const box: BoxAuth = start({ fetch: (input, init) => other.fetch(input, init) });
    return { box, call: () => box.fetch('/2.0/users/me') };
  },
};

describe.each(Object.entries(endlessApps))('A fetch of an app that is %s', (_, create) => {
  it('fails every call with an error that says how to fix it', async () => {
    const { box, call } = create();
    const works = [
      call,
      () => box.provider.getToken(),
      () => box.fetch(`${server.url}/of-another-host`),
      () => box.unauthorizedFetch('/2.0/users/me'),
      () => box.provider.getHeaders(`${server.url}/2.0/users/me`),
    ];
    for (const work of works) {
      const error = await thrownBy(work);
      expect(error.code).toBe('option_invalid');
      expect(error.message).toContain('Invalid `fetch`');
      expect(error.hint).toContain('globalThis.fetch');
    }
    expect(server.arrived).toEqual([]);
  });
});

it('An attached axios instance that sends the calls of BoxFetch by BoxFetch fails', async () => {
  const instance = axios.create({ adapter: 'fetch', responseType: 'stream' });
  const box = start({
    fetch: async (input, init) => {
      if (String(input).endsWith('/oauth2/token')) return original(input, init);
      const headers = Object.fromEntries(new Headers(init?.headers));
      const { data } = await instance.get<ReadableStream>(String(input), { headers });
      return new Response(data);
    },
  });
  attachToAxios(instance, box.policy, box.fetch);
  const error = await thrownBy(() => box.fetch('/2.0/users/me'));
  expect(error.message).toContain('Invalid `fetch`');
  expect(authorizations()).toEqual([]);
});

it('boxAuth of Express fails if its fetch is assigned to globalThis.fetch', async () => {
  const box = boxAuth({ credentials, apiUrl: server.url });
  apps.push({ close: () => box.close() });
  globalThis.fetch = box.fetch;
  expect((await thrownBy(() => fetch(`${server.url}/2.0/users/me`))).code).toBe('option_invalid');
});

describe('A call ends if', () => {
  it('BoxFetch is assigned to globalThis.fetch and the option `fetch` is the original', async () => {
    globalThis.fetch = start({ fetch: original }).fetch;
    expect((await fetch(`${server.url}/2.0/users/me`)).status).toBe(200);
    expect(authorizations()).toEqual(['Bearer token']);
  });

  it('the option `fetch` calls BoxFetch a few times, for example to log to Box', async () => {
    const box: BoxAuth = start({
      fetch: async (input, init) => {
        if (String(input).endsWith('/users/me')) await box.fetch('/2.0/log', { method: 'POST' });
        return original(input, init);
      },
    });
    expect((await box.fetch('/2.0/users/me')).status).toBe(200);
    expect(authorizations()).toEqual(['Bearer token', 'Bearer token']);
  });

  it('the global dispatcher has the interceptor of the app, and token requests use it too', async () => {
    const box = start({ fetch: undiciFetch as unknown as typeof fetch });
    setGlobalDispatcher(new Agent().compose(boxAuthInterceptor(box.provider)));
    const response = await undiciFetch(`${server.url}/2.0/users/me`);
    expect(response.status).toBe(200);
    expect((await box.fetch('/2.0/users/me')).status).toBe(200);
    expect(authorizations()).toEqual(['Bearer token', 'Bearer token']);
  });

  it('an attached axios instance on Node’s http sends the calls of BoxFetch', async () => {
    const instance = axios.create();
    const box = start({
      fetch: async (input, init) => {
        const { data, headers } = await instance.request<string>({
          url: String(input),
          method: init?.method ?? 'GET',
          headers: Object.fromEntries(new Headers(init?.headers)),
          data: init?.body,
          responseType: 'text',
        });
        return new Response(data, { headers: { 'content-type': String(headers['content-type']) } });
      },
    });
    attachToAxios(instance, box.policy, box.fetch);
    expect((await box.fetch('/2.0/users/me')).status).toBe(200);
    expect((await instance.get(`${server.url}/2.0/users/me`)).status).toBe(200);
    expect(authorizations()).toEqual(['Bearer token', 'Bearer token']);
  });
});
