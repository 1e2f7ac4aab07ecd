import http from 'node:http';
import https from 'node:https';
import { PassThrough, Readable } from 'node:stream';
import axios, { type AxiosRequestConfig } from 'axios';
import { NetworkSession } from 'box-node-sdk/networking';
import * as undici from 'undici';
import * as undici6 from 'undici6';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { BoxSdkAuthentication, BoxSdkNetworkClient } from 'nestjs-box-auth/sdk';
import { boxAuthInterceptor } from 'nestjs-box-auth/undici';
import { BoxAuth } from '../../lib/box/box-auth.js';
import { attachToAxios } from '../../lib/axios/axios-authorization.js';
import { foundSecrets } from '../support/found-secrets.js';
import { ODD_PATHS, type OddBox, startOddBox } from '../support/odd-box.js';

const TOKEN = 'the-token-of-all';
const CLIENT_SECRET = 'q9LmZx3VbN7tRw2KcY8pDf5GhJ4sAe6U';
const BOB = '98765432101';
const PASSWORD = 'open-sesame';
const SECRETS = [TOKEN, CLIENT_SECRET, BOB, PASSWORD];
const BOXAPI = {
  boxapi: `shared_link=https://acme.box.com/s/abc&shared_link_password=${PASSWORD}`,
};
const TLS = { rejectUnauthorized: false };

let server: OddBox;
let box: BoxAuth;
let closing: (() => unknown)[];

/** Resolves with the response, and whatever of its body was read. */
type Call = (path: string, signal: AbortSignal) => Promise<unknown>;
interface Client {
  readonly call: Call;
  /** Agents that the app created and keeps. */
  readonly agent?: object;
}

function keptAlive(): { httpAgent: http.Agent; httpsAgent: https.Agent } {
  const httpAgent = new http.Agent({ keepAlive: true });
  const httpsAgent = new https.Agent({ keepAlive: true, ...TLS });
  closing.push(
    () => httpAgent.destroy(),
    () => httpsAgent.destroy(),
  );
  return { httpAgent, httpsAgent };
}

/** Sends no headers of the caller: axios keeps those in its config, where the caller put them. */
function viaAxios(defaults: AxiosRequestConfig, ofCall: AxiosRequestConfig = {}): Client {
  const instance = axios.create({ baseURL: server.url, ...defaults });
  attachToAxios(instance, box.policy, box.fetch);
  return {
    call: async (path, signal) => {
      const response = await instance.get<unknown>(path, { signal, ...ofCall });
      return response.data instanceof Readable ? [response, await read(response.data)] : response;
    },
    agent: [defaults.httpAgent, defaults.httpsAgent, ofCall.httpAgent],
  };
}

async function read(stream: Readable): Promise<unknown> {
  return [stream, await stream.toArray()];
}

function viaUndici(
  library: typeof undici,
  by: 'request' | 'stream' | 'pipeline' | 'fetch',
): Client {
  const agent = new library.Agent({ connect: TLS, allowH2: true });
  closing.push(() => agent.destroy());
  const dispatcher = agent.compose(
    boxAuthInterceptor(box.provider),
    library.interceptors.redirect({ maxRedirections: 3 }),
  );
  const calls: Record<typeof by, (url: string, options: object) => Promise<unknown>> = {
    request: async (url, options) => {
      const response = await library.request(url, { dispatcher, ...options });
      return [response, await response.body.text()];
    },
    stream: (url, options) =>
      library.stream(url, { dispatcher, method: 'GET', ...options }, () =>
        new PassThrough().resume(),
      ),
    pipeline: async (url, options) => {
      const pipeline = library.pipeline(
        url,
        { dispatcher, method: 'GET', ...options },
        ({ body }) => body,
      );
      return read(pipeline.end());
    },
    fetch: async (url, options) => {
      const response = await library.fetch(url, { dispatcher, ...options });
      return [response, await response.text()];
    },
  };
  return { call: (path, signal) => calls[by](server.url + path, { headers: BOXAPI, signal }) };
}

const six = undici6 as unknown as typeof undici;
const ofFetch = async (response: Response) => [
  response,
  response.status === 200 && (await response.text()),
];
const clients: Record<string, () => Client> = {
  BoxFetch: () => ({
    call: async (path, signal) => ofFetch(await box.fetch(path, { headers: BOXAPI, signal })),
  }),
  axios: () => viaAxios({ httpsAgent: new https.Agent(TLS) }),
  'axios with kept-alive agents': () => viaAxios(keptAlive()),
  'axios with kept-alive agents and no redirects': () =>
    viaAxios({ ...keptAlive(), maxRedirects: 0 }),
  'axios with an agent of the call': () =>
    viaAxios({ httpsAgent: new https.Agent(TLS) }, keptAlive()),
  'axios for streams': () => viaAxios({ ...keptAlive(), responseType: 'stream' }),
  'axios for streams, with no redirects': () =>
    viaAxios({ ...keptAlive(), responseType: 'stream', maxRedirects: 0 }),
  'axios for buffers': () => viaAxios({ ...keptAlive(), responseType: 'arraybuffer' }),
  'axios on its fetch adapter': () => viaAxios({ ...keptAlive(), adapter: 'fetch' }),
  'the SDK': () => ({
    call: async (path, signal) => {
      const response = await new BoxSdkNetworkClient(box.provider).fetch({
        auth: new BoxSdkAuthentication(box.provider),
        method: 'GET',
        url: server.url + path,
        headers: BOXAPI,
        cancellationToken: signal,
        responseFormat: 'binary',
        networkSession: new NetworkSession({
          retryStrategy: { shouldRetry: () => Promise.resolve(false), retryAfter: () => 0 },
        }),
      });
      return [response, await response.content?.toArray()];
    },
  }),
  ...Object.fromEntries(
    (['request', 'stream', 'pipeline', 'fetch'] as const).flatMap((by) => [
      [`${by} of undici 6`, () => viaUndici(six, by)],
      [`${by} of undici 7`, () => viaUndici(undici, by)],
    ]),
  ),
};
const http2Clients: typeof clients = {
  ...clients,
  'axios over HTTP/2': () => viaAxios({ httpVersion: 2, http2Options: TLS } as AxiosRequestConfig),
  'axios for streams over HTTP/2': () =>
    viaAxios({ httpVersion: 2, http2Options: TLS, responseType: 'stream' } as AxiosRequestConfig),
};

describe.each([
  ['http', clients],
  ['h2', http2Clients],
] as const)('Over %s', (protocol, all) => {
  beforeEach(async () => {
    closing = [];
    server = await startOddBox(protocol, TOKEN);
    const dispatcher = new undici.Agent({ connect: TLS, allowH2: true });
    closing.push(() => dispatcher.destroy());
    box = new BoxAuth({
      credentials: { clientId: 'client', clientSecret: CLIENT_SECRET, enterpriseId: '1' },
      apiUrl: server.url,
      fetch: ((input: string, init: object) =>
        undici.fetch(input, { ...init, dispatcher })) as never,
    });
  });
  afterEach(async () => {
    box.close();
    for (const close of closing.toReversed()) await close();
    await server.stop();
  });

  describe.each(Object.keys(all))('%s', (name) => {
    it.each(ODD_PATHS)('leaves no secret reachable from its outcome after %s', async (path) => {
      const { call, agent } = all[name]?.() ?? {};
      if (call === undefined) throw new Error(`Unknown client ${name}`);
      const controller = new AbortController();
      const arrived = server.hanging();
      const outcome = box.provider
        .runAs(BOB, () => call(path, controller.signal))
        .catch((error: unknown) => error);
      if (path === '/hang') await arrived.then(() => controller.abort());
      expect(foundSecrets([await outcome, agent], SECRETS)).toEqual([]);
    });
  });
});
