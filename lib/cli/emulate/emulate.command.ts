import { basename, dirname, resolve } from 'node:path';
import { readConfigFile } from '../../box/credentials/config-json.js';
import type { BoxConfigJson } from '../../testing/box/emulated-app.js';
import { BoxEmulator } from '../../testing/box/box-emulator.js';
import { readVariable } from '../../core/app/environment-variables.js';
import { openBoxKey } from '../rsa-key.js';
import { type CliContext, type ExitCode, CliError } from '../cli-context.js';
import { pathsOfNewFiles, writeNewFiles } from '../new-files.js';
import { PASSPHRASE_VARIABLE } from '../variables.js';

export interface EmulateRequest {
  /** 0 for a free one. */
  readonly port: number;
  /** A `config.json` whose app is emulated. */
  readonly config: string | undefined;
  readonly writeConfig: string | undefined;
  readonly tokenLifetimeS: number;
}

/** Hands out tokens of the service account without credentials, for who has nothing but curl. Box has no such thing. */
const TOKEN_PATH = '/emulator/token';

/** Runs the emulator until it is interrupted. */
export async function emulate(request: EmulateRequest, context: CliContext): Promise<ExitCode> {
  const { cwd, stdout } = context;
  const written = newFileIn(cwd, request.writeConfig);
  const given = request.config === undefined ? undefined : resolve(cwd, request.config);
  const config =
    request.config === undefined ? {} : { config: emulatedConfig(request.config, context) };
  const { port, tokenLifetimeS } = request;
  const interrupted = context.interrupted();
  const emulator = await started({ port, tokenLifetimeS, ...config });
  try {
    emulator.route('GET', TOKEN_PATH, async (_request, response) => {
      response.setHeader('cache-control', 'no-store');
      response.end(`${await ownToken(emulator, context)}\n`);
    });
    if (written !== undefined) {
      const content = `${JSON.stringify(emulator.config, undefined, 2)}\n`;
      writeNewFiles([{ path: written, content, isSecret: true }]);
    }
    stdout.write(welcome(emulator.url, written ?? given));
    await interrupted;
  } finally {
    await emulator.stop();
  }
  stdout.write('Stopped.\n');
  return 0;
}

function welcome(url: string, configFile: string | undefined): string {
  const use =
    configFile === undefined
      ? `For an app, let it write the credentials that it wants: emulate --write-config emulated.json`
      : `For an app:
  export BOX_CONFIG_FILE=${configFile} BOX_API_URL=${url}
  npx nestjs-box-auth doctor --as-user 11111`;
  return `Box is emulated at ${url}, with Alice (11111) and Bob (22222).

${use}

By hand:
  TOKEN=$(curl -s ${url}${TOKEN_PATH})
  curl -H "authorization: Bearer $TOKEN" ${url}/2.0/users/me
  curl -H "authorization: Bearer $TOKEN" -H 'as-user: 11111' ${url}/2.0/folders/0/items

Ctrl-C stops it.
`;
}

function newFileIn(cwd: string, file: string | undefined): string | undefined {
  if (file === undefined) return undefined;
  const path = resolve(cwd, file);
  const hint = `Nothing was written. To run on what is in it: emulate --config ${file}. Or name another place.`;
  return pathsOfNewFiles(dirname(path), [basename(path)], hint)[0];
}

/** The whole of a `config.json`, as the emulator needs it. */
function emulatedConfig(path: string, { env, cwd }: CliContext): BoxConfigJson {
  const { boxAppSettings, enterpriseID } = readConfigFile(path, { cwd });
  const file = resolve(cwd, path);
  const { appAuth, ...client } = boxAppSettings;
  if (appAuth === undefined || enterpriseID === undefined) {
    throw new CliError(
      `${file} has no ${appAuth === undefined ? 'key pair' : 'enterpriseID'}, and the emulator needs one.`,
      'Leave --config out, and it makes up an app that has everything.',
    );
  }
  const apart = readVariable(env, PASSPHRASE_VARIABLE);
  const passphrase = apart ?? appAuth.passphrase;
  const { key } = openBoxKey(appAuth.privateKey, passphrase, {
    key: `${file}: privateKey`,
    passphrase: apart === undefined ? file : PASSPHRASE_VARIABLE,
  });
  const privateKey = key.export({ type: 'pkcs8', format: 'pem' }).toString();
  return {
    boxAppSettings: { ...client, appAuth: { ...appAuth, privateKey, passphrase: '' } },
    enterpriseID,
  };
}

async function started(options: Parameters<typeof BoxEmulator.start>[0]): Promise<BoxEmulator> {
  try {
    return await BoxEmulator.start(options);
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code !== 'EADDRINUSE' && code !== 'EACCES') throw error;
    throw new CliError(
      `Port ${options?.port} ${code === 'EACCES' ? 'may not be used by you' : 'is taken'}.`,
      'Choose another one, or leave --port out for a free one.',
    );
  }
}

async function ownToken(emulator: BoxEmulator, { fetch }: CliContext): Promise<string> {
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
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the emulator's own answer
  const { access_token: token } = (await response.json()) as { access_token: string };
  return token;
}
