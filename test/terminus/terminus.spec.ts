import { type Server } from 'node:http';
import { Controller, Get, type INestApplication, Module } from '@nestjs/common';
import {
  HealthCheck,
  HealthCheckService,
  HealthIndicatorService,
  TerminusModule,
} from '@nestjs/terminus';
import { Test } from '@nestjs/testing';
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import {
  BoxAuthModule,
  type BoxAuthModuleOptions,
  BoxTokenProvider,
  InjectBoxTokenProvider,
} from 'nestjs-box-auth';
import { BoxHealthIndicator } from 'nestjs-box-auth/terminus';
import { BoxEmulator } from 'nestjs-box-auth/testing';
import { FakeRuntime } from '../support/fake-runtime.js';

@Controller('health')
class HealthController {
  private readonly hr: BoxHealthIndicator;

  constructor(
    private readonly health: HealthCheckService,
    private readonly box: BoxHealthIndicator,
    @InjectBoxTokenProvider('hr') hr: BoxTokenProvider,
    indicators: HealthIndicatorService,
  ) {
    this.hr = new BoxHealthIndicator(hr, indicators);
  }

  @Get()
  @HealthCheck()
  check() {
    return this.health.check([() => this.box.isHealthy('box')]);
  }

  @Get('hr')
  @HealthCheck()
  checkHr() {
    return this.health.check([() => this.hr.isHealthy('hr')]);
  }
}

@Module({
  imports: [TerminusModule],
  controllers: [HealthController],
  providers: [BoxHealthIndicator],
})
class HealthModule {}

let emulator: BoxEmulator;
let hrEmulator: BoxEmulator;
beforeAll(async () => {
  [emulator, hrEmulator] = await Promise.all([BoxEmulator.start(), BoxEmulator.start()]);
});
beforeEach(() => {
  for (const each of [emulator, hrEmulator]) {
    each.heal();
    each.clearRequests();
    each.authorized = true;
  }
});
afterAll(() => Promise.all([emulator.stop(), hrEmulator.stop()]));

async function start(options: BoxAuthModuleOptions = {}): Promise<INestApplication<Server>> {
  const optionsOf = ({ url, config }: BoxEmulator) => ({
    apiUrl: url,
    credentials: { config },
    tokenEndpoint: { attempts: 1 },
  });
  const testing = await Test.createTestingModule({
    imports: [
      BoxAuthModule.forRoot({ ...optionsOf(emulator), ...options }),
      BoxAuthModule.forRoot({ ...optionsOf(hrEmulator), name: 'hr' }),
      HealthModule,
    ],
  }).compile();
  const app = testing.createNestApplication<INestApplication<Server>>({ logger: false });
  app.useLogger(false);
  await app.listen(0, '127.0.0.1');
  onTestFinished(() => app.close());
  return app;
}

async function healthOf(app: INestApplication<Server>, path = '/health') {
  const response = await fetch((await app.getUrl()) + path);
  return { status: response.status, body: await response.json() };
}

describe('A Nest app with terminus responds with', () => {
  it('200 while there is a token', async () => {
    const app = await start();
    expect(await healthOf(app)).toEqual({
      status: 200,
      body: {
        status: 'ok',
        info: { box: { status: 'up', state: 'healthy', expiresAt: expect.any(String) as string } },
        error: {},
        details: expect.any(Object) as object,
      },
    });
    expect(emulator.tokenRequests).toHaveLength(1);
    await healthOf(app);
    expect(emulator.tokenRequests).toHaveLength(1);
  });

  it('200 and degraded while the old token is valid and cannot be refreshed', async () => {
    const runtime = new FakeRuntime(Date.now());
    const app = await start({ runtime });
    await app.get(BoxTokenProvider).getToken();
    emulator.always('token', { kind: 'unavailable' });
    await runtime.advance(55 * 60_000);
    await vi.waitFor(
      async () => {
        expect(await healthOf(app)).toMatchObject({
          status: 200,
          body: {
            status: 'degraded',
            info: { box: { state: 'degraded', code: 'unavailable' } },
            error: {},
          },
        });
      },
      { timeout: 30_000 },
    );
    emulator.heal();
    await runtime.advance(60_000);
    await vi.waitFor(
      async () => expect(await healthOf(app)).toMatchObject({ body: { status: 'ok' } }),
      {
        timeout: 30_000,
      },
    );
  });

  it('503 without a token, and 200 once there is a token again', async () => {
    const app = await start();
    emulator.authorized = false;
    expect(await healthOf(app)).toMatchObject({
      status: 503,
      body: {
        status: 'error',
        error: { box: { status: 'down', state: 'down', code: 'app_not_authorized' } },
      },
    });
    emulator.authorized = true;
    app.get(BoxTokenProvider).flush();
    expect(await healthOf(app)).toMatchObject({ status: 200, body: { status: 'ok' } });
  });

  it('a separate result for each of several Box apps', async () => {
    const app = await start();
    hrEmulator.authorized = false;
    expect(await healthOf(app)).toMatchObject({ status: 200 });
    expect(await healthOf(app, '/health/hr')).toMatchObject({
      status: 503,
      body: { error: { hr: { code: 'app_not_authorized' } } },
    });
  });
});
