import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { afterAll, describe, expect, it } from 'vitest';
import {
  boxApiUrlIn,
  boxUploadUrlIn,
  boxVariableNames,
  boxCredentialsIn,
} from '../../../lib/box/box.environment.js';
import {
  type ParsedBoxCredentials,
  boxCredentialsHelp,
} from '../../../lib/box/credentials/box-credentials.js';
import { CredentialsSource } from '../../../lib/core/credentials/credentials-source.js';
import { FieldNames } from '../../../lib/core/credentials/credentials-errors.js';
import { parseCredentials } from '../../../lib/box/credentials/parse-credentials.js';
import { makeKeys, PASSPHRASE } from '../../support/keys.js';
import { thrownBy } from '../../support/thrown.js';

const keys = makeKeys();
const privateKey = keys.forms['PKCS#8 PBES2 3DES, as the console makes it'];
const SECRET = 'sEcReTsEcReTsEcReTsEcReTsEcReT12';

const configJson = (
  appAuth: object = { publicKeyID: 'abcd1234', privateKey, passphrase: PASSPHRASE },
) => ({
  boxAppSettings: { clientID: 'client', clientSecret: SECRET, appAuth },
  enterpriseID: '1234567',
});

const keyPair = {
  clientId: 'client',
  clientSecret: SECRET,
  publicKeyId: 'abcd1234',
  privateKey,
  passphrase: PASSPHRASE,
  enterpriseId: '1234567',
};

const folder = mkdtempSync(join(tmpdir(), 'config-'));
afterAll(() => rmSync(folder, { recursive: true }));

function file(content: string): string {
  const path = join(folder, `${Math.random()}.json`);
  writeFileSync(path, content);
  return path;
}

describe('Credentials are parsed', () => {
  it.each([
    ['config.json as an object', { config: configJson() }],
    ['config.json as text', { config: JSON.stringify(configJson()) }],
    [
      'config.json as indented text with a byte order mark',
      { config: `\uFEFF${JSON.stringify(configJson(), null, 2)}\n` },
    ],
    [
      'config.json as base64',
      { config: Buffer.from(JSON.stringify(configJson())).toString('base64') },
    ],
    [
      'config.json as base64url in lines',
      {
        config: Buffer.from(JSON.stringify(configJson()))
          .toString('base64url')
          .replace(/.{76}/g, '$&\n'),
      },
    ],
    ['config.json as a file', { configFile: file(JSON.stringify(configJson())) }],
    ['a key pair', keyPair],
    [
      'a key pair with escaped newlines',
      { ...keyPair, privateKey: privateKey.replaceAll('\n', '\\n') },
    ],
    [
      'config.json with a separate passphrase',
      { config: configJson({ publicKeyID: 'abcd1234', privateKey }), passphrase: PASSPHRASE },
    ],
    [
      'config.json with a passphrase that the separate one overrides',
      {
        config: configJson({ publicKeyID: 'abcd1234', privateKey, passphrase: 'old' }),
        passphrase: PASSPHRASE,
      },
    ],
  ])('from %s', (_, form) => {
    expect(parseCredentials(form)).toMatchObject({
      kind: 'key-pair',
      clientId: 'client',
      subject: { type: 'enterprise', id: '1234567' },
      signer: { publicKeyId: 'abcd1234' },
    });
  });

  it.each([
    [
      'flat',
      { clientId: 'client', clientSecret: SECRET, userId: '42' },
      { type: 'user', id: '42' },
    ],
    [
      'flat, with spaces around',
      { clientId: ' client\n', clientSecret: SECRET, enterpriseId: ' 7 ' },
      { type: 'enterprise', id: '7' },
    ],
    [
      'config.json with an empty appAuth',
      { config: configJson({ publicKeyID: '', privateKey: '', passphrase: '' }) },
      { type: 'enterprise', id: '1234567' },
    ],
    [
      'config.json without appAuth',
      { config: { boxAppSettings: { clientID: 'client', clientSecret: SECRET }, userID: '9' } },
      { type: 'user', id: '9' },
    ],
    [
      'config.json with both ids: the service account',
      { config: { ...configJson({ privateKey: '' }), userID: '9' } },
      { type: 'enterprise', id: '1234567' },
    ],
  ])('from client credentials, %s', (_, form, subject) => {
    expect(parseCredentials(form)).toMatchObject({
      kind: 'client-secret',
      clientId: 'client',
      subject,
    });
  });

  it('from a developer token', () => {
    expect(parseCredentials({ developerToken: 'abc' })).toMatchObject({
      kind: 'static-token',
      subject: { type: 'user', id: 'me' },
    });
  });

  it('with a fingerprint that differs exactly if the credentials differ', () => {
    const of = (form: object) => parseCredentials(form).fingerprint;
    expect(of(keyPair)).toBe(of({ config: configJson() }));
    expect(of(keyPair)).not.toBe(of({ ...keyPair, clientSecret: `${SECRET}x` }));
    expect(of(keyPair)).not.toBe(of({ ...keyPair, publicKeyId: 'other' }));
    expect(of(keyPair)).not.toBe(of({ ...keyPair, privateKey: keys.other }));
    expect(of(keyPair)).not.toBe(
      of({ clientId: 'client', clientSecret: SECRET, enterpriseId: '1' }),
    );
  });
});

describe('An error about credentials names the field, the expected and the received value', () => {
  it.each([
    [
      'a missing secret',
      {
        config: {
          boxAppSettings: { clientID: 'c', appAuth: configJson().boxAppSettings.appAuth },
          enterpriseID: '1',
        },
      },
      "boxAppSettings.clientSecret: expected the app's client secret, received nothing",
    ],
    [
      'an empty client id',
      {
        config: {
          ...configJson(),
          boxAppSettings: { ...configJson().boxAppSettings, clientID: ' ' },
        },
      },
      "boxAppSettings.clientID: expected the app's client id, received an empty string",
    ],
    [
      'an enterprise id that is a number',
      { config: { ...configJson(), enterpriseID: 1234567 } },
      'enterpriseID: expected the enterprise id, digits that do not begin with 0, received a number',
    ],
    [
      'no id at all',
      { config: { boxAppSettings: configJson().boxAppSettings } },
      'enterpriseID: expected the enterprise id, digits that do not begin with 0, received nothing',
    ],
    [
      'a misspelled name',
      { config: { boxAppSettings: { clientId: 'c', clientSecret: SECRET }, enterpriseID: '1' } },
      '(check the spelling of "clientId")',
    ],
    [
      'a missing key',
      { config: configJson({ publicKeyID: 'a' }) },
      'boxAppSettings.appAuth.privateKey: expected the private key in PEM, received nothing',
    ],
    [
      'a key that is an object',
      { config: configJson({ publicKeyID: 'a', privateKey: {} }) },
      'privateKey: expected the private key in PEM, received an object',
    ],
    [
      'settings that are a list',
      { config: { boxAppSettings: [], enterpriseID: '1' } },
      'boxAppSettings.clientID',
    ],
    [
      'a config that is null',
      { config: null },
      'config: expected config.json as an object or as text, received null',
    ],
    [
      'a config without anything',
      { config: {} },
      'boxAppSettings: expected an object with clientID, clientSecret and appAuth, received nothing',
    ],
    [
      'flat fields with a name of config.json',
      { clientID: 'c', clientSecret: SECRET, enterpriseId: '1' },
      'clientId: expected the app\'s client id, received nothing (check the spelling of "clientID")',
    ],
    [
      'flat fields with a field too many',
      { clientId: 'c', clientSecret: SECRET, enterpriseId: '1', tenant: 'x' },
      'tenant: unknown field',
    ],
    [
      'two forms at once',
      { configFile: 'x', clientId: 'c' },
      'clientId: unknown field; configFile can be combined with passphrase only',
    ],
    [
      'both subjects',
      { clientId: 'c', clientSecret: SECRET, enterpriseId: '1', userId: '2' },
      'received both',
    ],
    ['no subject', { clientId: 'c', clientSecret: SECRET }, 'received neither'],
    [
      'an unknown algorithm',
      { ...keyPair, algorithm: 'HS256' },
      'algorithm: expected RS256, RS384 or RS512, received a string of 5 characters',
    ],
    [
      'a user id that is a login',
      { clientId: 'c', clientSecret: SECRET, userId: 'a@example.com' },
      'userId: expected a user id, digits that do not begin with 0, received a string of 13 characters',
    ],
    [
      'text that is not JSON',
      { config: `{"boxAppSettings": {"clientSecret": "${SECRET}", oops` },
      'credentials.config cannot be read: it is not JSON',
    ],
    ['empty text', { config: '' }, 'it is empty'],
    [
      'base64 of no JSON',
      { config: Buffer.from('hello').toString('base64') },
      'nor base64 of JSON',
    ],
    [
      'config.json itself',
      configJson(),
      'credentials is config.json itself: pass it as { config: … }',
    ],
    [
      'a private key without the id of its public key',
      { clientId: 'c', clientSecret: SECRET, privateKey, enterpriseId: '1' },
      'publicKeyId: expected the id of the public key, such as "abcd1234", received nothing',
    ],
    [
      'the id of a public key without the private key',
      { clientId: 'c', clientSecret: SECRET, publicKeyId: 'abcd1234', enterpriseId: '1' },
      'privateKey: expected the private key in PEM, received nothing',
    ],
    [
      'a sign function that is a string',
      { ...keyPair, privateKey: undefined, sign: 'kms' },
      'sign: expected a function that signs, received a string of 3 characters',
    ],
    ['a string instead of credentials', 'config.json', 'Invalid credentials: expected an object'],
    ['null instead of credentials', null, 'Invalid credentials: expected an object'],
    ['nothing instead of credentials', undefined, 'Invalid credentials: expected an object'],
  ])('%s', async (_, form, expected) => {
    const error = await thrownBy(() => parseCredentials(form));
    expect(error.code).toBe('config_invalid');
    expect(error.message).toContain(expected);
    expect(JSON.stringify(error)).not.toContain(SECRET);
  });

  it.each([
    ['flat', { ...keyPair, privateKey: 'hunter2' }, 'credentials.privateKey'],
    [
      'in config.json',
      { config: configJson({ publicKeyID: 'abcd1234', privateKey: 'hunter2' }) },
      'credentials.config: boxAppSettings.appAuth.privateKey',
    ],
  ])('a private key that is not PEM, %s', async (_, form, field) => {
    const error = await thrownBy(() => parseCredentials(form));
    expect(error.code).toBe('key_invalid');
    expect(error.message).toContain(`${field} is not a key in PEM`);
  });

  it('every invalid field at once', async () => {
    const error = await thrownBy(() =>
      parseCredentials({ config: { boxAppSettings: { appAuth: {} } } }),
    );
    for (const field of ['clientID', 'clientSecret', 'publicKeyID', 'privateKey']) {
      expect(error.message).toContain(field);
    }
  });

  it.each([
    ['JSON', JSON.stringify(configJson())],
    ['base64', Buffer.from(JSON.stringify(configJson())).toString('base64')],
    ['short JSON', `{"clientSecret":"${SECRET}"}`],
  ])('content instead of a path, which is not shown: %s', async (_, configFile) => {
    const error = await thrownBy(() => parseCredentials({ configFile }));
    expect(error.code).toBe('config_unreadable');
    expect(`${error.message} ${JSON.stringify(error)} ${inspect(error)}`).not.toContain(SECRET);
    expect(inspect(error)).not.toContain(configFile.slice(0, 40));
    expect(error.hint).toContain('BOX_CONFIG');
  });

  it('a missing file, with the reason', async () => {
    const error = await thrownBy(() =>
      parseCredentials({ configFile: join(folder, 'missing.json') }),
    );
    expect(error.code).toBe('config_unreadable');
    expect(error.message).toContain('missing.json');
    expect(error.message).toContain('ENOENT');
  });
});

const ENVIRONMENT = { BOX_CLIENT_ID: 'client', BOX_CLIENT_SECRET: SECRET };

describe('The variables of Box', () => {
  const client = {
    BOX_CLIENT_ID: 'client',
    BOX_CLIENT_SECRET: SECRET,
    BOX_ENTERPRISE_ID: '1234567',
  };

  it.each([
    ['a file', { BOX_CONFIG_FILE: 'a.json' }, { configFile: 'a.json' }],
    [
      'a file with a separate passphrase',
      { BOX_CONFIG_FILE: 'a.json', BOX_PRIVATE_KEY_PASSPHRASE: 'p' },
      { configFile: 'a.json', passphrase: 'p' },
    ],
    ['JSON', { BOX_CONFIG: '{}' }, { config: '{}' }],
    [
      'a file before JSON',
      { BOX_CONFIG_FILE: 'a.json', BOX_CONFIG: '{}', ...client },
      { configFile: 'a.json' },
    ],
    [
      'JSON if the variable of the file is empty',
      { BOX_CONFIG_FILE: ' ', BOX_CONFIG: '{}' },
      { config: '{}' },
    ],
    [
      'client credentials',
      client,
      { clientId: 'client', clientSecret: SECRET, enterpriseId: '1234567' },
    ],
    [
      'client credentials of a user',
      { ...client, BOX_ENTERPRISE_ID: '', BOX_USER_ID: '5' },
      { clientId: 'client', clientSecret: SECRET, userId: '5' },
    ],
    [
      'a key pair',
      {
        ...client,
        BOX_PUBLIC_KEY_ID: 'k',
        BOX_PRIVATE_KEY: 'pem',
        BOX_PRIVATE_KEY_PASSPHRASE: 'p',
      },
      {
        clientId: 'client',
        clientSecret: SECRET,
        enterpriseId: '1234567',
        publicKeyId: 'k',
        privateKey: 'pem',
        passphrase: 'p',
      },
    ],
  ])('are read as %s', (_, variables, credentials) => {
    expect(boxCredentialsIn(variables)).toEqual(credentials);
  });

  it('are read without the quotes that Docker leaves around a value', () => {
    expect(boxCredentialsIn({ BOX_CONFIG_FILE: '"./a.json"' })).toEqual({ configFile: './a.json' });
    expect(boxCredentialsIn({ BOX_CONFIG: "'{}'" })).toEqual({ config: '{}' });
    expect(boxApiUrlIn({ BOX_API_URL: '"https://api.box.com"' })).toBe('https://api.box.com');
    const quoted = Object.fromEntries(
      Object.entries(client).map(([key, text]) => [key, `"${text}"`]),
    );
    expect(boxCredentialsIn(quoted)).toEqual(boxCredentialsIn(client));
  });

  it('contain the URL of Box', () => {
    expect(boxApiUrlIn({ BOX_API_URL: 'http://localhost:1 ' })).toBe('http://localhost:1');
    expect(boxApiUrlIn({ BOX_API_URL: ' ' })).toBeUndefined();
    expect(boxUploadUrlIn({ BOX_UPLOAD_URL: ' http://localhost:2' })).toBe('http://localhost:2');
    expect(boxUploadUrlIn({})).toBeUndefined();
  });

  it('are missing: one clear error', async () => {
    const error = await thrownBy(() => boxCredentialsIn({ PATH: '/bin' }));
    expect(error.code).toBe('config_missing');
    expect(error.message).toContain('BOX_CONFIG_FILE');
  });

  it.each([
    ['no secret', { ...client, BOX_CLIENT_SECRET: '' }, 'BOX_CLIENT_SECRET'],
    ['no client id', { ...client, BOX_CLIENT_ID: undefined }, 'BOX_CLIENT_ID'],
    ['no subject', { ...client, BOX_ENTERPRISE_ID: ' ' }, 'BOX_ENTERPRISE_ID or BOX_USER_ID'],
    ['half a key pair', { ...client, BOX_PRIVATE_KEY: 'pem' }, 'BOX_PUBLIC_KEY_ID'],
    [
      'a passphrase for no key',
      { ...client, BOX_PRIVATE_KEY_PASSPHRASE: 'p', BOX_PRIVATEKEY: 'pem' },
      'BOX_PUBLIC_KEY_ID; BOX_PRIVATE_KEY',
    ],
  ])('are incomplete: the error for %s names the variable', async (_, variables, message) => {
    const error = await thrownBy(() => boxCredentialsIn(variables));
    expect(error.code).toBe('config_missing');
    expect(error.message).toContain(message);
  });

  it('name two subjects: the error names both variables', async () => {
    const error = await thrownBy(() => boxCredentialsIn({ ...client, BOX_USER_ID: '5' }));
    expect(error.code).toBe('config_invalid');
    expect(error.message).toContain('BOX_ENTERPRISE_ID and BOX_USER_ID are both set');
  });

  it.each([
    ['an id of letters', { ...client, BOX_ENTERPRISE_ID: 'acme' }, 'BOX_ENTERPRISE_ID'],
    [
      'a key that is none',
      { ...client, BOX_PUBLIC_KEY_ID: 'k', BOX_PRIVATE_KEY: 'pem' },
      'BOX_PRIVATE_KEY is not a key in PEM',
    ],
    ['a path for JSON', { BOX_CONFIG: './config.json' }, 'BOX_CONFIG is a path'],
    ['JSON that is none', { BOX_CONFIG: '{' }, 'BOX_CONFIG cannot be read'],
    [
      'a file that is not there',
      { BOX_CONFIG_FILE: './no.json' },
      'of BOX_CONFIG_FILE cannot be read',
    ],
    ['another JSON', { BOX_CONFIG: '{}' }, 'Invalid BOX_CONFIG'],
  ])(
    'are invalid: the error for %s uses the names of the variables',
    async (_, variables, message) => {
      const error = await thrownBy(() =>
        parseCredentials(boxCredentialsIn(variables), boxVariableNames),
      );
      expect(error.message).toContain(message);
      expect(error.message).not.toContain('credentials.');
    },
  );

  it.each(['api.box.com', 'http://api.box.com', 'https://user:pass@api.box.com'])(
    'are invalid: the error for BOX_API_URL=%s does not show the value',
    async (url) => {
      const errors = [
        await thrownBy(() => boxApiUrlIn({ BOX_API_URL: url })),
        await thrownBy(() => boxUploadUrlIn({ BOX_UPLOAD_URL: url })),
      ];
      for (const [index, error] of errors.entries()) {
        const name = index === 0 ? 'BOX_API_URL' : 'BOX_UPLOAD_URL';
        expect(error.code).toBe('option_invalid');
        expect(error.message).toContain(`Invalid environment variable ${name}`);
        expect(JSON.stringify(error)).not.toContain('pass@');
      }
    },
  );
});

describe('A wrong passphrase', () => {
  const write = () => file(JSON.stringify(configJson()));

  it('is reported with its name if it is separate from the file', async () => {
    const stale = { BOX_CONFIG_FILE: write(), BOX_PRIVATE_KEY_PASSPHRASE: 'stale' };
    const { message } = await thrownBy(() =>
      parseCredentials(boxCredentialsIn(stale), boxVariableNames),
    );
    expect(message).toContain('The passphrase in BOX_PRIVATE_KEY_PASSPHRASE, which overrides');
    const inOptions = { configFile: write(), passphrase: 'stale' };
    expect((await thrownBy(() => parseCredentials(inOptions))).message).toContain(
      'The passphrase in credentials.passphrase, which overrides',
    );
  });
});

describe('A misspelled form of credentials', () => {
  it('is reported with the field that has the misspelled name', async () => {
    const { message } = await thrownBy(() => parseCredentials({ configfile: 'config.json' }));
    expect(message).toContain('(check the spelling of "configfile")');
  });

  it('has a hint that says where to fix it', async () => {
    const inOptions = await thrownBy(() => parseCredentials({ clientId: 'c' }));
    expect(inOptions.hint).toContain('in the options');
    const inEnvironment = await thrownBy(() =>
      parseCredentials(
        boxCredentialsIn({ ...ENVIRONMENT, BOX_USER_ID: 'a@b.c' }),
        boxVariableNames,
      ),
    );
    expect(inEnvironment.hint).toContain('the environment of the process');
  });
});

describe('A credentials function', () => {
  const form = { clientId: 'client', clientSecret: SECRET, enterpriseId: '1' };

  it('is called at every reading', async () => {
    let calls = 0;
    const source = new CredentialsSource(
      () => ({ ...form, clientId: `client-${++calls}` }),
      parseCredentials,
      boxCredentialsHelp,
    );
    expect(calls).toBe(0);
    expect(source.subject).toBeUndefined();
    expect(await source.read()).toMatchObject([{ clientId: 'client-1' }]);
    expect(await source.read()).toMatchObject([{ clientId: 'client-2' }]);
    expect(source.subject).toEqual({ type: 'enterprise', id: '1' });
  });

  it.each([
    [
      'throws',
      () => {
        throw new Error(`the vault at 10.0.0.1 refused Bearer ${SECRET}`);
      },
    ],
    ['rejects', () => Promise.reject(new Error(`client_secret=${SECRET}`))],
    [
      'throws an object that is not an Error',
      () => {
        throw { token: SECRET };
      },
    ],
  ])(
    'that %s is reported without the secret in what was thrown',
    async (_, load: () => Promise<never>) => {
      const error = await thrownBy(() =>
        new CredentialsSource(load, parseCredentials, boxCredentialsHelp).read(),
      );
      expect(error.code).toBe('credentials_unavailable');
      expect(error.retryable).toBe(true);
      expect(JSON.stringify(error)).not.toContain(SECRET);
      expect(String(error.cause)).not.toContain(SECRET);
    },
  );

  it('that fails is reported with a hint about the vault or file', async () => {
    const load = () => Promise.reject(new Error('sealed'));
    const error = await thrownBy(() =>
      new CredentialsSource(load, parseCredentials, boxCredentialsHelp).read(),
    );
    expect(error.message).toBe('The credentials function in the options failed.');
    expect(String(error.cause)).toContain('sealed');
    expect(error.hint).toMatch(/vault or file.*next token request calls the function again/);
    expect(error.docs).toMatch(/^https:\/\/developer\.box\.com\//);
  });

  it('that returns undefined is reported as such', async () => {
    const load = () => undefined as unknown as typeof form;
    const error = await thrownBy(() =>
      new CredentialsSource(load, parseCredentials, boxCredentialsHelp).read(),
    );
    expect(error.code).toBe('credentials_unavailable');
    expect(String(error.cause)).toContain('returned undefined');
  });

  it('that returns invalid credentials is reported as such', async () => {
    const error = await thrownBy(() =>
      new CredentialsSource(() => ({}), parseCredentials, boxCredentialsHelp).read(),
    );
    expect(error.code).toBe('config_invalid');
  });

  it.each([
    ['credentials', form, ['credentials']],
    ['credentials with an index, in a list', [form, form], ['credentials[0]', 'credentials[1]']],
  ])('has its results named %s in errors', async (_, forms, names) => {
    const received: string[] = [];
    const parse = (credentials: object, fieldNames: FieldNames) => {
      received.push(fieldNames.whole);
      return parseCredentials(credentials, fieldNames);
    };
    await new CredentialsSource<object, ParsedBoxCredentials>(
      () => forms,
      parse,
      boxCredentialsHelp,
    ).read();
    expect(received).toEqual(names);
  });

  it('is not involved with fixed credentials, which are parsed once', async () => {
    let parsed = 0;
    const source = new CredentialsSource(
      form,
      (input) => {
        parsed++;
        return parseCredentials(input);
      },
      boxCredentialsHelp,
    );
    await source.read();
    await source.read();
    expect(parsed).toBe(1);
  });
});
