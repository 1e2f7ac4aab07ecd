import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it, vi } from 'vitest';
import { parseConfig, readConfigFile } from '../../../lib/box/credentials/config-json.js';
import { configSkeleton } from '../../../lib/cli/config-skeleton.js';
import { thrownBy } from '../../support/thrown.js';

const config = {
  boxAppSettings: { clientID: 'client', clientSecret: 'secret' },
  enterpriseID: '1234567',
};
const json = JSON.stringify(config);
const base64 = (text: string) => Buffer.from(text).toString('base64');

const folder = mkdtempSync(join(tmpdir(), 'config-json-'));
afterAll(() => rmSync(folder, { recursive: true }));

describe('The text of a config.json', () => {
  it.each([
    ['as it is', json],
    ['with spaces and newlines around', ` \n${json}\r\n`],
    ['with a byte order mark', `\uFEFF${json}`],
    ['in base64', base64(json)],
    ['in base64 with spaces and newlines around', ` \n${base64(json)}\n`],
    ['in base64 with a byte order mark', `\uFEFF${base64(json)}`],
    ['in base64 of four lines', base64(json).replace(/.{40}/g, '$&\n')],
  ])('is read %s', (_, text) => {
    expect(parseConfig(text, 'BOX_CONFIG')).toEqual(config);
  });

  it.each(['', ' \n', '\uFEFF'])('is reported as empty if it is %j', async (text) => {
    const error = await thrownBy(() => parseConfig(text, 'BOX_CONFIG'));
    expect(error.code).toBe('config_invalid');
    expect(error.message).toBe('BOX_CONFIG cannot be read: it is empty.');
  });

  // The parser's message would quote the text, which is secret.
  it.each([
    ['ends too soon', '{"a": 1 hunter2', 'it is not JSON, nor base64 of JSON, at position 8.'],
    ['goes on', '{"a": 1, "b": 2} hunter2', 'it is not JSON, nor base64 of JSON, at position 17.'],
    [
      'has something before it',
      '1 {"a": "hunter2"}',
      'it is not JSON, nor base64 of JSON, at position 2.',
    ],
    ['is no JSON at all', '<hunter2>', 'it is not JSON, nor base64 of JSON.'],
    ['is base64 of something else', base64('<hunter2>'), 'it is not JSON, nor base64 of JSON.'],
  ])(
    'that %s is reported with the position, if there is one, and is not shown',
    async (_, text, what) => {
      const error = await thrownBy(() => parseConfig(text, 'BOX_CONFIG'));
      expect(error.code).toBe('config_invalid');
      expect(error.message).toBe(`BOX_CONFIG cannot be read: ${what}`);
      expect(JSON.stringify(error)).not.toContain('hunter2');
    },
  );

  it.each([
    ['a number', '1', 'expected an object with boxAppSettings'],
    ['a word in a string', '"config"', 'it is not JSON'],
    ['null', ' null, ', 'it is not JSON'],
    ['a list', '[]', 'is a list, not config.json'],
  ])('that is JSON, but %s, is rejected', async (_, text, message) => {
    expect((await thrownBy(() => parseConfig(text, 'BOX_CONFIG'))).message).toContain(message);
  });
});

describe('The file of a config.json', () => {
  it('is read, and named in errors', async () => {
    const path = join(folder, 'config.json');
    writeFileSync(path, json);
    expect(readConfigFile(path)).toEqual(config);
    writeFileSync(path, '{}');
    expect((await thrownBy(() => readConfigFile(path))).message).toContain(path);
  });

  it.each([
    ['is missing', join(folder, 'missing.json'), 'ENOENT'],
    ['is a folder', folder, 'EISDIR'],
    ['has a name that is as long as a name may be', `${'x'.repeat(250)}.json`, 'ENOENT'],
  ])('that %s is named with the reason and a hint', async (_, path, reason) => {
    const error = await thrownBy(() => readConfigFile(path));
    expect(error).toMatchObject({ code: 'config_unreadable', retryable: false });
    expect(error.message).toContain(JSON.stringify(path));
    expect(error.message).toContain(`(${reason})`);
    expect(error.hint).toMatch(/path.*permissions/);
    expect(error.docs).toMatch(/^https:\/\/developer\.box\.com\//);
  });

  it('is reported with the base of its path if that is relative', async () => {
    const { hint } = await thrownBy(() => readConfigFile('no/config.json'));
    expect(hint).toContain(JSON.stringify(process.cwd()));
    expect((await thrownBy(() => readConfigFile('/no.json'))).hint).not.toContain('relative');
  });

  it('is reported even if the working directory was removed', async () => {
    const cwd = vi.spyOn(process, 'cwd').mockImplementation(() => {
      throw new Error('ENOENT: uv_cwd');
    });
    const error = await thrownBy(() => readConfigFile('no/config.json'));
    cwd.mockRestore();
    expect(error.code).toBe('config_unreadable');
  });

  // Each value may be a secret that was set by mistake.
  it.each([
    ['JSON', '{"clientSecret":"hunter2"}'],
    ['a variable with JSON', 'BOX_CONFIG={"clientSecret":"hunter2"}'],
    ['JSON with something after it', '{"clientSecret":"hunter2"} oops'],
    ['a quoted word', '"hunter2"'],
    ['lines', 'clientSecret\nhunter2'],
    ['a word', 'hunter2isMySecretOf32Characters0'],
    ['base64 of JSON', Buffer.from('{"hunter2":1}').toString('base64').padEnd(200, 'A')],
    ['base64, longer than a path', `hunter2${'x'.repeat(249)}`],
  ])('is not shown if the path is %s: only its length is', async (_, content) => {
    const error = await thrownBy(() => readConfigFile(content));
    expect(error.code).toBe('config_unreadable');
    expect(error.message).toContain(
      `a string of ${content.length} characters that does not look like a path`,
    );
    expect(JSON.stringify(error)).not.toContain('hunter2');
  });

  it('of keygen is reported with every field that is still to be filled in', async () => {
    const skeleton = JSON.parse(configSkeleton('pem', undefined)) as unknown;
    const { message } = await thrownBy(() => parseConfig(skeleton, 'config.json'));
    expect(message.match(/still to be filled in/g)).toHaveLength(4);
    expect(message).toContain('boxAppSettings.appAuth.publicKeyID: expected');
  });

  it.each(['hunter2.json', './box/hunter2.json', '/etc/hunter2.json'])(
    'is not the path %s: the error names the option for paths',
    async (path) => {
      const error = await thrownBy(() => parseConfig(path, 'credentials.config'));
      expect(error.code).toBe('config_invalid');
      expect(error.message).toContain('credentials.config is a path');
      expect(error.hint).toContain('configFile');
      expect(JSON.stringify(error)).not.toContain('hunter2');
    },
  );
});
