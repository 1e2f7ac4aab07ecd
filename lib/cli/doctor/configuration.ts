import { BoxAuth } from '../../box/box-auth.js';
import type { BoxCredentials } from '../../box/credentials/box-credentials.js';
import { decodeConfig } from '../../box/credentials/config-decoding.js';
import { FieldNames } from '../../core/credentials/credentials-errors.js';
import { boxApiUrlIn, boxVariableNames, boxCredentialsIn } from '../../box/box.environment.js';
import { BoxAuthError } from '../../core/errors/box-auth.error.js';
import { readVariable } from '../../core/app/environment-variables.js';
import type { CliContext, Variables } from '../cli-context.js';
import { PASSPHRASE_VARIABLE, passphraseIn, unreadVariables, variablesOf } from '../variables.js';
import { readConfigFileOnce } from './config-file.js';
import type { DoctorFacts } from './doctor-report.js';
import type { StepOutcome } from './doctor-step.js';

/** What the doctor is asked to look at. */
export interface DoctorRequest {
  /** The path of `config.json`; undefined for the environment. */
  readonly configFile: string | undefined;
  /** A user to act for. */
  readonly asUser: string | undefined;
  readonly offline: boolean;
  readonly apiUrl: string | undefined;
  /** The name of the variable that the passphrase is in. */
  readonly passphraseEnv: string | undefined;
  /** A `.env` file to read under the environment. */
  readonly dotenv: string | undefined;
}

/** The credentials as the module would have them, not looked into yet. */
export interface Configuration {
  readonly credentials: BoxCredentials;
  /** `config.json`, if that is what they are: parsed, not checked. */
  readonly config: unknown;
  /** What errors call them: the path, where they came from a file. */
  readonly place: FieldNames;
  /** The app itself: it reads the credentials when its first token is asked for. */
  readonly box: BoxAuth;
}

/** Any of these is a beginning. */
const SOURCES = [
  'BOX_CONFIG_FILE',
  'BOX_CONFIG',
  'BOX_CLIENT_ID',
  'BOX_CLIENT_SECRET',
  'BOX_ENTERPRISE_ID',
  'BOX_USER_ID',
  'BOX_PUBLIC_KEY_ID',
  'BOX_PRIVATE_KEY',
  'BOX_APP_TOKEN',
];

type Facts = Partial<DoctorFacts['configuration']>;

/**
 * Finds the credentials: the argument, else the environment.
 *
 * @throws BoxAuthError `config_missing`, `config_unreadable`, `config_invalid` (what is no JSON), `option_invalid`
 */
export async function findConfiguration(
  request: DoctorRequest,
  context: CliContext,
): Promise<StepOutcome<'configuration', Configuration>> {
  const variables = configured(request, context);
  const { credentials: given, source } = credentialsOf(request, variables, context);
  const { credentials, ...origin } = await withoutFile(given, source, context);
  const { file } = origin;
  const place = file === undefined ? boxVariableNames : placeInFile(file, request);
  const config =
    'config' in credentials ? decodeConfig(credentials.config, place.field('config')) : undefined;
  const box = boxOf(request, variables, credentials, context);
  const facts: Facts = {
    source,
    ...(file === undefined ? variablesFor(source, variables) : origin),
    apiUrl: box.apiUrl,
  };
  return {
    summary: summaryOf(facts),
    facts,
    ...(facts.readableByOthers === true ? { status: 'warning' } : {}),
    value: { credentials, config, place, box },
  };
}

function configured({ dotenv, passphraseEnv }: DoctorRequest, context: CliContext): Variables {
  const variables = variablesOf(context, dotenv);
  return passphraseEnv === undefined
    ? variables
    : { ...variables, [PASSPHRASE_VARIABLE]: passphraseIn(variables, passphraseEnv) };
}

function credentialsOf(
  { configFile, dotenv }: DoctorRequest,
  variables: Variables,
  context: CliContext,
): { credentials: BoxCredentials; source: DoctorFacts['configuration']['source'] } {
  if (configFile !== undefined) {
    const passphrase = readVariable(variables, PASSPHRASE_VARIABLE);
    return { credentials: { configFile, passphrase }, source: 'argument' };
  }
  const credentials = credentialsHere(variables, dotenv === undefined ? context : undefined);
  if ('configFile' in credentials) return { credentials, source: 'BOX_CONFIG_FILE' };
  return { credentials, source: 'config' in credentials ? 'BOX_CONFIG' : 'variables' };
}

/** Those of the environment. Where it has none, somebody may have put them into a file that nobody has loaded. */
function credentialsHere(variables: Variables, context: CliContext | undefined): BoxCredentials {
  try {
    return boxCredentialsIn(variables);
  } catch (error) {
    if (
      !(error instanceof BoxAuthError) ||
      SOURCES.some((name) => readVariable(variables, name) !== undefined)
    ) {
      throw error;
    }
    const unread = context === undefined ? [] : unreadVariables(context);
    const file =
      unread.length === 0
        ? ''
        : ` The file .env here has ${unread.join(', ')}: an app reads it if it imports ConfigModule.forRoot(), and so does this command with --dotenv .env.`;
    throw hinted(
      error,
      `Name the file: nestjs-box-auth doctor config.json; or set BOX_CONFIG_FILE to its path.${file}`,
    );
  }
}

/** Of a file all has the name of its path, but for the passphrase that is not in it. */
function placeInFile(file: string, { passphraseEnv }: DoctorRequest): FieldNames {
  const passphrase =
    passphraseEnv === undefined ? PASSPHRASE_VARIABLE : 'the variable of --passphrase-env';
  return new FieldNames(file, undefined, (field) => (field === 'passphrase' ? passphrase : file));
}

/** The text in the place of the file: it is read this once, as it may be a pipe. */
async function withoutFile(
  credentials: BoxCredentials,
  source: DoctorFacts['configuration']['source'],
  { runtime, cwd }: CliContext,
): Promise<Pick<Facts, 'file' | 'readableByOthers'> & { readonly credentials: BoxCredentials }> {
  if (!('configFile' in credentials)) return { credentials };
  const { configFile, passphrase } = credentials;
  const setting = source === 'BOX_CONFIG_FILE' ? source : undefined;
  const read = await readConfigFileOnce(configFile, runtime, { setting, cwd });
  const { file, text, readableByOthers } = read;
  return {
    credentials: { config: text, passphrase },
    file,
    ...(readableByOthers === undefined ? {} : { readableByOthers }),
  };
}

function boxOf(
  { apiUrl: given }: DoctorRequest,
  variables: Variables,
  credentials: BoxCredentials,
  { fetch, runtime }: CliContext,
): BoxAuth {
  try {
    const apiUrl = given ?? boxApiUrlIn(variables);
    return new BoxAuth({
      // A function: that a key does not open is for a later step to find.
      credentials: () => credentials,
      apiUrl,
      fetch,
      runtime,
      // Whoever asks for a diagnosis wants to know of the first failure.
      tokenEndpoint: { attempts: 1 },
    });
  } catch (error) {
    if (!(error instanceof BoxAuthError)) throw error;
    throw hinted(error, `Mend ${given === undefined ? 'BOX_API_URL' : '--api-url'}.`);
  }
}

function variablesFor(source: DoctorFacts['configuration']['source'], variables: Variables): Facts {
  if (source === 'BOX_CONFIG') return { variables: ['BOX_CONFIG'] };
  return { variables: SOURCES.filter((name) => readVariable(variables, name) !== undefined) };
}

function summaryOf({ source, file, variables = [], readableByOthers, apiUrl }: Facts): string {
  const where = file ?? variables.join(', ');
  const by = source === 'BOX_CONFIG_FILE' ? ' (named by BOX_CONFIG_FILE)' : '';
  const warning =
    readableByOthers === true ? ' Others on this machine may read it: chmod 600.' : '';
  return `${where}${by}, for Box at ${apiUrl}.${warning}`;
}

function hinted(error: BoxAuthError, hint: string): BoxAuthError {
  const { code, message, docs, retryable } = error;
  return new BoxAuthError({ code, message, hint, docs, retryable });
}
