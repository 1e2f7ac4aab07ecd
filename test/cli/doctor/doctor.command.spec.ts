import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { BoxEmulator } from 'nestjs-box-auth/testing';
import { BoxAuth } from '../../../lib/box/box-auth.js';
import { FakeRuntime, settled } from '../../support/fake-runtime.js';
import { startServer } from '../../support/loopback-server.js';
import { newFolder } from '../cli-fixture.js';
import { DoctorFixture, stepStatuses, failedStep, stepOf } from './doctor-fixture.js';

let emulator: BoxEmulator;
let fixture: DoctorFixture;
beforeAll(async () => {
  emulator = await BoxEmulator.start();
  fixture = new DoctorFixture(emulator);
});
beforeEach(() => {
  emulator.heal();
  emulator.clearRequests();
  emulator.clockSkewMs = 0;
  emulator.asUserEnabled = true;
});
afterAll(() => emulator.stop());

const ALL_OK = [
  'configuration ok',
  'fields ok',
  'key ok',
  'passphrase ok',
  'clock ok',
  'assertion ok',
  'exchange ok',
  'account ok',
];

describe('doctor with valid credentials', () => {
  it('reports each step and exits with 0', async () => {
    const file = fixture.file();
    const doctorRun = await fixture.run([file]);
    const { boxAppSettings, enterpriseID } = emulator.config;
    expect(stepStatuses(doctorRun)).toEqual([...ALL_OK, 'as-user skipped']);
    expect(doctorRun.exitCode).toBe(0);
    expect(doctorRun.stderr).toBe('');
    expect(doctorRun.text).toMatch(/All checks passed\.$/);
    expect(stepOf(doctorRun, 'configuration').facts).toEqual({
      source: 'argument',
      file,
      readableByOthers: false,
      apiUrl: emulator.url,
    });
    expect(stepOf(doctorRun, 'fields').facts).toEqual({
      grant: 'jwt-bearer',
      clientId: `${boxAppSettings.clientID.slice(0, 4)}… (32 characters)`,
      publicKeyId: boxAppSettings.appAuth.publicKeyID,
      subjectType: 'enterprise',
      subjectId: enterpriseID,
    });
    expect(stepOf(doctorRun, 'key').facts).toMatchObject({
      format: 'PKCS#8',
      encrypted: true,
      cipher: 'des-ede3-cbc',
      kdf: 'PBKDF2',
      iterations: 2048,
      bits: 2048,
    });
    expect(stepOf(doctorRun, 'passphrase').facts).toEqual({ source: 'config.json' });
    expect(stepOf(doctorRun, 'assertion').facts).toEqual({
      algorithm: 'RS256',
      headers: ['alg', 'kid', 'typ'],
      claims: ['iss', 'sub', 'box_sub_type', 'aud', 'jti', 'exp'],
      lifetimeS: 45,
    });
    expect(stepOf(doctorRun, 'exchange').facts).toMatchObject({ grant: 'jwt-bearer', requests: 1 });
    const { lifetimeS = 0 } = stepOf(doctorRun, 'exchange').facts;
    expect(lifetimeS).toBeGreaterThan(3590);
    expect(lifetimeS).toBeLessThanOrEqual(3602);
    expect(stepOf(doctorRun, 'account').facts).toMatchObject({
      id: emulator.serviceAccountId,
      name: 'Emulated App',
    });
    expect(doctorRun.text).toMatch(/Calls act as Emulated App <AutomationUser_\w+@box/);
  });

  it('prints each step as soon as it is done', async () => {
    const seen: { text: string; requests: number }[] = [];
    await fixture.run([fixture.file()], {
      onPrint: (text) => seen.push({ text, requests: emulator.requests.length }),
    });
    expect(seen.find(({ text }) => text.includes('passphrase'))?.requests).toBe(0);
    expect(seen.find(({ text }) => text.includes('exchange'))?.requests).toBe(2);
  });

  it('checks a user with --as-user', async () => {
    const doctorRun = await fixture.run([fixture.file(), '--as-user', '11111']);
    expect(stepStatuses(doctorRun)).toEqual([...ALL_OK, 'as-user ok']);
    expect(stepOf(doctorRun, 'as-user').facts).toEqual({
      id: '11111',
      name: 'Alice',
      login: 'alice@example.com',
    });
    expect(emulator.apiRequests.at(-1)?.actingUser).toBe('11111');
  });

  it('needs no key for an app with only a client secret', async () => {
    const doctorRun = await fixture.run([], { env: fixture.clientVariables });
    expect(stepStatuses(doctorRun)).toEqual([
      'configuration ok',
      'fields ok',
      'key skipped',
      'passphrase skipped',
      'clock ok',
      'assertion skipped',
      'exchange ok',
      'account ok',
      'as-user skipped',
    ]);
    expect(stepOf(doctorRun, 'exchange').facts.grant).toBe('client_credentials');
    expect(stepOf(doctorRun, 'configuration').facts).toMatchObject({
      source: 'variables',
      variables: ['BOX_CLIENT_ID', 'BOX_CLIENT_SECRET', 'BOX_ENTERPRISE_ID'],
    });
  });

  it('checks an app token with a call', async () => {
    const box = new BoxAuth({ credentials: { config: emulator.config }, apiUrl: emulator.url });
    const { value: BOX_APP_TOKEN } = await box.provider.getToken();
    box.close();
    const env = { BOX_APP_TOKEN, BOX_API_URL: emulator.url };
    const doctorRun = await fixture.run([], { env });
    expect(stepStatuses(doctorRun)).toEqual([
      'configuration ok',
      'fields ok',
      'key skipped',
      'passphrase skipped',
      'clock ok',
      'assertion skipped',
      'exchange ok',
      'account ok',
      'as-user skipped',
    ]);
    expect(stepOf(doctorRun, 'configuration').facts.variables).toEqual(['BOX_APP_TOKEN']);
    expect(stepOf(doctorRun, 'fields').facts.grant).toBe('none');
    expect(stepOf(doctorRun, 'exchange').facts).toMatchObject({ grant: 'none', requests: 0 });
    expect(doctorRun.text).toContain("A fixed app token of the app's service account.");
    emulator.revokeToken(BOX_APP_TOKEN);
    const refused = await fixture.run([], { env });
    expect(failedStep(refused).problem).toMatchObject({ code: 'token_invalid' });
    expect(failedStep(refused).problem?.hint).toContain('Secondary Access Token');
    expect(doctorRun.text + refused.text).not.toContain(BOX_APP_TOKEN);
  });

  it('reports the user that the credentials name', async () => {
    const { BOX_ENTERPRISE_ID: _, ...client } = fixture.clientVariables;
    const doctorRun = await fixture.run([], { env: { ...client, BOX_USER_ID: '22222' } });
    expect(stepOf(doctorRun, 'fields').facts).toMatchObject({
      subjectType: 'user',
      subjectId: '22222',
    });
    expect(stepOf(doctorRun, 'account').facts.name).toBe('Bob');
  });

  it('reports an unknown lifetime if Box sends none', async () => {
    emulator.tokenLifetimeS = null;
    const doctorRun = await fixture.run([fixture.file()]);
    emulator.tokenLifetimeS = 3600;
    expect(doctorRun.text).toContain('a token with an unknown lifetime');
    expect(stepOf(doctorRun, 'exchange').facts).not.toHaveProperty('lifetimeS');
  });

  it('removes control characters and secrets from a user name', async () => {
    const impolite = await BoxEmulator.start({
      config: emulator.config,
      users: [{ id: '33333', name: '\u001b]0;owned\u0007\u202EEve\n', login: 'eve@example.com' }],
    });
    const { clientSecret } = emulator.config.boxAppSettings;
    impolite.addUser({ id: '44444', name: `Mirror ${clientSecret}`, login: 'm@example.com' });
    const at = { env: { BOX_API_URL: impolite.url } };
    const eve = await fixture.run([fixture.file(), '--as-user', '33333'], at);
    for (const mark of ['\u001b', '\u0007', '\u202E']) expect(eve.stdout).not.toContain(mark);
    expect(eve.text).toContain('Eve <eve@example.com>');
    const mirror = await fixture.run([fixture.file(), '--as-user', '44444'], at);
    expect(mirror.text).toContain('Mirror [redacted]');
    await impolite.stop();
  });
});

describe('doctor --offline', () => {
  it('sends no request', async () => {
    let requests = 0;
    const doctorRun = await fixture.run([fixture.file(), '--offline', '--as-user', '11111'], {
      fetch: () => {
        requests += 1;
        return Promise.reject(new Error('no network'));
      },
    });
    expect(doctorRun.exitCode).toBe(0);
    expect(requests).toBe(0);
    expect(doctorRun.report.offline).toBe(true);
    expect(stepStatuses(doctorRun)).toEqual([
      'configuration ok',
      'fields ok',
      'key ok',
      'passphrase ok',
      'clock skipped',
      'assertion ok',
      'exchange skipped',
      'account skipped',
      'as-user skipped',
    ]);
    expect(doctorRun.text).toContain('All offline checks passed');
  });
});

describe('doctor, the clock', () => {
  it.each([
    [300_000, 'behind'],
    [-300_000, 'ahead of'],
  ])('warns about a clock that is %d ms off, and still requests a token', async (skew, words) => {
    emulator.clockSkewMs = skew;
    const doctorRun = await fixture.run([fixture.file()]);
    expect(doctorRun.exitCode).toBe(0);
    expect(stepStatuses(doctorRun).slice(4, 7)).toEqual([
      'clock warning',
      'assertion ok',
      'exchange ok',
    ]);
    expect(doctorRun.text).toMatch(
      new RegExp(`clock is (5 min|4 min 59 s|5 min 1 s) ${words} Box's`),
    );
    expect(doctorRun.text).toContain('still work');
    const { offsetMs = 0 } = stepOf(doctorRun, 'clock').facts;
    expect(Math.abs(offsetMs - skew)).toBeLessThan(2_000);
    const { requests, lifetimeS = 0 } = stepOf(doctorRun, 'exchange').facts;
    expect(requests).toBe(2);
    expect(doctorRun.text).toContain('after 2 requests');
    expect(Math.abs(lifetimeS - 3600)).toBeLessThan(5);
  });

  it('does not warn about a small difference', async () => {
    emulator.clockSkewMs = 3_000;
    expect(stepStatuses(await fixture.run([fixture.file()]))).toContain('clock ok');
  });

  it('warns that the time is unknown if the response comes from a cache', async () => {
    const proxy = await startServer((_request, response) => {
      response.writeHead(401, { age: '100' }).end();
    });
    const doctorRun = await fixture.run([fixture.file()], { env: { BOX_API_URL: proxy.url } });
    await proxy.stop();
    expect(stepOf(doctorRun, 'clock')).toMatchObject({ status: 'warning', facts: {} });
    expect(doctorRun.text).toContain('time is unknown');
  });
});

describe('doctor, a Date header years ahead', () => {
  it('is ignored, with a warning', async () => {
    const proxy = await startServer((_request, response) => {
      response.writeHead(401, { date: 'Thu, 01 Jan 2099 00:00:00 GMT' }).end();
    });
    const doctorRun = await fixture.run([fixture.file()], { env: { BOX_API_URL: proxy.url } });
    await proxy.stop();
    expect(stepOf(doctorRun, 'clock')).toMatchObject({ status: 'warning', facts: {} });
    expect(doctorRun.text).toContain('more than a day from this machine');
  });
});

describe('doctor without a response from Box', () => {
  it('reports a refused connection', async () => {
    const gone = await startServer(() => undefined);
    await gone.stop();
    const doctorRun = await fixture.run([fixture.file(), '--api-url', gone.url]);
    expect(doctorRun.exitCode).toBe(1);
    expect(failedStep(doctorRun)).toMatchObject({ step: 'clock', problem: { code: 'network' } });
    expect(doctorRun.text).toContain(
      `Box at ${gone.url}/2.0/users/me cannot be reached (ECONNREFUSED)`,
    );
    expect(doctorRun.text).toContain('Nothing listens at this host and port');
  });

  it.each([
    ['clock', 'api', '/2.0/users/me'],
    ['exchange', 'token', '/oauth2/token'],
  ] as const)('times out after ten seconds at %s', async (step, target, path) => {
    emulator.always(target, { kind: 'hang' });
    const runtime = new FakeRuntime(Date.now());
    // Time passes only during that request.
    const slow: typeof fetch = (input, init) => {
      if (String(input).endsWith(path)) void settled().then(() => runtime.advance(10_000));
      return fetch(input, init);
    };
    const doctorRun = await fixture.run([fixture.file()], { runtime, fetch: slow });
    expect(failedStep(doctorRun)).toMatchObject({ step, problem: { code: 'timeout' } });
    expect(doctorRun.text).toContain('no response within 10 s');
  });

  it('prints the wait time that Box sends', async () => {
    emulator.always('token', { kind: 'rate-limit', retryAfter: 7 });
    const doctorRun = await fixture.run([fixture.file()]);
    expect(failedStep(doctorRun)).toMatchObject({
      step: 'exchange',
      problem: { code: 'rate_limited', retryable: true, status: 429 },
    });
    expect(doctorRun.text).toContain('Try again in 7 s.');
  });

  it('recognizes a page that is not from Box', async () => {
    emulator.always('api', { kind: 'garbage' });
    expect(failedStep(await fixture.run([fixture.file()]))).toMatchObject({
      step: 'account',
      problem: { code: 'response_invalid' },
    });
    emulator.heal();
    emulator.always('token', { kind: 'garbage' });
    expect(failedStep(await fixture.run([fixture.file()]))).toMatchObject({
      step: 'exchange',
      problem: { code: 'response_invalid' },
    });
  });
});

describe('doctor finds the configuration', () => {
  const config = () => JSON.stringify(emulator.config);

  it.each([
    ['BOX_CONFIG', () => ({ BOX_CONFIG: config() })],
    ['BOX_CONFIG', () => ({ BOX_CONFIG: Buffer.from(config()).toString('base64') })],
    ['BOX_CONFIG_FILE', () => ({ BOX_CONFIG_FILE: fixture.file(), BOX_CONFIG: '{}' })],
  ])('in %s', async (source, env) => {
    const doctorRun = await fixture.run([], { env: env() });
    expect(doctorRun.exitCode).toBe(0);
    expect(stepOf(doctorRun, 'configuration').facts.source).toBe(source);
  });

  it('in the file of the argument first, relative to the working directory', async () => {
    const folder = newFolder();
    writeFileSync(join(folder, 'mine.json'), config(), { mode: 0o600 });
    const overrides = { cwd: folder, env: { BOX_CONFIG_FILE: '/nowhere.json' } };
    const doctorRun = await fixture.run(['mine.json'], overrides);
    expect(doctorRun.exitCode).toBe(0);
    expect(stepOf(doctorRun, 'configuration').facts.file).toBe(join(folder, 'mine.json'));
  });

  it('with --api-url before BOX_API_URL', async () => {
    const overrides = { env: { BOX_API_URL: 'https://box.example.com' } };
    expect(
      (await fixture.run([fixture.file(), '--api-url', emulator.url], overrides)).exitCode,
    ).toBe(0);
  });

  it.each([
    [['--api-url', 'http://box.example.com'], {}, '--api-url'],
    [[], { BOX_API_URL: 'not an address' }, 'BOX_API_URL'],
  ])('and rejects an API URL that must not receive a token: %j %j', async (args, env, culprit) => {
    const doctorRun = await fixture.run([fixture.file(), ...args], { env });
    expect(failedStep(doctorRun)).toMatchObject({
      step: 'configuration',
      problem: { code: 'option_invalid', hint: `Correct ${culprit}.` },
    });
  });

  it('and warns if other users can read the file', async () => {
    const file = fixture.file();
    writeFileSync(`${file}.open`, readFileSync(file), { mode: 0o644 });
    const doctorRun = await fixture.run([`${file}.open`, '--offline']);
    expect(doctorRun.exitCode).toBe(0);
    expect(stepOf(doctorRun, 'configuration')).toMatchObject({
      status: 'warning',
      facts: { readableByOthers: true },
    });
    expect(doctorRun.text).toContain('chmod 600');
  });

  it('or explains how to name the file if there is none', async () => {
    const doctorRun = await fixture.run([], { cwd: newFolder() });
    expect(failedStep(doctorRun)).toMatchObject({
      step: 'configuration',
      problem: { code: 'config_missing' },
    });
    expect(doctorRun.text).toContain('nestjs-box-auth doctor config.json');
    expect(doctorRun.text).not.toContain('.env');
  });

  it('or names the missing variables', async () => {
    const { BOX_CLIENT_SECRET: _, ...rest } = fixture.clientVariables;
    const doctorRun = await fixture.run([], { cwd: newFolder(), env: rest });
    expect(failedStep(doctorRun).problem?.message).toContain('Unset: BOX_CLIENT_SECRET');
  });
});

describe('doctor with a .env file', () => {
  const folderWith = (lines: Record<string, string>) => {
    const folder = newFolder();
    const text = Object.entries(lines).map(([name, value]) => `${name}="${value}"\n`);
    writeFileSync(join(folder, '.env'), text.join(''));
    return folder;
  };

  it('does not read it without --dotenv, but mentions it', async () => {
    const cwd = folderWith({ ...fixture.clientVariables, OTHER: '1' });
    const doctorRun = await fixture.run([], { cwd });
    expect(failedStep(doctorRun).problem?.code).toBe('config_missing');
    expect(doctorRun.text).toContain(
      'has BOX_CLIENT_ID, BOX_CLIENT_SECRET, BOX_ENTERPRISE_ID: use --dotenv .env to read it. An app reads it with ConfigModule.forRoot()',
    );
  });

  it('reads it with --dotenv, after the environment', async () => {
    const cwd = folderWith({ ...fixture.clientVariables, BOX_API_URL: 'https://box.example.com' });
    const doctorRun = await fixture.run(['--dotenv', '.env'], { cwd });
    expect(doctorRun.exitCode).toBe(0);
    expect(stepOf(doctorRun, 'configuration').facts.apiUrl).toBe(emulator.url);
  });
});

describe('doctor with a passphrase', () => {
  it('prefers BOX_PRIVATE_KEY_PASSPHRASE to the passphrase in the file', async () => {
    const { passphrase } = emulator.config.boxAppSettings.appAuth;
    const file = fixture.file(fixture.config({ appAuth: { passphrase: 'another one' } }));
    const env = { BOX_PRIVATE_KEY_PASSPHRASE: passphrase };
    const doctorRun = await fixture.run([file], { env });
    expect(doctorRun.exitCode).toBe(0);
    expect(stepOf(doctorRun, 'passphrase').facts).toEqual({ source: 'variable' });
    expect(doctorRun.text).toContain('The passphrase in the environment opens the key.');
  });

  it('reads the variable that --passphrase-env names', async () => {
    const { passphrase } = emulator.config.boxAppSettings.appAuth;
    const file = fixture.file(fixture.config({ appAuth: { passphrase: 'another one' } }));
    const overrides = { env: { MY_PASS: passphrase, BOX_PRIVATE_KEY_PASSPHRASE: 'yet another' } };
    expect((await fixture.run([file, '--passphrase-env', 'MY_PASS'], overrides)).exitCode).toBe(0);
  });
});
