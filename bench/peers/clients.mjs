import { AsyncLocalStorage } from 'node:async_hooks';
import { Agent } from 'node:http';

// The calls act for a user, whom the code around them decides. Without this package, an app keeps the user in an
// AsyncLocalStorage of its own.
const USER = '11111';
const PATH = '/2.0/users/me';
const MAX_SOCKETS = 16;

/** @typedef {() => Promise<unknown>} Call One call of `GET /2.0/users/me`, including its body. */
/** @typedef {Record<'authorization' | 'as-user', string>} Headers */
/** @typedef {Pick<import('nestjs-box-auth').BoxTokenProvider, 'getToken' | 'runAs'>} Provider */
/** @typedef {{ credentials: { config: import('../row.js').BoxConfig }, apiUrl: string }} Options */
/** @typedef {{ call: Call, run: <T>(work: () => T) => T }} OpenClient `run` calls `work` with an acting user. */

/**
 * @typedef {object} Client
 * @property {(url: string, headers: () => Headers) => Promise<Call>} bare sets the headers by hand
 * @property {(options: Options) => Promise<{ provider: Provider, call: Call }>} ours
 */

/** @type {Record<string, Client>} */
const clients = {
  'undici request': {
    async bare(url, headers) {
      const undici = await import('undici');
      const dispatcher = new undici.Agent({ connections: MAX_SOCKETS });
      return async () => {
        const { body } = await undici.request(url + PATH, { dispatcher, headers: headers() });
        return body.json();
      };
    },
    async ours(options) {
      const { undici, provider, dispatcher } = await openUndici(options);
      const call = async () => {
        const { body } = await undici.request(options.apiUrl + PATH, { dispatcher });
        return body.json();
      };
      return { provider, call };
    },
  },
  'undici fetch': {
    async bare(url, headers) {
      const undici = await import('undici');
      const dispatcher = new undici.Agent({ connections: MAX_SOCKETS });
      return async () => {
        const response = await undici.fetch(url + PATH, { dispatcher, headers: headers() });
        return response.json();
      };
    },
    async ours(options) {
      const { undici, provider, dispatcher } = await openUndici(options);
      const call = async () => (await undici.fetch(options.apiUrl + PATH, { dispatcher })).json();
      return { provider, call };
    },
  },
  BoxFetch: {
    async bare(url, headers) {
      return async () => (await fetch(url + PATH, { headers: headers() })).json();
    },
    async ours(options) {
      const { provider, fetch: boxFetch } = await openBoxAuth(options);
      return { provider, call: async () => (await boxFetch(PATH)).json() };
    },
  },
  axios: {
    async bare(baseURL, headers) {
      const { default: axios } = await import('axios');
      const instance = axios.create({ baseURL, httpAgent: keepAliveAgent() });
      return () => instance.get(PATH, { headers: headers() });
    },
    async ours(options) {
      const { default: axios } = await import('axios');
      const { attachBoxAuth } = await import('nestjs-box-auth/express/axios');
      const { provider } = await openBoxAuth(options);
      const instance = axios.create({ baseURL: options.apiUrl, httpAgent: keepAliveAgent() });
      attachBoxAuth(instance, provider);
      return { provider, call: () => instance.get(PATH) };
    },
  },
  HttpService: {
    async bare(baseURL, headers) {
      const { firstValueFrom } = await import('rxjs');
      const { HttpModule, HttpService } = await import('@nestjs/axios');
      const app = await openNest(HttpModule.register({ baseURL, httpAgent: keepAliveAgent() }));
      const http = app.get(HttpService, { strict: false });
      return () => firstValueFrom(http.get(PATH, { headers: headers() }));
    },
    async ours(options) {
      const { firstValueFrom } = await import('rxjs');
      const { HttpService } = await import('@nestjs/axios');
      const { BoxAuthModule, BoxTokenProvider } = await import('nestjs-box-auth');
      const { BoxHttpModule } = await import('nestjs-box-auth/axios');
      const app = await openNest(
        BoxAuthModule.forRoot(options),
        BoxHttpModule.register({ httpAgent: keepAliveAgent() }),
      );
      const http = app.get(HttpService, { strict: false });
      return { provider: app.get(BoxTokenProvider), call: () => firstValueFrom(http.get(PATH)) };
    },
  },
  'SDK of Box': {
    async bare(baseUrl, headers) {
      const { BoxClient, BoxDeveloperTokenAuth } = await import('box-node-sdk');
      const { BaseUrls, NetworkSession } = await import('box-node-sdk/networking');
      const token = headers().authorization.slice('Bearer '.length);
      const client = new BoxClient({
        auth: new BoxDeveloperTokenAuth({ token }),
        networkSession: new NetworkSession({
          baseUrls: new BaseUrls({ baseUrl }),
        }).withCustomAgentOptions({ keepAlive: true, maxSockets: MAX_SOCKETS }),
      }).withAsUserHeader(USER);
      return () => client.users.getUserMe();
    },
    async ours(options) {
      const { boxClient } = await import('nestjs-box-auth/express/sdk');
      const { provider } = await openBoxAuth(options);
      const client = boxClient(provider);
      return { provider, call: () => client.users.getUserMe() };
    },
  },
};

export const clientNames = Object.keys(clients);

/**
 * Opens one side of a client, over at most 16 keep-alive connections.
 *
 * @param {import('../measure/alternating.mjs').Opening} opening
 * @returns {Promise<OpenClient>}
 */
export async function openClient({ client, side, url, config }) {
  const { bare, ours } = /** @type {Client} */ (clients[client]);
  if (side === 'ours') {
    const { provider, call } = await ours({ credentials: { config }, apiUrl: url });
    await provider.getToken();
    return { call, run: (work) => provider.runAs(USER, work) };
  }
  const authorization = `Bearer ${await fetchToken(url)}`;
  /** @type {AsyncLocalStorage<string>} */
  const acting = new AsyncLocalStorage();
  const call = await bare(url, () => ({ authorization, 'as-user': acting.getStore() ?? USER }));
  return { call, run: (work) => acting.run(USER, work) };
}

/** @param {Options} options */
async function openUndici(options) {
  const undici = await import('undici');
  const { boxAuthInterceptor } = await import('nestjs-box-auth/undici');
  const { provider } = await openBoxAuth(options);
  const agent = new undici.Agent({ connections: MAX_SOCKETS });
  return { undici, provider, dispatcher: agent.compose(boxAuthInterceptor(provider)) };
}

function keepAliveAgent() {
  return new Agent({ keepAlive: true, maxSockets: MAX_SOCKETS });
}

/** @param {Options} options */
async function openBoxAuth(options) {
  const { boxAuth } = await import('nestjs-box-auth/express');
  return boxAuth(options);
}

/** @param {NonNullable<import('@nestjs/common').ModuleMetadata['imports']>} imports */
async function openNest(...imports) {
  await import('reflect-metadata');
  const { Module } = await import('@nestjs/common');
  const { NestFactory } = await import('@nestjs/core');
  class AppModule {}
  Module({ imports })(AppModule);
  return NestFactory.createApplicationContext(AppModule, { logger: false });
}

/** @param {string} url */
async function fetchToken(url) {
  const response = await fetch(`${url}/oauth2/token`, { method: 'POST' });
  const { access_token: token } = /** @type {{ access_token: string }} */ (await response.json());
  return token;
}
