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

/** The options of the doctor. */
export interface DoctorRequest {
  /** The path of `config.json`; undefined for the environment. */
  readonly configFile: string | undefined;
  /** The id of a user to act for. */
  readonly asUser: string | undefined;
  readonly offline: boolean;
  readonly apiUrl: string | undefined;
  /** The name of the variable with the passphrase. */
  readonly passphraseEnv: string | undefined;
  /** A `.env` file to read in addition to the environment. */
  readonly dotenv: string | undefined;
}

/** The credentials as the module would read them, not validated yet. */
export interface Configuration {
  readonly credentials: BoxCredentials;
  /** The parsed `config.json`, if the credentials are one; not validated. */
  readonly config: unknown;
  /** The names of the fields in errors. For credentials in a file, all are the path. */
  readonly fieldNames: FieldNames;
  /** The app. It reads the credentials at its first token request. */
  readonly box: BoxAuth;
}

/** The variables of credentials. If any is set, the environment counts as configured. */
const CREDENTIAL_VARIABLES = [
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

/** Whether the command line or the environment has credentials of the app itself. */
export function hasCredentials({ configFile }: DoctorRequest, variables: Variables): boolean {
  return (
    configFile !== undefined ||
    CREDENTIAL_VARIABLES.some((name) => readVariable(variables, name) !== undefined)
  );
}

type Facts = Partial<DoctorFacts['configuration']>;

/**
 * Finds the credentials in the file that the command line names, else in the environment.
 *
 * @throws BoxAuthError `config_missing`, `config_unreadable`, `config_invalid` (invalid JSON), `option_invalid`
 */
export async function findConfiguration(
  request: DoctorRequest,
  context: CliContext,
): Promise<StepOutcome<'configuration', Configuration>> {
  const variables = readVariables(request, context);
  const { credentials: given, source } = credentialsOf(request, variables, context);
  const { credentials, ...origin } = await withFileContent(given, source, context);
  const { file } = origin;
  const fieldNames = file === undefined ? boxVariableNames : fileFieldNames(file, request);
  const config =
    'config' in credentials
      ? decodeConfig(credentials.config, fieldNames.field('config'))
      : undefined;
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
    value: { credentials, config, fieldNames, box },
  };
}

function readVariables({ dotenv, passphraseEnv }: DoctorRequest, context: CliContext): Variables {
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
  const credentials = environmentCredentials(variables, dotenv === undefined ? context : undefined);
  if ('configFile' in credentials) return { credentials, source: 'BOX_CONFIG_FILE' };
  return { credentials, source: 'config' in credentials ? 'BOX_CONFIG' : 'variables' };
}

/** Reads credentials from the environment. If it has none, the hint mentions a `.env` file that was not loaded. */
function environmentCredentials(
  variables: Variables,
  context: CliContext | undefined,
): BoxCredentials {
  try {
    return boxCredentialsIn(variables);
  } catch (error) {
    if (
      !(error instanceof BoxAuthError) ||
      CREDENTIAL_VARIABLES.some((name) => readVariable(variables, name) !== undefined)
    ) {
      throw error;
    }
    const unread = context === undefined ? [] : unreadVariables(context);
    const file =
      unread.length === 0
        ? ''
        : ` The file .env in this directory has ${unread.join(', ')}: use --dotenv .env to read it. An app reads it with ConfigModule.forRoot().`;
    throw withHint(
      error,
      `Pass the path of the file (nestjs-box-auth doctor config.json) or set BOX_CONFIG_FILE to it.${file}`,
    );
  }
}

/** Names every field after the file, except a passphrase from a variable. */
function fileFieldNames(file: string, { passphraseEnv }: DoctorRequest): FieldNames {
  const passphrase =
    passphraseEnv === undefined ? PASSPHRASE_VARIABLE : 'the variable of --passphrase-env';
  return new FieldNames(file, undefined, (field) => (field === 'passphrase' ? passphrase : file));
}

/** Replaces the path by the content of the file, which is read only once, as it may be a pipe. */
async function withFileContent(
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
      // A function, so that an unreadable key is reported by a later step.
      credentials: () => credentials,
      apiUrl,
      fetch,
      runtime,
      // The doctor reports the first failure.
      tokenEndpoint: { attempts: 1 },
    });
  } catch (error) {
    if (!(error instanceof BoxAuthError)) throw error;
    throw withHint(error, `Correct ${given === undefined ? 'BOX_API_URL' : '--api-url'}.`);
  }
}

function variablesFor(source: DoctorFacts['configuration']['source'], variables: Variables): Facts {
  if (source === 'BOX_CONFIG') return { variables: ['BOX_CONFIG'] };
  return {
    variables: CREDENTIAL_VARIABLES.filter((name) => readVariable(variables, name) !== undefined),
  };
}

function summaryOf({ source, file, variables = [], readableByOthers, apiUrl }: Facts): string {
  const location = file ?? variables.join(', ');
  const namedBy = source === 'BOX_CONFIG_FILE' ? ' (named by BOX_CONFIG_FILE)' : '';
  const warning =
    readableByOthers === true ? ' Other users of this machine can read it. Fix: chmod 600.' : '';
  return `${location}${namedBy}, for Box at ${apiUrl}.${warning}`;
}

function withHint(error: BoxAuthError, hint: string): BoxAuthError {
  const { code, message, docs, retryable } = error;
  return new BoxAuthError({ code, message, hint, docs, retryable });
}
