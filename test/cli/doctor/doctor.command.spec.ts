import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { BoxEmulator } from 'nestjs-box-auth/testing';
import { BoxAuth } from '../../../lib/box/box-auth.js';
import { FakeRuntime, settled } from '../../support/fake-runtime.js';
import { startServer } from '../../support/loopback-server.js';
import { newFolder } from '../cli-fixture.js';
import { Clinic, course, failedStep, stepOf } from './doctor-fixture.js';

let emulator: BoxEmulator;
let clinic: Clinic;
beforeAll(async () => {
  emulator = await BoxEmulator.start();
  clinic = new Clinic(emulator);
});
beforeEach(() => {
  emulator.heal();
  emulator.clearRequests();
  emulator.clockSkewMs = 0;
  emulator.asUserEnabled = true;
});
afterAll(() => emulator.stop());

const ALL_WELL = [
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
    const file = clinic.file();
    const diagnosis = await clinic.ask([file]);
    const { boxAppSettings, enterpriseID } = emulator.config;
    expect(course(diagnosis)).toEqual([...ALL_WELL, 'as-user skipped']);
    expect(diagnosis.exitCode).toBe(0);
    expect(diagnosis.stderr).toBe('');
    expect(diagnosis.text).toMatch(/All checks passed\.$/);
    expect(stepOf(diagnosis, 'configuration').facts).toEqual({
      source: 'argument',
      file,
      readableByOthers: false,
      apiUrl: emulator.url,
    });
    expect(stepOf(diagnosis, 'fields').facts).toEqual({
      grant: 'jwt-bearer',
      clientId: `${boxAppSettings.clientID.slice(0, 4)}… (32 characters)`,
      publicKeyId: boxAppSettings.appAuth.publicKeyID,
      subjectType: 'enterprise',
      subjectId: enterpriseID,
    });
    expect(stepOf(diagnosis, 'key').facts).toMatchObject({
      format: 'PKCS#8',
      encrypted: true,
      cipher: 'des-ede3-cbc',
      kdf: 'PBKDF2',
      iterations: 2048,
      bits: 2048,
    });
    expect(stepOf(diagnosis, 'passphrase').facts).toEqual({ source: 'config.json' });
    expect(stepOf(diagnosis, 'assertion').facts).toEqual({
      algorithm: 'RS256',
      headers: ['alg', 'kid', 'typ'],
      claims: ['iss', 'sub', 'box_sub_type', 'aud', 'jti', 'exp'],
      lifetimeS: 45,
    });
    expect(stepOf(diagnosis, 'exchange').facts).toMatchObject({ grant: 'jwt-bearer', requests: 1 });
    const { lifetimeS = 0 } = stepOf(diagnosis, 'exchange').facts;
    expect(lifetimeS).toBeGreaterThan(3590);
    expect(lifetimeS).toBeLessThanOrEqual(3602);
    expect(stepOf(diagnosis, 'account').facts).toMatchObject({
      id: emulator.serviceAccountId,
      name: 'Emulated App',
    });
    expect(diagnosis.text).toMatch(/Calls act as Emulated App <AutomationUser_\w+@box/);
  });

  it('prints each step as soon as it is done', async () => {
    const seen: { text: string; requests: number }[] = [];
    await clinic.ask([clinic.file()], {
      onPrint: (text) => seen.push({ text, requests: emulator.requests.length }),
    });
    expect(seen.find(({ text }) => text.includes('passphrase'))?.requests).toBe(0);
    expect(seen.find(({ text }) => text.includes('exchange'))?.requests).toBe(2);
  });

  it('checks a user with --as-user', async () => {
    const diagnosis = await clinic.ask([clinic.file(), '--as-user', '11111']);
    expect(course(diagnosis)).toEqual([...ALL_WELL, 'as-user ok']);
    expect(stepOf(diagnosis, 'as-user').facts).toEqual({
      id: '11111',
      name: 'Alice',
      login: 'alice@example.com',
    });
    expect(emulator.apiRequests.at(-1)?.actingUser).toBe('11111');
  });

  it('needs no key for an app with only a client secret', async () => {
    const diagnosis = await clinic.ask([], { env: clinic.clientVariables });
    expect(course(diagnosis)).toEqual([
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
    expect(stepOf(diagnosis, 'exchange').facts.grant).toBe('client_credentials');
    expect(stepOf(diagnosis, 'configuration').facts).toMatchObject({
      source: 'variables',
      variables: ['BOX_CLIENT_ID', 'BOX_CLIENT_SECRET', 'BOX_ENTERPRISE_ID'],
    });
  });

  it('checks an app token with a call', async () => {
    const box = new BoxAuth({ credentials: { config: emulator.config }, apiUrl: emulator.url });
    const { value: BOX_APP_TOKEN } = await box.provider.getToken();
    box.close();
    const env = { BOX_APP_TOKEN, BOX_API_URL: emulator.url };
    const diagnosis = await clinic.ask([], { env });
    expect(course(diagnosis)).toEqual([
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
    expect(stepOf(diagnosis, 'configuration').facts.variables).toEqual(['BOX_APP_TOKEN']);
    expect(stepOf(diagnosis, 'fields').facts.grant).toBe('none');
    expect(stepOf(diagnosis, 'exchange').facts).toMatchObject({ grant: 'none', requests: 0 });
    expect(diagnosis.text).toContain("A fixed app token of the app's service account.");
    emulator.revokeToken(BOX_APP_TOKEN);
    const refused = await clinic.ask([], { env });
    expect(failedStep(refused).problem).toMatchObject({ code: 'token_invalid' });
    expect(failedStep(refused).problem?.hint).toContain('Secondary Access Token');
    expect(diagnosis.text + refused.text).not.toContain(BOX_APP_TOKEN);
  });

  it('reports the user that the credentials name', async () => {
    const { BOX_ENTERPRISE_ID: _, ...client } = clinic.clientVariables;
    const diagnosis = await clinic.ask([], { env: { ...client, BOX_USER_ID: '22222' } });
    expect(stepOf(diagnosis, 'fields').facts).toMatchObject({
      subjectType: 'user',
      subjectId: '22222',
    });
    expect(stepOf(diagnosis, 'account').facts.name).toBe('Bob');
  });

  it('reports an unknown lifetime if Box sends none', async () => {
    emulator.tokenLifetimeS = null;
    const diagnosis = await clinic.ask([clinic.file()]);
    emulator.tokenLifetimeS = 3600;
    expect(diagnosis.text).toContain('a token with an unknown lifetime');
    expect(stepOf(diagnosis, 'exchange').facts).not.toHaveProperty('lifetimeS');
  });

  it('removes control characters and secrets from a user name', async () => {
    const impolite = await BoxEmulator.start({
      config: emulator.config,
      users: [{ id: '33333', name: '\u001b]0;owned\u0007\u202EEve\n', login: 'eve@example.com' }],
    });
    const { clientSecret } = emulator.config.boxAppSettings;
    impolite.addUser({ id: '44444', name: `Mirror ${clientSecret}`, login: 'm@example.com' });
    const at = { env: { BOX_API_URL: impolite.url } };
    const eve = await clinic.ask([clinic.file(), '--as-user', '33333'], at);
    for (const mark of ['\u001b', '\u0007', '\u202E']) expect(eve.stdout).not.toContain(mark);
    expect(eve.text).toContain('Eve <eve@example.com>');
    const mirror = await clinic.ask([clinic.file(), '--as-user', '44444'], at);
    expect(mirror.text).toContain('Mirror [redacted]');
    await impolite.stop();
  });
});

describe('doctor --offline', () => {
  it('sends no request', async () => {
    let requests = 0;
    const diagnosis = await clinic.ask([clinic.file(), '--offline', '--as-user', '11111'], {
      fetch: () => {
        requests += 1;
        return Promise.reject(new Error('no network'));
      },
    });
    expect(diagnosis.exitCode).toBe(0);
    expect(requests).toBe(0);
    expect(diagnosis.report.offline).toBe(true);
    expect(course(diagnosis)).toEqual([
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
    expect(diagnosis.text).toContain('All offline checks passed');
  });
});

describe('doctor, the clock', () => {
  it.each([
    [300_000, 'behind'],
    [-300_000, 'ahead of'],
  ])('warns about a clock that is %d ms off, and still requests a token', async (skew, words) => {
    emulator.clockSkewMs = skew;
    const diagnosis = await clinic.ask([clinic.file()]);
    expect(diagnosis.exitCode).toBe(0);
    expect(course(diagnosis).slice(4, 7)).toEqual(['clock warning', 'assertion ok', 'exchange ok']);
    expect(diagnosis.text).toMatch(
      new RegExp(`clock is (5 min|4 min 59 s|5 min 1 s) ${words} Box's`),
    );
    expect(diagnosis.text).toContain('still work');
    const { offsetMs = 0 } = stepOf(diagnosis, 'clock').facts;
    expect(Math.abs(offsetMs - skew)).toBeLessThan(2_000);
    const { requests, lifetimeS = 0 } = stepOf(diagnosis, 'exchange').facts;
    expect(requests).toBe(2);
    expect(diagnosis.text).toContain('after 2 requests');
    expect(Math.abs(lifetimeS - 3600)).toBeLessThan(5);
  });

  it('does not warn about a small difference', async () => {
    emulator.clockSkewMs = 3_000;
    expect(course(await clinic.ask([clinic.file()]))).toContain('clock ok');
  });

  it('warns that the time is unknown if the response comes from a cache', async () => {
    const proxy = await startServer((_request, response) => {
      response.writeHead(401, { age: '100' }).end();
    });
    const diagnosis = await clinic.ask([clinic.file()], { env: { BOX_API_URL: proxy.url } });
    await proxy.stop();
    expect(stepOf(diagnosis, 'clock')).toMatchObject({ status: 'warning', facts: {} });
    expect(diagnosis.text).toContain('time is unknown');
  });
});

describe('doctor, a Date header years ahead', () => {
  it('is ignored, with a warning', async () => {
    const proxy = await startServer((_request, response) => {
      response.writeHead(401, { date: 'Thu, 01 Jan 2099 00:00:00 GMT' }).end();
    });
    const diagnosis = await clinic.ask([clinic.file()], { env: { BOX_API_URL: proxy.url } });
    await proxy.stop();
    expect(stepOf(diagnosis, 'clock')).toMatchObject({ status: 'warning', facts: {} });
    expect(diagnosis.text).toContain('more than a day from this machine');
  });
});

describe('doctor without a response from Box', () => {
  it('reports a refused connection', async () => {
    const gone = await startServer(() => undefined);
    await gone.stop();
    const diagnosis = await clinic.ask([clinic.file(), '--api-url', gone.url]);
    expect(diagnosis.exitCode).toBe(1);
    expect(failedStep(diagnosis)).toMatchObject({ step: 'clock', problem: { code: 'network' } });
    expect(diagnosis.text).toContain(
      `Box at ${gone.url}/2.0/users/me cannot be reached (ECONNREFUSED)`,
    );
    expect(diagnosis.text).toContain('Nothing listens at this host and port');
  });

  it.each([
    ['clock', 'api', '/2.0/users/me'],
    ['exchange', 'token', '/oauth2/token'],
  ] as const)('times out after ten seconds at %s', async (step, target, path) => {
    emulator.always(target, { kind: 'hang' });
    const runtime = new FakeRuntime(Date.now());
    // Time passes while that request is under way, and only then.
    const slow: typeof fetch = (input, init) => {
      if (String(input).endsWith(path)) void settled().then(() => runtime.advance(10_000));
      return fetch(input, init);
    };
    const diagnosis = await clinic.ask([clinic.file()], { runtime, fetch: slow });
    expect(failedStep(diagnosis)).toMatchObject({ step, problem: { code: 'timeout' } });
    expect(diagnosis.text).toContain('no response within 10 s');
  });

  it('prints the wait time that Box sends', async () => {
    emulator.always('token', { kind: 'rate-limit', retryAfter: 7 });
    const diagnosis = await clinic.ask([clinic.file()]);
    expect(failedStep(diagnosis)).toMatchObject({
      step: 'exchange',
      problem: { code: 'rate_limited', retryable: true, status: 429 },
    });
    expect(diagnosis.text).toContain('Try again in 7 s.');
  });

  it('recognizes a page that is not from Box', async () => {
    emulator.always('api', { kind: 'garbage' });
    expect(failedStep(await clinic.ask([clinic.file()]))).toMatchObject({
      step: 'account',
      problem: { code: 'response_invalid' },
    });
    emulator.heal();
    emulator.always('token', { kind: 'garbage' });
    expect(failedStep(await clinic.ask([clinic.file()]))).toMatchObject({
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
    ['BOX_CONFIG_FILE', () => ({ BOX_CONFIG_FILE: clinic.file(), BOX_CONFIG: '{}' })],
  ])('in %s', async (source, env) => {
    const diagnosis = await clinic.ask([], { env: env() });
    expect(diagnosis.exitCode).toBe(0);
    expect(stepOf(diagnosis, 'configuration').facts.source).toBe(source);
  });

  it('in the file of the argument first, relative to the working directory', async () => {
    const folder = newFolder();
    writeFileSync(join(folder, 'mine.json'), config(), { mode: 0o600 });
    const world = { cwd: folder, env: { BOX_CONFIG_FILE: '/nowhere.json' } };
    const diagnosis = await clinic.ask(['mine.json'], world);
    expect(diagnosis.exitCode).toBe(0);
    expect(stepOf(diagnosis, 'configuration').facts.file).toBe(join(folder, 'mine.json'));
  });

  it('with --api-url before BOX_API_URL', async () => {
    const world = { env: { BOX_API_URL: 'https://box.example.com' } };
    expect((await clinic.ask([clinic.file(), '--api-url', emulator.url], world)).exitCode).toBe(0);
  });

  it.each([
    [['--api-url', 'http://box.example.com'], {}, '--api-url'],
    [[], { BOX_API_URL: 'not an address' }, 'BOX_API_URL'],
  ])('and rejects an API URL that must not receive a token: %j %j', async (args, env, culprit) => {
    const diagnosis = await clinic.ask([clinic.file(), ...args], { env });
    expect(failedStep(diagnosis)).toMatchObject({
      step: 'configuration',
      problem: { code: 'option_invalid', hint: `Correct ${culprit}.` },
    });
  });

  it('and warns if other users can read the file', async () => {
    const file = clinic.file();
    writeFileSync(`${file}.open`, readFileSync(file), { mode: 0o644 });
    const diagnosis = await clinic.ask([`${file}.open`, '--offline']);
    expect(diagnosis.exitCode).toBe(0);
    expect(stepOf(diagnosis, 'configuration')).toMatchObject({
      status: 'warning',
      facts: { readableByOthers: true },
    });
    expect(diagnosis.text).toContain('chmod 600');
  });

  it('or explains how to name the file if there is none', async () => {
    const diagnosis = await clinic.ask([], { cwd: newFolder() });
    expect(failedStep(diagnosis)).toMatchObject({
      step: 'configuration',
      problem: { code: 'config_missing' },
    });
    expect(diagnosis.text).toContain('nestjs-box-auth doctor config.json');
    expect(diagnosis.text).not.toContain('.env');
  });

  it('or names the missing variables', async () => {
    const { BOX_CLIENT_SECRET: _, ...rest } = clinic.clientVariables;
    const diagnosis = await clinic.ask([], { cwd: newFolder(), env: rest });
    expect(failedStep(diagnosis).problem?.message).toContain('Unset: BOX_CLIENT_SECRET');
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
    const cwd = folderWith({ ...clinic.clientVariables, OTHER: '1' });
    const diagnosis = await clinic.ask([], { cwd });
    expect(failedStep(diagnosis).problem?.code).toBe('config_missing');
    expect(diagnosis.text).toContain(
      'has BOX_CLIENT_ID, BOX_CLIENT_SECRET, BOX_ENTERPRISE_ID: use --dotenv .env to read it. An app reads it with ConfigModule.forRoot()',
    );
  });

  it('reads it with --dotenv, after the environment', async () => {
    const cwd = folderWith({ ...clinic.clientVariables, BOX_API_URL: 'https://box.example.com' });
    const diagnosis = await clinic.ask(['--dotenv', '.env'], { cwd });
    expect(diagnosis.exitCode).toBe(0);
    expect(stepOf(diagnosis, 'configuration').facts.apiUrl).toBe(emulator.url);
  });
});

describe('doctor with a passphrase', () => {
  it('prefers BOX_PRIVATE_KEY_PASSPHRASE to the passphrase in the file', async () => {
    const { passphrase } = emulator.config.boxAppSettings.appAuth;
    const file = clinic.file(clinic.config({ appAuth: { passphrase: 'another one' } }));
    const env = { BOX_PRIVATE_KEY_PASSPHRASE: passphrase };
    const diagnosis = await clinic.ask([file], { env });
    expect(diagnosis.exitCode).toBe(0);
    expect(stepOf(diagnosis, 'passphrase').facts).toEqual({ source: 'variable' });
    expect(diagnosis.text).toContain('The passphrase in the environment opens the key.');
  });

  it('reads the variable that --passphrase-env names', async () => {
    const { passphrase } = emulator.config.boxAppSettings.appAuth;
    const file = clinic.file(clinic.config({ appAuth: { passphrase: 'another one' } }));
    const world = { env: { MY_PASS: passphrase, BOX_PRIVATE_KEY_PASSPHRASE: 'yet another' } };
    expect((await clinic.ask([file, '--passphrase-env', 'MY_PASS'], world)).exitCode).toBe(0);
  });
});
