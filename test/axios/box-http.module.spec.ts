import { HttpService } from '@nestjs/axios';
import { type DynamicModule, Injectable, Module, type Type } from '@nestjs/common';
import type { NestApplicationContextOptions } from '@nestjs/common/interfaces/nest-application-context-options.interface.js';
import { Test } from '@nestjs/testing';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { BoxAuthModule } from 'nestjs-box-auth';
import { BoxHttpModule, InjectBoxHttpService } from 'nestjs-box-auth/axios';
import { BoxEmulator, WorkfrontEmulator } from 'nestjs-box-auth/testing';
import { WorkfrontAuthModule } from 'nestjs-box-auth/workfront';
import { WorkfrontHttpModule, WorkfrontHttpService } from 'nestjs-box-auth/workfront/axios';
import { thrownBy } from '../support/thrown.js';

let box: BoxEmulator;
let workfront: WorkfrontEmulator;
const apps: { close(): Promise<void> }[] = [];
beforeAll(async () => {
  box = await BoxEmulator.start();
  workfront = await WorkfrontEmulator.start();
});
afterEach(async () => {
  await Promise.all(apps.splice(0).map((app) => app.close()));
});
afterAll(() => Promise.all([box.stop(), workfront.stop()]));

@Injectable()
class Settings {
  readonly timeout = 4_200;
}

@Injectable()
class HttpOptions {
  createHttpOptions() {
    return { timeout: 4_200 };
  }
}

@Module({ providers: [Settings, HttpOptions], exports: [Settings, HttpOptions] })
class SettingsModule {}

const workfrontAuth = () =>
  WorkfrontAuthModule.forRoot({ url: workfront.url, ...workfront.credentials });
const boxAuth = (name?: string) =>
  BoxAuthModule.forRoot({
    credentials: { config: box.config },
    apiUrl: box.url,
    ...(name === undefined ? {} : { name }),
  });

/** Starts an app with both issuers. */
async function start(...imports: (DynamicModule | Type)[]) {
  return startWith({}, boxAuth(), workfrontAuth(), ...imports);
}

async function startWith(
  options: NestApplicationContextOptions,
  ...imports: (DynamicModule | Type)[]
) {
  const app = await Test.createTestingModule({ imports }, options).compile();
  apps.push(app);
  return app;
}

const modules = [
  ['BoxHttpModule', BoxHttpModule, HttpService, () => '/2.0/users/me'],
  [
    'WorkfrontHttpModule',
    WorkfrontHttpModule,
    WorkfrontHttpService,
    () => '/attask/api/v17.0/user/search',
  ],
] as const;

describe.each(modules)('%s', (_, HttpModule, Service, path) => {
  const timeoutOf = (service: HttpService) => service.axiosRef.defaults.timeout;

  it.each([
    ['a factory', { useFactory: () => ({ timeout: 4_200 }) }],
    ['an async factory', { useFactory: () => Promise.resolve({ timeout: 4_200 }) }],
    [
      'a factory with dependencies',
      {
        imports: [SettingsModule],
        inject: [Settings],
        useFactory: ({ timeout }: Settings) => ({ timeout }),
      },
    ],
    ['a class', { useClass: HttpOptions }],
    ['an existing provider', { imports: [SettingsModule], useExisting: HttpOptions }],
  ])('takes the options of axios from %s', async (__, options) => {
    const app = await start(HttpModule.registerAsync(options));
    const service = app.get<HttpService>(Service);
    expect(timeoutOf(service)).toBe(4_200);
    expect((await service.axiosRef.get(path())).status).toBe(200);
  });

  it('provides additional providers', async () => {
    const module = HttpModule.registerAsync({
      inject: ['limit'],
      useFactory: (timeout: number) => ({ timeout }),
      extraProviders: [{ provide: 'limit', useValue: 7_000 }],
    });
    expect(timeoutOf((await start(module)).get<HttpService>(Service))).toBe(7_000);
  });

  it.each([
    ['register', () => HttpModule.register({ global: true, timeout: 7_000 })],
    [
      'registerAsync',
      () => HttpModule.registerAsync({ global: true, useFactory: () => ({ timeout: 7_000 }) }),
    ],
  ])(
    'provides its service to all modules with `global` of %s, and only then',
    async (__, module) => {
      const needsService = {
        module: class Reports {},
        providers: [
          { provide: 'service', inject: [Service], useFactory: (service: HttpService) => service },
        ],
      };
      const app = await start(module(), needsService);
      expect(timeoutOf(app.get<HttpService>('service', { strict: false }))).toBe(7_000);
      await expect(start({ ...module(), global: false }, needsService)).rejects.toThrow('Reports');
      await expect(start(HttpModule.register({}), needsService)).rejects.toThrow('Reports');
    },
  );

  it('gives each registration its own service, even if Nest compares modules by content', async () => {
    const register = (timeout: number) =>
      HttpModule.registerAsync({ useFactory: () => ({ timeout }) });
    const holder = (name: string, timeout: number) => ({
      module: SettingsModule,
      imports: [register(timeout)],
      providers: [
        { provide: name, inject: [Service], useFactory: (service: HttpService) => service },
      ],
    });
    const app = await startWith(
      { moduleIdGeneratorAlgorithm: 'deep-hash' },
      boxAuth(),
      workfrontAuth(),
      holder('first', 1),
      holder('second', 1),
    );
    const [first, second] = ['first', 'second'].map((name) =>
      app.get<unknown>(name, { strict: false }),
    );
    expect(first).not.toBe(second);
  });

  it('fails if the factory returns a name, which it would ignore', async () => {
    const options = { useFactory: (): object => ({ name: 'hr' }) };
    const error = await thrownBy(() => start(HttpModule.registerAsync(options)));
    expect(error.code).toBe('option_invalid');
    expect(error.message).toContain('`name`');
  });
});

describe('BoxHttpModule with a name', () => {
  it('carries the tokens of that app, with `register` and `registerAsync`', async () => {
    @Injectable()
    class Reports {
      constructor(@InjectBoxHttpService('hr') readonly http: HttpService) {}
    }
    const registrations = [
      BoxHttpModule.register({ name: 'hr', timeout: 7_000 }),
      BoxHttpModule.registerAsync({ name: 'hr', useFactory: () => ({ timeout: 7_000 }) }),
    ];
    for (const registration of registrations) {
      const app = await startWith({}, boxAuth('hr'), {
        module: class ReportsModule {},
        imports: [registration],
        providers: [Reports],
      });
      const { http } = app.get(Reports, { strict: false });
      expect(http.axiosRef.defaults.timeout).toBe(7_000);
      expect((await http.axiosRef.get('/2.0/users/me')).status).toBe(200);
    }
  });
});
