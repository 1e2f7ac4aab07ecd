import { basename, dirname, resolve } from 'node:path';
import { readConfigFile } from '../../box/credentials/config-json.js';
import type { EmulatedConfig } from '../../testing/box/emulated-app.js';
import { BoxEmulator } from '../../testing/box/box-emulator.js';
import { readVariable } from '../../core/app/environment-variables.js';
import { parseBoxKey } from '../rsa-key.js';
import { type CliContext, CliError, type ExitCode } from '../cli-context.js';
import { pathsOfNewFiles, writeNewFiles } from '../new-files.js';
import { PASSPHRASE_VARIABLE } from '../variables.js';
import { addControls } from './emulator-control.js';

export interface EmulateRequest {
  /** 0 for a free port. */
  readonly port: number;
  /** The path of the `config.json` of the app to emulate. */
  readonly config: string | undefined;
  readonly writeConfig: string | undefined;
  readonly tokenLifetimeS: number;
}

/** Returns tokens of the service account without credentials, for calls with curl. Box has no such resource. */
const TOKEN_PATH = '/emulator/token';

/** Runs the emulator until it is interrupted. */
export async function emulate(request: EmulateRequest, context: CliContext): Promise<ExitCode> {
  const { cwd, stdout } = context;
  const newConfigPath = newFilePath(cwd, request.writeConfig);
  const givenConfigPath = request.config === undefined ? undefined : resolve(cwd, request.config);
  const config =
    request.config === undefined ? {} : { config: emulatedConfig(request.config, context) };
  const { port, tokenLifetimeS } = request;
  const interrupted = context.interrupted();
  const emulator = await startEmulator({ port, tokenLifetimeS, ...config });
  try {
    emulator.route('GET', TOKEN_PATH, async (_request, response) => {
      response.setHeader('cache-control', 'no-store');
      response.end(`${await requestToken(emulator, context)}\n`);
    });
    addControls(emulator);
    if (newConfigPath !== undefined) {
      const content = `${JSON.stringify(emulator.config, undefined, 2)}\n`;
      writeNewFiles([{ path: newConfigPath, content, isSecret: true }]);
    }
    stdout.write(instructions(emulator.url, newConfigPath ?? givenConfigPath));
    await interrupted;
  } finally {
    await emulator.stop();
  }
  stdout.write('Stopped.\n');
  return 0;
}

function instructions(url: string, configFile: string | undefined): string {
  const appUsage =
    configFile === undefined
      ? `For an app, write its credentials to a file: emulate --write-config emulated.json`
      : `For an app:
  export BOX_CONFIG_FILE=${configFile} BOX_API_URL=${url}
  npx nestjs-box-auth doctor --as-user 11111`;
  return `The Box emulator listens at ${url}. Its users are Alice (11111) and Bob (22222).

${appUsage}

With curl:
  TOKEN=$(curl -s ${url}${TOKEN_PATH})
  curl -H "authorization: Bearer $TOKEN" ${url}/2.0/users/me
  curl -H "authorization: Bearer $TOKEN" -H 'as-user: 11111' ${url}/2.0/folders/0/items

To see your app survive an outage of Box, a 429, revoked tokens or a wrong clock:
  curl --json '{"target":"api","fault":{"kind":"unavailable"}}' ${url}/emulator/fail
  curl --json '{"target":"token","fault":{"kind":"rate-limit","retryAfter":2},"times":3}' ${url}/emulator/fail
  curl --json '{}' ${url}/emulator/heal
  curl --json '{}' ${url}/emulator/revoke
  curl --json '{"skewMs":300000}' ${url}/emulator/clock

Press Ctrl-C to stop.
`;
}

function newFilePath(cwd: string, file: string | undefined): string | undefined {
  if (file === undefined) return undefined;
  const path = resolve(cwd, file);
  const hint = `Run with the existing file: emulate --config ${file}. Or choose another path. Nothing was written.`;
  return pathsOfNewFiles(dirname(path), [basename(path)], hint)[0];
}

/** Reads a complete `config.json` and decrypts its key for the emulator. */
function emulatedConfig(path: string, { env, cwd }: CliContext): EmulatedConfig {
  const { boxAppSettings, enterpriseID } = readConfigFile(path, { cwd });
  const file = resolve(cwd, path);
  const { appAuth, ...client } = boxAppSettings;
  if (appAuth === undefined || enterpriseID === undefined) {
    throw new CliError(
      `${file} has no ${appAuth === undefined ? 'key pair' : 'enterpriseID'}, which the emulator requires.`,
      'Omit --config: the emulator then generates a complete app.',
    );
  }
  const variable = readVariable(env, PASSPHRASE_VARIABLE);
  const passphrase = variable ?? appAuth.passphrase;
  const { key } = parseBoxKey(appAuth.privateKey, passphrase, {
    key: `${file}: privateKey`,
    passphrase: variable === undefined ? file : PASSPHRASE_VARIABLE,
  });
  const privateKey = key.export({ type: 'pkcs8', format: 'pem' }).toString();
  return {
    boxAppSettings: { ...client, appAuth: { ...appAuth, privateKey, passphrase: '' } },
    enterpriseID,
  };
}

async function startEmulator(
  options: Parameters<typeof BoxEmulator.start>[0],
): Promise<BoxEmulator> {
  try {
    return await BoxEmulator.start(options);
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code !== 'EADDRINUSE' && code !== 'EACCES') throw error;
    throw new CliError(
      `Port ${options?.port} ${code === 'EACCES' ? 'needs more permissions than you have' : 'is in use'}.`,
      'Choose another port, or omit --port to use a free one.',
    );
  }
}

async function requestToken(emulator: BoxEmulator, { fetch }: CliContext): Promise<string> {
  const { boxAppSettings, enterpriseID } = emulator.config;
  const response = await fetch(`${emulator.url}/oauth2/token`, {
    method: 'POST',
    body: new URLSearchParams({
      grant_type: 'client_credentials',
      client_id: boxAppSettings.clientID,
      client_secret: boxAppSettings.clientSecret,
      box_subject_type: 'enterprise',
      box_subject_id: enterpriseID,
    }),
  });
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the emulator's own response
  const { access_token: token } = (await response.json()) as { access_token: string };
  return token;
}
