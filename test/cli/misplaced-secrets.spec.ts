import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { boxVariableNames, boxCredentialsIn } from '../../lib/box/box.environment.js';
import { parseCredentials } from '../../lib/box/credentials/parse-credentials.js';
import { thrownBy } from '../support/thrown.js';
import { newFolder, run } from './cli-fixture.js';

const SECRETS = [
  'T9cE5asGnuyYCCqIZFoWjFHvNbvVqHjl',
  '1!hunter2ABCDEFGHIJKLMNOPQRSTUVWXYZ-_',
  Buffer.from('{"hunter2": "a client secret of some length"}').toString('base64'),
  `eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJodW50ZXIyIn0.${'Sig9'.repeat(80)}`,
];

/** Every argument and variable that takes the path of a file or a folder. */
const PLACES: [place: string, args: (text: string) => string[], variable?: string][] = [
  ['doctor', (text) => ['doctor', text]],
  ['doctor --json', (text) => ['doctor', '--json', text]],
  ['BOX_CONFIG_FILE', () => ['doctor'], 'BOX_CONFIG_FILE'],
  ['BOX_CONFIG_FILE, with --json', () => ['doctor', '--json'], 'BOX_CONFIG_FILE'],
  ['doctor --dotenv', (text) => ['doctor', '--dotenv', text]],
  ['doctor --api-url', (text) => ['doctor', 'config.json', '--api-url', text]],
  ['doctor --as-user', (text) => ['doctor', '--as-user', text]],
  ['doctor --passphrase-env', (text) => ['doctor', '--passphrase-env', text]],
  ['emulate --config', (text) => ['emulate', '--config', text]],
  ['emulate --write-config', (text) => ['emulate', '--write-config', text]],
  ['keygen --out', (text) => ['keygen', '--out', text]],
  ['keygen --passphrase-env', (text) => ['keygen', '--passphrase-env', text]],
  ['a command', (text) => [text]],
  ['another argument', (text) => ['doctor', 'config.json', text]],
];

describe('A secret that was entered instead of a path', () => {
  it.each(PLACES)('is not printed by %s', async (_, args, variable) => {
    for (const secret of SECRETS) {
      const cwd = newFolder();
      const env = variable === undefined ? {} : { [variable]: secret };
      const { exitCode, stdout, stderr } = await run(args(secret), { cwd, env });
      expect(exitCode).not.toBe(0);
      expect(`${stdout}${stderr}`).not.toContain(secret);
      expect(`${stdout}${stderr}`).not.toContain(secret.slice(0, 20));
    }
  });

  it('is not confused with a path, which is printed with its folder', async () => {
    const cwd = newFolder();
    const { text } = await run(['doctor', 'box/config.json'], { cwd });
    expect(text).toContain('"box/config.json" cannot be read (ENOENT)');
    expect(text).toContain(`relative to ${JSON.stringify(cwd)}`);
    const dotenv = await run(['doctor', '--dotenv', 'missing.env'], { cwd });
    expect(dotenv.text).toContain(join(cwd, 'missing.env'));
    const emulate = await run(['emulate', '--config', 'missing.json'], { cwd });
    expect(emulate.text).toContain('"missing.json" cannot be read (ENOENT)');
  });

  it('is not confused with a new file name that starts with ./', async () => {
    const cwd = newFolder();
    const name = 'MyFolderForTheKeysOf2026';
    const refused = await run(['keygen', '--out', name], { cwd });
    expect(refused.text).toContain('If it is a file name, put ./ in front of it.');
    expect((await run(['keygen', '--out', `./${name}`], { cwd })).exitCode).toBe(0);
  });
});

describe('The module and the doctor read the same path from BOX_CONFIG_FILE', () => {
  const config = { boxAppSettings: { clientID: 'c', clientSecret: 's' }, enterpriseID: '1' };

  it.each<[string, (path: string) => string]>([
    ['unchanged', (path) => path],
    ['with a newline after it', (path) => `${path}\n`],
    ['with a Windows line end after it', (path) => `${path}\r\n`],
    ['with spaces around it', (path) => `  ${path} `],
    ['in quotes', (path) => `"${path}"`],
    ['in quotes with a newline after it', (path) => `'${path}'\n`],
    ['in quotes with a newline inside', (path) => `"${path}\n"`],
  ])('%s', async (_, changed) => {
    const file = join(newFolder(), 'config.json');
    writeFileSync(file, JSON.stringify(config));
    const env = { BOX_CONFIG_FILE: changed(file) };
    expect(parseCredentials(boxCredentialsIn(env), boxVariableNames).subject.id).toBe('1');
    const { exitCode, text } = await run(['doctor', '--offline'], { env });
    expect(text).toContain(`${file} (named by BOX_CONFIG_FILE)`);
    expect(exitCode).toBe(0);
  });

  it('from a .env file, parsed like ConfigModule does', async () => {
    const cwd = newFolder();
    const quoted = JSON.stringify(JSON.stringify(config));
    writeFileSync(
      join(cwd, '.env'),
      `\uFEFFBOX_CONFIG=${quoted}\r\nBOX_API_URL: "http://[::1]:9"\n`,
    );
    const { text, exitCode } = await run(['doctor', '--offline', '--dotenv', '.env'], { cwd });
    expect(text).toContain('BOX_CONFIG, for Box at http://[::1]:9.');
    expect(exitCode).toBe(0);
  });

  it.each(['', ' \n', '""', "' '"])('and treat %j as unset', async (value) => {
    const env = { BOX_CONFIG_FILE: value };
    const { code } = await thrownBy(() => boxCredentialsIn(env));
    const { text } = await run(['doctor', '--offline'], { env });
    expect(code).toBe('config_missing');
    expect(text).toContain('Code: config_missing');
    expect(text).toContain('Pass the path of the file (nestjs-box-auth doctor config.json');
  });
});
