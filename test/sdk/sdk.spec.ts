/* oxlint-disable typescript/consistent-type-imports -- Nest reads the types of constructor parameters at run time */
import { Agent, createServer } from 'node:http';
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { inspect } from 'node:util';
import { Controller, type ExecutionContext, Get, Injectable, Module } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { BoxClient, BoxDeveloperTokenAuth } from 'box-node-sdk';
import { BoxApiError, BoxSdkError } from 'box-node-sdk/box/errors';
import {
  BaseUrls,
  BoxRetryStrategy,
  FetchOptions,
  type FetchResponse,
  type Interceptor,
  NetworkSession,
} from 'box-node-sdk/networking';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import {
  AsUser,
  BoxAuthModule,
  type BoxAuthModuleOptions,
  BoxTokenProvider,
} from 'nestjs-box-auth';
import {
  BoxSdkAuthentication,
  BoxSdkModule,
  type BoxSdkModuleOptions,
  BoxSdkNetworkClient,
  getBoxClientToken,
  InjectBoxClient,
} from 'nestjs-box-auth/sdk';
import { BoxEmulator } from 'nestjs-box-auth/testing';
import { BoxAuth } from '../../lib/box/box-auth.js';
import { systemRuntime } from '../../lib/core/runtime/runtime.js';
import { type LoopbackServer, startServer } from '../support/loopback-server.js';
import { thrownBy } from '../support/thrown.js';

const ALICE = '11111';
const BOB = '22222';
const MIB = 1024 * 1024;
/** Without a pause, as the SDK's own network client needs one for every token that was refused. */
const AT_ONCE = { retryStrategy: new BoxRetryStrategy({ retryBaseInterval: 0 }) };

let config: BoxEmulator['config'];
let emulator: BoxEmulator;
let elsewhere: LoopbackServer;
let options: BoxAuthModuleOptions;
const closing: (() => Promise<unknown>)[] = [];

beforeAll(async () => {
  emulator = await BoxEmulator.start();
  ({ config } = emulator);
  await emulator.stop();
  elsewhere = await startServer((_, response) => response.end('{}'));
});
afterAll(() => elsewhere.stop());
beforeEach(async () => {
  emulator = await BoxEmulator.start({ config });
  options = { credentials: { config: emulator.config }, apiUrl: emulator.url };
  elsewhere.arrived.length = 0;
});
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
  await emulator.stop();
});

async function start(...imports: NonNullable<Parameters<typeof Module>[0]['imports']>) {
  const app = (await Test.createTestingModule({ imports }).compile()).createNestApplication();
  app.useLogger(false);
  closing.push(() => app.close());
  return app.init();
}

async function injected(session: BoxSdkModuleOptions = AT_ONCE) {
  const app = await start(BoxAuthModule.forRoot(options), BoxSdkModule.register(session));
  return { client: app.get(BoxClient), provider: app.get(BoxTokenProvider) };
}

async function bare() {
  const provider = (await start(BoxAuthModule.forRoot(options))).get(BoxTokenProvider);
  const auth = new BoxSdkAuthentication(provider);
  return { client: clientWith(auth), provider };
}

function clientWith(auth: BoxSdkAuthentication) {
  const baseUrls = new BaseUrls({ baseUrl: emulator.url, uploadUrl: `${emulator.url}/api` });
  return new BoxClient({ auth, networkSession: new NetworkSession({ baseUrls, ...AT_ONCE }) });
}

const wirings = [
  ['injected', injected],
  ['made with our authentication', bare],
] as const;

/** A stream of more than one chunk: what is sent of it is gone. */
const flowing = (...chunks: string[]) => Readable.from(chunks.map((chunk) => Buffer.from(chunk)));

const upload = (client: BoxClient, name: string, file: Readable) =>
  client.uploads.uploadFile({ attributes: { name, parent: { id: '0' } }, file });

async function rejection(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => expect.fail('it was expected to reject, and did not'),
    (error: unknown) => error,
  );
}

async function apiError(promise: Promise<unknown>): Promise<BoxApiError> {
  const error = await rejection(promise);
  if (error instanceof BoxApiError) return error;
  throw error;
}

const last = () => emulator.apiRequests.at(-1);

describe.each(wirings)('A BoxClient that is %s', (wiring, open) => {
  it('calls Box as the service account', async () => {
    const { client } = await open();
    emulator.addFile({ name: 'plan.txt', content: 'The plan' });
    expect((await client.users.getUserMe()).id).toBe(emulator.serviceAccountId);
    const { entries } = await client.folders.getFolderItems('0');
    expect(entries?.map(({ name }) => name)).toContain('plan.txt');
  });

  it('uploads and downloads', async () => {
    const { client } = await open();
    const { entries } = await upload(client, 'plan.txt', flowing('The ', 'plan', ', in parts'));
    const content = await client.downloads.downloadFile(entries?.[0]?.id ?? '');
    expect(await text(content as Readable)).toBe('The plan, in parts');
  });

  it('downscopes its token', async () => {
    const { client, provider } = await open();
    const file = emulator.addFile({ name: 'plan.txt', content: 'The plan' });
    const resource = `https://api.box.com/2.0/files/${file.id}`;
    const token = await client.auth.downscopeToken(['item_preview'], resource);
    expect(token.accessToken).not.toBe(provider.peekToken()?.value);
    expect(token.restrictedTo).toMatchObject([{ scope: 'item_preview', object: { id: file.id } }]);
    expect(token.expiresIn).toBeGreaterThan(0);
    const narrow = { authorization: `Bearer ${token.accessToken}` };
    const status = async (path: string) =>
      (await fetch(emulator.url + path, { headers: narrow })).status;
    expect(await status(`/2.0/files/${file.id}`)).toBe(200);
    expect(await status('/2.0/folders/0')).toBe(403);
  });

  it('revokes its token, and continues with another', async () => {
    const { client } = await open();
    const { accessToken } = await client.auth.retrieveToken();
    expect(await client.auth.revokeToken()).toBeUndefined();
    const headers = { authorization: `Bearer ${accessToken}` };
    expect((await fetch(`${emulator.url}/2.0/users/me`, { headers })).status).toBe(401);
    await client.users.getUserMe();
    expect(emulator.mints).toBe(2);
  });

  it('requests one token for 1,000 concurrent calls, and one more when all are refused', async () => {
    // Both clocks stand still: a loaded machine may take longer than the 10 s within which a token is replaced once.
    const now = Date.now();
    options = { ...options, runtime: { ...systemRuntime, now: () => now, monotonic: () => 0 } };
    const { client } = await open();
    const all = () => Promise.all(Array.from({ length: 1000 }, () => client.users.getUserMe()));
    expect(await all()).toHaveLength(1000);
    expect(emulator.mints).toBe(1);
    emulator.revokeAllTokens();
    expect(await all()).toHaveLength(1000);
    expect(emulator.mints).toBe(2);
  });

  it('acts for the user of each call', async () => {
    const { client, provider } = await open();
    const users = Array.from({ length: 40 }, (_, index) => (index % 2 === 0 ? ALICE : BOB));
    const seen = users.map((id) => provider.runAs(id, () => client.users.getUserMe()));
    expect((await Promise.all(seen)).map(({ id }) => id)).toEqual(users);
    for (const { actingUser, subject } of emulator.apiRequests) {
      // A token of their own where nothing but the token can be chosen.
      expect([actingUser === undefined, subject?.type]).toEqual(
        wiring === 'injected' ? [false, 'enterprise'] : [true, 'user'],
      );
    }
  });

  it('prefers the user that the client names to the acting user', async () => {
    const { client, provider } = await open();
    const asBob = client.withAsUserHeader(BOB);
    const seen = await provider.runAs(ALICE, () => asBob.users.getUserMe());
    expect(seen.id).toBe(BOB);
    expect(last()).toMatchObject({ actingUser: BOB, subject: { type: 'enterprise' } });
  });

  it('downscopes the token of the acting user, or of the user that its session names', async () => {
    const { client, provider } = await open();
    const scopes = ['item_preview'];
    await provider.runAs(ALICE, () => client.auth.downscopeToken(scopes));
    expect(provider.peekToken({ type: 'user', id: ALICE })).toBeDefined();
    const { networkSession } = client.withAsUserHeader(BOB);
    await provider.runAs(ALICE, () =>
      client.auth.downscopeToken(scopes, undefined, undefined, networkSession),
    );
    expect(provider.peekToken({ type: 'user', id: BOB })).toBeDefined();
    expect(provider.peekToken()).toBeUndefined();
  });

  it('rejects with the error of a failed token request unchanged', async () => {
    const { client } = await open();
    emulator.authorized = false;
    expect((await thrownBy(() => client.users.getUserMe())).code).toBe('app_not_authorized');
    expect(emulator.apiRequests).toEqual([]);
  });

  it('reports an error response with the SDK’s own error', async () => {
    const { client } = await open();
    const error = await apiError(
      client.files.getFileById('404', { queryParams: { fields: ['id'] } }),
    );
    expect(error).toMatchObject({
      name: 'BoxApiError',
      message: expect.stringMatching(/^404 "not_found" "Not Found"; Request ID: "\w+"$/),
      timestamp: expect.stringMatching(/^\d+$/),
      requestInfo: { method: 'GET', queryParams: { fields: 'id' } },
      responseInfo: {
        statusCode: 404,
        code: '"not_found"',
        body: { status: 404 },
        rawBody: expect.stringContaining('not_found'),
      },
    });
    expect(error.requestInfo.url).toBe(`${emulator.url}/2.0/files/404`);
    expect(error.responseInfo.headers['content-type']).toContain('json');
  });

  it('shows no token when it or its error is inspected', async () => {
    const { client, provider } = await open();
    const refusals = await Promise.all([
      rejection(client.files.getFileById('404')),
      rejection(client.withAsUserHeader(ALICE).files.getFileById('404')),
    ]);
    emulator.failNext('api', { kind: 'reset' }, 3);
    const reset = await rejection(client.users.getUserMe());
    expect(reset).toBeInstanceOf(BoxSdkError);
    const { value = '' } = provider.peekToken() ?? {};
    expect(value).not.toBe('');
    // Without our network client the client itself shows what its agent last sent.
    for (const shown of [
      ...refusals,
      reset,
      client.auth,
      ...(wiring === 'injected' ? [client] : []),
    ]) {
      for (const line of [inspect(shown, { depth: 10, showHidden: true }), JSON.stringify(shown)]) {
        expect(line).not.toContain(value);
      }
    }
    if (wiring === 'injected') {
      const unmasked = inspect(refusals, { depth: 10, customInspect: false });
      for (const secret of [value, 'Bearer', 'as-user', ALICE]) {
        expect(unmasked).not.toContain(secret);
      }
    }
  });
});

describe('BoxSdkAuthentication with another network client', () => {
  it('never acts as the service account for a user without a user token', async () => {
    const { client, provider } = await bare();
    emulator.userTokensEnabled = false;
    await client.users.getUserMe();
    emulator.clearRequests();
    const error = await thrownBy(() => provider.runAs(ALICE, () => client.users.getUserMe()));
    expect(error.code).toBe('user_tokens_not_enabled');
    expect(emulator.apiRequests).toEqual([]);
  });

  it('revokes the token of the acting user, never that of the app', async () => {
    const { client, provider } = await bare();
    await client.users.getUserMe();
    await provider.runAs(ALICE, async () => {
      await client.users.getUserMe();
      await client.auth.revokeToken();
    });
    expect(provider.peekToken({ type: 'user', id: ALICE })).toBeUndefined();
    expect(provider.peekToken()).toBeDefined();
  });

  it('keeps a token that replaced a refused one', async () => {
    const { client } = await bare();
    const { auth } = client;
    const values = [
      await auth.retrieveToken(),
      await auth.refreshToken(),
      await auth.refreshToken(),
    ];
    const [first, second, third] = values.map(({ accessToken }) => accessToken);
    expect(second).not.toBe(first);
    expect(third).toBe(second);
  });
});

describe('BoxSdkModule', () => {
  const signedIn = (context: ExecutionContext) =>
    context.switchToHttp().getRequest<{ headers: Record<string, string> }>().headers['x-person'];

  @Controller()
  class MeController {
    constructor(private readonly box: BoxClient) {}

    @Get('header')
    @AsUser(signedIn)
    async byHeader() {
      return (await this.box.users.getUserMe()).id;
    }

    @Get('token')
    @AsUser(signedIn, { via: 'token' })
    async byToken() {
      return (await this.box.users.getUserMe()).id;
    }
  }

  it('is imported without options: BoxClient acts for the user of each request', async () => {
    @Module({ imports: [BoxSdkModule], controllers: [MeController] })
    class MeModule {}
    const app = await start(BoxAuthModule.forRoot(options), MeModule);
    await app.listen(0, '127.0.0.1');
    const url = await app.getUrl();
    const ask = async (path: string, person: string) =>
      (await fetch(`${url}/${path}`, { headers: { 'x-person': person } })).text();
    const asked = ['header', 'token'].flatMap((path) => [ask(path, ALICE), ask(path, BOB)]);
    expect(await Promise.all(asked)).toEqual([ALICE, BOB, ALICE, BOB]);
    expect(emulator.apiRequests.map(({ actingUser }) => actingUser ?? 'none').toSorted()).toEqual(
      [ALICE, BOB, 'none', 'none'].toSorted(),
    );
  });

  it('provides one client for each named Box app, and never mixes them', async () => {
    const other = await BoxEmulator.start();
    closing.push(() => other.stop());
    @Injectable()
    class Both {
      constructor(
        readonly own: BoxClient,
        @InjectBoxClient('hr') readonly hr: BoxClient,
      ) {}
    }
    @Module({ imports: [BoxSdkModule, BoxSdkModule.register({ name: 'hr' })], providers: [Both] })
    class BothModule {}
    const app = await start(
      BoxAuthModule.forRoot(options),
      BoxAuthModule.forRoot({
        name: 'hr',
        credentials: { config: other.config },
        apiUrl: other.url,
      }),
      BothModule,
    );
    const { own, hr } = app.get(Both, { strict: false });
    expect(app.get(getBoxClientToken('hr'), { strict: false })).toBe(hr);
    expect((await own.users.getUserMe()).id).toBe(emulator.serviceAccountId);
    expect((await hr.users.getUserMe()).id).toBe(other.serviceAccountId);

    const ofHr = { url: `${other.url}/2.0/users/me`, method: 'GET' };
    expect((await apiError(own.makeRequest(ofHr))).responseInfo.statusCode).toBe(401);
    expect(other.apiRequests.at(-1)?.headers['authorization']).toBeUndefined();
    // An authentication brings the rules of its own app along, by whatever client it is sent.
    const { data } = await own.makeRequest({ ...ofHr, auth: hr.auth });
    expect(data).toMatchObject({ id: other.serviceAccountId });
    const toOwn = { url: `${emulator.url}/2.0/users/me`, method: 'GET', auth: hr.auth };
    expect((await apiError(own.makeRequest(toOwn))).responseInfo.statusCode).toBe(401);
    expect(last()?.headers['authorization']).toBeUndefined();
  });

  it('does not need an app without a name', async () => {
    const named = { ...options, name: 'hr' };
    const app = await start(BoxAuthModule.forRoot(named), BoxSdkModule.register({ name: 'hr' }));
    expect(() => app.get(BoxClient)).toThrow('BoxClient');
  });

  it.each([
    ['are those of the SDK for Box itself', {}, {}],
    [
      'have an `apiUrl` that serves uploads, too',
      { apiUrl: 'https://box.example.com' },
      { baseUrl: 'https://box.example.com', uploadUrl: 'https://box.example.com/api' },
    ],
    [
      'have an `uploadUrl`',
      { uploadUrl: 'https://uploads.example.com/box' },
      { uploadUrl: 'https://uploads.example.com/box/api' },
    ],
  ])('gives the client base URLs that %s', async (_, given, expected) => {
    options = { credentials: { config: emulator.config }, ...given };
    const { client } = await injected();
    expect({ ...client.networkSession.baseUrls }).toEqual({ ...new BaseUrls({}), ...expected });
  });

  it('prefers the base URLs of its own options', async () => {
    const baseUrls = new BaseUrls({ uploadUrl: 'https://mine.example.com' });
    const { client } = await injected({ baseUrls });
    expect(client.networkSession.baseUrls).toBe(baseUrls);
  });

  it('reports that the provider was replaced by a test double', async () => {
    const testing = await Test.createTestingModule({
      imports: [BoxAuthModule.forRoot(options), BoxSdkModule],
    })
      .overrideProvider(BoxTokenProvider)
      .useValue({ getToken: () => Promise.resolve('fake') })
      .compile();
    const error = await thrownBy(() => testing.get(BoxClient).users.getUserMe());
    expect(error.code).toBe('provider_replaced');
  });
});

describe('BoxSdkNetworkClient', () => {
  it('works without Nest', async () => {
    const { provider } = new BoxAuth({ ...options, credentials: { config } });
    const { auth, networkSession } = clientWith(new BoxSdkAuthentication(provider));
    const networkClient = new BoxSdkNetworkClient(provider);
    const client = new BoxClient({
      auth,
      networkSession: networkSession.withNetworkClient(networkClient),
    });
    const seen = await provider.runAs(ALICE, () => client.users.getUserMe());
    expect([seen.id, last()?.actingUser]).toEqual([ALICE, ALICE]);
    emulator.clearRequests();
    const notAbsolute = client.makeRequest({ url: '/2.0/users/me', method: 'GET' });
    expect(await rejection(notAbsolute)).toBeInstanceOf(BoxSdkError);
  });

  it('sends no identity to another origin, nor the headers of its session', async () => {
    const { client, provider } = await injected();
    const call = { url: `${elsewhere.url}/x`, method: 'GET', headers: { 'x-mine': '1' } };
    const withHeaders = client.withExtraHeaders({ Authorization: 'Bearer secret', 'x-extra': '2' });
    await provider.runAs(ALICE, () => client.makeRequest(call));
    await client.withAsUserHeader(ALICE).makeRequest(call);
    await withHeaders.makeRequest(call);
    expect(elsewhere.arrived).toHaveLength(3);
    for (const { headers } of elsewhere.arrived) {
      expect(headers).toMatchObject({ 'x-mine': '1' });
      expect(headers).not.toHaveProperty('authorization');
      expect(headers).not.toHaveProperty('as-user');
    }
    expect(elsewhere.arrived[2]?.headers['x-extra']).toBe('2');
    expect(emulator.mints).toBe(0);
  });

  it('sends no identity to the origin of a redirected download', async () => {
    const { client, provider } = await injected();
    const { id } = emulator.addFile({ name: 'a.txt', content: 'Of Alice', ownerId: ALICE });
    const both = [
      provider.runAs(ALICE, () => client.downloads.downloadFile(id)),
      client.withAsUserHeader(ALICE).downloads.downloadFile(id),
    ];
    for (const content of await Promise.all(both)) {
      expect(await text(content as Readable)).toBe('Of Alice');
    }
    expect(emulator.downloadRequests).toHaveLength(2);
    for (const { headers } of emulator.downloadRequests) {
      expect(headers).not.toHaveProperty('authorization');
      expect(headers).not.toHaveProperty('as-user');
    }
  });

  it('rejects a redirect without a valid address', async () => {
    const { client } = await injected();
    emulator.always('api', { kind: 'status', status: 302, body: '<h1>Found</h1>' });
    expect(await rejection(client.users.getUserMe())).toMatchObject({
      name: 'BoxSdkError',
      message: `Unable to follow redirect for ${emulator.url}/2.0/users/me`,
    });
  });

  it('follows no redirect with `followRedirects: false`', async () => {
    const { client } = await injected();
    const { id } = emulator.addFile({ name: 'a.txt', content: 'x' });
    expect(await client.downloads.getDownloadFileUrl(id)).toContain(emulator.downloadUrl);
    expect(emulator.downloadRequests).toEqual([]);
  });

  it('adds nothing to a call without authentication', async () => {
    const { client, provider } = await injected();
    const url = `${emulator.url}/2.0/users/me`;
    const { networkSession } = client.withAsUserHeader(ALICE);
    const call = networkSession.networkClient.fetch({ url, method: 'GET', networkSession });
    expect((await apiError(call)).responseInfo.statusCode).toBe(401);
    expect(last()?.headers).not.toHaveProperty('authorization');
    expect(last()?.headers).not.toHaveProperty('as-user');
    expect(provider.peekToken()).toBeUndefined();
  });

  it('sends the token of another authentication, and shows it in no error', async () => {
    const { client, provider } = await injected();
    const { value } = await provider.getToken();
    const makeCall = (token: string) =>
      client.makeRequest({
        url: `${emulator.url}/2.0/users/me`,
        method: 'GET',
        auth: new BoxDeveloperTokenAuth({ token }),
      });
    expect((await provider.runAs(ALICE, () => makeCall(value))).data).toMatchObject({
      id: emulator.serviceAccountId,
    });
    emulator.failNext('api', { kind: 'status', status: 403 });
    const error = await apiError(makeCall('a-developer-token'));
    expect(last()?.headers['authorization']).toBe('Bearer a-developer-token');
    expect(inspect(error, { depth: 10, customInspect: false })).not.toContain('a-developer-token');
  });

  it.each<[string, (client: BoxClient) => Promise<unknown>]>([
    ['json', (client) => client.folders.createFolder({ name: 'Papers', parent: { id: '0' } })],
    ['a Buffer', (client) => upload(client, 'a.txt', Readable.from(Buffer.from('whole')))],
    ['a string', (client) => upload(client, 'a.txt', Readable.from('text'))],
    ['nothing', (client) => upload(client, 'a.txt', Readable.from([]))],
  ])('repeats a refused call at once if its body is %s', async (_, call) => {
    const retryStrategy = new BoxRetryStrategy({ maxAttempts: 1, maxRetriesOnException: 0 });
    const { client, provider } = await injected({ retryStrategy });
    await provider.getToken();
    emulator.revokeAllTokens();
    await call(client);
    expect(emulator.apiRequests.map(({ status }) => status)).toEqual([401, 201]);
  });

  it('does not let a retry strategy refresh the token again', async () => {
    const { client } = await injected();
    const refresh = vi.spyOn(BoxSdkAuthentication.prototype, 'refreshToken');
    emulator.always('api', { kind: 'status', status: 401 });
    expect((await apiError(client.users.getUserMe())).responseInfo.statusCode).toBe(401);
    expect([emulator.apiRequests.length, emulator.mints]).toEqual([2, 2]);
    expect(refresh).not.toHaveBeenCalled();
    refresh.mockRestore();
  });

  it('follows the retry strategy, which gets the Retry-After header', async () => {
    const pauses: number[] = [];
    class Impatient extends BoxRetryStrategy {
      override retryAfter(...asked: Parameters<BoxRetryStrategy['retryAfter']>): number {
        pauses.push(super.retryAfter(...asked));
        return 0;
      }
    }
    const { client } = await injected({ retryStrategy: new Impatient({ retryBaseInterval: 0 }) });
    const date = new Date(Date.now() + 120_000).toUTCString();
    emulator.failNext('api', { kind: 'rate-limit', retryAfter: 7 });
    emulator.failNext('api', { kind: 'rate-limit', retryAfter: date });
    emulator.failNext('api', { kind: 'unavailable' });
    expect((await client.users.getUserMe()).id).toBe(emulator.serviceAccountId);
    expect(pauses[0]).toBe(7);
    expect(pauses[1]).toBeGreaterThan(60);
    expect(pauses[2]).toBe(0);
    emulator.always('api', { kind: 'unavailable' });
    emulator.clearRequests();
    expect((await apiError(client.users.getUserMe())).responseInfo.statusCode).toBe(503);
    expect(emulator.apiRequests).toHaveLength(5);
  });

  it('sends a stream on a later attempt if it was not read yet', async () => {
    let refusals = 1;
    options = {
      ...options,
      fetch: (input, init) =>
        String(input).endsWith('/files/content') && refusals-- > 0
          ? Promise.reject(new TypeError('fetch failed'))
          : fetch(input, init),
    };
    const { client } = await injected();
    const { entries } = await upload(client, 'parts.txt', flowing('one', 'two'));
    expect(entries?.[0]?.size).toBe(6);
  });

  it('retries a reset connection as often as the strategy wants', async () => {
    const { client } = await injected();
    emulator.failNext('api', { kind: 'reset' }, 2);
    await client.users.getUserMe();
    emulator.clearRequests();
    emulator.always('api', { kind: 'reset' });
    const error = await rejection(client.users.getUserMe());
    expect(error).toMatchObject({ name: 'BoxSdkError', message: expect.stringContaining('fetch') });
    expect((error as BoxSdkError).error).toBeInstanceOf(Error);
    expect(emulator.apiRequests).toHaveLength(3);
  });

  it('reports an error response that is not JSON by its status', async () => {
    const { client } = await injected();
    emulator.always('api', { kind: 'status', status: 413, body: '<h1>Too large</h1>' });
    const { responseInfo } = await apiError(client.users.getUserMe());
    expect(responseInfo).toMatchObject({ statusCode: 413, rawBody: '<h1>Too large</h1>' });
    emulator.always('api', { kind: 'garbage' });
    expect(await rejection(client.users.getUserMe())).toBeInstanceOf(BoxSdkError);
  });

  it('ends with the cancellation token at any stage of the call', async () => {
    const { client } = await injected();
    const whileSent = new AbortController();
    emulator.route('GET', '/2.0/users/me', () => whileSent.abort());
    const sent = await rejection(client.users.getUserMe({}, {}, whileSent.signal));
    expect(sent).toMatchObject({ name: 'BoxSdkError', error: { name: 'AbortError' } });
    expect(emulator.apiRequests).toHaveLength(1);

    const before = AbortSignal.abort();
    expect(await rejection(client.users.getUserMe({}, {}, before))).toMatchObject({
      name: 'BoxSdkError',
      error: { name: 'AbortError' },
    });
    expect(emulator.apiRequests).toHaveLength(1);
  });

  it('ends with the cancellation token during the pause of the strategy', async () => {
    const pausing = new AbortController();
    class Patient extends BoxRetryStrategy {
      override retryAfter(): number {
        setImmediate(() => pausing.abort());
        return 3600;
      }
    }
    const { client } = await injected({ retryStrategy: new Patient({}) });
    emulator.always('api', { kind: 'unavailable' });
    const error = await rejection(client.users.getUserMe({}, {}, pausing.signal));
    expect(error).toMatchObject({ name: 'BoxSdkError', error: { name: 'AbortError' } });
  });

  it('sends nothing if the cancellation token has already aborted', async () => {
    const { client } = await injected();
    const silent = new Readable({ read: () => undefined });
    const call = client.uploads.uploadFile(
      { attributes: { name: 'a.txt', parent: { id: '0' } }, file: silent },
      { cancellationToken: AbortSignal.abort() },
    );
    expect(await rejection(call)).toMatchObject({ error: { name: 'AbortError' } });
    expect(silent.destroyed).toBe(true);
  });

  it('ends when the file never delivers, or fails', async () => {
    const { client } = await injected();
    const waiting = new AbortController();
    const silent = new Readable({ read: () => setImmediate(() => waiting.abort()) });
    const call = client.uploads.uploadFile(
      { attributes: { name: 'a.txt', parent: { id: '0' } }, file: silent },
      { cancellationToken: waiting.signal },
    );
    expect(await rejection(call)).toMatchObject({
      name: 'BoxSdkError',
      error: { name: 'AbortError' },
    });
    expect(silent.destroyed).toBe(true);

    async function* failing() {
      yield* ['one', 'two'];
      throw new Error('the disk is gone');
    }
    const error = await rejection(upload(client, 'a.txt', Readable.from(failing())));
    expect(error).toMatchObject({
      name: 'BoxSdkError',
      message: expect.stringContaining('the disk is gone'),
    });
    expect(emulator.apiRequests.length).toBeLessThan(2);
  });

  it('closes a file that is not sent', async () => {
    const { client } = await injected();
    emulator.authorized = false;
    const file = flowing('one', 'two', 'three');
    expect((await thrownBy(() => upload(client, 'a.txt', file))).code).toBe('app_not_authorized');
    expect(file.destroyed).toBe(true);
  });

  it('ends an attempt after its timeout', async () => {
    const retryStrategy = new BoxRetryStrategy({ retryBaseInterval: 0, maxRetriesOnException: 1 });
    const { client, provider } = await injected({
      retryStrategy,
      timeoutConfig: { timeoutMs: 20 },
    });
    await provider.getToken();
    emulator.always('api', { kind: 'hang' });
    const error = await rejection(client.users.getUserMe());
    expect(error).toMatchObject({ name: 'BoxSdkError', message: 'Connection timeout after 20ms' });
    expect(emulator.apiRequests).toHaveLength(2);
  });

  it('runs the interceptors, and sends the call that they return', async () => {
    const seen: (number | string)[] = [];
    const interceptor: Interceptor = {
      beforeRequest: (call) =>
        new FetchOptions({ ...call, headers: { ...call.headers, 'x-traced': '1' } }),
      afterRequest: (response): FetchResponse => {
        seen.push(response.status);
        return { ...response, data: { id: 'rewritten' } };
      },
    };
    const { client } = await injected({ ...AT_ONCE, interceptors: [interceptor] });
    emulator.failNext('api', { kind: 'unavailable' });
    expect((await client.makeRequest(me())).data).toEqual({ id: 'rewritten' });
    expect(seen).toEqual([503, 200]);
    expect(last()?.headers['x-traced']).toBe('1');
  });

  it('rejects with the error of an interceptor', async () => {
    const interceptor: Interceptor = {
      beforeRequest: (call) => call,
      afterRequest: () => {
        throw new RangeError('not mine');
      },
    };
    const { client } = await injected({ ...AT_ONCE, interceptors: [interceptor] });
    expect(await rejection(client.users.getUserMe())).toBeInstanceOf(RangeError);
    expect(emulator.apiRequests).toHaveLength(1);
  });

  it('redacts with the sanitizer of the session', async () => {
    const { client } = await injected();
    const body = { message: 'no', token: 'refresh-me' };
    emulator.always('api', { kind: 'status', status: 400, body });
    const error = await apiError(client.users.getUserMe());
    expect(error.dataSanitizer).toBe(client.networkSession.dataSanitizer);
    expect(inspect(error)).not.toContain('refresh-me');
  });

  it.each([
    ['a proxy', (client: BoxClient) => client.withProxy({ url: 'http://127.0.0.1:1' })],
    ['agent options', (client: BoxClient) => client.withCustomAgentOptions({ keepAlive: true })],
    ['an agent', (client: BoxClient) => withSession(client, { agent: new Agent() })],
    ['options for one', (client: BoxClient) => withSession(client, { agentOptions: {} })],
  ])('rejects %s, which it does not support', async (_, changed) => {
    const { client } = await injected();
    const error = await thrownBy(() => changed(client).users.getUserMe());
    expect(error.code).toBe('option_invalid');
    expect(error.hint).toContain('BoxAuthModule.forRoot');
    expect(emulator.requests).toEqual([]);
  });

  it.each([
    ['json', { data: { a: 1 } }, 'application/json', '{"a":1}'],
    ['a form', form('application/x-www-form-urlencoded'), undefined, 'a=1'],
    ['bytes', { fileStream: flowing('one', 'two') }, 'application/octet-stream', 'onetwo'],
  ])('sends %s in the right format', async (_, body, contentType, expected) => {
    const { client } = await injected();
    const bodies: Promise<string>[] = [];
    emulator.route('POST', '/2.0/things', (request, response) => {
      bodies.push(text(request));
      return bodies[0]?.then(() => response.end('{}'));
    });
    const given = contentType === undefined ? {} : { contentType };
    const url = `${emulator.url}/2.0/things`;
    await client.makeRequest({ ...given, ...body, url, method: 'POST', params: { q: 'a b' } });
    expect(await bodies[0]).toBe(expected);
    expect(last()?.path).toBe('/2.0/things?q=a+b');
    expect(last()?.headers['user-agent']).toContain('Box JavaScript generated SDK');
    expect(last()?.headers['x-box-ua']).toContain('agent=');
  });

  it('escapes names in multipart headers, and keeps the order of the parts', async () => {
    const { client } = await injected();
    const bodies: string[] = [];
    emulator.route('POST', '/2.0/things', async (request, response) => {
      bodies.push(await text(request));
      response.end('{}');
    });
    const evil = '"\r\nx-evil: 1\r\n\r\n';
    await client.makeRequest({
      url: `${emulator.url}/2.0/things`,
      method: 'POST',
      contentType: 'multipart/form-data',
      multipartData: [
        { partName: 'attributes', data: { name: 'ü.txt' } },
        { partName: `f${evil}`, fileStream: flowing('one', 'two'), fileName: `ü${evil}` },
        { partName: 'last', fileStream: flowing('3'), contentType: `text/plain${evil}` },
      ],
    });
    const boundary = /boundary=(\S+)$/.exec(last()?.headers['content-type'] ?? '')?.[1];
    const part = (head: string, content: string) =>
      `--${boundary}\r\n${head}\r\n\r\n${content}\r\n`;
    const escaped = '%22%0D%0Ax-evil: 1%0D%0A%0D%0A';
    const file = 'Content-Type: application/octet-stream';
    expect(bodies).toEqual([
      part('Content-Disposition: form-data; name="attributes"', '{"name":"ü.txt"}') +
        part(
          `Content-Disposition: form-data; name="f${escaped}"; filename="ü${escaped}"\r\n${file}`,
          'onetwo',
        ) +
        part(`Content-Disposition: form-data; name="last"; filename="file"\r\n${file}`, '3') +
        `--${boundary}--\r\n`,
    ]);
  });

  it('returns no content for the format `no_content`', async () => {
    const { client } = await injected();
    emulator.route('DELETE', '/2.0/files/1', (_, response) => response.writeHead(204).end());
    await client.files.deleteFileById('1');
    expect(last()?.status).toBe(204);
  });
});

describe('A file of 256 MiB is never in memory as a whole', () => {
  const CHUNK = Buffer.alloc(MIB, 'x');
  const SIZE = 256 * MIB;

  /** Samples what is allocated outside of the heap each time that it is asked. */
  function watch() {
    const allocated = () => process.memoryUsage().external;
    const before = allocated();
    let peak = 0;
    return {
      sample: () => (peak = Math.max(peak, allocated() - before)),
      peakMib: () => Math.round(peak / MIB),
    };
  }

  function* large(sample: () => void) {
    for (let sent = 0; sent < SIZE; sent += MIB) {
      sample();
      yield CHUNK;
    }
  }

  it('during an upload', async () => {
    const { client } = await injected();
    const memory = watch();
    let received = 0;
    emulator.route('POST', '/api/2.0/files/content', async (request, response) => {
      for await (const chunk of request) {
        received += (chunk as Buffer).byteLength;
        memory.sample();
      }
      response.writeHead(201).end('{"total_count":1,"entries":[{"type":"file","id":"1"}]}');
    });
    await upload(client, 'large.bin', Readable.from(large(memory.sample)));
    expect(received).toBeGreaterThan(SIZE);
    expect(memory.peakMib()).toBeLessThan(120);
  });

  it('during a download', async () => {
    const { client } = await injected();
    const memory = watch();
    const server = createServer((_, response) => {
      Readable.from(large(memory.sample)).pipe(response);
    });
    await new Promise<void>((resolve) => {
      server.listen(0, '127.0.0.1', resolve);
    });
    const { port } = server.address() as { port: number };
    const location = `http://127.0.0.1:${port}/large.bin`;
    emulator.route('GET', '/2.0/files/1/content', (_, response) =>
      response.writeHead(302, { location }).end(),
    );
    const content = (await client.downloads.downloadFile('1')) as Readable;
    let received = 0;
    for await (const chunk of content) {
      received += (chunk as Buffer).byteLength;
      memory.sample();
    }
    expect(received).toBe(SIZE);
    expect(memory.peakMib()).toBeLessThan(120);
    await new Promise((resolve) => {
      server.close(resolve);
      server.closeAllConnections();
    });
  });
});

function withSession({ auth, networkSession }: BoxClient, changes: Partial<NetworkSession>) {
  return new BoxClient({
    auth,
    networkSession: new NetworkSession({ ...networkSession, ...changes }),
  });
}

function me() {
  return { url: `${emulator.url}/2.0/users/me`, method: 'GET' };
}

function form(contentType: string) {
  return { data: { a: '1' }, contentType };
}
