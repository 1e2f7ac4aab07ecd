import { AssertionError } from 'node:assert';
import { readFileSync } from 'node:fs';
import { Socket } from 'node:net';
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { inspect } from 'node:util';
import { HttpService } from '@nestjs/axios';
import {
  Controller,
  type ExecutionContext,
  Get,
  type INestApplication,
  Injectable,
  Module,
  UseGuards,
} from '@nestjs/common';
import { Test, type TestingModule } from '@nestjs/testing';
import axios, { type AxiosError } from 'axios';
import FormData from 'form-data';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { AsUser, BoxAuthModule, BoxFetch, BoxTokenProvider } from 'nestjs-box-auth';
import { BoxAxiosInterceptor, BoxHttpModule } from 'nestjs-box-auth/axios';
import { BoxEmulator, FakeBox, type FakeTokenFailure } from 'nestjs-box-auth/testing';
import { thrownBy } from '../../support/thrown.js';

// From here to the next line of this kind: the tests that docs/testing.md shows, word for word.

@Injectable()
class SessionGuard {
  canActivate(): boolean {
    return false; // the app's own way to sign in, which sets request.user
  }
}

const signedIn = (context: ExecutionContext) =>
  context.switchToHttp().getRequest<{ user?: { boxId: string } }>().user?.boxId;

@Controller('folders')
@UseGuards(SessionGuard)
@AsUser(signedIn)
class FoldersController {
  constructor(private readonly box: BoxFetch) {}

  @Get()
  async root(): Promise<unknown> {
    return (await this.box('/2.0/folders/0/items?limit=100')).json();
  }
}

@Module({ imports: [BoxAuthModule.forRoot()], controllers: [FoldersController] })
class AppModule {}

function signInAlice(context: ExecutionContext): boolean {
  context.switchToHttp().getRequest<{ user?: { boxId: string } }>().user = { boxId: '11111' };
  return true;
}

describe('GET /folders', () => {
  const box = new FakeBox();
  let app: INestApplication;

  beforeEach(async () => {
    box.reset();
    const module = await Test.createTestingModule({ imports: [AppModule] })
      .overrideProvider(BoxTokenProvider)
      .useValue(box.provider)
      .overrideGuard(SessionGuard)
      .useValue({ canActivate: signInAlice })
      .compile();
    app = module.createNestApplication({ logger: false });
    await app.listen(0, '127.0.0.1');
  });
  afterEach(() => app.close());

  it('shows the root folder of the person who signed in', async () => {
    box.reply('GET', '/2.0/folders/0/items', { entries: [{ type: 'file', id: '7' }] });

    const response = await fetch(`${await app.getUrl()}/folders`);
    expect(await response.json()).toEqual({ entries: [{ type: 'file', id: '7' }] });
    const { query } = box.expectCall('GET', '/2.0/folders/0/items', { as: '11111' });
    expect(query).toEqual({ limit: '100' });
    expect(box.callsAs('service-account')).toEqual([]);
  });

  it('survives a token that Box has revoked', async () => {
    box.reply('GET', '/2.0/folders/0/items', { entries: [] });
    await box.provider.getToken();
    box.revokeAllTokens();

    expect((await fetch(`${await app.getUrl()}/folders`)).status).toBe(200);
    expect(box.calls.map(({ status }) => status)).toEqual([401, 200]);
  });

  it('fails without a token', async () => {
    box.failTokens('app_not_authorized');

    expect((await fetch(`${await app.getUrl()}/folders`)).status).toBe(500);
    expect(box.calls).toEqual([]);
  });
});

describe('The app, on an emulator', () => {
  let emulator: BoxEmulator;
  beforeAll(async () => {
    emulator = await BoxEmulator.start();
    process.env['BOX_CONFIG'] = JSON.stringify(emulator.config);
    process.env['BOX_API_URL'] = emulator.url;
  });
  afterAll(() => emulator.stop());

  it('mints a token with its key, and acts for a user', async () => {
    const app = await Test.createTestingModule({ imports: [BoxAuthModule.forRoot()] }).compile();
    const me = () => app.get(BoxFetch)('/2.0/users/me');
    const response = await app.get(BoxTokenProvider).runAs('11111', me);

    expect(await response.json()).toMatchObject({ id: '11111', name: 'Alice' });
    expect(emulator.tokenRequests).toHaveLength(1);
    await app.close();
  });
});

// The tests below are not in the documentation.

it('docs/testing.md shows the tests that run here', () => {
  const page = readFileSync(new URL('../../../docs/testing.md', import.meta.url), 'utf8');
  const here = readFileSync(new URL(import.meta.url), 'utf8');
  const shown = [...page.matchAll(/^```ts\n(.*?)^```$/gms)]
    .map(([, block = '']) => block.replaceAll(/^import [^;]*;\n/gm, '').trim())
    .filter((block) => !/defineConfig|BoxConnections/.test(block));
  expect(shown).toHaveLength(2);
  for (const block of shown) expect(here).toContain(`\n${block}\n`);
});

const ME = '/2.0/users/me';
const NETWORK = 'this test has no network';

/** Blocks every network connection. */
function cutTheNetwork(): void {
  vi.spyOn(Socket.prototype, 'connect').mockImplementation(() => {
    throw new Error(NETWORK);
  });
  vi.stubGlobal('fetch', () => Promise.reject(new Error(NETWORK)));
}

let box: FakeBox;
beforeEach(() => {
  box = new FakeBox();
});
afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
  vi.unstubAllEnvs();
  vi.useRealTimers();
});

async function appOn(fake: FakeBox): Promise<TestingModule> {
  for (const name of Object.keys(process.env).filter((key) => key.startsWith('BOX_')))
    vi.stubEnv(name, undefined);
  const imports = [BoxAuthModule.forRoot(), BoxHttpModule];
  const module = await Test.createTestingModule({ imports })
    .overrideProvider(BoxTokenProvider)
    .useValue(fake.provider)
    .compile();
  return module.init();
}

describe('An app whose BoxTokenProvider is that of a FakeBox', () => {
  let app: TestingModule;
  beforeEach(async () => {
    cutTheNetwork();
    app = await appOn(box);
  });
  afterEach(() => app.close());

  it('has no network in these tests', async () => {
    await expect(axios.get('http://127.0.0.1:9/')).rejects.toThrow(NETWORK);
    await expect(fetch('http://127.0.0.1:9/')).rejects.toThrow(NETWORK);
  });

  it('gets replies by BoxFetch', async () => {
    box.reply('GET', ME, { id: '1' });
    expect(await (await app.get(BoxFetch)(ME)).json()).toEqual({ id: '1' });
    box.expectCall('GET', ME, { as: 'service-account', via: undefined });
  });

  it.each([undefined, 'http', 'fetch'] as const)(
    'gets replies by HttpService with the adapter %s',
    async (adapter) => {
      box.reply('POST', '/2.0/folders', { id: '7' }, { status: 201, headers: { etag: '0' } });
      const answer = await app
        .get(BoxTokenProvider)
        .runAs('11111', () =>
          app
            .get(HttpService)
            .axiosRef.post('/2.0/folders', { name: 'Plans' }, adapter && { adapter }),
        );
      expect(answer).toMatchObject({ status: 201, data: { id: '7' }, headers: { etag: '0' } });
      const { body, headers } = box.expectCall('POST', '/2.0/folders', { as: '11111' });
      expect(body).toBe('{"name":"Plans"}');
      expect(headers['content-type']).toBe('application/json');
    },
  );

  it('gets replies by any attached axios instance', async () => {
    box.reply('GET', ME, { id: '1' });
    const instance = axios.create({ baseURL: 'https://api.box.com/2.0' });
    app.get(BoxAxiosInterceptor).attach(instance);
    expect((await instance.get('/users/me')).data).toEqual({ id: '1' });
    // As in production, where it has no acting user.
    const lost = axios.create();
    app.get(BoxAxiosInterceptor).attach(lost);
    await expect(lost.get(ME)).rejects.toThrow('parse URL');
  });

  it('gets Node’s streams and Buffers by HttpService, as in production', async () => {
    box.reply('GET', '/2.0/files/7/content', 'the plan');
    const http = app.get(HttpService).axiosRef;
    const stream = await http.get<Readable>('/2.0/files/7/content', { responseType: 'stream' });
    expect(stream.data).toBeInstanceOf(Readable);
    expect(await text(stream.data)).toBe('the plan');
    const bytes = await http.get<Buffer>('/2.0/files/7/content', { responseType: 'arraybuffer' });
    expect(Buffer.isBuffer(bytes.data)).toBe(true);
    expect(String(bytes.data)).toBe('the plan');
    const error = await http
      .get('/2.0/files/8/content', { responseType: 'stream' })
      .catch((thrown: AxiosError<Readable>) => thrown);
    expect(error).toMatchObject({ status: 404, response: { data: expect.any(Readable) } });
  });

  it('gets web streams from axios’ fetch adapter', async () => {
    box.reply('GET', '/2.0/files/7/content', 'the plan');
    const { data } = await app
      .get(HttpService)
      .axiosRef.get<unknown>('/2.0/files/7/content', { responseType: 'stream', adapter: 'fetch' });
    expect(data).toBeInstanceOf(ReadableStream);
  });

  it('uploads form-data and streams by HttpService', async () => {
    const form = new FormData();
    form.append('attributes', '{"name":"plan.txt"}');
    form.append('file', Buffer.from('the plan'), 'plan.txt');
    box.reply('POST', 'https://upload.box.com/api/2.0/files/content', { entries: [] });
    const http = app.get(HttpService).axiosRef;
    await http.post('https://upload.box.com/api/2.0/files/content', form);
    const upload = box.expectCall('POST', '/api/2.0/files/content', { as: 'service-account' });
    expect(upload.headers['content-type']).toMatch(/^multipart\/form-data; ?boundary=/);
    expect(upload.body).toContain('the plan');
    await http.post('https://upload.box.com/api/2.0/files/content', Readable.from(['a', 'b']));
    expect(box.expectCall('POST', '/api/2.0/files/content').body).toBe('ab');
  });

  it('gets replies for other hosts, without sending them a token', async () => {
    box.reply('GET', 'https://example.com/rates', { eur: 1 });
    const { data } = await app.get(HttpService).axiosRef.get<unknown>('https://example.com/rates');
    expect(data).toEqual({ eur: 1 });
    expect((await app.get(BoxFetch)('https://example.com/rates')).status).toBe(200);
    expect(box.calls.map(({ as }) => as)).toEqual([undefined, undefined]);
    box.expectCall('GET', 'https://example.com/rates', { as: undefined });
    expect(() => box.expectCall('GET', /rates/, { as: '11111' })).toThrow(
      /GET https:\/\/example\.com\/rates without a token: 200/,
    );
  });

  it.each(['BoxFetch', 'HttpService'])(
    'follows redirects by %s, without a token where Box ends',
    async (client) => {
      box.reply('GET', '/2.0/files/7/content', undefined, {
        status: 302,
        headers: { location: 'https://dl.boxcloud.com/7?signed=1' },
      });
      box.reply('GET', 'https://dl.boxcloud.com/7', 'the plan');
      const url = '/2.0/files/7/content';
      const content =
        client === 'BoxFetch'
          ? await (await app.get(BoxFetch)(url)).text()
          : (await app.get(HttpService).axiosRef.get<string>(url)).data;
      expect(content).toBe('the plan');
      expect(box.calls.map(({ as, status }) => [as, status])).toEqual([
        ['service-account', 302],
        [undefined, 200],
      ]);
    },
  );

  it.each(['BoxFetch', 'HttpService'])(
    'replaces a revoked token of %s, each time',
    async (client) => {
      box.reply('GET', ME, { id: '1' });
      const call = () =>
        client === 'BoxFetch' ? app.get(BoxFetch)(ME) : app.get(HttpService).axiosRef.get(ME);
      for (let time = 1; time <= 3; time += 1) {
        await app.get(BoxTokenProvider).getToken();
        box.revokeAllTokens();
        expect((await call()).status).toBe(200);
        expect(box.calls).toHaveLength(2 * time);
        expect(box.calls.at(-2)?.status).toBe(401);
      }
    },
  );

  it('gets token errors with the requested code until heal', async () => {
    box.reply('GET', ME, { id: '1' });
    await app.get(BoxFetch)(ME);
    const codes: FakeTokenFailure[] = [
      'unavailable',
      'rate_limited',
      'app_not_authorized',
      'client_invalid',
    ];
    for (const code of codes) {
      box.failTokens(code);
      expect((await thrownBy(() => app.get(BoxFetch)(ME))).code).toBe(code);
      expect((await thrownBy(() => app.get(HttpService).axiosRef.get(ME))).code).toBe(code);
    }
    box.failTokens();
    expect((await thrownBy(() => app.get(BoxTokenProvider).getToken())).code).toBe('unavailable');
    expect(box.calls).toHaveLength(1);
    box.heal();
    expect((await app.get(BoxFetch)(ME)).status).toBe(200);
  });

  it('closes the provider at shutdown; the next app gets a new one', async () => {
    const { provider } = box;
    expect(box.provider).toBe(provider);
    await app.close();
    expect((await thrownBy(() => provider.getToken())).code).toBe('closed');
    const next = await appOn(box);
    box.reply('GET', ME, { id: '1' });
    expect((await next.get(BoxFetch)(ME)).status).toBe(200);
    box.expectCall('GET', ME, { as: 'service-account' });
    await next.close();
  });
});

describe('The tokens of a FakeBox', () => {
  it('are the same in every run, by subject', async () => {
    const user = { type: 'user', id: '11111' } as const;
    const tokens = async () => [
      (await box.provider.getToken()).value,
      (await box.provider.getToken({ subject: user })).value,
    ];
    expect(await tokens()).toEqual(['fake-token-1-service-account', 'fake-token-1-user-11111']);
    box.provider.flush();
    expect(await tokens()).toEqual(['fake-token-2-service-account', 'fake-token-2-user-11111']);
    box.reset();
    expect(await tokens()).toEqual(['fake-token-1-service-account', 'fake-token-1-user-11111']);
  });

  it('can be downscoped, for any subject', async () => {
    const request = { scopes: ['base_preview'], resource: 'https://api.box.com/2.0/files/7' };
    const { value, restrictedTo, expiresAt } = await box.provider.downscope(request);
    expect(value).toBe('fake-token-1-downscoped');
    expect(restrictedTo).toEqual([{ scope: 'base_preview', object: { type: 'file', id: '7' } }]);
    expect(expiresAt).toBeGreaterThan(Date.now());
    const ofUser = await box.provider.runAs('11111', () => box.provider.downscope(request));
    await box.fetch(ME, { headers: { authorization: `Bearer ${ofUser.value}` } });
    box.expectCall('GET', ME, { as: '11111', via: 'token' });
    const actor = { id: 'guest', name: 'A guest' };
    expect((await box.provider.downscope({ ...request, actor })).value).toMatch(/3-downscoped$/);
  });

  it('are downscoped from a new token after a revocation', async () => {
    await box.provider.getToken();
    box.revokeAllTokens();
    await box.provider.downscope({ scopes: ['base_preview'] });
    expect(box.provider.peekToken()?.value).toBe('fake-token-2-service-account');
  });

  it('can be revoked and are then replaced', async () => {
    const { value } = await box.provider.getToken();
    await box.provider.revoke();
    const headers = { authorization: `Bearer ${value}` };
    const refused = await box.fetch(ME, { headers });
    expect(refused.status).toBe(401);
    expect(refused.headers.get('www-authenticate')).toContain('error="invalid_token"');
    expect((await box.provider.getToken()).value).not.toBe(value);
  });

  it('are issued at once, even with fake timers', async () => {
    vi.useFakeTimers();
    const coming = box.provider.getToken();
    expect(vi.getTimerCount()).toBe(0);
    vi.advanceTimersByTime(600_000);
    expect((await coming).value).toBe('fake-token-1-service-account');
  });

  it('expire by the date of a fake clock', async () => {
    vi.useFakeTimers();
    const { value } = await box.provider.getToken();
    vi.setSystemTime(Date.now() + 2 * 3_600_000);
    expect((await box.provider.getToken()).value).not.toBe(value);
  });
});

describe('reply', () => {
  const statusOf = async (path: string, method = 'GET') =>
    (await box.fetch(path, { method })).status;

  it.each([
    ['a path, whatever the query', '/2.0/files/1'],
    ['a path with its query', '/2.0/files/1?fields=id'],
    ['a whole URL', 'https://api.box.com/2.0/files/1?fields=id'],
    ['a whole URL, whatever the query', 'https://api.box.com/2.0/files/1'],
    ['a RegExp of the path', /^\/2\.0\/files\/\d+$/],
    ['a RegExp of the query', /fields=id$/],
    ['a RegExp that remembers where it was', /^\/2\.0\/files\/1$/g],
  ])('matches %s', async (_, path) => {
    box.reply('get', path, { id: '1' });
    expect(await statusOf('/2.0/files/1?fields=id')).toBe(200);
    expect(await statusOf('/2.0/files/1?fields=id')).toBe(200);
    expect(await statusOf('/2.0/files/1?fields=id', 'PUT')).toBe(404);
    expect(await statusOf('/2.0/folders/1?fields=name')).toBe(404);
  });

  it.each([
    ['another path below', '/2.0/files'],
    ['another query', '/2.0/files/1?fields=name'],
    ['another host', 'https://upload.box.com/2.0/files/1'],
  ])('does not match %s', async (_, path) => {
    box.reply('GET', path, { id: '1' });
    expect(await statusOf('/2.0/files/1?fields=id')).toBe(404);
  });

  it('uses the last one that matches', async () => {
    box.reply('GET', ME, { id: '1' }).reply('GET', /users/, { id: '2' });
    expect(await (await box.fetch(ME)).json()).toEqual({ id: '2' });
    box.reply('GET', '/2.0/users', { id: '3' });
    expect(await (await box.fetch(ME)).json()).toEqual({ id: '2' });
  });

  it.each([
    ['an object as JSON', { id: '1' }, '{"id":"1"}', 'application/json', 200],
    ['a list as JSON', [1], '[1]', 'application/json', 200],
    ['a string unchanged', 'plan', 'plan', 'text/plain;charset=UTF-8', 200],
    ['bytes unchanged', Buffer.from('plan'), 'plan', null, 200],
    ['nothing as nothing', undefined, '', null, 204],
    ['a Response', new Response('no', { status: 403 }), 'no', 'text/plain;charset=UTF-8', 403],
    ['what a function makes', () => ({ id: '1' }), '{"id":"1"}', 'application/json', 200],
    [
      'the Response that a function makes, later',
      () => Promise.resolve(new Response(null, { status: 409 })),
      '',
      null,
      409,
    ],
  ])('sends %s, any number of times', async (_, reply, body, type, status) => {
    box.reply('GET', ME, reply);
    for (let time = 1; time <= 2; time += 1) {
      const response = await box.fetch(ME);
      expect([response.status, response.headers.get('content-type')]).toEqual([status, type]);
      expect(await response.text()).toBe(body);
    }
  });

  it('can be a function of the call', async () => {
    box.reply('GET', ME, ({ as, query }) => ({ id: as, fields: query['fields'] }));
    const answer = await box.provider.runAs('11111', () => box.fetch(`${ME}?fields=name`));
    expect(await answer.json()).toEqual({ id: '11111', fields: 'name' });
  });

  it('is a 404 that names the call if none matches', async () => {
    const response = await box.fetch('/2.0/folders/0/items?limit=1');
    expect(response.status).toBe(404);
    expect(await response.json()).toMatchObject({
      type: 'error',
      status: 404,
      code: 'not_found',
      message: expect.stringContaining('GET /2.0/folders/0/items?limit=1'),
    });
  });

  it('may be pending: the caller can abort', async () => {
    const controller = new AbortController();
    box.reply('GET', ME, () => {
      controller.abort(new Error('given up'));
      return new Promise<undefined>(() => undefined);
    });
    await expect(box.fetch(ME, { signal: controller.signal })).rejects.toThrow('given up');
    expect(box.expectCall('GET', ME).status).toBeUndefined();
    for (const url of [ME, 'https://example.com/'])
      await expect(box.fetch(url, { signal: controller.signal })).rejects.toThrow('given up');
    expect(box.calls).toHaveLength(1);
  });
});

describe('calls', () => {
  it('are recorded unchanged, except for the token', async () => {
    box.reply('POST', '/2.0/folders', { id: '7' }, { status: 201 });
    await box.provider.runAs('11111', () =>
      box.fetch('/2.0/folders?fields=id,name', {
        method: 'post',
        headers: { 'X-Mine': 'a', 'content-type': 'application/json' },
        body: '{"name":"Plans"}',
      }),
    );
    expect(box.calls).toEqual([
      {
        method: 'POST',
        url: 'https://api.box.com/2.0/folders?fields=id,name',
        path: '/2.0/folders',
        query: { fields: 'id,name' },
        headers: {
          'x-mine': 'a',
          'content-type': 'application/json',
          'as-user': '11111',
          'cache-control': 'no-store',
        },
        body: '{"name":"Plans"}',
        as: '11111',
        via: 'header',
        enterprise: '1',
        status: 201,
      },
    ]);
    expect(inspect(box, { depth: 10, showHidden: true })).not.toContain('fake-token');
    expect(inspect(box.calls, { depth: 10 })).not.toContain('fake-token');
  });

  it('record the acting user and how it was set', async () => {
    const user = await box.provider.getToken({ subject: { type: 'user', id: '22222' } });
    await box.fetch(ME);
    await box.provider.runAs('11111', () => box.fetch(ME));
    await box.fetch(ME, { headers: { authorization: `Bearer ${user.value}` } });
    await box.fetch(ME, { headers: { authorization: 'Bearer of-somebody-else', 'as-user': '1' } });
    expect(box.calls.map(({ as, via, body }) => [as, via, body])).toEqual([
      ['service-account', undefined, undefined],
      ['11111', 'header', undefined],
      ['22222', 'token', undefined],
      [undefined, undefined, undefined],
    ]);
    expect(box.callsAs('service-account')).toEqual([box.calls[0]]);
    expect(box.callsAs('11111')).toEqual([box.calls[1]]);
    expect(box.callsAs('33333')).toEqual([]);
  });

  it('of @AsUser with a user token act for the user, too', async () => {
    @Controller()
    @AsUser('22222', { via: 'token' })
    class MeController {
      constructor(readonly fetch: BoxFetch) {}
      @Get()
      async me() {
        return (await this.fetch(ME)).json();
      }
    }
    @Module({ imports: [BoxAuthModule.forRoot()], controllers: [MeController] })
    class MeModule {}
    const module = await Test.createTestingModule({ imports: [MeModule] })
      .overrideProvider(BoxTokenProvider)
      .useValue(box.provider)
      .compile();
    const app = module.createNestApplication();
    await app.listen(0, '127.0.0.1');
    box.reply('GET', ME, { id: '22222' });
    expect((await fetch(await app.getUrl())).status).toBe(200);
    expect(box.expectCall('GET', ME, { as: '22222', via: 'token' }).headers).not.toHaveProperty(
      'as-user',
    );
    await app.close();
  });

  it('are a snapshot that does not grow', async () => {
    const before = box.calls;
    await box.fetch(ME);
    expect(before).toEqual([]);
  });

  it('are cleared by reset, with the replies and the failures', async () => {
    box.reply('GET', ME, { id: '1' });
    await box.fetch(ME);
    box.failTokens();
    box.reset();
    expect(box.calls).toEqual([]);
    expect((await box.fetch(ME)).status).toBe(404);
  });
});

describe('expectCall', () => {
  function thrown(work: () => unknown): Error {
    try {
      work();
    } catch (error) {
      if (error instanceof AssertionError) return error;
      throw error;
    }
    throw new Error('it was expected to throw, and did not');
  }

  it('returns the last call that matches', async () => {
    for (const body of ['1', '2']) await box.fetch('/2.0/folders', { method: 'POST', body });
    await box.provider.runAs('11111', () => box.fetch('/2.0/folders', { method: 'POST' }));
    expect(box.expectCall('POST', '/2.0/folders')).toBe(box.calls[2]);
    expect(box.expectCall('post', /folders$/, { as: 'service-account' }).body).toBe('2');
  });

  it.each([
    ['another method', 'PUT', ME, {}],
    ['another path', 'GET', '/2.0/users/11111', {}],
    ['another user', 'GET', ME, { as: '22222' }],
    ['the service account', 'GET', ME, { as: 'service-account' }],
    ['no user', 'GET', ME, { as: undefined }],
    ['another way to act', 'GET', ME, { as: '11111', via: 'token' }],
    ['no way to act', 'GET', ME, { via: undefined }],
  ] as const)('throws for %s', async (_, method, path, acting) => {
    await box.provider.runAs('11111', () => box.fetch(ME));
    expect(thrown(() => box.expectCall(method, path, acting)).message).toContain(
      `GET ${ME} as 11111 (via header): 404`,
    );
  });

  it('reports the expected call and lists the calls made', async () => {
    const expected = () => box.expectCall('GET', '/2.0/folders/0/items', { as: '11111' });
    expect(thrown(expected).message).toBe(
      'Expected a call GET /2.0/folders/0/items as 11111. No calls were made.',
    );
    await box.fetch('/2.0/folders/0/items?limit=1');
    await box.provider.runAs('22222', () => box.fetch('/2.0/folders/0/items'));
    expect(thrown(expected).message).toBe(
      [
        'Expected a call GET /2.0/folders/0/items as 11111. Calls made:',
        '  GET /2.0/folders/0/items?limit=1 as service-account: 404',
        '  GET /2.0/folders/0/items as 22222 (via header): 404',
      ].join('\n'),
    );
  });
});
