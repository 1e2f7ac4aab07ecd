import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ConfigModule, ConfigService } from '@nestjs/config';
import { Test } from '@nestjs/testing';
import fc from 'fast-check';
import {
  BoxAuthError,
  BoxAuthModule,
  boxEnvironmentSchema,
  BoxTokenProvider,
} from 'nestjs-box-auth';
import { BoxEmulator } from 'nestjs-box-auth/testing';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { boxVariables } from '../../lib/box/box-variables.js';
import { makeKeys, PASSPHRASE } from '../support/keys.js';

const SECRET = 'sEcReTsEcReTsEcReTsEcReTsEcReT12';
const privateKey = makeKeys().forms['PKCS#8 PBES2 3DES, as the console makes it'];
const client = {
  BOX_CLIENT_ID: 'client',
  BOX_CLIENT_SECRET: SECRET,
  BOX_ENTERPRISE_ID: '1234567',
};
const keyPair = {
  ...client,
  BOX_PUBLIC_KEY_ID: 'abcd1234',
  BOX_PRIVATE_KEY: privateKey,
  BOX_PRIVATE_KEY_PASSPHRASE: PASSPHRASE,
};

const { validate } = boxEnvironmentSchema['~standard'];
const before = { ...process.env };
const folder = mkdtempSync(join(tmpdir(), 'environment-'));
let emulator: BoxEmulator;
let configFile: string;

beforeAll(async () => {
  emulator = await BoxEmulator.start();
  configFile = join(folder, 'config.json');
  writeFileSync(configFile, JSON.stringify(emulator.config));
});
// ConfigModule writes the variables of a .env file into the environment.
afterEach(() => {
  for (const name of Object.keys(process.env)) if (!(name in before)) delete process.env[name];
});
afterAll(async () => {
  rmSync(folder, { recursive: true });
  await emulator.stop();
});

describe('The schema of the environment', () => {
  it('implements version 1 of Standard Schema', () => {
    const { version, vendor } = boxEnvironmentSchema['~standard'];
    expect({ version, vendor }).toEqual({ version: 1, vendor: 'nestjs-box-auth' });
  });

  it.each([
    ['a client with its secret', () => client],
    ['a key pair', () => keyPair],
    ['config.json', () => ({ BOX_CONFIG: JSON.stringify(emulator.config) })],
    ['the path of config.json', () => ({ BOX_CONFIG_FILE: configFile })],
    ['an app token', () => ({ BOX_APP_TOKEN: 'token' })],
    ['addresses', () => ({ ...client, BOX_API_URL: emulator.url, BOX_UPLOAD_URL: emulator.url })],
    ['empty and other variables', () => ({ ...client, BOX_API_URL: '', PORT: 3000, PATH: '/bin' })],
  ])('accepts %s, and returns it unchanged', (_, variables) => {
    expect(validate(variables())).toEqual({ value: variables() });
  });

  it('names the variable of each wrong address', () => {
    const variables = { ...client, BOX_API_URL: 'box.local', BOX_UPLOAD_URL: 'http://box.com' };
    expect(validate(variables)).toEqual({
      issues: [
        {
          path: ['BOX_API_URL'],
          message:
            'Invalid environment variable BOX_API_URL: expected an absolute URL, with https:// before the host. Correct BOX_API_URL in the environment of the process, or in the .env file that is loaded into it.',
        },
        {
          path: ['BOX_UPLOAD_URL'],
          message: expect.stringMatching(/^Invalid environment variable BOX_UPLOAD_URL/),
        },
      ],
    });
  });

  it.each([
    ['no credentials', {}, /BOX_APP_TOKEN are all unset\. Set BOX_CONFIG_FILE/],
    ['incomplete ones', { ...client, BOX_CLIENT_SECRET: '' }, /Unset: BOX_CLIENT_SECRET/],
    ['two subjects', { ...client, BOX_USER_ID: '5' }, /BOX_USER_ID are both set/],
    ['a wrong id', { ...client, BOX_ENTERPRISE_ID: 'acme' }, /BOX_ENTERPRISE_ID: expected/],
    ['a missing file', { BOX_CONFIG_FILE: './none.json' }, /"\.\/none\.json" of BOX_CONFIG_FILE/],
    ['a wrong passphrase', { ...keyPair, BOX_PRIVATE_KEY_PASSPHRASE: 'x' }, /passphrase/],
  ])('reports %s in one issue', (_, variables, message) => {
    expect(validate(variables)).toEqual({
      issues: [{ path: undefined, message: expect.stringMatching(message) }],
    });
  });

  it.each([
    [undefined, 'Invalid environment: expected an object with variables, received nothing.'],
    ['text', 'Invalid environment: expected an object with variables, received a string of 4'],
  ])('reports %s instead of an environment', (value, message) => {
    expect(validate(value)).toEqual({
      issues: [{ message: expect.stringContaining(message) }],
    });
  });

  it('reports a variable that is not a string', () => {
    expect(validate({ ...client, BOX_ENTERPRISE_ID: 1_234_567 })).toEqual({
      issues: [
        {
          path: ['BOX_ENTERPRISE_ID'],
          message:
            'Invalid environment variable BOX_ENTERPRISE_ID: expected a string, received a number.',
        },
      ],
    });
  });

  it('shows no value of a variable in an issue, whichever variable has it', () => {
    const value = fc.constantFrom(SECRET, `{"a":"${SECRET}"`, [SECRET], `https://a:${SECRET}@b`);
    const variables = fc.dictionary(fc.constantFrom(...Object.keys(boxVariables)), value);
    fc.assert(
      fc.property(variables, (each) => {
        const { issues = [] } = validate(each);
        expect(JSON.stringify(issues)).not.toContain(SECRET);
      }),
    );
  });

  it('accepts the environments that forRoot() accepts', async () => {
    const value = fc.constantFrom('', 'client', '1234567', 'https://api.box.com', '{}', privateKey);
    const changes = fc.dictionary(fc.constantFrom(...Object.keys(boxVariables)), value, {
      maxKeys: 2,
    });
    const complete = fc.constantFrom<Record<string, string>>(
      client,
      keyPair,
      { BOX_CONFIG_FILE: configFile },
      { BOX_APP_TOKEN: 'token' },
    );
    const seen = new Set<boolean>();
    await fc.assert(
      fc.asyncProperty(complete, changes, async (...parts) => {
        const variables: Record<string, string> = Object.assign({}, ...parts);
        const isAccepted = validate(variables).issues === undefined;
        expect(await startsWith(variables)).toBe(isAccepted);
        seen.add(isAccepted);
      }),
    );
    expect(seen.size).toBe(2);
  });
});

/** Whether an app with these variables starts. */
async function startsWith(variables: Record<string, string>): Promise<boolean> {
  Object.assign(process.env, variables);
  try {
    const module = await Test.createTestingModule({ imports: [BoxAuthModule.forRoot()] }).compile();
    await module.close();
    return true;
  } catch (error) {
    expect(error).toBeInstanceOf(BoxAuthError);
    return false;
  } finally {
    for (const name of Object.keys(variables)) delete process.env[name];
  }
}

describe('ConfigModule with the schema', () => {
  const dotenv = (variables: Record<string, string>) => {
    const path = join(folder, '.env');
    const lines = Object.entries(variables).map(([name, value]) => `${name}='${value}'\n`);
    writeFileSync(path, lines.join(''));
    return path;
  };
  const start = (variables: Record<string, string>) =>
    Test.createTestingModule({
      imports: [
        ConfigModule.forRoot({
          envFilePath: dotenv(variables),
          validationSchema: boxEnvironmentSchema,
        }),
        BoxAuthModule.forRoot(),
      ],
    }).compile();

  it('starts an app with the variables of a .env file', async () => {
    const module = await start({
      BOX_CONFIG_FILE: configFile,
      BOX_API_URL: emulator.url,
      GREETING: 'Hi',
    });
    expect(module.get(ConfigService).get('GREETING')).toBe('Hi');
    await expect(module.get(BoxTokenProvider).getToken()).resolves.toHaveProperty('value');
    await module.close();
  });

  it('fails the start with the name of the variable, without its value', async () => {
    const failure = start({ ...client, BOX_API_URL: `https://user:${SECRET}@box.local` });
    await expect(failure).rejects.toThrow(
      new Error(
        'Config validation error: BOX_API_URL: Invalid environment variable BOX_API_URL: expected an absolute URL without user, query or fragment. Correct BOX_API_URL in the environment of the process, or in the .env file that is loaded into it.',
      ),
    );
  });
});
