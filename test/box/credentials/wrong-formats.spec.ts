import { describe, expect, it } from 'vitest';
import { decodeConfig } from '../../../lib/box/credentials/config-decoding.js';
import { parseCredentials } from '../../../lib/box/credentials/parse-credentials.js';
import { thrownBy } from '../../support/thrown.js';

const appAuth = { keyID: 'k', privateKey: 'p' };

describe('config.json', () => {
  it.each<[format: string, hint: string, config: unknown]>([
    [
      "boxcli's list of environments (box_environments.json)",
      'boxConfigFilePath',
      { environments: {} },
    ],
    ['the flat options of box-node-sdk 3, with appAuth at the top', 'rename keyID', { appAuth }],
    ['written in snake_case', 'Rename the fields to boxAppSettings', { box_app_settings: {} }],
    [
      'written in snake_case',
      'Rename the fields to boxAppSettings',
      { enterprise_id: '1', more: 1 },
    ],
    ['a list', 'Use the object in the list.', [{ boxAppSettings: {} }]],
    [
      'a flat object, without boxAppSettings',
      'Pass the fields as the credentials',
      { clientID: 'c' },
    ],
    [
      'a flat object, without boxAppSettings',
      'Pass the fields as the credentials',
      { more: 1, clientId: 'c' },
    ],
    ['a key in PEM', 'Use the whole config.json', '-----BEGIN PRIVATE KEY-----\nMII'],
    [
      'a key in PEM',
      'Use the whole config.json',
      'Key Attributes\n-----BEGIN PRIVATE KEY-----\nMII',
    ],
    ['UTF-16 that was read as UTF-8', 'Save the file as UTF-8', '{\0"\0a\0'],
    ['UTF-16 that was read as UTF-8', 'Save the file as UTF-8', '\uFFFD\uFFFD{\0"\0a\0'],
    ['UTF-16 that was read as UTF-8', 'Save the file as UTF-8', '\uFFFD\uFFFD\0{\0"\0a'],
    [
      'JSON without its double quotes, which a shell has removed',
      'single quotes',
      '{boxAppSettings:{a:b}}',
    ],
    [
      'JSON without its double quotes, which a shell has removed',
      'single quotes',
      '{ \n boxAppSettings: {a:b}}',
    ],
  ])('that is %s is rejected, with a hint: %s %#', async (format, hint, config) => {
    const error = await thrownBy(() => decodeConfig(config, 'BOX_CONFIG'));
    expect(error).toMatchObject({
      code: 'config_invalid',
      message: `BOX_CONFIG is ${format}, not config.json.`,
    });
    expect(error.hint).toContain(hint);
  });

  it.each([
    [{ boxAppSettings: {}, clientID: 'c', client_id: 'c' }],
    [{ environments: 'none' }],
    [{ appAuth: 'none' }],
    [{ other: 'fields' }],
  ])('is not mistaken for another format: %j', (config) => {
    expect(decodeConfig(config, 'BOX_CONFIG')).toMatchObject(config);
  });

  it.each([
    ['{"key": "-----BEGIN PRIVATE KEY-----"'],
    ['{"a"\0:'],
    ['{boxAppSettings: "x"}'],
    ['x{boxAppSettings:}'],
  ])('with an error of its own is not mistaken for another format: %j', async (text) => {
    const { message } = await thrownBy(() => decodeConfig(text, 'BOX_CONFIG'));
    expect(message).toMatch(/^BOX_CONFIG cannot be read: it is not JSON/);
  });

  it.each(['config.json', '/etc/box/config.json', `${'x'.repeat(255)}.json`])(
    'that is a path is rejected: %s',
    async (path) => {
      expect(await thrownBy(() => decodeConfig(path, 'BOX_CONFIG'))).toMatchObject({
        code: 'config_invalid',
        message: 'BOX_CONFIG is a path: expected the JSON itself.',
        hint: 'Set the path as configFile, or as BOX_CONFIG_FILE.',
      });
    },
  );

  it.each([`${'x'.repeat(256)}.json`, 'config.json.bak', '{}/config.json', 'a config.json', ''])(
    'that is other text is not called a path: %s',
    async (text) => {
      const { message } = await thrownBy(() => decodeConfig(text, 'BOX_CONFIG'));
      expect(message).toContain('BOX_CONFIG cannot be read');
    },
  );

  it('that is empty is rejected as such', async () => {
    expect(await thrownBy(() => decodeConfig(' \n', 'BOX_CONFIG'))).toMatchObject({
      message: 'BOX_CONFIG cannot be read: it is empty.',
    });
  });

  it.each(['{', '{"a', '{"a":', '{"a": "b"', '{"a": {"b": 1}'])(
    'that ends too soon is rejected with advice about .env files: %s',
    async (text) => {
      const error = await thrownBy(() => decodeConfig(text, 'BOX_CONFIG'));
      expect(error.message).toBe('BOX_CONFIG cannot be read: it is not JSON, as it ends too soon.');
      expect(error.hint).toContain('In a .env file, put single quotes around it');
    },
  );

  it('that is not JSON is rejected with the position, and without its text', async () => {
    const error = await thrownBy(() => decodeConfig('{"a": "secret" "b"}', 'BOX_CONFIG'));
    expect(error.message).toBe(
      'BOX_CONFIG cannot be read: it is not JSON, nor base64 of JSON, at position 15.',
    );
    expect(error.hint).toContain('Use the whole of config.json, unchanged');
  });
});

describe('Ids inside boxAppSettings', () => {
  const settings = { enterpriseID: '1', userID: '2' };

  it('are moved to the top', () => {
    const config = decodeConfig({ boxAppSettings: settings }, 'BOX_CONFIG');
    expect(config).toEqual({ boxAppSettings: settings, ...settings });
  });

  it.each([{ enterpriseID: '3' }, { userID: '3' }])('do not replace ids at the top: %j', (ids) => {
    const config = decodeConfig({ boxAppSettings: settings, ...ids }, 'BOX_CONFIG');
    expect(config).toEqual({ boxAppSettings: settings, ...ids });
  });
});

describe('Line breaks of .env files', () => {
  it.each([
    ['raw ones in strings', '{"a": "b\nc\r\td"}', { a: 'b\nc\r\td' }],
    ['escaped ones between strings', String.raw`{\n"a":\t"b"\r}`, { a: 'b' }],
    ['escaped ones in strings, unchanged', String.raw`{"a": "b\nc\"\\d"}`, { a: 'b\nc"\\d' }],
  ])('are repaired: %s', (_, text, expected) => {
    expect(decodeConfig(text, 'BOX_CONFIG')).toEqual(expected);
  });

  it('are not repaired if they are other escapes', async () => {
    await thrownBy(() => decodeConfig(String.raw`{\b"a": "b"}`, 'BOX_CONFIG'));
  });
});

describe('Credentials', () => {
  it.each<[string, object]>([
    ['credentials is written in snake_case.', { client_id: 'c', client_secret: 's' }],
    ['credentials is config.json itself: pass it as { config: … }.', { boxAppSettings: {} }],
    ['credentials is config.json itself: pass it as { config: … }.', { SecretString: '{}' }],
    ['credentials is config.json itself: pass it as { config: … }.', { SecretBinary: '{}' }],
  ])('in another format are rejected: %s', async (message, credentials) => {
    const error = await thrownBy(() => parseCredentials(credentials));
    expect(error).toMatchObject({ code: 'config_invalid', message });
  });

  it('in another format are rejected with the hint of that format', async () => {
    const error = await thrownBy(() => parseCredentials({ client_id: 'c' }));
    expect(error.hint).toMatch(/^Rename the fields to boxAppSettings/);
  });
});
