import { HttpModule, HttpService } from '@nestjs/axios';
import { Injectable, Module } from '@nestjs/common';
import { ConfigModule, ConfigService } from '@nestjs/config';
import { Test } from '@nestjs/testing';
import { WorkfrontEmulator } from 'nestjs-box-auth/testing';
import {
  WorkfrontAuthModule,
  type WorkfrontAuthModuleOptions,
  WorkfrontFetch,
  WorkfrontTokenProvider,
} from 'nestjs-box-auth/workfront';
import {
  WorkfrontAxiosInterceptor,
  WorkfrontHttpModule,
  WorkfrontHttpService,
} from 'nestjs-box-auth/workfront/axios';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { WorkfrontAuth } from '../../lib/workfront/workfront-auth.js';
import { thrownBy } from '../support/thrown.js';
import { called, clearEnvironment, start } from './nest-app.js';
import { PROJECTS } from './workfront-app.js';

let emulator: WorkfrontEmulator;
let options: WorkfrontAuthModuleOptions;
beforeAll(async () => {
  emulator = await WorkfrontEmulator.start();
  options = { url: emulator.url, ...emulator.credentials };
});
beforeEach(() => {
  emulator.heal();
  emulator.clearRequests();
  clearEnvironment();
});
afterEach(() => vi.unstubAllEnvs());
afterAll(() => emulator.stop());

@Injectable()
class Projects {
  constructor(
    readonly provider: WorkfrontTokenProvider,
    readonly workfront: WorkfrontFetch,
  ) {}
}

@Module({ providers: [Projects], exports: [Projects] })
class ProjectsModule {}

describe('WorkfrontAuthModule', () => {
  it('provides its classes to every module', async () => {
    const app = await start(WorkfrontAuthModule.forRoot(options), ProjectsModule);
    const { provider, workfront } = app.get(Projects);
    expect(provider).toBeInstanceOf(WorkfrontTokenProvider);
    expect((await workfront(PROJECTS)).status).toBe(200);
    await app.close();
  });

  it('provides them only to importing modules if it is not global', async () => {
    const module = WorkfrontAuthModule.forRoot({ ...options, isGlobal: false });
    await expect(start(module, ProjectsModule)).rejects.toThrow('WorkfrontTokenProvider');
    const app = await start({
      module: class Feature {},
      imports: [module],
      providers: [Projects],
    });
    expect(app.get(Projects, { strict: false }).provider).toBeInstanceOf(WorkfrontTokenProvider);
    await app.close();
  });

  it('sends no request to Workfront at bootstrap', async () => {
    const app = await start(WorkfrontAuthModule.forRoot(options));
    expect(emulator.requests).toEqual([]);
    await app.close();
  });

  it.each([
    [
      'useFactory',
      () => WorkfrontAuthModule.forRootAsync({ useFactory: () => Promise.resolve(options) }),
    ],
    [
      'useFactory with what it injects',
      () =>
        WorkfrontAuthModule.forRootAsync({
          imports: [
            ConfigModule.forRoot({ ignoreEnvFile: true, load: [() => ({ url: emulator.url })] }),
          ],
          inject: [ConfigService],
          useFactory: (config: ConfigService) => ({
            ...options,
            url: config.getOrThrow<string>('url'),
          }),
        }),
    ],
    [
      'useClass',
      () =>
        WorkfrontAuthModule.forRootAsync({
          useClass: class {
            createWorkfrontAuthOptions() {
              return options;
            }
          },
        }),
    ],
    [
      'useExisting',
      () => {
        @Injectable()
        class Settings {
          createWorkfrontAuthOptions() {
            return options;
          }
        }
        @Module({ providers: [Settings], exports: [Settings] })
        class SettingsModule {}
        return WorkfrontAuthModule.forRootAsync({
          imports: [SettingsModule],
          useExisting: Settings,
        });
      },
    ],
  ])('takes its options from %s', async (_, module) => {
    expect(await called(await start(module()))).toBe(200);
  });

  it('imported twice fails with one clear error, unless one of them is not global', async () => {
    const feature = (isGlobal: boolean) => ({
      module: class Feature {},
      imports: [WorkfrontAuthModule.forRoot({ ...options, isGlobal })],
    });
    const error = await thrownBy(() => start(WorkfrontAuthModule.forRoot(options), feature(true)));
    expect(error.code).toBe('option_invalid');
    expect(error.message).toContain('WorkfrontAuthModule is imported 2 times');
    await (await start(WorkfrontAuthModule.forRoot(options), feature(false))).close();
  });

  it('imported without forRoot fails with one clear error', async () => {
    const error = await thrownBy(() => start(WorkfrontAuthModule));
    expect(error.code).toBe('option_invalid');
    expect(error.hint).toContain('WorkfrontAuthModule.forRoot()');
  });

  it('closes with the app, and later calls fail with `closed`', async () => {
    const app = await start(WorkfrontAuthModule.forRoot(options));
    const provider = app.get(WorkfrontTokenProvider);
    await provider.getToken();
    await app.close();
    expect(provider.peekToken()).toBeUndefined();
    expect((await thrownBy(() => provider.getToken())).code).toBe('closed');
  });

  it('refreshes the session from bootstrap on with `keepWarm`', async () => {
    const app = await start(WorkfrontAuthModule.forRoot({ ...options, keepWarm: true }));
    await vi.waitFor(() => expect(app.get(WorkfrontTokenProvider).peekToken()).toBeDefined());
    await app.close();
  });

  it('does not change other HttpServices', async () => {
    @Module({ imports: [HttpModule] })
    class Others {}
    const app = await start(WorkfrontAuthModule.forRoot(options), WorkfrontHttpModule, Others);
    const { status } = await app
      .get(HttpService)
      .axiosRef.get(emulator.url + PROJECTS, { validateStatus: () => true });
    expect(status).toBe(401);
    expect(emulator.refusals.at(-1)?.reason).toBe('no-session');
    await app.close();
  });
});

describe('warmUp', () => {
  it("'try' requests a session at bootstrap, and starts even if that fails", async () => {
    let app = await start(WorkfrontAuthModule.forRoot({ ...options, warmUp: 'try' }));
    expect(app.get(WorkfrontTokenProvider).peekToken()).toBeDefined();
    await app.close();
    emulator.always('exchange', { kind: 'status', status: 400 });
    app = await start(WorkfrontAuthModule.forRoot({ ...options, warmUp: 'try' }));
    expect(app.get(WorkfrontTokenProvider).peekToken()).toBeUndefined();
    await app.close();
  });

  it("'require' fails the bootstrap if there is no session", async () => {
    emulator.always('exchange', { kind: 'status', status: 400 });
    const starting = () => start(WorkfrontAuthModule.forRoot({ ...options, warmUp: 'require' }));
    expect((await thrownBy(starting)).code).toBe('token_request_refused');
  });
});

describe('In a test', () => {
  it('the provider can be replaced by an object, and HTTP clients fail with a clear error', async () => {
    const fake = { getToken: () => Promise.resolve('fake') };
    const testing = await Test.createTestingModule({
      imports: [WorkfrontAuthModule.forRoot(), ProjectsModule, WorkfrontHttpModule],
    })
      .overrideProvider(WorkfrontTokenProvider)
      .useValue(fake)
      .compile();
    await testing.init();
    const { provider, workfront } = testing.get(Projects);
    expect(provider).toBe(fake);
    for (const call of [
      () => workfront(PROJECTS),
      () => testing.get(WorkfrontHttpService).axiosRef.get(PROJECTS),
    ]) {
      const error = await thrownBy(call);
      expect(error.code).toBe('provider_replaced');
      expect(error.message).toContain('WorkfrontTokenProvider');
      expect(error.hint).toContain('WorkfrontEmulator');
    }
    await testing.close();
  });

  it('the provider can be replaced by another provider, and HTTP clients use it', async () => {
    const { url = '' } = options;
    const { provider, fetch: itsFetch } = new WorkfrontAuth({ url, ...emulator.credentials });
    const testing = await Test.createTestingModule({
      imports: [WorkfrontAuthModule.forRoot(), ProjectsModule, WorkfrontHttpModule],
    })
      .overrideProvider(WorkfrontTokenProvider)
      .useValue(provider)
      .compile();
    await testing.init();
    expect(testing.get(WorkfrontFetch)).toBe(itsFetch);
    expect(testing.get(WorkfrontAxiosInterceptor).apiUrl).toBe(emulator.url);
    await testing.close();
    expect((await thrownBy(() => provider.getToken())).code).toBe('closed');
  });
});
