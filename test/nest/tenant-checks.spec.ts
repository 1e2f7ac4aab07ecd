import {
  Controller,
  type DynamicModule,
  Get,
  type INestApplication,
  Injectable,
  Module,
  type ModuleMetadata,
} from '@nestjs/common';
import { Query, Resolver } from '@nestjs/graphql';
import { EventPattern } from '@nestjs/microservices';
import { WsAdapter } from '@nestjs/platform-ws';
import { Test } from '@nestjs/testing';
import { SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  BoxAuthModule,
  type BoxAuthModuleOptions,
  BoxFetch,
  BoxTokenProvider,
  ForEnterprise,
  InjectBoxFetch,
} from 'nestjs-box-auth';
import { FakeBox } from 'nestjs-box-auth/testing';
import { credentials, OTHER_TENANT, OWN, TENANT, TenantBox } from '../support/tenant-box.js';
import { thrownBy } from '../support/thrown.js';

@Controller()
@ForEnterprise(TENANT)
class OnController {
  @Get() get() {
    return {};
  }
}

@Controller()
class OnMethod {
  get failing(): never {
    throw new Error('A check must not call getters.');
  }
  @Get() @ForEnterprise(() => TENANT) get() {
    return {};
  }
}

@Controller()
class InheritsMethod extends OnMethod {
  @Get('more') more() {
    return {};
  }
}

@Controller()
class InheritsClass extends OnController {}

@Controller()
class OfEvents {
  @EventPattern('changed') @ForEnterprise(TENANT) changed(_data: unknown) {
    return {};
  }
}

@Resolver()
class OnResolver {
  @Query(() => String) @ForEnterprise(TENANT) name() {
    return '';
  }
}

@WebSocketGateway()
class OnGateway {
  @SubscribeMessage('name') @ForEnterprise(TENANT) name() {
    return '';
  }
}

@Injectable()
@ForEnterprise(TENANT)
class OnProvider {}

@Controller()
class Undecorated {
  @Get() get() {
    return {};
  }
}

@Module({ controllers: [OnController] })
class FeatureModule {}

let box: TenantBox;
let app: INestApplication | undefined;
beforeEach(() => {
  box = new TenantBox();
});
afterEach(async () => {
  await app?.close();
  app = undefined;
});

const boxModule = (options: Parameters<typeof BoxAuthModule.forRoot>[0] = {}): DynamicModule =>
  BoxAuthModule.forRoot({ credentials, fetch: box.fetch, ...options });

async function bootstrap(metadata: ModuleMetadata): Promise<INestApplication> {
  const testing = await Test.createTestingModule(metadata).compile();
  app = testing.createNestApplication({ logger: false });
  app.useWebSocketAdapter(new WsAdapter(app));
  return app.init();
}

const decorated: [string, ModuleMetadata, string][] = [
  ['a controller', { controllers: [OnController] }, 'OnController'],
  ['a method of a controller', { controllers: [OnMethod] }, 'OnMethod'],
  ['an inherited method', { controllers: [InheritsMethod] }, 'InheritsMethod'],
  ['the class that a controller extends', { controllers: [InheritsClass] }, 'InheritsClass'],
  ['a handler of events', { controllers: [OfEvents] }, 'OfEvents'],
  ['a GraphQL resolver', { providers: [OnResolver] }, 'OnResolver'],
  ['a gateway', { providers: [OnGateway] }, 'OnGateway'],
  ['a provider', { providers: [OnProvider] }, 'OnProvider'],
  [
    'a provider with another token',
    { providers: [{ provide: 'token', useClass: OnProvider }] },
    'OnProvider',
  ],
  ['a controller of another module', { imports: [FeatureModule] }, 'OnController'],
];

describe('An app with @ForEnterprise, but without the option `tenants`', () => {
  it.each(decorated)('does not start: %s', async (_, metadata, name) => {
    const imports = [boxModule(), ...(metadata.imports ?? [])];
    const error = await thrownBy(() => bootstrap({ ...metadata, imports }));
    expect(error.code).toBe('option_invalid');
    expect(error.message).toBe(
      `${name} has @ForEnterprise, but no BoxAuthModule has the option \`tenants\`.`,
    );
    expect(error.hint).toContain('BoxAuthModule.forRoot({ tenants })');
  });

  it('does not start with several Box apps and forRootAsync', async () => {
    const later = BoxAuthModule.forRootAsync({
      name: 'hr',
      useFactory: () => ({ credentials, fetch: box.fetch }),
    });
    const error = await thrownBy(() =>
      bootstrap({ imports: [boxModule(), later], controllers: [OnController] }),
    );
    expect(error.code).toBe('option_invalid');
  });
});

describe('An app starts', () => {
  it.each(decorated)('with @ForEnterprise and `tenants`: %s', async (_, metadata) => {
    const imports = [boxModule({ tenants: [TENANT] }), ...(metadata.imports ?? [])];
    await expect(
      bootstrap({ ...metadata, imports, providers: metadata.providers ?? [] }),
    ).resolves.toBeDefined();
  });

  it('without @ForEnterprise and without `tenants`', async () => {
    const controllers = [Undecorated];
    const providers = [
      { provide: 'a value', useValue: null },
      { provide: 'a factory', useFactory: () => undefined },
      { provide: 'a function', useFactory: function made() {} },
    ];
    await expect(
      bootstrap({ imports: [boxModule()], controllers, providers }),
    ).resolves.toBeDefined();
  });

  it.each<[string, () => DynamicModule]>([
    ['an empty list', () => boxModule({ tenants: [] })],
    ['a function', () => boxModule({ tenants: () => true })],
    [
      'forRootAsync',
      () =>
        BoxAuthModule.forRootAsync({
          useFactory: () => ({ credentials, fetch: box.fetch, tenants: [TENANT] }),
        }),
    ],
  ])('with `tenants` of %s', async (_, module) => {
    await expect(
      bootstrap({ imports: [module()], controllers: [OnController] }),
    ).resolves.toBeDefined();
  });

  it('if one of its Box apps has `tenants`', async () => {
    const imports = [boxModule(), boxModule({ name: 'hr', tenants: [TENANT] })];
    await expect(bootstrap({ imports, controllers: [OnController] })).resolves.toBeDefined();
  });

  it('in a test that replaces the provider by a FakeBox', async () => {
    const fake = new FakeBox();
    const testing = await Test.createTestingModule({
      imports: [boxModule()],
      controllers: [OnController],
    })
      .overrideProvider(BoxTokenProvider)
      .useValue(fake.provider)
      .compile();
    app = testing.createNestApplication({ logger: false });
    await expect(app.init()).resolves.toBeDefined();
  });
});

describe('With two Box apps, of which one serves the tenant', () => {
  @Controller()
  @ForEnterprise(() => tenant)
  class BothController {
    constructor(
      private readonly main: BoxFetch,
      @InjectBoxFetch('hr') private readonly hr: BoxFetch,
    ) {}

    @Get('main') async callMain() {
      await this.main('/2.0/folders/0');
    }

    @Get('hr') async callHr() {
      await this.hr('/2.0/folders/0');
    }
  }

  let tenant: string;
  let hr: TenantBox;
  async function start(
    ofMain: BoxAuthModuleOptions['tenants'],
    ofHr: BoxAuthModuleOptions['tenants'],
  ): Promise<(path: string) => Promise<number>> {
    hr = new TenantBox();
    const started = await bootstrap({
      imports: [
        boxModule({ tenants: ofMain }),
        boxModule({ name: 'hr', fetch: hr.fetch, tenants: ofHr }),
      ],
      controllers: [BothController],
    });
    await started.listen(0, '127.0.0.1');
    const url = await started.getUrl();
    return async (path) => (await fetch(`${url}/${path}`)).status;
  }

  it.each<[string, BoxAuthModuleOptions['tenants'], BoxAuthModuleOptions['tenants']]>([
    ['lists', [TENANT], [OTHER_TENANT]],
    ['functions', (id) => id === TENANT, (id) => Promise.resolve(id === OTHER_TENANT)],
    [
      'a function that throws, and a list',
      (id) => {
        if (id === TENANT) return true;
        throw new Error('The database is away.');
      },
      [OTHER_TENANT],
    ],
  ])('the handler runs, and only that app calls Box: %s', async (_, ofMain, ofHr) => {
    const get = await start(ofMain, ofHr);
    tenant = TENANT;
    expect([await get('main'), await get('hr')]).toEqual([200, 500]);
    tenant = OTHER_TENANT;
    expect([await get('main'), await get('hr')]).toEqual([500, 200]);
    expect([box.tokenRequests, hr.tokenRequests]).toEqual([['enterprise:7'], ['enterprise:8']]);
  });

  it('the handler does not run if none of them serves the tenant', async () => {
    const get = await start([TENANT], () => false);
    tenant = OTHER_TENANT;
    expect([await get('main'), await get('hr')]).toEqual([500, 500]);
    expect([box.calls, hr.calls]).toEqual([[], []]);
  });

  it('an app without `tenants` serves the enterprise of its credentials only', async () => {
    const get = await start(undefined, [TENANT, OWN]);
    tenant = TENANT;
    expect([await get('main'), await get('hr')]).toEqual([500, 200]);
    tenant = OWN;
    expect([await get('main'), await get('hr')]).toEqual([200, 200]);
    expect(box.tokenRequests).toEqual(['enterprise:1']);
  });
});
