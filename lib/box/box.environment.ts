import { boxApiUrl } from './box-auth.options.js';
import { parseVariable, readVariable, type Variables } from '../core/app/environment-variables.js';
import { type BoxCredentials, boxCredentialsHelp } from './credentials/box-credentials.js';
import { configInvalid, environmentFieldNames } from '../core/credentials/credentials-errors.js';
import { BoxAuthError } from '../core/errors/box-auth.error.js';

const SUBJECTS = ['BOX_ENTERPRISE_ID', 'BOX_USER_ID'];
const KEY_PAIR = ['BOX_PUBLIC_KEY_ID', 'BOX_PRIVATE_KEY'];
const OF_A_KEY_PAIR = [...KEY_PAIR, 'BOX_PRIVATE_KEY_PASSPHRASE'];
const OF_A_CLIENT = ['BOX_CLIENT_ID', 'BOX_CLIENT_SECRET', ...KEY_PAIR, ...SUBJECTS];

/** What errors call the credentials that `boxCredentialsIn` found. */
export const boxVariableNames = environmentFieldNames({
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
 * `BOX_API_URL`: where Box is, if it is set.
 *
 * @throws BoxAuthError `option_invalid`
 */
export function boxApiUrlIn(variables: Variables): string | undefined {
  const url = readVariable(variables, 'BOX_API_URL')?.trim();
  if (url !== undefined) parseVariable(boxApiUrl, 'BOX_API_URL', url);
  return url;
}

/**
 * The credentials in the environment: `BOX_CONFIG_FILE`, else `BOX_CONFIG`, else `BOX_CLIENT_ID` with its secret, key pair
 * and subject, else `BOX_APP_TOKEN`. An empty variable counts as unset. The values are checked with all other credentials.
 *
 * @throws BoxAuthError `config_missing` and `config_invalid`, naming the variables
 */
export function boxCredentialsIn(variables: Variables): BoxCredentials {
  const get = (name: string) => readVariable(variables, name);
  const passphrase = defined({ passphrase: get('BOX_PRIVATE_KEY_PASSPHRASE') });

  const configFile = get('BOX_CONFIG_FILE')?.trim();
  if (configFile !== undefined) return { configFile, ...passphrase };
  const config = get('BOX_CONFIG');
  if (config !== undefined) return { config, ...passphrase };
  const appToken = get('BOX_APP_TOKEN');
  if (appToken !== undefined && !OF_A_CLIENT.some((name) => get(name) !== undefined)) {
    return { appToken };
  }
  checkComplete(variables);
  const hasKeyPair = get('BOX_PRIVATE_KEY') !== undefined;
  const credentials = defined({
    clientId: get('BOX_CLIENT_ID'),
    clientSecret: get('BOX_CLIENT_SECRET'),
    enterpriseId: get('BOX_ENTERPRISE_ID'),
    userId: get('BOX_USER_ID'),
    publicKeyId: get('BOX_PUBLIC_KEY_ID'),
    privateKey: get('BOX_PRIVATE_KEY'),
    ...(hasKeyPair ? passphrase : {}),
  });
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- checked by field, with all other credentials
  return credentials as unknown as BoxCredentials;
}

function checkComplete(variables: Variables): void {
  const isSet = (name: string) => readVariable(variables, name) !== undefined;
  const wanted = [
    'BOX_CLIENT_ID',
    'BOX_CLIENT_SECRET',
    ...(OF_A_KEY_PAIR.some(isSet) ? KEY_PAIR : []),
  ];
  const unset = [
    ...wanted.filter((name) => !isSet(name)),
    ...(SUBJECTS.some(isSet) ? [] : [SUBJECTS.join(' or ')]),
  ];
  if (![...wanted, ...SUBJECTS].some(isSet)) {
    throw missing(
      'No credentials were given, and the environment has none: BOX_CONFIG_FILE, BOX_CONFIG, BOX_CLIENT_ID and BOX_APP_TOKEN are all unset',
      'Set BOX_CONFIG_FILE to the path of config.json, or pass `credentials`. If it stands in a .env file, that has to be loaded first: in Nest, import ConfigModule.forRoot().',
    );
  }
  if (unset.length > 0) {
    throw missing(
      `The environment has credentials for Box, but not all of them. Unset: ${unset.join('; ')}`,
      'Set what is unset; or set BOX_CONFIG_FILE to the path of config.json, which has it all.',
    );
  }
  if (SUBJECTS.every(isSet)) {
    throw configInvalid(`${SUBJECTS.join(' and ')} are both set.`, {
      ...boxCredentialsHelp,
      hint: 'Unset one: tokens are for the service account, or for a user.',
    });
  }
}

function defined(fields: Record<string, string | undefined>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(fields).filter((field): field is [string, string] => field[1] !== undefined),
  );
}

function missing(message: string, hint: string): BoxAuthError {
  return new BoxAuthError({
    code: 'config_missing',
    message: `${message}.`,
    hint,
    docs: 'https://developer.box.com/guides/authentication/jwt/jwt-setup/',
  });
}
