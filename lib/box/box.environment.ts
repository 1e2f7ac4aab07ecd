import { boxApiUrl } from './box-auth.options.js';
import { parseVariable, readVariable, type Variables } from '../core/app/environment-variables.js';
import { type BoxCredentials, boxCredentialsHelp } from './credentials/box-credentials.js';
import { configInvalid, environmentFieldNames } from '../core/credentials/credentials-errors.js';
import { BoxAuthError } from '../core/errors/box-auth.error.js';

const SUBJECTS = ['BOX_ENTERPRISE_ID', 'BOX_USER_ID'];
const KEY_PAIR = ['BOX_PUBLIC_KEY_ID', 'BOX_PRIVATE_KEY'];
const KEY_PAIR_VARIABLES = [...KEY_PAIR, 'BOX_PRIVATE_KEY_PASSPHRASE'];
const CLIENT_VARIABLES = ['BOX_CLIENT_ID', 'BOX_CLIENT_SECRET', ...KEY_PAIR, ...SUBJECTS];

/** The names that errors use for the credentials of `boxCredentialsIn`. */
export const boxVariableNames = environmentFieldNames('Box', {
  configFile: 'BOX_CONFIG_FILE',
  config: 'BOX_CONFIG',
  clientId: 'BOX_CLIENT_ID',
  clientSecret: 'BOX_CLIENT_SECRET',
  enterpriseId: 'BOX_ENTERPRISE_ID',
  userId: 'BOX_USER_ID',
  publicKeyId: 'BOX_PUBLIC_KEY_ID',
  privateKey: 'BOX_PRIVATE_KEY',
  passphrase: 'BOX_PRIVATE_KEY_PASSPHRASE',
  appToken: 'BOX_APP_TOKEN',
});

/**
 * The URL of Box in `BOX_API_URL`; undefined if that is unset.
 *
 * @throws BoxAuthError `option_invalid`
 */
export function boxApiUrlIn(variables: Variables): string | undefined {
  return urlIn(variables, 'BOX_API_URL');
}

/**
 * The URL of uploads in `BOX_UPLOAD_URL`; undefined if that is unset.
 *
 * @throws BoxAuthError `option_invalid`
 */
export function boxUploadUrlIn(variables: Variables): string | undefined {
  return urlIn(variables, 'BOX_UPLOAD_URL');
}

function urlIn(variables: Variables, name: string): string | undefined {
  const url = readVariable(variables, name)?.trim();
  if (url !== undefined) parseVariable(boxApiUrl, name, url);
  return url;
}

/**
 * The credentials in the environment: `BOX_CONFIG_FILE`, else `BOX_CONFIG`, else `BOX_CLIENT_ID` with its secret, key pair
 * and subject, else `BOX_APP_TOKEN`. An empty variable counts as unset. The values are checked later, like those of the options.
 *
 * @throws BoxAuthError `config_missing` and `config_invalid`, naming the variables
 */
export function boxCredentialsIn(variables: Variables): BoxCredentials {
  const get = (name: string) => readVariable(variables, name);
  const passphrase = withoutUndefined({ passphrase: get('BOX_PRIVATE_KEY_PASSPHRASE') });

  const configFile = get('BOX_CONFIG_FILE')?.trim();
  if (configFile !== undefined) return { configFile, ...passphrase };
  const config = get('BOX_CONFIG');
  if (config !== undefined) return { config, ...passphrase };
  const appToken = get('BOX_APP_TOKEN');
  if (appToken !== undefined && !CLIENT_VARIABLES.some((name) => get(name) !== undefined)) {
    return { appToken };
  }
  checkComplete(variables);
  const hasKeyPair = get('BOX_PRIVATE_KEY') !== undefined;
  const credentials = withoutUndefined({
    clientId: get('BOX_CLIENT_ID'),
    clientSecret: get('BOX_CLIENT_SECRET'),
    enterpriseId: get('BOX_ENTERPRISE_ID'),
    userId: get('BOX_USER_ID'),
    publicKeyId: get('BOX_PUBLIC_KEY_ID'),
    privateKey: get('BOX_PRIVATE_KEY'),
    ...(hasKeyPair ? passphrase : {}),
  });
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- parseCredentials checks each field
  return credentials as unknown as BoxCredentials;
}

function checkComplete(variables: Variables): void {
  const isSet = (name: string) => readVariable(variables, name) !== undefined;
  const required = [
    'BOX_CLIENT_ID',
    'BOX_CLIENT_SECRET',
    ...(KEY_PAIR_VARIABLES.some(isSet) ? KEY_PAIR : []),
  ];
  const unset = [
    ...required.filter((name) => !isSet(name)),
    ...(SUBJECTS.some(isSet) ? [] : [SUBJECTS.join(' or ')]),
  ];
  if (![...required, ...SUBJECTS].some(isSet)) {
    throw configMissing(
      'No Box credentials in the options or in the environment: BOX_CONFIG_FILE, BOX_CONFIG, BOX_CLIENT_ID and BOX_APP_TOKEN are all unset.',
      'Set BOX_CONFIG_FILE to the path of config.json, or pass `credentials`. A .env file must be loaded first: in Nest, import ConfigModule.forRoot().',
    );
  }
  if (unset.length > 0) {
    throw configMissing(
      `Incomplete Box credentials in the environment. Unset: ${unset.join('; ')}.`,
      'Set the unset variables, or set BOX_CONFIG_FILE to the path of config.json, which contains all of them.',
    );
  }
  if (SUBJECTS.every(isSet)) {
    throw configInvalid(
      `Invalid Box credentials in the environment: ${SUBJECTS.join(' and ')} are both set.`,
      {
        ...boxCredentialsHelp,
        hint: 'Unset one of them. Tokens are for the service account or for a user.',
      },
    );
  }
}

function withoutUndefined(fields: Record<string, string | undefined>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(fields).filter((field): field is [string, string] => field[1] !== undefined),
  );
}

function configMissing(message: string, hint: string): BoxAuthError {
  return new BoxAuthError({
    code: 'config_missing',
    message,
    hint,
    docs: boxCredentialsHelp.docs,
  });
}
