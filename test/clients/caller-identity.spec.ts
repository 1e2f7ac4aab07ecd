import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import axios, { AxiosHeaders } from 'axios';
import { BoxClient } from 'box-node-sdk';
import { BoxRetryStrategy, NetworkSession } from 'box-node-sdk/networking';
import fc from 'fast-check';
import { Agent as Agent7, request as request7 } from 'undici';
import { Agent as Agent6, request as request6 } from 'undici6';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { BoxSdkAuthentication, BoxSdkNetworkClient } from 'nestjs-box-auth/sdk';
import { boxAuthInterceptor } from 'nestjs-box-auth/undici';
import { BoxAuth } from '../../lib/box/box-auth.js';
import { attachToAxios } from '../../lib/axios/axios-authorization.js';

const ACTING = '1001';

/** A header as a caller without types may write it. */
type Entry = readonly [name: string, value: unknown];

interface Arrived {
  readonly authorization: readonly string[];
  readonly asUser: readonly string[];
}

let server: Server;
let url: string;
let box: BoxAuth;
const arrived: Arrived[] = [];

/** Gives tokens that name their subject, and keeps the identity of every other call as it is on the wire. */
beforeAll(async () => {
  server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      response.setHeader('content-type', 'application/json');
      if (request.url === '/oauth2/token') {
        const subject = new URLSearchParams(Buffer.concat(chunks).toString()).get('box_subject_id');
        response.end(JSON.stringify({ access_token: `token-of-${subject}`, expires_in: 3600 }));
        return;
      }
      const valuesOf = (name: string) =>
        request.rawHeaders.filter(
          (_, at, all) => at % 2 === 1 && all[at - 1]?.toLowerCase() === name,
        );
      arrived.push({ authorization: valuesOf('authorization'), asUser: valuesOf('as-user') });
      response.end('{}');
    });
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  box = new BoxAuth({
    credentials: { clientId: 'client', clientSecret: 'secret', enterpriseId: '7' },
    apiUrl: url,
  });
});
beforeEach(() => {
  arrived.length = 0;
});
afterAll(async () => {
  box.close();
  await Promise.all([agent7.destroy(), agent6.destroy()]);
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

const record = (entries: readonly Entry[]) => Object.fromEntries(entries) as never;
const pairs = (entries: readonly Entry[]) => entries.map((entry) => [...entry]) as never;
const flat = (entries: readonly Entry[]) => entries.flatMap((entry) => [...entry]) as never;

function byAxios(adapter: 'http' | 'fetch', common: readonly Entry[] = []) {
  const instance = axios.create({ baseURL: url, adapter });
  Object.assign(instance.defaults.headers.common, record(common));
  attachToAxios(instance, box.policy, box.fetch);
  return instance;
}

function sdkClient(entries: readonly Entry[], networkClient?: BoxSdkNetworkClient): BoxClient {
  return new BoxClient({
    auth: new BoxSdkAuthentication(box.provider),
    networkSession: new NetworkSession({
      additionalHeaders: record(entries),
      // Its own client takes a header that it cannot send for an outage, and waits.
      retryStrategy: new BoxRetryStrategy({ maxAttempts: 0, maxRetriesOnException: 0 }),
      ...(networkClient && { networkClient }),
    }),
  });
}

const path = '/2.0/users/me';
const agent7 = new Agent7();
const agent6 = new Agent6();
const undici7 = (headers: never) =>
  request7(url + path, {
    dispatcher: agent7.compose(boxAuthInterceptor(box.provider)),
    headers,
  });
const undici6 = (headers: never) =>
  request6(url + path, {
    dispatcher: agent6.compose(boxAuthInterceptor(box.provider)),
    headers,
  });

/** Each client, with the header in each form that the client takes. */
const clients: Record<string, (entries: readonly Entry[]) => Promise<unknown>> = {
  'BoxFetch, a record': (entries) => box.fetch(path, { headers: record(entries) }),
  'BoxFetch, pairs': (entries) => box.fetch(path, { headers: pairs(entries) }),
  'BoxFetch, Headers': (entries) => box.fetch(path, { headers: new Headers(pairs(entries)) }),
  'BoxFetch, a Map': (entries) => box.fetch(path, { headers: new Map(entries) as never }),
  'BoxFetch, a Request': (entries) =>
    box.fetch(new Request(url + path, { headers: record(entries) })),
  'axios, a record': (entries) => byAxios('http').get(path, { headers: record(entries) }),
  'axios, AxiosHeaders': (entries) =>
    byAxios('http').get(path, { headers: new AxiosHeaders(record(entries)) }),
  'axios, common defaults': (entries) => byAxios('http', entries).get(path),
  'axios, an interceptor': (entries) => {
    const instance = byAxios('http');
    instance.interceptors.request.use((config) => {
      Object.assign(config.headers, record(entries));
      return config;
    });
    return instance.get(path);
  },
  'axios over fetch': (entries) => byAxios('fetch').get(path, { headers: record(entries) }),
  'undici 7, a record': (entries) => undici7(record(entries)),
  'undici 7, a flat list': (entries) => undici7(flat(entries)),
  'undici 7, an iterator': (entries) => undici7(entries.map((entry) => entry).values() as never),
  'undici 6, a record': (entries) => undici6(record(entries)),
  'undici 6, a flat list': (entries) => undici6(flat(entries)),
  'undici 6, a Map': (entries) => undici6(new Map(entries) as never),
  'the SDK, a call': (entries) =>
    sdkClient([], new BoxSdkNetworkClient(box.provider)).makeRequest({
      method: 'GET',
      url: url + path,
      headers: record(entries),
    }),
  'the SDK, a session': (entries) =>
    sdkClient(entries, new BoxSdkNetworkClient(box.provider)).makeRequest({
      method: 'GET',
      url: url + path,
    }),
  'the SDK’s own network client': (entries) =>
    sdkClient(entries).makeRequest({ method: 'GET', url: url + path }),
};

const unsent: readonly unknown[] = [null, undefined, false, []];
const odd = [
  ['', ' ', '\t', '5', ' 5 ', '5,6', 'null', 'undefined', '٣', '5\r\nx: y', '1'.repeat(21)],
  [[[]], ['5'], ['5', '6'], [''], [null], [undefined], [false], [['5']]],
  [0, 5, 5n, -1, Number.NaN, true, Symbol('5'), new Date(0), Buffer.from('5'), Object('5')],
  [{}, { toString: () => '' }, () => undefined],
].flat<unknown[][]>();
const values = fc.oneof(
  fc.constantFrom<unknown>(...unsent, ...odd),
  fc.string({ maxLength: 4 }),
  fc.anything({ maxDepth: 1 }),
);
const names = fc.oneof(
  fc.constantFrom('as-user', 'As-User', 'AS-USER', ' as-user', 'as-user\t'),
  fc.constantFrom('authorization', 'Authorization', ' Authorization'),
);
const headers = fc.array(fc.tuple(names, values), { minLength: 1, maxLength: 3 });

/** Whether Box would take it for a call of the service account. */
function isOfServiceAccount({ authorization, asUser }: Arrived): boolean {
  const [id, ...others] = asUser;
  return (
    authorization.join() === 'Bearer token-of-7' &&
    !(others.length === 0 && id !== undefined && /^[ \t]*[0-9]{1,20}[ \t]*$/.test(id))
  );
}

/** One header in two spellings: some clients send the last one, others both. */
const twice: readonly (readonly Entry[])[] = [
  [
    ['as-user', '5'],
    ['As-User', '5'],
  ],
  [
    ['AS-USER', '5'],
    ['as-user', '6'],
  ],
];

describe.each(Object.entries(clients))('%s', (_, call) => {
  it.each(twice)('never sends two users: %j, %j', async (...entries) => {
    await box.provider.runAs(ACTING, async () => call(entries)).catch(() => undefined);
    expect(arrived.filter(isOfServiceAccount)).toEqual([]);
  });

  it('acts for the acting user or the user that the caller names, or fails, whatever header is set', async () => {
    await fc.assert(
      fc.asyncProperty(headers, async (entries) => {
        arrived.length = 0;
        await box.provider.runAs(ACTING, async () => call(entries)).catch(() => undefined);
        expect(arrived.filter(isOfServiceAccount)).toEqual([]);
      }),
      { numRuns: 150 },
    );
  });

  it('acts for the user that the caller names', async () => {
    await box.provider.runAs(ACTING, () => call([['As-User', '5']]));
    expect(arrived).toEqual([{ authorization: ['Bearer token-of-7'], asUser: ['5'] }]);
  });
});

// The SDK's own network client sends the caller's authorization and its own: only Box can decide between them.
const single = Object.entries(clients).filter(([name]) => name !== 'the SDK’s own network client');

describe.each(single)('%s with its own authorization', (_, call) => {
  it('gets no token and no acting user, and keeps its own as-user', async () => {
    const mine = ['authorization', 'Bearer mine'] as const;
    await box.provider.runAs(ACTING, () => call([mine]));
    await box.provider.runAs(ACTING, () => call([mine, ['as-user', '5']]));
    expect(arrived).toEqual([
      { authorization: ['Bearer mine'], asUser: [] },
      { authorization: ['Bearer mine'], asUser: ['5'] },
    ]);
  });
});

describe('A header that is not sent does not count as set by the caller', () => {
  it.each(
    [
      'axios, a record',
      'axios, AxiosHeaders',
      'axios, common defaults',
      'axios, an interceptor',
    ].flatMap((client) => unsent.map((value) => [client, value] as const)),
  )('%s: %j', async (client, value) => {
    const entries = ['as-user', 'Authorization'].map((name) => [name, value] as const);
    await box.provider.runAs(ACTING, () => clients[client]?.(entries));
    expect(arrived).toEqual([{ authorization: ['Bearer token-of-7'], asUser: [ACTING] }]);
  });

  it.each(
    [
      'undici 7, a record',
      'undici 7, a flat list',
      'undici 6, a record',
      'undici 6, a Map',
    ].flatMap((client) => [undefined, []].map((value) => [client, value] as const)),
  )('%s: %j', async (client, value) => {
    const entries = ['As-User', 'authorization'].map((name) => [name, value] as const);
    await box.provider.runAs(ACTING, () => clients[client]?.(entries));
    expect(arrived).toEqual([{ authorization: ['Bearer token-of-7'], asUser: [ACTING] }]);
  });
});
