import { createHash } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { buffer, text } from 'node:stream/consumers';
import { Readable } from 'node:stream';
import { BoxClient } from 'box-node-sdk';
import { BoxApiError, BoxSdkError } from 'box-node-sdk/box/errors';
import {
  BaseUrls,
  BoxRetryStrategy,
  FetchOptions,
  type Interceptor,
  NetworkSession,
} from 'box-node-sdk/networking';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { BoxSdkAuthentication, BoxSdkNetworkClient } from 'nestjs-box-auth/sdk';
import { BoxEmulator } from 'nestjs-box-auth/testing';
import { BoxAuth } from '../../lib/box/box-auth.js';

/** The SDK's own network client is the model: every call has the same outcome with ours, except `DIFFERENCES`. */
let emulator: BoxEmulator;
let box: BoxAuth;
const closing: (() => void)[] = [];

beforeAll(async () => {
  emulator = await BoxEmulator.start();
});
afterAll(() => emulator.stop());
afterEach(() => {
  for (const close of closing.splice(0)) close();
  emulator.clearRequests();
});

/** All that an app or its server can see of a call. */
interface Outcome {
  readonly result: unknown;
  readonly hooks: readonly string[];
  readonly requests: readonly string[];
  /** The `content-length` of each part of a chunked upload. */
  readonly partLengths: readonly unknown[];
}

interface Scenario {
  readonly call: (client: BoxClient) => Promise<unknown>;
  readonly prepare?: () => unknown;
  readonly interceptors?: readonly Partial<Interceptor>[];
  readonly session?: Partial<Pick<NetworkSession, 'timeoutConfig' | 'retryStrategy'>>;
}

const at = (path: string, call: object = {}) => ({
  url: `${emulator.url}${path}`,
  method: 'GET',
  ...call,
});
const send =
  (path: string, call: object = {}) =>
  async (client: BoxClient) =>
    (await client.makeRequest(at(path, call))).data;
const me = send('/2.0/users/me');
const redirectTo =
  (location: () => string, status = 302, path = '/2.0/moved') =>
  () =>
    emulator.route('GET', path, (_, response) =>
      response.writeHead(status, { location: location() }).end(),
    );
/** Added once: `space_used` of the user would change. */
let plan: { readonly id: string } | undefined;
const download = async (client: BoxClient) => {
  const { id } = (plan ??= emulator.addFile({ name: 'plan.txt', content: 'The plan' }));
  return text((await client.downloads.downloadFile(id)) as Readable);
};

const SCENARIOS: Record<string, Scenario> = {
  'a call': { call: me },
  'a call with a query': { call: send('/2.0/folders/0', { params: { fields: 'id,name' } }) },
  'a JSON body': {
    call: send('/2.0/echo', { method: 'POST', data: { a: 1 } }),
    prepare: () => echo('POST', '/2.0/echo'),
  },
  'a form': {
    call: send('/2.0/echo', {
      method: 'POST',
      data: { a: '1' },
      contentType: 'application/x-www-form-urlencoded',
    }),
    prepare: () => echo('POST', '/2.0/echo'),
  },
  'a method in lower case': {
    call: send('/2.0/echo', { method: 'post', data: { a: 1 } }),
    prepare: () => echo('POST', '/2.0/echo'),
  },
  'an unknown content type': { call: send('/2.0/x', { method: 'POST', contentType: 'text/x' }) },
  'a 404': { call: send('/2.0/files/404') },
  'a 409 with its context': {
    call: (client) => client.folders.createFolder({ name: 'Taken', parent: { id: '0' } }),
    prepare: () => {
      emulator.addFolder({ name: 'Taken' });
    },
  },
  'a 204': {
    call: send('/2.0/gone', { method: 'DELETE', responseFormat: 'no_content' }),
    prepare: () => emulator.route('DELETE', '/2.0/gone', (_, r) => r.writeHead(204).end()),
  },
  'one 503': {
    call: me,
    prepare: () => emulator.failNext('api', { kind: 'unavailable' }),
  },
  'only 503': { call: me, prepare: () => emulator.always('api', { kind: 'unavailable' }) },
  'a 429': {
    call: me,
    prepare: () => emulator.failNext('api', { kind: 'rate-limit', retryAfter: 0 }),
  },
  'a 408, which is not retried': {
    call: me,
    prepare: () => emulator.failNext('api', { kind: 'status', status: 408, body: { a: 1 } }),
  },
  'two resets': { call: me, prepare: () => emulator.failNext('api', { kind: 'reset' }, 2) },
  'resets and 503, counted apart': {
    call: me,
    prepare: () => {
      emulator.failNext('api', { kind: 'reset' });
      emulator.failNext('api', { kind: 'unavailable' }, 2);
      emulator.failNext('api', { kind: 'reset' });
    },
  },
  'a 200 that is not JSON': {
    call: me,
    prepare: () => emulator.failNext('api', { kind: 'garbage' }),
  },
  'only responses that are not JSON': {
    call: async (client) => {
      await client.users.getUserMe().catch((error: unknown) => {
        expect(error).toBeInstanceOf(BoxSdkError);
        expect(error).not.toBeInstanceOf(BoxApiError);
      });
    },
    prepare: () => emulator.always('api', { kind: 'garbage' }),
  },
  'an upload': { call: upload, prepare: acceptUploads },
  'an upload with one 503': {
    call: upload,
    prepare: () => {
      acceptUploads();
      emulator.failNext('api', { kind: 'unavailable' });
    },
  },
  'a chunked upload': { call: uploadChunked, prepare: acceptParts },
  'a chunked upload with one 503 of each request': {
    call: uploadChunked,
    prepare: () => {
      acceptParts();
      let count = 0;
      failing = () => (count++ % 2 === 0 ? 503 : undefined);
    },
  },
  'a chunked upload with a part that always fails': {
    call: uploadChunked,
    prepare: () => {
      acceptParts();
      failing = (method) => (method === 'PUT' ? 503 : undefined);
    },
  },
  'a download': { call: download },
  'a download with a 503 of the second host': {
    call: download,
    prepare: () => emulator.failNext('download', { kind: 'unavailable' }),
  },
  'a download with 503 of both hosts, counted together': {
    call: download,
    prepare: () => {
      emulator.failNext('api', { kind: 'unavailable' }, 2);
      emulator.failNext('download', { kind: 'unavailable' }, 2);
    },
  },
  'a download with more 503 than attempts': {
    call: download,
    prepare: () => {
      emulator.failNext('api', { kind: 'unavailable' }, 2);
      emulator.always('download', { kind: 'status', status: 503, body: { message: 'no' } });
    },
  },
  'the address of a download': {
    call: async (client) => {
      const { id } = emulator.addFile({ name: `${Math.random()}.txt`, content: 'x' });
      return (await client.downloads.getDownloadFileUrl(id)).startsWith(emulator.downloadUrl);
    },
  },
  'a redirect within Box': {
    call: send('/2.0/moved', { params: { fields: 'id' } }),
    prepare: redirectTo(() => `${emulator.url}/2.0/users/me`),
  },
  'a relative redirect': {
    call: send('/2.0/moved'),
    prepare: redirectTo(() => '/2.0/users/me'),
  },
  'a 307 within Box': {
    call: send('/2.0/moved'),
    prepare: redirectTo(() => `${emulator.url}/2.0/users/me`, 307),
  },
  'a 307 of a POST within Box': {
    call: send('/2.0/from', { method: 'POST', data: { a: 1 } }),
    prepare: () => {
      const headers = { location: `${emulator.url}/2.0/echo` };
      emulator.route('POST', '/2.0/from', (_, r) => r.writeHead(307, headers).end());
      echo('POST', '/2.0/echo');
    },
  },
  'two redirects': {
    call: send('/2.0/moved'),
    prepare: () => {
      redirectTo(() => `${emulator.url}/2.0/moved-again`)();
      redirectTo(() => `${emulator.url}/2.0/users/me`, 301, '/2.0/moved-again')();
    },
  },
  'a redirect to another host that redirects back': {
    call: async (client) => {
      const error: unknown = await client.makeRequest(at('/2.0/moved')).catch((e: unknown) => e);
      // Without a token from then on.
      return error instanceof BoxApiError && error.responseInfo.statusCode;
    },
    prepare: () => {
      redirectTo(() => `${emulator.downloadUrl}/away`)();
      emulator.always('download', { kind: 'redirect', location: `${emulator.url}/2.0/users/me` });
    },
  },
  'a redirect without an address': {
    call: me,
    prepare: () => emulator.always('api', { kind: 'status', status: 302 }),
  },
  'a 304': {
    call: me,
    prepare: () => emulator.always('api', { kind: 'status', status: 304 }),
  },
  'a redirect that is not followed': {
    call: async (client) => {
      const { status, headers } = await client.makeRequest(
        at('/2.0/moved', { followRedirects: false }),
      );
      return [status, headers['location']];
    },
    prepare: redirectTo(() => `${emulator.url}/2.0/users/me`),
  },
  'an interceptor that changes the address of a redirect': {
    call: download,
    interceptors: [
      {
        afterRequest: (response) => ({
          ...response,
          headers: { ...response.headers, location: `${emulator.url}/2.0/users/me` },
        }),
      },
    ],
  },
  'an interceptor that adds a query to each hop': {
    call: send('/2.0/moved'),
    prepare: redirectTo(() => `${emulator.url}/2.0/users/me`),
    interceptors: [
      { beforeRequest: (call) => new FetchOptions({ ...call, params: { hop: '1' } }) },
    ],
  },
  'an interceptor that changes data and status': {
    call: send('/2.0/users/me'),
    interceptors: [
      { afterRequest: (response) => ({ ...response, data: { id: '1' } }) },
      {
        afterRequest: (response) => ({ ...response, data: { ...(response.data as object), b: 2 } }),
      },
    ],
  },
  'an interceptor that makes a failure of a success': {
    call: me,
    interceptors: [{ afterRequest: (response) => ({ ...response, status: 400 }) }],
  },
  'an interceptor that makes a redirect of a success': {
    call: me,
    interceptors: [
      {
        afterRequest: (response) =>
          response.url?.endsWith('/me') === true
            ? { ...response, status: 302, headers: { location: `${emulator.url}/2.0/folders/0` } }
            : response,
      },
    ],
  },
  'an interceptor that fails before the request': {
    call: me,
    interceptors: [
      {
        beforeRequest: () => {
          throw new RangeError('not today');
        },
      },
    ],
  },
  'interceptors in their order': {
    call: me,
    interceptors: ['1', '2'].map((name) => ({
      beforeRequest: (call) =>
        new FetchOptions({
          ...call,
          params: { ...call.params, order: `${call.params?.['order'] ?? ''}${name}` },
        }),
    })),
  },
};

/** The outcome with the SDK's own network client, and with ours, where ours does better or has another task. */
const DIFFERENCES: Record<string, Scenario & { readonly own: object; readonly ours: object }> = {
  'shows an interceptor no refused token': {
    call: async (client) => (await client.users.getUserMe()).id === emulator.serviceAccountId,
    prepare: () => emulator.revokeAllTokens(),
    own: { result: true, hooks: expect.arrayContaining([expect.stringMatching(/^after 401/)]) },
    ours: {
      result: true,
      hooks: [expect.stringMatching(/^before/), expect.stringMatching(/^after 200/)],
    },
  },
  'waits for a 202 with Retry-After': {
    call: me,
    prepare: () =>
      emulator.failNext('api', { kind: 'status', status: 202, headers: { 'retry-after': '0' } }),
    own: { result: undefined },
    ours: { result: expect.objectContaining({ type: 'user' }) },
  },
  'waits for the commit of a chunked upload': {
    call: uploadChunked,
    prepare: () => {
      acceptParts();
      let commits = 0;
      failing = (_, path) => (path.endsWith('/commit') && commits++ === 0 ? 202 : undefined);
    },
    own: { result: expect.any(TypeError) },
    ours: { result: 'large.bin' },
  },
  'sends the parts of a chunked upload with a content-length, and again with another token': {
    call: uploadChunked,
    prepare: () => {
      acceptParts();
      failing = (method, path) => {
        if (method === 'POST' && path === '') emulator.revokeAllTokens();
        return undefined;
      };
    },
    own: { result: 'large.bin', partLengths: [undefined, undefined, undefined, undefined] },
    ours: { result: 'large.bin', partLengths: ['1000', '1000', '1000', '500'] },
  },
  'tells the status of a failure that is not JSON': {
    call: me,
    prepare: () => emulator.always('api', { kind: 'status', status: 502, body: '<h1>Bad</h1>' }),
    own: { result: { kind: 'BoxSdkError', message: expect.stringContaining('JSON') } },
    ours: { result: expect.objectContaining({ kind: 'BoxApiError', statusCode: 502 }) },
  },
  'tells the reason of a download that failed': {
    call: (client) => client.downloads.downloadFile('404'),
    own: { result: expect.objectContaining({ statusCode: 404, code: undefined }) },
    ours: { result: expect.objectContaining({ statusCode: 404, code: '"not_found"' }) },
  },
  'rejects with the error of an interceptor after a success': {
    call: async (client) => (await client.users.getUserMe()).type,
    interceptors: [
      {
        afterRequest: () => {
          throw new RangeError('not mine');
        },
      },
    ],
    own: { result: 'user' },
    ours: { result: new RangeError('not mine') },
  },
  'turns a POST into a GET for a 303': {
    call: send('/2.0/from', { method: 'POST', data: { a: 1 } }),
    prepare: () => {
      const headers = { location: `${emulator.url}/2.0/users/me` };
      emulator.route('POST', '/2.0/from', (_, r) => r.writeHead(303, headers).end());
    },
    own: { result: expect.objectContaining({ statusCode: 405 }) },
    ours: { result: expect.objectContaining({ type: 'user' }) },
  },
  'keeps an acting user to Box': {
    call: async (client) => {
      emulator.addFile({ name: `${Math.random()}.txt`, content: 'x', ownerId: '11111' });
      const asAlice = client.withAsUserHeader('11111');
      const { entries = [] } = await asAlice.folders.getFolderItems('0');
      const file = entries.find(({ type }) => type === 'file');
      const content = asAlice.downloads.downloadFile(file?.id ?? '');
      await content.then((stream) => text(stream as Readable)).catch(() => undefined);
      return emulator.downloadRequests.some(({ headers }) => 'as-user' in headers);
    },
    own: { result: true },
    ours: { result: false },
  },
  'adds a query to one that is in the address': {
    call: async (client) => {
      await client.makeRequest(at('/2.0/users/me?a=1', { params: { b: '2' } }));
      return emulator.apiRequests.at(-1)?.path;
    },
    own: { result: '/2.0/users/me?a=1?b=2' },
    ours: { result: '/2.0/users/me?a=1&b=2' },
  },
  'does not repeat a call that was cancelled': {
    call: async (client) => {
      const cancelling = new AbortController();
      emulator.route('GET', '/2.0/folders/77', () => cancelling.abort());
      const call = client.folders.getFolderById('77', { cancellationToken: cancelling.signal });
      await expect(call).rejects.toMatchObject({ error: { name: 'AbortError' } });
    },
    own: { result: undefined, hooks: expect.objectContaining({ length: 3 }) },
    ours: { result: undefined, hooks: expect.objectContaining({ length: 1 }) },
  },
  'leaves the check of an upload to `contentMd5`': {
    call: async (client) => {
      await upload(client);
      return emulator.apiRequests.at(-1)?.headers['content-md5'] !== undefined;
    },
    prepare: acceptUploads,
    own: { result: true },
    ours: { result: false },
  },
};

function echo(method: string, path: string) {
  emulator.route(method, path, async (request, response) => {
    const body = await text(request);
    const type = request.headers['content-type'];
    response.writeHead(200, { 'content-type': 'application/json' });
    response.end(JSON.stringify({ method: request.method, type, body }));
  });
}

function acceptUploads() {
  emulator.route('POST', '/api/2.0/files/content', async (request, response) => {
    const body = await text(request);
    const [boundary = ''] = body.split('\r\n');
    const normal = body.replaceAll(boundary, '--').replace(/^content-/gim, 'content-');
    response.writeHead(201, { 'content-type': 'application/json' });
    response.end(
      JSON.stringify({ total_count: 1, entries: [{ type: 'file', id: '1', name: normal }] }),
    );
  });
}

/** Chooses another status for a request of a chunked upload. */
let failing: (method: string, path: string) => number | undefined = () => undefined;

/** An upload session with the requests that the SDK makes. The emulator checks their tokens. */
function acceptParts() {
  failing = () => undefined;
  const parts: Buffer[] = [];
  const session = `${emulator.url}/api/2.0/files/upload_sessions/S1`;
  const respond = (
    method: string,
    path: string,
    status: number,
    body: (content: Buffer, headers: IncomingHttpHeaders) => object,
  ) =>
    emulator.route(method, `/api/2.0/files/upload_sessions${path}`, async (request, response) => {
      const content = await buffer(request);
      const failure = failing(method, path);
      const headers = { 'content-type': 'application/json', 'retry-after': '0' };
      response.writeHead(failure ?? status, headers);
      response.end(JSON.stringify(failure === undefined ? body(content, request.headers) : {}));
    });
  respond('POST', '', 201, () => ({
    id: 'S1',
    type: 'upload_session',
    num_parts_processed: 0,
    part_size: 1000,
    total_parts: 3,
    session_endpoints: {
      upload_part: session,
      commit: `${session}/commit`,
      abort: session,
      list_parts: `${session}/parts`,
      status: session,
      log_event: `${session}/log`,
    },
  }));
  respond('PUT', '/S1', 200, (content, headers) => {
    const sha1 = createHash('sha1').update(content);
    expect(headers['digest']).toBe(`sha=${sha1.copy().digest('base64')}`);
    const offset = parts.reduce((sum, part) => sum + part.byteLength, 0);
    const part = { part_id: `P${parts.push(content)}`, offset, size: content.byteLength };
    return { part: { ...part, sha1: sha1.digest('hex') } };
  });
  respond('GET', '/S1/parts', 200, () => ({ total_count: parts.length, entries: [] }));
  respond('POST', '/S1/commit', 201, (_, headers) => {
    const sha1 = createHash('sha1').update(Buffer.concat(parts)).digest('base64');
    expect(headers['digest']).toBe(`sha=${sha1}`);
    return { total_count: 1, entries: [{ type: 'file', id: '1', name: 'large.bin' }] };
  });
}

async function uploadChunked(client: BoxClient) {
  const file = Readable.from([Buffer.alloc(1500, 'a'), Buffer.alloc(1000, 'b')]);
  return (await client.chunkedUploads.uploadBigFile(file, 'large.bin', 2500, '0')).name;
}

async function upload(client: BoxClient) {
  const { entries } = await client.uploads.uploadFile({
    attributes: { name: 'a.txt', parent: { id: '0' } },
    file: Readable.from(Buffer.from('The plan')),
  });
  return entries?.[0]?.name;
}

const clients = {
  own: () => undefined,
  ours: () => new BoxSdkNetworkClient(box.provider),
} as const;

async function outcomeWith(
  name: keyof typeof clients,
  { call, prepare, interceptors = [], session = {} }: Scenario,
): Promise<Outcome> {
  box = new BoxAuth({ credentials: { config: emulator.config }, apiUrl: emulator.url });
  closing.push(() => box.close());
  emulator.heal();
  const hooks: string[] = [];
  const short = (url = '') =>
    url
      .replace(emulator.downloadUrl, 'download:')
      .replace(emulator.url, '')
      .replace(/\?.*/, '?')
      .replace(/\d{5,}/, '…');
  const recording: Interceptor = {
    beforeRequest: (options) => {
      hooks.push(
        `before ${options.method} ${short(options.url)} auth: ${options.auth !== undefined}`,
      );
      return options;
    },
    afterRequest: (response) => {
      const { status, url, headers, data } = response;
      hooks.push(
        `after ${status} ${short(url)} ${short(headers['location'])} data: ${status < 400 && data !== undefined}`,
      );
      return response;
    },
  };
  const networkClient = clients[name]();
  const client = new BoxClient({
    auth: new BoxSdkAuthentication(box.provider),
    networkSession: new NetworkSession({
      baseUrls: new BaseUrls({ baseUrl: emulator.url, uploadUrl: `${emulator.url}/api` }),
      retryStrategy: new BoxRetryStrategy({ retryBaseInterval: 0 }),
      interceptors: [
        recording,
        ...interceptors.map(({ beforeRequest = same, afterRequest = same }): Interceptor => ({
          beforeRequest,
          afterRequest,
        })),
      ],
      ...session,
      ...(networkClient && { networkClient }),
    }),
  });
  await box.provider.getToken();
  prepare?.();
  emulator.clearRequests();
  const result = await call(client).catch(describeError);
  const requests = [...emulator.apiRequests, ...emulator.downloadRequests].map(
    ({ method, path, status, headers }) =>
      `${method} ${short(path)} ${status} token: ${headers['authorization'] !== undefined}`,
  );
  const partLengths = emulator.apiRequests
    .filter(({ method }) => method === 'PUT')
    .map(({ headers }) => headers['content-length']);
  return { result, hooks, requests, partLengths };
}

const same = <T>(value: T): T => value;

function describeError(error: unknown): unknown {
  if (error instanceof BoxApiError) {
    const { requestInfo, responseInfo } = error;
    const { statusCode, code, contextInfo, helpUrl } = responseInfo;
    const { method, queryParams, contentType } = requestInfo;
    return {
      kind: 'BoxApiError',
      method,
      queryParams,
      contentType,
      statusCode,
      code,
      contextInfo,
      helpUrl,
    };
  }
  if (error instanceof BoxSdkError) return { kind: 'BoxSdkError', message: error.message };
  return error;
}

describe('The network client has the same outcome as the SDK’s own', () => {
  it.each(Object.entries(SCENARIOS))('with %s', async (_, scenario) => {
    const own = await outcomeWith('own', scenario);
    const ours = await outcomeWith('ours', scenario);
    expect(ours).toEqual({ ...own, partLengths: expect.any(Array) });
    expect(own.hooks.length).toBeGreaterThan(0);
  });

  it('with a timeout of each attempt', async () => {
    const scenario: Scenario = {
      call: me,
      prepare: () => emulator.always('api', { kind: 'hang' }),
      session: {
        timeoutConfig: { timeoutMs: 30 },
        retryStrategy: new BoxRetryStrategy({ retryBaseInterval: 0, maxRetriesOnException: 1 }),
      },
    };
    const own = await outcomeWith('own', scenario);
    // Whether a request arrives before its timeout depends on the machine.
    expect(await outcomeWith('ours', scenario)).toEqual({ ...own, requests: expect.any(Array) });
  });
});

describe('Unlike the SDK’s own, the network client', () => {
  it.each(Object.entries(DIFFERENCES))('%s', async (_, { own, ours, ...scenario }) => {
    expect(await outcomeWith('own', scenario)).toMatchObject(own);
    expect(await outcomeWith('ours', scenario)).toMatchObject(ours);
  });

  it('gives up after 20 redirects', async () => {
    const { result, hooks } = await outcomeWith('ours', {
      call: me,
      prepare: () =>
        emulator.always('api', { kind: 'redirect', location: `${emulator.url}/2.0/again` }),
    });
    expect(result).toMatchObject({ message: expect.stringContaining('redirect') });
    expect(hooks).toHaveLength(42);
  });

  it('adds no token to a call to another host that redirects to Box', async () => {
    const location = `${emulator.url}/2.0/users/me`;
    const { requests } = await outcomeWith('ours', {
      call: (client) => client.makeRequest({ url: `${emulator.downloadUrl}/x`, method: 'GET' }),
      prepare: () => emulator.always('download', { kind: 'redirect', location }),
    });
    expect(requests).toEqual(['GET /2.0/users/me 401 token: false', 'GET /x 302 token: false']);
  });

  it('adds no token to a redirect of a call that the caller authorizes itself', async () => {
    redirectTo(() => `${emulator.url}/2.0/users/me`)();
    const mine = async (client: BoxClient) => {
      const { value } = await box.provider.getToken();
      const headers = { authorization: `Bearer ${value}` };
      await client.makeRequest(at('/2.0/moved', { headers }));
    };
    const { hooks } = await outcomeWith('ours', { call: mine });
    expect(hooks.filter((hook) => hook.startsWith('before'))).toEqual([
      'before GET /2.0/moved auth: true',
      'before GET /2.0/users/me auth: false',
    ]);
  });
});
