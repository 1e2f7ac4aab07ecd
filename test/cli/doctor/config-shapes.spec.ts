import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { boxVariableNames, boxCredentialsIn } from '../../../lib/box/box.environment.js';
import type { ParsedBoxCredentials } from '../../../lib/box/credentials/box-credentials.js';
import { parseCredentials } from '../../../lib/box/credentials/parse-credentials.js';
import type { BoxAuthError } from '../../../lib/core/errors/box-auth.error.js';
import type { DoctorReport } from '../../../lib/cli/doctor/doctor-report.js';
import { makeKeys, PASSPHRASE } from '../../support/keys.js';
import { newFolder, run } from '../cli-fixture.js';

const keys = makeKeys();
const privateKey = keys.forms['PKCS#8 PBES2 AES'];
const SECRET = 'hunter2hunter2hunter2hunter2hunt';

const appAuth = { publicKeyID: 'abcd1234', privateKey, passphrase: PASSPHRASE };
const settings = { clientID: 'client', clientSecret: SECRET, appAuth };
const config = { boxAppSettings: settings, enterpriseID: '1234567' };
const json = JSON.stringify(config);
const pretty = JSON.stringify(config, undefined, 2);
const base64 = (content: string | Buffer) => Buffer.from(content).toString('base64');
const bigEndian = (text: string) => Buffer.from(text, 'utf16le').swap16();
const envelope = (secret: object) =>
  JSON.stringify({ ARN: 'arn:aws:secretsmanager:eu-west-1:1:secret:box', Name: 'box', ...secret });

/** Parses credentials like the module: returns the subject or the error. */
type Verdict = { readonly subject: string } | { readonly code: string; readonly hint: string };

function verdictOf(parse: () => ParsedBoxCredentials): Verdict {
  try {
    const { subject } = parse();
    return { subject: `${subject.type} ${subject.id}` };
  } catch (error) {
    const { code, hint } = error as BoxAuthError;
    return { code, hint };
  }
}

async function doctorOn(args: string[], env: Record<string, string> = {}): Promise<Verdict> {
  const { stdout } = await run(['doctor', '--json', '--offline', ...args], { env });
  expect(stdout).not.toContain(SECRET);
  const { steps } = JSON.parse(stdout) as DoctorReport;
  const problem = steps.find((step) => step.problem !== undefined)?.problem;
  if (problem !== undefined) return { code: problem.code, hint: problem.hint };
  const facts = steps.find((step) => step.step === 'fields')?.facts;
  return { subject: `${facts?.subjectType} ${facts?.subjectId}` };
}

/** Reads `content` with the module and the doctor, in every way that a config.json can be passed. */
async function verdictOn(content: string | Buffer): Promise<{ verdict: Verdict; message: string }> {
  const file = join(newFolder(), 'config.json');
  writeFileSync(file, content);
  const parsing = (env: Record<string, string>) => () =>
    parseCredentials(boxCredentialsIn(env), boxVariableNames);
  const verdict = verdictOf(() => parseCredentials({ configFile: file }));
  expect(verdictOf(() => parseCredentials({ config: content }))).toEqual(verdict);
  expect(verdictOf(parsing({ BOX_CONFIG_FILE: file }))).toEqual(verdict);
  expect(await doctorOn([file])).toEqual(verdict);
  expect(await doctorOn([], { BOX_CONFIG_FILE: file })).toEqual(verdict);
  // A variable cannot hold bytes, and an empty one counts as unset.
  if (typeof content === 'string' && content !== '' && !content.includes('\0')) {
    expect(verdictOf(parsing({ BOX_CONFIG: content }))).toEqual(verdict);
    expect(await doctorOn([], { BOX_CONFIG: content })).toEqual(verdict);
  }
  return { verdict, message: messageOf(content) };
}

function messageOf(content: string | Buffer): string {
  try {
    parseCredentials({ config: content });
    return '';
  } catch (error) {
    expect(JSON.stringify(error)).not.toContain(SECRET);
    return (error as BoxAuthError).message;
  }
}

describe('The module and the doctor read a config.json', () => {
  it.each<[string, string | Buffer]>([
    ['unchanged', json],
    ['as UTF-8 with a byte order mark', `\uFEFF${pretty}`],
    ['as UTF-16 with a byte order mark', Buffer.from(`\uFEFF${pretty}`, 'utf16le')],
    ['as UTF-16, big-endian, with a byte order mark', bigEndian(`\uFEFF${pretty}`)],
    ['as UTF-16 without a byte order mark', Buffer.from(pretty, 'utf16le')],
    ['as UTF-16, big-endian, without a byte order mark', bigEndian(pretty)],
    ['in base64', base64(json)],
    ['in base64 in a file of UTF-16', Buffer.from(`\uFEFF${base64(json)}\r\n`, 'utf16le')],
    ['in base64 twice', base64(base64(json))],
    ['in base64 with a byte order mark inside', base64(`\uFEFF${json}`)],
    ['in base64 of UTF-16, as PowerShell makes it', base64(Buffer.from(json, 'utf16le'))],
    ['in base64url', Buffer.from(json).toString('base64url')],
    ['in a JSON string', JSON.stringify(json)],
    ['in a JSON string in a JSON string', JSON.stringify(JSON.stringify(json))],
    ['in a JSON string without its quotes', JSON.stringify(pretty).slice(1, -1)],
    ['in base64 of a JSON string', base64(JSON.stringify(json))],
    ['in a JSON string of base64', JSON.stringify(base64(json))],
    ['with raw newlines in its strings', json.replaceAll('\\n', '\n')],
    ['with raw Windows newlines in its strings', json.replaceAll('\\n', '\r\n')],
    ['with escaped newlines between its fields', pretty.replaceAll('\n', '\\n')],
    ['from Secrets Manager', envelope({ SecretString: json })],
    ['from Secrets Manager, pretty', envelope({ SecretString: pretty })],
    ['from Secrets Manager, in base64', envelope({ SecretString: base64(json) })],
    ['from Secrets Manager, as binary', envelope({ SecretBinary: base64(json) })],
    [
      'with enterpriseID inside boxAppSettings',
      JSON.stringify({ boxAppSettings: { ...settings, enterpriseID: '1234567' } }),
    ],
    [
      'with an enterpriseID on either side: the outer one',
      JSON.stringify({ ...config, boxAppSettings: { ...settings, enterpriseID: '7654321' } }),
    ],
  ])('%s', async (_, content) => {
    expect((await verdictOn(content)).verdict).toEqual({ subject: 'enterprise 1234567' });
  });
});

describe('The module reads a config.json object', () => {
  it.each<[string, object]>([
    ['unchanged', config],
    ['from Secrets Manager', { ARN: 'arn', SecretString: json }],
    ['from Secrets Manager, as binary', { ARN: 'arn', SecretBinary: Buffer.from(json) }],
    ['with the id inside', { boxAppSettings: { ...settings, enterpriseID: '1234567' } }],
    ['as bytes', Buffer.from(json)],
  ])('%s', (_, input) => {
    expect(verdictOf(() => parseCredentials({ config: input }))).toEqual({
      subject: 'enterprise 1234567',
    });
  });
});

const { boxAppSettings: _, ...rest } = config;
const v3 = { clientID: 'client', clientSecret: SECRET, appAuth: { keyID: 'abcd1234', privateKey } };
const snake = {
  box_app_settings: { client_id: 'client', client_secret: SECRET },
  enterprise_id: '1234567',
};
const flat = { clientId: 'client', clientSecret: SECRET, jwtKeyId: 'abcd1234', privateKey };
const boxcli = {
  default: 'prod',
  environments: {
    prod: { clientId: 'client', enterpriseId: '1234567', boxConfigFilePath: '/home/me/box.json' },
  },
};

describe('The module and the doctor explain how to fix an invalid config.json', () => {
  it.each<[string, string | Buffer, message: string, hint: string]>([
    ['the options of box-node-sdk 3', JSON.stringify(v3), 'box-node-sdk 3', 'rename keyID'],
    ['snake_case', JSON.stringify(snake), 'snake_case', 'boxAppSettings, clientID'],
    ['flat snake_case', JSON.stringify(snake.box_app_settings), 'snake_case', 'clientID'],
    ['flat credentials', JSON.stringify(flat), 'a flat object', 'not as config'],
    ['a list', JSON.stringify([config]), 'is a list', 'Use the object in the list'],
    [
      'a list in base64',
      base64(JSON.stringify([config])),
      'is a list',
      'Use the object in the list',
    ],
    ['the file of boxcli', JSON.stringify(boxcli), "boxcli's list", 'boxConfigFilePath'],
    ['a private key', privateKey, 'is a key in PEM', 'BOX_PRIVATE_KEY'],
    ['a private key in base64', base64(privateKey), 'is a key in PEM', 'BOX_PRIVATE_KEY'],
    [
      'UTF-16 that was read as UTF-8',
      Buffer.from(`\uFEFF${json}`, 'utf16le').toString('utf8'),
      'UTF-16 that was read as UTF-8',
      'configFile',
    ],
    ['JSON without quotes', json.replaceAll('"', ''), 'without its double quotes', 'single quotes'],
    ['the first line', '{', 'it ends too soon', 'whole of config.json'],
    ['half of it', json.slice(0, 400), 'it ends too soon', 'In a .env file'],
    ['JSON with a name before it', `BOX_CONFIG=${json}`, 'it is not JSON', 'unchanged'],
    ['something else', '<html>', 'it is not JSON', 'unchanged'],
    ['nothing', '', 'it is empty', 'unchanged'],
    ['a token', 'T9cE5asGnuyYCCqIZFoWjFHvNbvVqHjl', 'it is not JSON', 'unchanged'],
    ['no settings', JSON.stringify(rest), 'boxAppSettings: expected', 'Download config.json again'],
    ['null', '[null][0]', 'it is not JSON', 'unchanged'],
  ])('%s', async (_name, content, message, hint) => {
    const found = await verdictOn(content);
    expect(found.message).toContain(message);
    expect(found.verdict).toMatchObject({
      code: 'config_invalid',
      hint: expect.stringContaining(hint),
    });
    const isCut = message === 'it ends too soon';
    expect(/cut|too soon|missing/.test(`${found.message} ${JSON.stringify(found.verdict)}`)).toBe(
      isCut,
    );
  });

  it('rejects a list that is not text', () => {
    expect(() => parseCredentials({ config: [config] })).toThrow('is a list, not config.json');
  });

  it.each<[string, object, message: string]>([
    ['the options of box-node-sdk 3', v3, 'box-node-sdk 3'],
    ['snake_case', snake.box_app_settings, 'snake_case'],
    ['the file of boxcli', boxcli, "boxcli's list"],
    ['config.json', config, 'pass it as { config: … }'],
    ['a secret of AWS', { ARN: 'arn', SecretString: json }, 'pass it as { config: … }'],
  ])('rejects credentials that are %s', (_name, credentials, message) => {
    expect(() => parseCredentials(credentials)).toThrow(message);
  });
});
