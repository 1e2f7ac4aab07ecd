import { createPrivateKey } from 'node:crypto';
import { ConfigModule, ConfigService } from '@nestjs/config';
import { WorkfrontEmulator } from 'nestjs-box-auth/testing';
import { WorkfrontAuthModule, type WorkfrontAuthModuleOptions } from 'nestjs-box-auth/workfront';
import { WorkfrontAxiosInterceptor, WorkfrontHttpModule } from 'nestjs-box-auth/workfront/axios';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { WorkfrontAuth } from '../../lib/workfront/workfront-auth.js';
import { thrownBy } from '../support/thrown.js';
import { called, clearEnvironment, start } from './nest-app.js';
import { application } from './workfront-app.js';

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

describe('The address of Workfront', () => {
  const originOf = (address: Record<string, unknown>) =>
    new WorkfrontAuth({ ...application, ...address }).apiUrl;

  it.each([
    ['a domain', { domain: 'acme' }, 'https://acme.my.workfront.com'],
    ['a domain with a hyphen', { domain: 'acme-eu1' }, 'https://acme-eu1.my.workfront.com'],
    ['a domain in capitals', { domain: 'ACME' }, 'https://acme.my.workfront.com'],
    [
      'a host of Adobe’s unified shell',
      { domain: 'acme.my.workfront.adobe.com' },
      'https://acme.my.workfront.adobe.com',
    ],
    [
      'a preview host',
      { domain: 'acme.preview.workfront.com' },
      'https://acme.preview.workfront.com',
    ],
    ['a url', { url: 'https://acme.my.workfront.com' }, 'https://acme.my.workfront.com'],
    [
      'a url with a slash',
      { url: 'https://acme.my.workfront.com/' },
      'https://acme.my.workfront.com',
    ],
    ['a proxy', { url: 'https://proxy.example.com:8443' }, 'https://proxy.example.com:8443'],
    ['loopback', { url: 'http://127.0.0.1:4000' }, 'http://127.0.0.1:4000'],
  ])('may be %s', (_, address, origin) => {
    expect(originOf(address)).toBe(origin);
  });

  it.each([
    ['domain', 'none', {}],
    ['domain', 'both', { domain: 'acme', url: 'https://acme.my.workfront.com' }],
    ['domain', 'an empty domain', { domain: '' }],
    ['domain', 'an address as domain', { domain: 'https://acme.my.workfront.com' }],
    ['domain', 'a domain with a path', { domain: 'acme.my.workfront.com/attask' }],
    ['domain', 'a domain with a port', { domain: 'acme:8443' }],
    ['domain', 'a domain with a user', { domain: 'acme@example.com' }],
    ['domain', 'a domain that is a number', { domain: 7 }],
    ['url', 'a url without a scheme', { url: 'acme.my.workfront.com' }],
    ['url', 'plain http', { url: 'http://acme.my.workfront.com' }],
    ['url', 'a url with a path', { url: 'https://acme.my.workfront.com/attask' }],
    ['url', 'a url with a query', { url: 'https://acme.my.workfront.com?a=1' }],
    ['url', 'a url with a password', { url: 'https://a:b@acme.my.workfront.com' }],
  ])('is rejected with the name of the option %s if it is %s', async (option, _, address) => {
    const error = await thrownBy(() => originOf(address));
    expect(error.code).toBe('option_invalid');
    expect(error.message).toContain(`Invalid \`${option}\`: `);
  });
});

describe('An invalid option fails the bootstrap with one error that names it', () => {
  it.each<readonly [string, string, object]>([
    ['clientId', 'config_invalid', { clientId: undefined }],
    ['clientSecret', 'config_invalid', { clientSecret: undefined }],
    ['customerId', 'config_invalid', { customerId: '' }],
    ['userId', 'config_invalid', { userId: 7 }],
    ['privateKey', 'config_invalid', { privateKey: ' ' }],
    ['privateKey', 'key_invalid', { privateKey: 'a key' }],
    ['privateKey', 'key_truncated', { privateKey: application.privateKey.slice(0, 800) }],
    ['passphrase', 'config_invalid', { passphrase: 7 }],
    ['warmUp', 'option_invalid', { warmUp: 'required' }],
    ['warmup', 'option_invalid', { warmup: 'require' }],
    ['keepWarm', 'option_invalid', { keepWarm: ['own'] }],
    ['fetch', 'option_invalid', { fetch: 'x' }],
    ['store', 'option_invalid', { store: {} }],
    ['onStoreFailure', 'option_invalid', { onStoreFailure: 'ajar' }],
    ['renewal.windowRatio', 'option_invalid', { renewal: { windowRatio: 2 } }],
    ['tokenEndpoint.attempts', 'option_invalid', { tokenEndpoint: { attempts: 0 } }],
    ['maxSubjects', 'option_invalid', { maxSubjects: 5 }],
    ['url', 'option_invalid', { url: 'http://example.com' }],
  ])('%s: %s', async (name, code, mistake) => {
    const wrong = { ...options, ...mistake };
    for (const module of [
      () => WorkfrontAuthModule.forRoot(wrong),
      () => WorkfrontAuthModule.forRootAsync({ useFactory: () => wrong }),
    ]) {
      const error = await thrownBy(() => start(module()));
      expect(error.code).toBe(code);
      expect(error.message).toContain(name);
      expect(error.hint).not.toBe('');
    }
  });

  it('reports all missing fields in one error', async () => {
    const starting = () => start(WorkfrontAuthModule.forRoot({ domain: 'acme', clientId: 'c' }));
    const { code, message } = await thrownBy(starting);
    expect(code).toBe('config_invalid');
    for (const name of ['clientSecret', 'customerId', 'userId', 'privateKey'])
      expect(message).toContain(`${name}: expected`);
  });

  it('reports a factory that returns no credentials, whatever the environment has', async () => {
    vi.stubEnv('WORKFRONT_CLIENT_ID', 'c');
    const starting = () =>
      start(WorkfrontAuthModule.forRootAsync({ useFactory: () => ({ domain: 'acme' }) }));
    expect((await thrownBy(starting)).code).toBe('config_missing');
  });
});

describe('WorkfrontAuthModule.forRoot without credentials', () => {
  function set(changes: Readonly<Record<string, string | undefined>> = {}): void {
    const { clientId, clientSecret, customerId, userId, privateKey } = emulator.credentials;
    const variables = {
      WORKFRONT_URL: emulator.url,
      WORKFRONT_CLIENT_ID: clientId,
      WORKFRONT_CLIENT_SECRET: clientSecret,
      WORKFRONT_CUSTOMER_ID: customerId,
      WORKFRONT_USER_ID: userId,
      WORKFRONT_PRIVATE_KEY: privateKey,
      ...changes,
    };
    for (const [name, value] of Object.entries(variables)) vi.stubEnv(name, value);
  }

  it('reads everything from the environment', async () => {
    set();
    expect(await called(await start(WorkfrontAuthModule.forRoot()))).toBe(200);
  });

  it('accepts a key whose line breaks are written as \\n', async () => {
    set({ WORKFRONT_PRIVATE_KEY: emulator.credentials.privateKey.replaceAll('\n', '\\n') });
    expect(await called(await start(WorkfrontAuthModule.forRoot()))).toBe(200);
  });

  it('accepts a separate passphrase in the environment or in the options', async () => {
    const passphrase = 'correct horse';
    const encrypted = createPrivateKey(emulator.credentials.privateKey).export({
      type: 'pkcs8',
      format: 'pem',
      cipher: 'aes-256-cbc',
      passphrase,
    });
    set({ WORKFRONT_PRIVATE_KEY: String(encrypted), WORKFRONT_PRIVATE_KEY_PASSPHRASE: passphrase });
    expect(await called(await start(WorkfrontAuthModule.forRoot()))).toBe(200);

    set({ WORKFRONT_PRIVATE_KEY: String(encrypted), WORKFRONT_PRIVATE_KEY_PASSPHRASE: undefined });
    expect(await called(await start(WorkfrontAuthModule.forRoot({ passphrase })))).toBe(200);
    const error = await thrownBy(() => start(WorkfrontAuthModule.forRoot()));
    expect(error.code).toBe('key_passphrase_missing');
    expect(error.hint).toContain('WORKFRONT_PRIVATE_KEY_PASSPHRASE');
  });

  it('reads the environment for options that are undefined', async () => {
    set();
    const module = WorkfrontAuthModule.forRoot({
      url: undefined,
      domain: undefined,
      clientId: undefined,
      privateKey: undefined,
      passphrase: undefined,
      renewal: undefined,
    });
    expect(await called(await start(module))).toBe(200);
  });

  it('reads credentials from the environment if the options have an address', async () => {
    set({ WORKFRONT_URL: 'https://elsewhere.my.workfront.com' });
    const module = WorkfrontAuthModule.forRoot({ url: emulator.url });
    expect(await called(await start(module))).toBe(200);
  });

  it('reads the address from the environment if the options have credentials, also for forRootAsync', async () => {
    vi.stubEnv('WORKFRONT_URL', emulator.url);
    const { url: _, ...credentials } = options;
    for (const module of [
      WorkfrontAuthModule.forRoot(credentials),
      WorkfrontAuthModule.forRootAsync({ useFactory: () => credentials }),
    ]) {
      expect(await called(await start(module))).toBe(200);
    }
  });

  it('reads WORKFRONT_DOMAIN unless WORKFRONT_URL is set', async () => {
    set({ WORKFRONT_URL: undefined, WORKFRONT_DOMAIN: 'acme' });
    let app = await start(WorkfrontAuthModule.forRoot(), WorkfrontHttpModule);
    expect(app.get(WorkfrontAxiosInterceptor).apiUrl).toBe('https://acme.my.workfront.com');
    await app.close();
    set({ WORKFRONT_DOMAIN: 'acme' });
    app = await start(WorkfrontAuthModule.forRoot(), WorkfrontHttpModule);
    expect(app.get(WorkfrontAxiosInterceptor).apiUrl).toBe(emulator.url);
    await app.close();
  });

  it('reads variables that ConfigModule loaded from a file', async () => {
    const file = new URL('workfront.env', import.meta.url).pathname;
    set({ WORKFRONT_CLIENT_ID: undefined });
    const app = await start(
      ConfigModule.forRoot({ envFilePath: file }),
      WorkfrontAuthModule.forRoot(),
    );
    expect(app.get(ConfigService).get('workfront.credentials.clientId')).toBe('from-the-file');
    await app.close();
    vi.stubEnv('WORKFRONT_CLIENT_ID', undefined);
  });

  it('names every variable that is missing or empty', async () => {
    set({ WORKFRONT_CUSTOMER_ID: undefined, WORKFRONT_USER_ID: ' ' });
    const { code, message } = await thrownBy(() => start(WorkfrontAuthModule.forRoot()));
    expect(code).toBe('config_missing');
    expect(message).toContain('Unset: WORKFRONT_CUSTOMER_ID; WORKFRONT_USER_ID.');
  });

  it('names the variables of the address if no option has it', async () => {
    set({ WORKFRONT_URL: undefined, WORKFRONT_CUSTOMER_ID: undefined });
    const { message } = await thrownBy(() => start(WorkfrontAuthModule.forRoot()));
    expect(message).toContain('WORKFRONT_URL or WORKFRONT_DOMAIN; WORKFRONT_CUSTOMER_ID.');
    const given = WorkfrontAuthModule.forRoot({ domain: 'acme' });
    expect((await thrownBy(() => start(given))).message).not.toContain('WORKFRONT_URL');
  });

  it.each([
    ['WORKFRONT_URL', 'acme.my.workfront.com'],
    ['WORKFRONT_URL', 'https://acme.my.workfront.com/attask'],
    ['WORKFRONT_PRIVATE_KEY', 'a key'],
  ])('names %s if that is invalid', async (name, value) => {
    set({ [name]: value });
    const { message } = await thrownBy(() => start(WorkfrontAuthModule.forRoot()));
    expect(message).toContain(name);
    expect(message).not.toMatch(/credentials\.|Invalid `/);
  });

  it('names an invalid passphrase as the option does', async () => {
    set();
    const wrong = { passphrase: 5 } as unknown as WorkfrontAuthModuleOptions;
    const { message } = await thrownBy(() => start(WorkfrontAuthModule.forRoot(wrong)));
    expect(message).toContain('- passphrase: expected');
    expect(message).not.toContain('WORKFRONT_PRIVATE_KEY_PASSPHRASE');
  });

  it('names WORKFRONT_DOMAIN if that is invalid', async () => {
    set({ WORKFRONT_URL: undefined, WORKFRONT_DOMAIN: 'https://acme.my.workfront.com' });
    const { code, message } = await thrownBy(() => start(WorkfrontAuthModule.forRoot()));
    expect(code).toBe('option_invalid');
    expect(message).toContain('Invalid environment variable WORKFRONT_DOMAIN');
  });

  it('rejects credentials of which only some are in the options', async () => {
    set();
    const starting = () => start(WorkfrontAuthModule.forRoot({ clientId: 'mine' }));
    expect((await thrownBy(starting)).code).toBe('config_invalid');
  });
});
