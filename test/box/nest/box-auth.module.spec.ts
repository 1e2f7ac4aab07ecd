import { inspect } from 'node:util';
import { type DynamicModule, Inject, Injectable, Module, Scope } from '@nestjs/common';
import { ConfigModule, ConfigService } from '@nestjs/config';
import { Test } from '@nestjs/testing';
import { HttpService } from '@nestjs/axios';
import axios from 'axios';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { firstValueFrom } from 'rxjs';
import {
  BoxAuthModule,
  type BoxAuthModuleOptions,
  BoxFetch,
  BoxTokenProvider,
  getBoxFetchToken,
  getBoxTokenProviderToken,
  InjectBoxTokenProvider,
} from 'nestjs-box-auth';
import { BoxAxiosInterceptor, BoxHttpModule, InjectBoxHttpService } from 'nestjs-box-auth/axios';
import { BoxEmulator } from 'nestjs-box-auth/testing';
import { BoxAuth } from '../../../lib/box/box-auth.js';
import { thrownBy } from '../../support/thrown.js';

let emulator: BoxEmulator;
let options: BoxAuthModuleOptions;
beforeAll(async () => {
  emulator = await BoxEmulator.start();
  options = { credentials: { config: emulator.config }, apiUrl: emulator.url };
});
beforeEach(() => {
  emulator.heal();
  emulator.clearRequests();
  vi.unstubAllEnvs();
  for (const name of Object.keys(process.env).filter((key) => key.startsWith('BOX_')))
    vi.stubEnv(name, undefined);
});
afterEach(() => vi.unstubAllEnvs());
afterAll(() => emulator.stop());

async function start(...imports: NonNullable<Parameters<typeof Module>[0]['imports']>) {
  const app = (await Test.createTestingModule({ imports }).compile()).createNestApplication();
  app.useLogger(false);
  return app.init();
}

@Injectable()
class Archive {
  constructor(
    readonly provider: BoxTokenProvider,
    readonly box: BoxFetch,
  ) {}
}

@Module({ providers: [Archive], exports: [Archive] })
class ArchiveModule {}

describe('BoxAuthModule', () => {
  it('provides its classes to every module', async () => {
    const app = await start(BoxAuthModule.forRoot(options), ArchiveModule);
    const { provider, box } = app.get(Archive);
    expect(provider).toBeInstanceOf(BoxTokenProvider);
    expect((await box('/2.0/users/me')).status).toBe(200);
    await app.close();
  });

  it('provides them only to importing modules if it is not global', async () => {
    await expect(
      start(BoxAuthModule.forRoot({ ...options, isGlobal: false }), ArchiveModule),
    ).rejects.toThrow('BoxTokenProvider');
  });

  it('sends no request to Box at bootstrap', async () => {
    const app = await start(BoxAuthModule.forRoot(options));
    expect(emulator.requests).toEqual([]);
    await app.close();
  });

  it('distinguishes several Box apps by name', async () => {
    @Injectable()
    class Both {
      constructor(
        @InjectBoxTokenProvider('hr') readonly hr: BoxTokenProvider,
        @InjectBoxTokenProvider('legal') readonly legal: BoxTokenProvider,
        @Inject(getBoxFetchToken('hr')) readonly hrFetch: BoxFetch,
      ) {}
    }
    @Module({ providers: [Both] })
    class BothModule {}
    const app = await start(
      BoxAuthModule.forRoot({ ...options, name: 'hr' }),
      BoxAuthModule.forRootAsync({ name: 'legal', useFactory: () => options }),
      BothModule,
    );
    const { hr, legal, hrFetch } = app.get(Both, { strict: false });
    expect((await hr.getToken()).value).not.toBe((await legal.getToken()).value);
    expect((await hrFetch('/2.0/users/me')).status).toBe(200);
    expect(app.get(getBoxTokenProviderToken('hr'))).toBe(hr);
    expect(() => app.get(BoxTokenProvider)).toThrow('BoxTokenProvider');
    await app.close();
  });

  it.each([
    ['a name', { name: 'hr' }],
    ['a name, and is not global', { name: 'hr', isGlobal: false }],
    ['no name', {}],
  ])('imported twice with %s fails with one clear error', async (_, extras) => {
    const again = {
      module: class Feature {},
      imports: [BoxAuthModule.forRoot({ ...options, ...extras })],
    };
    const error = await thrownBy(() =>
      start(BoxAuthModule.forRoot({ ...options, ...extras }), again),
    );
    expect(error.code).toBe('option_invalid');
    expect(error.message).toMatch(/imported 2 times/);
  });

  describe('without isGlobal', () => {
    async function providersOf(left: DynamicModule, right: DynamicModule) {
      @Module({ imports: [left], providers: [Archive] })
      class Left {}
      @Module({ imports: [right], providers: [Archive] })
      class Right {}
      const app = await start(Left, Right);
      const providers = [Left, Right].map(
        (module) => app.select(module).get(Archive, { strict: true }).provider,
      );
      await app.close();
      return new Set(providers).size;
    }
    const local = () => BoxAuthModule.forRoot({ ...options, isGlobal: false });

    it('is shared by modules that import the same dynamic module', async () => {
      const box = local();
      expect(await providersOf(box, box)).toBe(1);
    });

    it('is separate for modules that create their own dynamic modules', async () => {
      expect(await providersOf(local(), local())).toBe(2);
    });
  });

  it('reads no credentials if a test overrides the provider', async () => {
    const { provider, fetch: boxFetch } = new BoxAuth({
      ...options,
      credentials: { config: emulator.config },
    });
    const module = await Test.createTestingModule({
      imports: [BoxAuthModule.forRoot(), ArchiveModule, BoxHttpModule],
    })
      .overrideProvider(BoxTokenProvider)
      .useValue(provider)
      .compile();
    await module.init();
    expect(module.get(Archive).provider).toBe(provider);
    expect(module.get(BoxFetch)).toBe(boxFetch);
    expect(module.get(BoxAxiosInterceptor).apiUrl).toBe(emulator.url);
    await module.close();
    expect((await thrownBy(() => provider.getToken())).code).toBe('closed');
  });

  it.each([
    [
      'useFactory',
      () => BoxAuthModule.forRootAsync({ useFactory: () => Promise.resolve(options) }),
    ],
    [
      'useFactory with what it injects',
      () =>
        BoxAuthModule.forRootAsync({
          imports: [
            ConfigModule.forRoot({ ignoreEnvFile: true, load: [() => ({ url: emulator.url })] }),
          ],
          inject: [ConfigService],
          useFactory: (config: ConfigService) => ({
            ...options,
            apiUrl: config.getOrThrow<string>('url'),
          }),
        }),
    ],
    [
      'useClass',
      () =>
        BoxAuthModule.forRootAsync({
          useClass: class {
            createBoxAuthOptions() {
              return options;
            }
          },
        }),
    ],
  ])('takes its options from %s', async (_, module) => {
    const app = await start(module());
    expect((await app.get(BoxFetch)('/2.0/users/me')).status).toBe(200);
    await app.close();
  });

  it('reports missing credentials of a factory without a name', async () => {
    const error = await thrownBy(() =>
      start(BoxAuthModule.forRootAsync({ useFactory: () => ({}) })),
    );
    expect(error.code).toBe('config_missing');
  });

  it('shows no secret when it is inspected', async () => {
    const app = await start(BoxAuthModule.forRoot(options));
    const { clientSecret } = emulator.config.boxAppSettings;
    const module = app.get(BoxAuthModule);
    for (const text of [
      inspect(module, { depth: 10 }),
      JSON.stringify(module),
      inspect(app.get(BoxTokenProvider), { depth: 10 }),
    ]) {
      expect(text).not.toContain(clientSecret);
    }
    await app.close();
  });

  it('closes with the app, and later calls fail with `closed`', async () => {
    const app = await start(BoxAuthModule.forRoot(options));
    const provider = app.get(BoxTokenProvider);
    await provider.getToken();
    await app.close();
    expect(provider.peekToken()).toBeUndefined();
    expect((await thrownBy(() => provider.getToken())).code).toBe('closed');
  });

  it('can be overridden in a test like any provider', async () => {
    const fake = { getToken: () => Promise.resolve('fake') };
    const testing = await Test.createTestingModule({
      imports: [BoxAuthModule.forRoot(), ArchiveModule, BoxHttpModule],
    })
      .overrideProvider(BoxTokenProvider)
      .useValue(fake)
      .compile();
    await testing.init();
    const { provider, box } = testing.get(Archive);
    expect(provider).toBe(fake);
    // What would need more than it has says so, when it is used.
    for (const call of [
      () => box('/2.0/users/me'),
      () => testing.get(HttpService).axiosRef.get('/2.0/users/me'),
    ]) {
      expect((await thrownBy(call)).code).toBe('provider_replaced');
    }
    await testing.close();
  });
});

describe('A mistake fails the bootstrap with one clear error', () => {
  it.each([
    ['in the file', { credentials: { configFile: 'missing.json' } }, 'config_unreadable'],
    ['in the fields', { credentials: { config: {} } }, 'config_invalid'],
    [
      'in the passphrase',
      () => ({ credentials: { config: emulator.config, passphrase: 'wrong' } }),
      'key_passphrase_wrong',
    ],
    ['in an option', { credentials: { developerToken: 'x' }, maxSubjects: -1 }, 'option_invalid'],
    ['in the name of an option', () => ({ ...options, warmup: 'require' }), 'option_invalid'],
    ['in warmUp', () => ({ ...options, warmUp: 'required' }), 'option_invalid'],
    ['in fetch', () => ({ ...options, fetch: 'x' }), 'option_invalid'],
    ['in keepWarm', () => ({ ...options, keepWarm: ['owm'] }), 'option_invalid'],
    ['in all of them', () => null, 'option_invalid'],
    ['in what a function gives', { credentials: () => ({ clientId: 'x' }) }, 'config_invalid'],
    [
      'of a function',
      { credentials: () => Promise.reject(new Error('vault sealed')) },
      'credentials_unavailable',
    ],
  ])('%s', async (_, given, code) => {
    const wrong = (typeof given === 'function' ? given() : given) as BoxAuthModuleOptions;
    expect((await thrownBy(() => start(BoxAuthModule.forRoot(wrong)))).code).toBe(code);
    expect(
      (await thrownBy(() => start(BoxAuthModule.forRootAsync({ useFactory: () => wrong })))).code,
    ).toBe(code);
  });
});

it('BoxAuthModule imported without forRoot fails with one clear error', async () => {
  for (const imports of [[BoxAuthModule], [BoxAuthModule.forRoot(options), BoxAuthModule]]) {
    const error = await thrownBy(() => start(...imports));
    expect(error.code).toBe('option_invalid');
    expect(error.hint).toContain('BoxAuthModule.forRoot()');
  }
});

it.each([
  ['no source of options', {}, 'needs one of useFactory'],
  ['a mistyped source', { usefactory: () => options }, 'Unknown option `usefactory`'],
  ['an option of forRoot', { useFactory: () => options, warmUp: 'try' }, 'Unknown option `warmUp`'],
  ['what is no function', { useFactory: {} }, 'Invalid `useFactory`'],
  [
    'nothing',
    null,
    'Invalid options of BoxAuthModule.forRootAsync: expected an object, received null',
  ],
  ['a name in what the factory returns', { useFactory: () => ({ ...options, name: 'x' }) }, 'name'],
  [
    'isGlobal in what the factory returns',
    { useFactory: () => ({ ...options, isGlobal: true }) },
    'returned `isGlobal`, which belongs next to',
  ],
  [
    'nothing in what the factory returns',
    { useFactory: () => undefined },
    'Invalid options of BoxAuthModule: expected an object, received nothing',
  ],
  ['an isGlobal that is a text', { useFactory: () => options, isGlobal: 'yes' }, 'isGlobal'],
  ['an empty name', { useFactory: () => options, name: '' }, 'name'],
])('forRootAsync with %s fails with one clear error', async (_, given, message) => {
  const error = await thrownBy(() => start(BoxAuthModule.forRootAsync(given as never)));
  expect(error.code).toBe('option_invalid');
  expect(error.message).toContain(message);
});

it('null credentials are reported as such, and the environment is not read', async () => {
  vi.stubEnv('BOX_CONFIG', JSON.stringify(emulator.config));
  const wrong = { credentials: null } as unknown as BoxAuthModuleOptions;
  const error = await thrownBy(() => start(BoxAuthModule.forRoot(wrong)));
  expect(error.message).toContain('Invalid credentials: expected an object');
});

it('The error for an unknown option lists all known options', async () => {
  const wrong = { ...options, isglobal: true } as BoxAuthModuleOptions;
  const { message } = await thrownBy(() => start(BoxAuthModule.forRoot(wrong)));
  for (const name of ['apiUrl', 'store', 'warmUp', 'name', 'isGlobal'])
    expect(message).toContain(name);
});

describe('forRoot without credentials reads the environment', () => {
  it('BOX_CONFIG', async () => {
    vi.stubEnv('BOX_CONFIG', Buffer.from(JSON.stringify(emulator.config)).toString('base64'));
    vi.stubEnv('BOX_API_URL', emulator.url);
    const app = await start(BoxAuthModule.forRoot());
    expect((await app.get(BoxFetch)('/2.0/users/me')).status).toBe(200);
    await app.close();
  });

  it('BOX_CLIENT_ID etc., together with other options', async () => {
    const { clientID, clientSecret } = emulator.config.boxAppSettings;
    vi.stubEnv('BOX_CLIENT_ID', clientID);
    vi.stubEnv('BOX_CLIENT_SECRET', clientSecret);
    vi.stubEnv('BOX_USER_ID', '11111');
    const app = await start(BoxAuthModule.forRoot({ apiUrl: emulator.url }));
    expect(await (await app.get(BoxFetch)('/2.0/users/me')).json()).toMatchObject({ id: '11111' });
    await app.close();
  });

  it('variables that ConfigModule loads from a file', async () => {
    for (const name of ['BOX_CLIENT_ID', 'BOX_CLIENT_SECRET', 'BOX_ENTERPRISE_ID'])
      vi.stubEnv(name, undefined);
    const app = await start(
      ConfigModule.forRoot({ envFilePath: new URL('box.env', import.meta.url).pathname }),
      BoxAuthModule.forRoot({ apiUrl: emulator.url }),
    );
    expect(app.get(ConfigService).get('box.credentials.clientId')).toBe('from-the-file');
    await app.close();
  });

  it('BOX_API_URL, also if the code passes credentials', async () => {
    vi.stubEnv('BOX_API_URL', emulator.url);
    const app = await start(BoxAuthModule.forRoot({ credentials: { config: emulator.config } }));
    expect((await app.get(BoxFetch)('/2.0/users/me')).status).toBe(200);
    await app.close();
  });

  it('if an option is undefined', async () => {
    vi.stubEnv('BOX_CONFIG', JSON.stringify(emulator.config));
    vi.stubEnv('BOX_API_URL', emulator.url);
    const app = await start(BoxAuthModule.forRoot({ credentials: undefined, apiUrl: undefined }));
    expect((await app.get(BoxFetch)('/2.0/users/me')).status).toBe(200);
    await app.close();
  });

  it.each([
    ['BOX_API_URL', 'api.box.com'],
    ['BOX_PRIVATE_KEY', 'a key'],
    ['BOX_ENTERPRISE_ID', 'acme'],
    ['BOX_PUBLIC_KEY_ID', ''],
  ])('and names %s if it is invalid', async (name, value) => {
    const set = {
      BOX_CLIENT_ID: 'c',
      BOX_CLIENT_SECRET: 's',
      BOX_ENTERPRISE_ID: '1',
      BOX_PUBLIC_KEY_ID: 'k',
      BOX_PRIVATE_KEY: emulator.config.boxAppSettings.appAuth?.privateKey,
      BOX_PRIVATE_KEY_PASSPHRASE: emulator.config.boxAppSettings.appAuth?.passphrase,
      [name]: value,
    };
    for (const [variable, text] of Object.entries(set)) vi.stubEnv(variable, text);
    const error = await thrownBy(() => start(BoxAuthModule.forRoot()));
    expect(error.message).toContain(name);
    expect(error.message).not.toContain('credentials.');
  });

  it('and names the variables to set if it is empty', async () => {
    const error = await thrownBy(() => start(BoxAuthModule.forRoot()));
    expect(error.code).toBe('config_missing');
    expect(error.hint).toContain('BOX_CONFIG_FILE');
  });
});

describe('warmUp', () => {
  it("'try' requests a token at bootstrap, and starts even if that fails", async () => {
    let app = await start(BoxAuthModule.forRoot({ ...options, warmUp: 'try' }));
    expect(app.get(BoxTokenProvider).peekToken()).toBeDefined();
    await app.close();
    emulator.always('token', {
      kind: 'refuse',
      error: 'unauthorized_client',
      errorDescription: 'not authorized',
    });
    app = await start(BoxAuthModule.forRoot({ ...options, warmUp: 'try' }));
    expect(app.get(BoxTokenProvider).peekToken()).toBeUndefined();
    await app.close();
  });

  it("'require' fails the bootstrap if there is no token", async () => {
    emulator.always('token', {
      kind: 'refuse',
      error: 'unauthorized_client',
      errorDescription: 'not authorized',
    });
    expect(
      (await thrownBy(() => start(BoxAuthModule.forRoot({ ...options, warmUp: 'require' })))).code,
    ).toBe('app_not_authorized');
  });
});

describe('BoxHttpModule', () => {
  it('can be imported as a class: HttpService sends a token and uses apiUrl as base URL', async () => {
    const app = await start(BoxAuthModule.forRoot(options), BoxHttpModule);
    const { data } = await firstValueFrom(
      app.get(HttpService).get<{ id: string }>('/2.0/users/me'),
    );
    expect(data.id).toBe(emulator.serviceAccountId);
    await app.close();
  });

  it('takes the options of axios', async () => {
    const app = await start(
      BoxAuthModule.forRoot(options),
      BoxHttpModule.register({ baseURL: `${emulator.url}/2.0`, headers: { 'x-mine': '1' } }),
    );
    await app.get(HttpService).axiosRef.get('/users/me');
    expect(emulator.apiRequests[0]?.headers['x-mine']).toBe('1');
    expect(emulator.apiRequests[0]?.path).toBe('/2.0/users/me');
    await app.close();
  });

  it('can be registered once for each named Box app', async () => {
    const other = await BoxEmulator.start();
    @Injectable()
    class Reports {
      constructor(
        readonly own: HttpService,
        @InjectBoxHttpService('hr') readonly hr: HttpService,
      ) {}
    }
    const app = await start(
      BoxAuthModule.forRoot(options),
      BoxAuthModule.forRoot({
        name: 'hr',
        credentials: { config: other.config },
        apiUrl: other.url,
      }),
      {
        module: class ReportsModule {},
        imports: [BoxHttpModule, BoxHttpModule.register({ name: 'hr' })],
        providers: [Reports],
      },
    );
    const { own, hr } = app.get(Reports, { strict: false });
    await Promise.all([own.axiosRef.get('/2.0/users/me'), hr.axiosRef.get('/2.0/users/me')]);
    expect([emulator.apiRequests.length, other.apiRequests.length]).toEqual([1, 1]);
    const seen = (await firstValueFrom(own.get<{ id: string }>('/2.0/users/me'))).data.id;
    expect(seen).toBe(emulator.serviceAccountId);
    // The tokens of one never go to the other, whoever is called.
    await expect(own.axiosRef.get(`${other.url}/2.0/users/me`)).rejects.toThrow('401');
    expect(other.apiRequests.at(-1)?.headers['authorization']).toBeUndefined();
    await app.close();
    await other.stop();
  });

  it('works with request-scoped HttpServices, and with several HttpServices of one axios instance', async () => {
    @Injectable({ scope: Scope.REQUEST })
    class OfARequest {
      readonly http: HttpService;
      constructor(interceptor: BoxAxiosInterceptor) {
        const instance = axios.create({ baseURL: emulator.url });
        interceptor.attach(instance);
        interceptor.attach(instance);
        this.http = new HttpService(instance);
      }
    }
    @Module({ imports: [BoxHttpModule.register({ timeout: 1_000 })] })
    class Another {}
    const app = await start(BoxAuthModule.forRoot(options), Another, {
      module: class Requests {},
      imports: [BoxHttpModule],
      providers: [OfARequest],
    });
    const first = await app.resolve(OfARequest);
    const second = await app.resolve(OfARequest);
    expect(first).not.toBe(second);
    const services = [
      first.http,
      second.http,
      new HttpService(first.http.axiosRef),
      app.get(HttpService),
      app.select(Another).get(HttpService),
    ];
    await Promise.all(
      services.map((service) =>
        app.get(BoxTokenProvider).runAs('11111', () => service.axiosRef.get('/2.0/users/me')),
      ),
    );
    expect(emulator.apiRequests.map(({ actingUser, status }) => [actingUser, status])).toEqual(
      services.map(() => ['11111', 200]),
    );
    expect(emulator.tokenRequests).toHaveLength(1);
    await app.close();
  });

  it('provides an interceptor for any other axios instance', async () => {
    const app = await start(BoxAuthModule.forRoot(options), BoxHttpModule);
    const instance = axios.create();
    app.get(BoxAxiosInterceptor).attach(instance);
    expect((await instance.get(`${emulator.url}/2.0/users/me`)).status).toBe(200);
    await app.close();
  });
});
