import { HttpService } from '@nestjs/axios';
import type { INestApplication } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { HealthIndicatorService, TerminusModule } from '@nestjs/terminus';
import { BoxClient } from 'box-node-sdk';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import {
  BoxAuthModule,
  type BoxAuthModuleOptions,
  type BoxFetch,
  type BoxTokenProvider,
  getBoxFetchToken,
  getBoxTokenProviderToken,
  onAuthEvent,
} from 'nestjs-box-auth';
import { BoxHttpModule, getBoxHttpServiceToken } from 'nestjs-box-auth/axios';
import { BoxSdkModule, getBoxClientToken } from 'nestjs-box-auth/sdk';
import { BoxHealthIndicator } from 'nestjs-box-auth/terminus';
import { BoxEmulator } from 'nestjs-box-auth/testing';
import { thrownBy } from '../../support/thrown.js';

let box: BoxEmulator;
let good: BoxAuthModuleOptions;
beforeAll(async () => {
  box = await BoxEmulator.start();
  good = { credentials: { config: box.config }, apiUrl: box.url };
});
const lines: string[] = [];
let app: INestApplication | undefined;
beforeEach(() => {
  box.heal();
  box.authorized = true;
  lines.splice(0);
  for (const name of Object.keys(process.env).filter((key) => key.startsWith('BOX_')))
    vi.stubEnv(name, undefined);
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await app?.close();
  app = undefined;
});
afterAll(() => box.stop());

const write =
  (level: string) =>
  (line: unknown, ...more: readonly unknown[]) => {
    const context = String(more.at(-1));
    if (context.startsWith('BoxAuth')) lines.push(`${level} ${context} ${String(line)}`);
  };
const logger = { log: write('log'), warn: write('warn'), error: write('error') };

/** Starts an app with a good Box app, and one named hr with `options`. */
async function start(options: BoxAuthModuleOptions): Promise<INestApplication> {
  const module = {
    module: class AppModule {},
    imports: [
      BoxAuthModule.forRoot({ ...good, name: 'legal' }),
      BoxAuthModule.forRootAsync({ name: 'hr', useFactory: () => options }),
      BoxHttpModule.register({ name: 'hr' }),
      BoxSdkModule.register({ name: 'hr' }),
      TerminusModule,
    ],
  };
  app = await NestFactory.create(module, { logger, abortOnError: false });
  return app.init();
}

const providerOf = (of: INestApplication, name: string) =>
  of.get<BoxTokenProvider>(getBoxTokenProviderToken(name), { strict: false });

const BAD: readonly (readonly [string, () => BoxAuthModuleOptions, string])[] = [
  ['missing credentials', () => ({}), 'config_missing'],
  ['a missing file', () => ({ credentials: { configFile: 'none.json' } }), 'config_unreadable'],
  [
    'a wrong passphrase',
    () => ({ credentials: { config: box.config, passphrase: 'wrong' } }),
    'key_passphrase_wrong',
  ],
  ['a wrong field', () => ({ credentials: { config: {} } as never }), 'config_invalid'],
  [
    'a function that fails',
    () => ({ credentials: () => Promise.reject(new Error('vault sealed')) }),
    'credentials_unavailable',
  ],
];

describe.each(BAD)('One Box app of several with %s', (_, options, code) => {
  it('fails the start, and names itself in the error', async () => {
    const error = await thrownBy(() => start({ ...options(), apiUrl: box.url }));
    expect(error.code).toBe(code);
    expect(error.message).toMatch(/^App "hr": \w/);
  });

  it('fails only its own calls with `isolate`', async () => {
    const started = await start({
      ...options(),
      apiUrl: box.url,
      onBadCredentials: 'isolate',
      warmUp: 'require',
      keepWarm: ['own'],
    });
    expect((await providerOf(started, 'legal').getToken()).value).toBeTruthy();
    const fetchToken = getBoxFetchToken('hr');
    const calls = [
      () => providerOf(started, 'hr').getToken(),
      () => started.get<BoxFetch>(fetchToken, { strict: false })('/2.0/users/me'),
      () =>
        started
          .get<HttpService>(getBoxHttpServiceToken('hr'), { strict: false })
          .axiosRef.get('/2.0/users/me'),
      () => started.get<BoxClient>(getBoxClientToken('hr'), { strict: false }).users.getUserMe(),
    ];
    for (const call of calls) {
      const error = await thrownBy(call);
      expect(error.code).toBe(code);
    }
  });

  it('is down in the health check with `isolate`, while the others are up', async () => {
    const started = await start({ ...options(), apiUrl: box.url, onBadCredentials: 'isolate' });
    const health = (name: string) =>
      new BoxHealthIndicator(
        providerOf(started, name),
        started.get(HealthIndicatorService),
      ).isHealthy(name);
    expect(await health('hr')).toMatchObject({ hr: { status: 'down', state: 'down', code } });
    expect(await health('legal')).toMatchObject({ legal: { status: 'up' } });
  });

  it('has one line in the log with `isolate`', async () => {
    const started = await start({ ...options(), apiUrl: box.url, onBadCredentials: 'isolate' });
    expect(lines).toEqual([
      expect.stringContaining(
        `error BoxAuthModule(hr) Starting without credentials (${code}); all calls of this app fail. App "hr": `,
      ),
    ]);
    if (code === 'credentials_unavailable') return; // it may recover, so its failures are logged
    await thrownBy(() => providerOf(started, 'hr').getToken());
    await thrownBy(() => providerOf(started, 'hr').getToken());
    expect(lines).toHaveLength(1);
  });
});

it('An isolated Box app requests no token before it is called', async () => {
  const failed: (string | undefined)[] = [];
  const stop = onAuthEvent('mint', ({ app: name }) => failed.push(name));
  const started = await start({
    onBadCredentials: 'isolate',
    warmUp: 'try',
    keepWarm: ['own'],
  });
  expect(failed).toEqual([]);
  await thrownBy(() => providerOf(started, 'hr').getToken());
  expect(failed).toEqual(['hr']);
  stop();
});

it('A Box app with a credentials function recovers when the function does', async () => {
  let isSealed = true;
  const started = await start({
    ...good,
    credentials: () => {
      if (isSealed) throw new Error('vault sealed');
      return { config: box.config };
    },
    onBadCredentials: 'isolate',
  });
  isSealed = false;
  expect((await providerOf(started, 'hr').getToken()).value).toBeTruthy();
});

describe("warmUp: 'require' with `isolate`", () => {
  it('starts an app whose credentials Box refuses, and logs the reason', async () => {
    box.authorized = false;
    const options = { ...good, onBadCredentials: 'isolate', warmUp: 'require' } as const;
    await start(options);
    expect(lines[0]).toMatch(
      /^error BoxAuthModule\(hr\) Token request failed \(app_not_authorized\)/,
    );
    expect(lines[1]).toMatch(/^warn BoxAuthModule\(hr\) Starting without a token/);
  });

  it('still fails the start during an outage', async () => {
    box.always('token', { kind: 'unavailable' });
    const tokenEndpoint = { attempts: 1 };
    const options = { ...good, onBadCredentials: 'isolate', warmUp: 'require' } as const;
    const error = await thrownBy(() => start({ ...options, tokenEndpoint }));
    expect(error.code).toBe('unavailable');
    expect(error.message).toMatch(/^App "hr": Box is not available\./);
  });
});

it('An invalid option fails the start also with `isolate`', async () => {
  const wrong = { ...good, maxSubjects: -1, onBadCredentials: 'isolate' } as const;
  const error = await thrownBy(() => start(wrong));
  expect(error.code).toBe('option_invalid');
  expect(error.message).toMatch(/^App "hr": Invalid `maxSubjects`/);
});

it('An invalid `onBadCredentials` is reported', async () => {
  const error = await thrownBy(() => start({ ...good, onBadCredentials: 'ignore' as never }));
  expect(error.message).toContain("Invalid `onBadCredentials`: expected 'fail' or 'isolate'");
});
