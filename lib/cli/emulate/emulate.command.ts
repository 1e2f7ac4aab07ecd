import { basename, dirname, resolve } from 'node:path';
import { readConfigFile } from '../../box/credentials/config-json.js';
import type { EmulatedConfig } from '../../testing/box/emulated-app.js';
import type { EmulatedEnterprise } from '../../testing/box/enterprise/emulated-enterprises.js';
import type { EmulatedUser } from '../../testing/box/enterprise/emulated-users.js';
import { BoxEmulator } from '../../testing/box/box-emulator.js';
import type { EmulatedOAuthApp } from '../../testing/box/oauth/oauth-client.js';
import type { EmulatedWebhookKeys } from '../../testing/box/webhooks/webhook-sender.js';
import { parseJsonObject } from '../../testing/http/http-response.js';
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
  /** The ids of enterprises besides the one in `config`. */
  readonly enterprise: readonly string[];
  /** The redirect URIs of the OAuth app; without one, the default of the emulator. */
  readonly redirectUri: readonly string[];
}

/** Returns tokens of a service account without credentials, for calls with curl. Box has no such resource. */
const TOKEN_PATH = '/emulator/token';

/** Runs the emulator until it is interrupted. */
export async function emulate(request: EmulateRequest, context: CliContext): Promise<ExitCode> {
  const { cwd, stdout } = context;
  const newConfigPath = newFilePath(request, context);
  const givenConfigPath = request.config === undefined ? undefined : resolve(cwd, request.config);
  const config =
    request.config === undefined ? {} : { config: emulatedConfig(request.config, context) };
  const { port, tokenLifetimeS } = request;
  const ownEnterpriseId = config.config?.enterpriseID;
  if (ownEnterpriseId !== undefined && request.enterprise.includes(ownEnterpriseId)) {
    throw new CliError(
      `Enterprise ${ownEnterpriseId} is the one in ${request.config}.`,
      'Omit it: --enterprise adds other enterprises.',
    );
  }
  const enterprises = request.enterprise.map(withSampleUser);
  const { redirectUri: redirectUris } = request;
  const interrupted = context.interrupted();
  const emulator = await startEmulator({
    port,
    tokenLifetimeS,
    enterprises,
    ...(redirectUris.length > 0 && { redirectUris }),
    ...config,
  });
  try {
    emulator.route('GET', TOKEN_PATH, async ({ url = '' }, response) => {
      const { searchParams } = new URL(url, emulator.url);
      const enterpriseId = searchParams.get('enterprise') ?? emulator.config.enterpriseID;
      const { status, text } = await requestToken(enterpriseId, emulator, context);
      response.writeHead(status, { 'cache-control': 'no-store' }).end(`${text}\n`);
    });
    addControls(emulator);
    if (newConfigPath !== undefined) {
      const content = `${JSON.stringify(emulator.config, undefined, 2)}\n`;
      writeNewFiles([{ path: newConfigPath, content, isSecret: true }]);
    }
    stdout.write(instructions(emulator, newConfigPath ?? givenConfigPath, enterprises));
    await interrupted;
  } finally {
    await emulator.stop();
  }
  stdout.write('Stopped.\n');
  return 0;
}

/** No two users may have the same id, so the ids go on after those of Alice and Bob. */
function withSampleUser(id: string, index: number): EnterpriseWithUser {
  const userId = String((index + 3) * 11_111);
  const user = { id: userId, name: `User ${userId}`, login: `user${userId}@example.com` };
  return { id, users: [user] };
}

interface EnterpriseWithUser extends EmulatedEnterprise {
  readonly users: readonly [EmulatedUser];
}

function instructions(
  { oauthApp, url, webhooks }: BoxEmulator,
  configFile: string | undefined,
  enterprises: readonly EnterpriseWithUser[],
): string {
  const appUsage =
    configFile === undefined
      ? `For an app, write its credentials to a file: emulate --write-config emulated.json`
      : `For an app:
  export BOX_CONFIG_FILE=${configFile} BOX_API_URL=${url}
  npx nestjs-box-auth doctor --as-user 11111`;
  const others = enterprises
    .map(({ id, users: [user] }) => `Enterprise ${id} has the user ${user.id}.\n`)
    .join('');
  return `The Box emulator listens at ${url}. Its users are Alice (11111) and Bob (22222).
${others}
${appUsage}

For people who connect their own accounts (OAuth 2.0):
${oauthUsage(oauthApp)}

For an app that receives webhooks:
${webhookUsage(webhooks.keys)}

With curl:
  TOKEN=$(curl -s ${url}${TOKEN_PATH})
  curl -H "authorization: Bearer $TOKEN" ${url}/2.0/users/me
  curl -H "authorization: Bearer $TOKEN" -H 'as-user: 11111' ${url}/2.0/folders/0/items

To see your app survive a 429 on three token requests, revoked tokens, or a wrong clock:
  curl --json '{"target":"token","fault":{"kind":"rate-limit","retryAfter":2},"times":3}' ${url}/emulator/fail
  curl --json '{}' ${url}/emulator/revoke
  curl --json '{"skewMs":300000}' ${url}/emulator/clock

To see what it does while calls fail: after a user has removed it, or in an outage of the API until it heals:
  curl --json '{"user":"11111"}' ${url}/emulator/disconnect
  curl --json '{"target":"api","fault":{"kind":"unavailable"}}' ${url}/emulator/fail
  curl --json '{}' ${url}/emulator/heal
${enterpriseControls(url, enterprises)}
Press Ctrl-C to stop.
`;
}

/** The credentials work at this emulator only, so they may be printed. */
function oauthUsage({
  authorizeUrl,
  clientId,
  clientSecret,
  redirectUri,
}: EmulatedOAuthApp): string {
  const query = new URLSearchParams({
    response_type: 'code',
    client_id: clientId,
    redirect_uri: redirectUri,
  });
  return `  export BOX_OAUTH_CLIENT_ID=${clientId} BOX_OAUTH_CLIENT_SECRET=${clientSecret}
  export BOX_OAUTH_REDIRECT_URI='${redirectUri}'
  ${authorizeUrl}?${query.toString()}`;
}

function webhookUsage({ primaryKey, secondaryKey }: EmulatedWebhookKeys): string {
  return `  export BOX_WEBHOOK_PRIMARY_KEY=${primaryKey} BOX_WEBHOOK_SECONDARY_KEY=${secondaryKey}`;
}

function enterpriseControls(url: string, [first]: readonly EnterpriseWithUser[]): string {
  if (!first) return '';
  return `
To see an enterprise remove your app, and authorize it again:
  curl --json '{"enterprise":"${first.id}"}' ${url}/emulator/deauthorize
  curl --json '{"enterprise":"${first.id}"}' ${url}/emulator/authorize
  curl '${url}${TOKEN_PATH}?enterprise=${first.id}'
`;
}

function newFilePath(
  { writeConfig: file, port }: EmulateRequest,
  { cwd }: CliContext,
): string | undefined {
  if (file === undefined) return undefined;
  const path = resolve(cwd, file);
  const samePort = port === 0 ? '' : ` --port ${port}`;
  const hint = `Run with the existing file: emulate${samePort} --config ${file}. Or choose another path. Nothing was written.`;
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

/** Returns an access token, or the error response of the emulator. */
async function requestToken(
  enterpriseId: string,
  emulator: BoxEmulator,
  { fetch }: CliContext,
): Promise<{ status: number; text: string }> {
  const { boxAppSettings } = emulator.config;
  const response = await fetch(`${emulator.url}/oauth2/token`, {
    method: 'POST',
    body: new URLSearchParams({
      grant_type: 'client_credentials',
      client_id: boxAppSettings.clientID,
      client_secret: boxAppSettings.clientSecret,
      box_subject_type: 'enterprise',
      box_subject_id: enterpriseId,
    }),
  });
  const text = await response.text();
  const token = parseJsonObject(text)?.access_token;
  return { status: response.status, text: typeof token === 'string' ? token : text };
}
