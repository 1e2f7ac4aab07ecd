import { parseVariable, readVariable, type Variables } from '../core/app/environment-variables.js';
import { environmentFieldNames } from '../core/credentials/credentials-errors.js';
import { BoxAuthError } from '../core/errors/box-auth.error.js';
import { workfrontDomain, workfrontUrl, type WorkfrontAddress } from './workfront-auth.options.js';
import type { WorkfrontCredentials } from './workfront-credentials.js';
import { workfrontDocs } from './workfront-docs.js';

const NEEDED = {
  clientId: 'WORKFRONT_CLIENT_ID',
  clientSecret: 'WORKFRONT_CLIENT_SECRET',
  customerId: 'WORKFRONT_CUSTOMER_ID',
  userId: 'WORKFRONT_USER_ID',
  privateKey: 'WORKFRONT_PRIVATE_KEY',
} as const;

const PASSPHRASE = 'WORKFRONT_PRIVATE_KEY_PASSPHRASE';
const ADDRESS = ['WORKFRONT_URL', 'WORKFRONT_DOMAIN'] as const;

/** What errors call the credentials that `workfrontCredentialsIn` found. */
export const workfrontVariableNames = environmentFieldNames({ ...NEEDED, passphrase: PASSPHRASE });

/**
 * Where Workfront is: `WORKFRONT_URL`, else `WORKFRONT_DOMAIN`. An empty variable counts as none.
 *
 * @throws BoxAuthError `option_invalid`, naming the variable
 */
export function workfrontAddressIn(variables: Variables): WorkfrontAddress {
  const [url, domain] = ADDRESS.map((name) => readVariable(variables, name)?.trim());
  if (url !== undefined) return { url: parseVariable(workfrontUrl, ADDRESS[0], url) };
  if (domain !== undefined) return { url: parseVariable(workfrontDomain, ADDRESS[1], domain) };
  return {};
}

/**
 * The credentials in the environment: `WORKFRONT_CLIENT_ID` and its like. What stands in them is checked with all others.
 *
 * `isAddressGiven`: elsewhere, so that no variable has to say where Workfront is.
 *
 * @throws BoxAuthError `config_missing`, naming the variables
 */
export function workfrontCredentialsIn(
  variables: Variables,
  isAddressGiven: boolean,
): WorkfrontCredentials {
  const isUnset = (name: string) => readVariable(variables, name) === undefined;
  const unset = [
    ...(!isAddressGiven && ADDRESS.every(isUnset) ? [ADDRESS.join(' or ')] : []),
    ...Object.values(NEEDED).filter(isUnset),
  ];
  const has = Object.values(NEEDED).some((name) => !isUnset(name)) ? 'not all of them' : 'none';
  if (unset.length > 0) {
    throw new BoxAuthError({
      code: 'config_missing',
      message: `WorkfrontAuthModule was given no credentials, and the environment has ${has}. Unset: ${unset.join('; ')}.`,
      hint: 'Set what is unset, or pass domain or url, clientId, clientSecret, customerId, userId and privateKey. If it stands in a .env file, that has to be loaded first: import ConfigModule.forRoot().',
      docs: workfrontDocs.jwtFlow,
    });
  }
  const get = (name: string) => readVariable(variables, name) ?? '';
  return {
    clientId: get(NEEDED.clientId),
    clientSecret: get(NEEDED.clientSecret),
    customerId: get(NEEDED.customerId),
    userId: get(NEEDED.userId),
    privateKey: get(NEEDED.privateKey),
    passphrase: readVariable(variables, PASSPHRASE),
  };
}
