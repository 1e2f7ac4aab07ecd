import { parseVariable, readVariable, type Variables } from '../core/app/environment-variables.js';
import { environmentFieldNames } from '../core/credentials/credentials-errors.js';
import { BoxAuthError } from '../core/errors/box-auth.error.js';
import { workfrontDomain, workfrontUrl, type WorkfrontAddress } from './workfront-auth.options.js';
import type { WorkfrontCredentials } from './workfront-credentials.js';
import { workfrontDocs } from './workfront-docs.js';

const REQUIRED = {
  clientId: 'WORKFRONT_CLIENT_ID',
  clientSecret: 'WORKFRONT_CLIENT_SECRET',
  customerId: 'WORKFRONT_CUSTOMER_ID',
  userId: 'WORKFRONT_USER_ID',
  privateKey: 'WORKFRONT_PRIVATE_KEY',
} as const;

const PASSPHRASE = 'WORKFRONT_PRIVATE_KEY_PASSPHRASE';
const ADDRESS_VARIABLES = ['WORKFRONT_URL', 'WORKFRONT_DOMAIN'] as const;

/** The names in errors about credentials of `workfrontCredentialsIn`. */
export const workfrontVariableNames = environmentFieldNames('Workfront', {
  ...REQUIRED,
  passphrase: PASSPHRASE,
});

/**
 * The address of Workfront: `WORKFRONT_URL`, else `WORKFRONT_DOMAIN`. An empty variable counts as unset.
 *
 * @throws BoxAuthError `option_invalid`, naming the variable
 */
export function workfrontAddressIn(variables: Variables): WorkfrontAddress {
  const [url, domain] = ADDRESS_VARIABLES.map((name) => readVariable(variables, name)?.trim());
  if (url !== undefined) return { url: parseVariable(workfrontUrl, ADDRESS_VARIABLES[0], url) };
  if (domain !== undefined)
    return { url: parseVariable(workfrontDomain, ADDRESS_VARIABLES[1], domain) };
  return {};
}

/**
 * The credentials in the environment: `WORKFRONT_CLIENT_ID`, `WORKFRONT_PRIVATE_KEY` and so on. Their values are checked later,
 * like those of the options. No variable for the address is required if the options have it (`hasAddress`).
 *
 * @throws BoxAuthError `config_missing`, naming the variables
 */
export function workfrontCredentialsIn(
  variables: Variables,
  hasAddress: boolean,
): WorkfrontCredentials {
  const isUnset = (name: string) => readVariable(variables, name) === undefined;
  const unset = [
    ...(!hasAddress && ADDRESS_VARIABLES.every(isUnset) ? [ADDRESS_VARIABLES.join(' or ')] : []),
    ...Object.values(REQUIRED).filter(isUnset),
  ];
  const found = Object.values(REQUIRED).some((name) => !isUnset(name)) ? 'incomplete ones' : 'none';
  if (unset.length > 0) {
    throw new BoxAuthError({
      code: 'config_missing',
      message: `No Workfront credentials in the options, and ${found} in the environment. Unset: ${unset.join('; ')}.`,
      hint: 'Set the unset variables, or pass domain or url, clientId, clientSecret, customerId, userId and privateKey. A .env file must be loaded first: import ConfigModule.forRoot().',
      docs: workfrontDocs.jwtFlow,
    });
  }
  const get = (name: string) => readVariable(variables, name) ?? '';
  return {
    clientId: get(REQUIRED.clientId),
    clientSecret: get(REQUIRED.clientSecret),
    customerId: get(REQUIRED.customerId),
    userId: get(REQUIRED.userId),
    privateKey: get(REQUIRED.privateKey),
    passphrase: readVariable(variables, PASSPHRASE),
  };
}
