import { setImmediate as nextTurn } from 'node:timers/promises';
import {
  type CanActivate,
  Controller,
  type DynamicModule,
  type ExecutionContext,
  Get,
  Injectable,
  Logger,
  Module,
  VersioningType,
} from '@nestjs/common';
import { CacheInterceptor, CacheModule } from '@nestjs/cache-manager';
import { APP_GUARD, APP_INTERCEPTOR } from '@nestjs/core';
import { Test, type TestingModuleBuilder } from '@nestjs/testing';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { BoxAuthModule, BoxFetch } from 'nestjs-box-auth';
import {
  AsConnectedUser,
  BoxConnections,
  BoxConnectionsModule,
  getBoxConnectionsToken,
  InjectBoxConnections,
} from 'nestjs-box-auth/connections';
import { BoxEmulator, MemoryConnectionVault } from 'nestjs-box-auth/testing';
import { deferred } from '../../support/deferred.js';
import { Browser, optionsFor, ownerOf, REDIRECT_URI } from '../../support/connections-app.js';
import { VAULT_SECRET } from '../../support/connections.js';
import { thrownBy } from '../../support/thrown.js';

let emulator: BoxEmulator;
beforeAll(async () => {
  emulator = await BoxEmulator.start({
    redirectUris: [REDIRECT_URI, `${ORIGIN}/api/box/callback`],
  });
});
afterAll(() => emulator.stop());

const ORIGIN = 'http://localhost:3000';
const vault = new MemoryConnectionVault();
const owner = ownerOf;

const open: { close(): Promise<unknown> }[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((app) => app.close()));
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
});

async function compile(
  imports: readonly (DynamicModule | Promise<DynamicModule>)[],
  change: (builder: TestingModuleBuilder) => TestingModuleBuilder = (builder) => builder,
  controllers: readonly (new (...args: never[]) => unknown)[] = [],
) {
  const module = { imports: [...imports], controllers: [...controllers] };
  const testing = await change(Test.createTestingModule(module)).compile();
  const app = testing.createNestApplication({ logger: false });
  open.push(app);
  return app;
}

function stubEnvironment(changes: Record<string, string> = {}): void {
  const { clientId, clientSecret } = emulator.oauthApp;
  const variables = {
    BOX_OAUTH_CLIENT_ID: clientId,
    BOX_OAUTH_CLIENT_SECRET: clientSecret,
    BOX_OAUTH_REDIRECT_URI: REDIRECT_URI,
    BOX_OAUTH_VAULT_SECRET: VAULT_SECRET,
    BOX_API_URL: emulator.url,
    ...changes,
  };
  for (const [name, value] of Object.entries(variables)) vi.stubEnv(name, value);
}

async function connect(connections: BoxConnections, id = 'ann'): Promise<void> {
  const person = { owner: id, binding: 'browser' };
  const query = emulator.consent(await connections.authorizationUrl(person), { userId: '11111' });
  await connections.complete({ ...person, query });
}

describe('BoxConnectionsModule', () => {
  it.each([
    ['forRoot', () => BoxConnectionsModule.forRoot({ vault })],
    [
      'forRootAsync',
      () => BoxConnectionsModule.forRootAsync({ useFactory: async () => ({ vault }) }),
    ],
  ])('reads missing options from the environment: %s', async (_, module) => {
    stubEnvironment();
    const app = await (await compile([module()])).init();
    await connect(app.get(BoxConnections));
    expect((await app.get(BoxConnections).get('ann'))?.user.name).toBe('Alice');
  });

  it.each([
    ['BOX_OAUTH_CLIENT_ID', 'clientId'],
    ['BOX_OAUTH_CLIENT_SECRET', 'clientSecret'],
    ['BOX_OAUTH_REDIRECT_URI', 'redirectUri'],
    ['BOX_OAUTH_VAULT_SECRET', 'secret'],
  ])('fails without %s', async (name, option) => {
    stubEnvironment({ [name]: ' ' });
    const error = await thrownBy(() => compile([BoxConnectionsModule.forRoot({ vault })]));
    expect(error.code).toBe('option_invalid');
    expect(error.message).toContain(`\`${option}\``);
    expect(error.hint).toContain(name);
  });

  it.each([
    ['an unknown option', () => ({ ...optionsFor(emulator), vualt: 1 }), 'Unknown option `vualt`'],
    ['no vault', () => ({ ...optionsFor(emulator), vault: undefined }), '`vault` is missing'],
    ['an empty name', () => ({ ...optionsFor(emulator), name: '' }), 'Invalid `name`'],
    ['a string', () => 'options', 'Invalid options of BoxConnectionsModule.forRoot'],
    ['guards that are routes', () => ({ ...optionsFor(emulator), routes: 7 }), 'routes'],
  ])('fails with %s', async (_, options, message) => {
    const error = await thrownBy(() => compile([BoxConnectionsModule.forRoot(options() as never)]));
    expect(error).toMatchObject({
      code: 'option_invalid',
      message: expect.stringContaining(message),
    });
  });

  it('fails if the factory returns an option that belongs next to it', async () => {
    const useFactory = () => ({ ...optionsFor(emulator), routes: { owner } });
    const error = await thrownBy(() =>
      compile([BoxConnectionsModule.forRootAsync({ useFactory })]),
    );
    expect(error.message).toContain('`routes`, which belongs next to the factory');
  });

  it('fails without forRoot, and if it is imported twice', async () => {
    const bare = await thrownBy(() => compile([{ module: BoxConnectionsModule }]));
    expect(bare.message).toContain('without forRoot()');
    const twice = [1, 2].map(() => BoxConnectionsModule.forRoot(optionsFor(emulator)));
    const error = await thrownBy(async () => (await compile(twice)).init());
    expect(error.message).toContain('imported 2 times');
  });

  it('has several apps by their names', async () => {
    class Service {
      constructor(@InjectBoxConnections('hr') readonly hr: BoxConnections) {}
    }
    const hr = optionsFor(emulator);
    const module = { module: class Services {}, providers: [Service] };
    const app = await compile([
      BoxConnectionsModule.forRoot(optionsFor(emulator)),
      BoxConnectionsModule.forRoot({ ...hr, name: 'hr' }),
      module,
    ]);
    await app.init();
    expect(app.get(Service).hr).toBe(app.get(getBoxConnectionsToken('hr')));
    expect(app.get(Service).hr).not.toBe(app.get(BoxConnections));
  });

  it('takes the vault from another module', async () => {
    const stored = new MemoryConnectionVault();
    @Module({ providers: [{ provide: 'VAULT', useValue: stored }], exports: ['VAULT'] })
    class VaultModule {}
    const app = await compile([
      BoxConnectionsModule.forRootAsync({
        imports: [VaultModule],
        inject: ['VAULT'],
        useFactory: (given: MemoryConnectionVault) => ({ ...optionsFor(emulator), vault: given }),
        routes: { owner },
      }),
    ]);
    await connect(app.get(BoxConnections));
    const { clientId } = emulator.oauthApp;
    expect(await stored.load({ app: clientId, owner: 'ann', label: '' })).toBeDefined();
  });

  it('waits at shutdown until refreshed tokens are in the vault', async () => {
    const stored = new MemoryConnectionVault();
    const app = await compile([
      BoxConnectionsModule.forRoot(optionsFor(emulator, { vault: stored })),
    ]);
    await app.init();
    const connections = app.get(BoxConnections);
    await connect(connections);
    const { clientId } = emulator.oauthApp;
    const key = { app: clientId, owner: 'ann', label: '' };
    const before = (await stored.load(key))?.version;
    const [arrived, released] = [deferred(), deferred()];
    const replace = stored.replace.bind(stored);
    stored.replace = async (...change) => {
      arrived.resolve();
      await released.promise;
      return replace(...change);
    };
    const refreshing = connections.refreshIdle({ idleForMs: 0 });
    await arrived.promise;
    let isClosed = false;
    const closing = app.close().then(() => {
      isClosed = true;
    });
    for (let turn = 0; turn < 100; turn++) await nextTurn();
    expect(isClosed).toBe(false);
    released.resolve();
    await Promise.all([closing, refreshing]);
    expect((await stored.load(key))?.version).not.toBe(before);
  });

  it('logs a failed refresh, with its name', async () => {
    const lines: unknown[] = [];
    const warn = vi.spyOn(Logger.prototype, 'error').mockImplementation(function (
      this: Logger,
      line,
    ) {
      lines.push([Reflect.get(this, 'context'), line]);
    });
    const options = optionsFor(emulator, { tokenEndpoint: { attempts: 1 } });
    const app = await compile([BoxConnectionsModule.forRoot({ ...options, name: 'hr' })]);
    await app.init();
    const connections = app.get<BoxConnections>(getBoxConnectionsToken('hr'));
    await connect(connections);
    emulator.always('token', { kind: 'unavailable' });
    emulator.revokeAllTokens();
    await connections.runAs('ann', () => connections.fetch('/2.0/users/me')).catch(() => undefined);
    emulator.heal();
    expect(warn).toHaveBeenCalled();
    expect(lines).toEqual([['BoxConnectionsModule(hr)', expect.stringContaining('(unavailable)')]]);
  });
});

describe('A replaced BoxConnections', () => {
  @Controller()
  @AsConnectedUser(() => 'ann')
  class FilesController {
    constructor(private readonly box: BoxFetch) {}

    @Get()
    async get() {
      const response = await this.box('/2.0/users/me');
      return { status: response.status };
    }
  }
  const boxModule = () =>
    BoxAuthModule.forRoot({ credentials: { config: emulator.config }, apiUrl: emulator.url });

  it('needs neither options nor a database, and provides the tokens of @AsConnectedUser', async () => {
    const tokens: unknown[] = [];
    const fake = {
      getToken: async (...given: unknown[]) => {
        tokens.push(given);
        return { value: 'of a test' };
      },
    };
    const imports = [boxModule(), BoxConnectionsModule.forRoot({ vault, routes: { owner } })];
    const app = await compile(
      imports,
      (builder) => builder.overrideProvider(BoxConnections).useValue(fake),
      [FilesController],
    );
    await app.listen(0, '127.0.0.1');
    emulator.clearRequests();
    await fetch(await app.getUrl());
    expect(emulator.apiRequests[0]?.headers['authorization']).toBe('Bearer of a test');
    expect(tokens[0]).toEqual(['ann', expect.objectContaining({ label: '' })]);
  });

  it('without getToken fails the calls', async () => {
    const imports = [boxModule(), BoxConnectionsModule.forRoot({ vault })];
    const app = await compile(
      imports,
      (builder) => builder.overrideProvider(BoxConnections).useValue({}),
      [FilesController],
    );
    await app.listen(0, '127.0.0.1');
    emulator.clearRequests();
    expect((await fetch(await app.getUrl())).status).toBe(500);
    expect(emulator.requests).toEqual([]);
  });
});

describe('The routes of a Nest app', () => {
  it('have the global prefix, but no version', async () => {
    const redirectUri = `${ORIGIN}/api/box/callback`;
    const options = { ...optionsFor(emulator, { redirectUri }), routes: { owner } };
    const app = await compile([BoxConnectionsModule.forRoot(options)]);
    app.setGlobalPrefix('api');
    app.enableVersioning({ type: VersioningType.URI, defaultVersion: '1' });
    await app.listen(0, '127.0.0.1');
    const browser = new Browser(await app.getUrl(), 'ann');
    const callback = emulator.consent(await browser.begin('/api/box/connect'), { userId: '11111' });
    const response = await browser.get(callback);
    expect([response.status, response.headers.get('location')]).toEqual([302, '/api/']);
  });

  it('have the guards of the app and their own, which may find the person', async () => {
    const order: string[] = [];
    const guard = (name: string): CanActivate => ({
      canActivate: (context: ExecutionContext) => {
        order.push(name);
        const request = context.switchToHttp().getRequest<{ user?: string }>();
        request.user = `${request.user ?? ''}${name}`;
        return true;
      },
    });
    const module = {
      module: class Guards {},
      providers: [{ provide: APP_GUARD, useValue: guard('global') }],
    };
    @Injectable()
    class OwnGuard implements CanActivate {
      canActivate = (context: ExecutionContext) => guard('own').canActivate(context) === true;
    }
    const routes = {
      owner: (request: { user?: string }) => request.user,
      guards: [OwnGuard],
    };
    const options = { ...optionsFor(emulator), routes };
    const app = await compile([BoxConnectionsModule.forRoot(options), module]);
    await app.listen(0, '127.0.0.1');
    const browser = new Browser(await app.getUrl());
    const callback = emulator.consent(await browser.begin(), { userId: '11111' });
    expect((await browser.get(callback)).status).toBe(302);
    expect(order).toEqual(['global', 'own', 'global', 'own']);
    expect(await app.get(BoxConnections).get('globalown')).toBeDefined();
  });

  it('are not cached by a global CacheInterceptor', async () => {
    const module = {
      module: class Caching {},
      imports: [CacheModule.register()],
      providers: [{ provide: APP_INTERCEPTOR, useClass: CacheInterceptor }],
    };
    const options = { ...optionsFor(emulator), routes: { owner } };
    const app = await compile([BoxConnectionsModule.forRoot(options), module]);
    await app.listen(0, '127.0.0.1');
    const url = await app.getUrl();
    const addresses = [
      await new Browser(url, 'ann').begin(),
      await new Browser(url, 'ben').begin(),
    ];
    expect(new Set(addresses).size).toBe(2);
  });
});
