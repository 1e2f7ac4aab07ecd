import { Readable } from 'node:stream';
import { inspect } from 'node:util';
import axios, {
  AxiosError,
  AxiosHeaders,
  type AxiosInstance,
  type AxiosRequestConfig,
  type InternalAxiosRequestConfig,
} from 'axios';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { attachToAxios } from '../../lib/axios/axios-authorization.js';
import { BoxAuth } from '../../lib/box/box-auth.js';
import { type Arrived, type LoopbackServer, startServer } from '../support/loopback-server.js';

const REDIRECT_TARGET = '/2.0/redirected';

let server: LoopbackServer;
let box: BoxAuth;
beforeAll(async () => {
  server = await startServer((request, response) => {
    const { path, headers, body } = request;
    response.setHeader('content-type', 'application/json');
    if (path === '/oauth2/token') {
      response.end(JSON.stringify({ access_token: 'token', expires_in: 3600 }));
    } else if (path.startsWith('/2.0/moved')) {
      response.writeHead(302, { location: REDIRECT_TARGET }).end();
    } else {
      const status = Number(/status-(\d+)/.exec(path)?.[1] ?? 200);
      const type = headers['content-type']?.replace(/boundary=.*/, 'boundary');
      response.writeHead(status).end(JSON.stringify({ path, type, bytes: body.length }));
    }
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
/** Functions of the app in a config, by their names, that count their calls. */
class Hooks {
  readonly calls: Record<string, number> = {};

  counted<Args extends readonly unknown[], Result>(name: string, run: (...args: Args) => Result) {
    this.calls[name] = 0;
    return (...args: Args): Result => {
      this.calls[name] = (this.calls[name] ?? 0) + 1;
      return run(...args);
    };
  }
}

type ConfigOf = (hooks: Hooks) => AxiosRequestConfig;

const circular: Record<string, unknown> = {};
circular['self'] = circular;

/** Parts of a config. Each part may call functions of the app. */
const PARTS: Readonly<Record<string, readonly ConfigOf[]>> = {
  url: [
    () => ({ url: '/2.0/users/me' }),
    () => ({ url: '/2.0/users/me?a=1#fragment' }),
    () => ({ url: '/2.0/status-404' }),
    () => ({ url: '/2.0/moved' }),
    () => ({ url: 'https:api.box.com/2.0/users/me' }),
    () => ({ url: `${server.url}/2.0/users/me`, allowAbsoluteUrls: false }),
  ],
  adapter: [
    () => ({}),
    () => ({ adapter: 'http' }),
    () => ({ adapter: 'fetch' }),
    () => ({ adapter: ['xhr', 'fetch'] }),
    () => ({ adapter: 'carrier pigeon' }),
    () => ({ adapter: null as never }),
    (hooks) => ({
      adapter: hooks.counted('adapter', (config: InternalAxiosRequestConfig) =>
        axios.getAdapter('http')(config),
      ),
    }),
  ],
  env: [
    () => ({}),
    () => ({ env: {} }),
    (hooks) => {
      const count = hooks.counted('env.fetch', () => undefined);
      const fetchOfApp: typeof fetch = (input, init) => {
        // With a token, the redirect is another call: `fetch` itself would forward `as-user` to any host.
        const url = input instanceof Request ? input.url : String(input);
        if (!url.endsWith(REDIRECT_TARGET)) count();
        return fetch(input, init);
      };
      return { env: { fetch: fetchOfApp } };
    },
    (hooks) => {
      const count = hooks.counted('env.Request', () => undefined);
      class AppRequest extends Request {
        constructor(...args: ConstructorParameters<typeof Request>) {
          super(...args);
          // axios tries the class once, with another address.
          if (this.url.startsWith(server.url)) count();
        }
      }
      return { env: { Request: AppRequest } };
    },
    () => ({ env: { Request: null as never } }),
  ],
  params: [
    () => ({}),
    () => ({ params: { a: [1, 2], b: { c: 'd e' } } }),
    () => ({ params: new URLSearchParams('a=1&b=2') }),
    () => ({ params: circular }),
    () => ({ params: { a: Symbol('unserialisable') } }),
    (hooks) => ({
      params: { a: 1 },
      paramsSerializer: { serialize: hooks.counted('serialize', () => 'serialized=1') },
    }),
    (hooks) => ({
      params: { a: 1, b: 2 },
      paramsSerializer: { encode: hooks.counted('encode', (value: string) => value) },
    }),
    (hooks) => ({
      params: { a: 1 },
      paramsSerializer: {
        serialize: hooks.counted('serialize', (): string => {
          throw new TypeError('not serialisable');
        }),
      },
    }),
  ],
  data: [
    () => ({}),
    () => ({ method: 'post', data: 'text' }),
    () => ({ method: 'put', data: { a: 1 } }),
    () => ({ method: 'post', data: Buffer.from('bytes') }),
    () => ({ method: 'post', data: new URLSearchParams('a=1') }),
    () => ({ method: 'post', data: new Blob(['blob']) }),
    () => {
      const data = new FormData();
      data.append('name', 'plan.txt');
      return { method: 'post', data };
    },
    () => ({ method: 'post', data: Readable.from([Buffer.from('stream')]), maxRedirects: 0 }),
    () => ({ method: 'post', data: circular }),
  ],
  transforms: [
    () => ({}),
    (hooks) => ({
      transformRequest: [
        hooks.counted('transformRequest', (data: unknown) =>
          typeof data === 'object' ? JSON.stringify({ kind: typeof data }) : data,
        ),
      ],
      transformResponse: [hooks.counted('transformResponse', (data: unknown) => data)],
    }),
    (hooks) => ({
      transformRequest: hooks.counted('transformRequest', () => {
        throw new Error('not transformed');
      }),
    }),
  ],
  checks: [
    () => ({}),
    (hooks) => ({ validateStatus: hooks.counted('validateStatus', () => true) }),
    (hooks) => ({ beforeRedirect: hooks.counted('beforeRedirect', () => undefined) }),
  ],
  progress: [
    () => ({}),
    () => ({ onUploadProgress: () => undefined }),
    () => ({ onDownloadProgress: () => undefined }),
  ],
  headers: [
    () => ({}),
    () => ({ headers: { 'x-mine': '1', 'as-user': null, Authorization: false } }),
    () => ({
      headers: Object.assign(new AxiosHeaders(), { 'As-User': undefined, Authorization: null }),
    }),
    () => ({ headers: { authorization: 'Bearer mine' } }),
    () => ({ auth: { username: 'me', password: 'mine' } }),
  ],
  limits: [
    () => ({}),
    () => ({ timeout: 60_000, signal: new AbortController().signal }),
    () => ({ signal: AbortSignal.abort() }),
    () => ({ maxBodyLength: 3 }),
    () => ({ maxContentLength: 3 }),
    () => ({ maxRedirects: 0 }),
    () => ({ responseType: 'arraybuffer', decompress: false }),
  ],
};

type Choice = Readonly<Record<string, number>>;

const choices: fc.Arbitrary<Choice> = fc.record(
  Object.fromEntries(
    Object.entries(PARTS).map(([name, parts]) => [
      name,
      // Half of the parts set nothing: an error of one part hides the others.
      fc.oneof(fc.constant(0), fc.nat({ max: parts.length - 1 })),
    ]),
  ),
);

/** Every part alone with each adapter. */
const singleChoices: readonly Choice[] = Object.entries(PARTS).flatMap(([name, parts]) =>
  parts.flatMap((_, index) => [0, 2].map((adapter) => ({ adapter, [name]: index }))),
);

function configOf(choice: Choice, hooks: Hooks): AxiosRequestConfig {
  const config: AxiosRequestConfig = { proxy: false };
  for (const [name, parts] of Object.entries(PARTS)) {
    Object.assign(config, parts[choice[name] ?? 0]?.(hooks));
  }
  return config;
}

/** Everything that an app can observe of a call, except the token itself. */
async function observe(instance: AxiosInstance, choice: Choice): Promise<object> {
  const hooks = new Hooks();
  const config = configOf(choice, hooks);
  server.arrived.length = 0;
  const outcome = await instance.request(config).then(
    (response) => ({ status: response.status, data: described(response.data), of: response }),
    (error: unknown) => ({ error: describedError(error), of: error }),
  );
  const used: unknown = Reflect.get(Object(outcome.of), 'config');
  const { of: _, ...visible } = outcome;
  return {
    ...visible,
    config: describedConfig(used, config),
    calls: hooks.calls,
    sent: server.arrived.filter(({ path }) => path !== '/oauth2/token').map(describedRequest),
  };
}

function describedError(error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  const { name, message } = error;
  const { code, status, response, url, exists }: Partial<AxiosError> & Record<string, unknown> =
    error as AxiosError & Record<string, unknown>;
  const data = described(response?.data);
  return {
    isAxiosError: axios.isAxiosError(error),
    name,
    message,
    code,
    status,
    data,
    url,
    exists,
  };
}

function describedConfig(used: unknown, given: AxiosRequestConfig): unknown {
  if (typeof used !== 'object' || used === null) return used;
  // A call that is canceled before it is sent still has the adapter that adds tokens.
  const ignored = given.signal?.aborted === true ? ['adapter'] : [];
  const fields = Object.entries(used).filter(([name]) => !ignored.includes(name));
  return Object.fromEntries(
    fields.map(([name, value]: [string, unknown]) => [
      name,
      value === Reflect.get(given, name) ? 'as given' : described(value),
    ]),
  );
}

function described(value: unknown): unknown {
  if (value instanceof AxiosHeaders) {
    return Object.fromEntries(
      Object.entries({ ...value }).map(([name, text]) => [name, described(text)]),
    );
  }
  if (typeof value === 'function') return `function ${value.name}`;
  return inspect(value, { depth: 4, sorted: true }).replaceAll(/boundary[=-][\w.-]+/g, 'boundary');
}

const ADDED_HEADERS = new Set(['authorization', 'cache-control', 'connection']);

function describedRequest({ method, path, headers, body }: Arrived): unknown {
  const others = Object.entries(headers)
    .filter(([name]) => !ADDED_HEADERS.has(name))
    .map(([name, value]) => `${name}: ${String(value).replace(/boundary=.*/, 'boundary')}`);
  return { method, path, headers: others.toSorted(), bytes: body.length };
}

describe('A call to Box with an attached instance', () => {
  const bare = () => axios.create({ baseURL: server.url });
  const attached = () => {
    const instance = bare();
    attachToAxios(instance, box.policy, box.fetch);
    return instance;
  };

  it.each(singleChoices.map((choice) => [inspect(choice), choice] as const))(
    'looks like one of bare axios with %s',
    async (_, choice) => {
      expect(await observe(attached(), choice)).toEqual(await observe(bare(), choice));
    },
  );

  it('looks like one of bare axios with any config', () =>
    fc.assert(
      fc.asyncProperty(choices, async (choice) => {
        expect(await observe(attached(), choice)).toEqual(await observe(bare(), choice));
      }),
      { numRuns: 300 },
    ));
});
