import { BoxAuthError } from '../errors/box-auth.error.js';
import type { WorkfrontAddress } from './workfront-auth.options.js';
import type { WorkfrontCredentials } from './workfront-credentials.js';
import { workfrontDocs } from './workfront-docs.js';

type Variables = Readonly<Record<string, string | undefined>>;

/** What the environment says of Workfront. */
export type WorkfrontVariables = WorkfrontAddress & WorkfrontCredentials;

const NEEDED = {
  clientId: 'WORKFRONT_CLIENT_ID',
  clientSecret: 'WORKFRONT_CLIENT_SECRET',
  customerId: 'WORKFRONT_CUSTOMER_ID',
  userId: 'WORKFRONT_USER_ID',
  privateKey: 'WORKFRONT_PRIVATE_KEY',
} as const;

/**
 * Where Workfront is: `WORKFRONT_URL`, else `WORKFRONT_DOMAIN`. An empty variable counts as none.
 */
export function workfrontAddressIn(variables: Variables): WorkfrontAddress {
  const url = present(variables, 'WORKFRONT_URL');
  const domain = present(variables, 'WORKFRONT_DOMAIN');
  if (url !== undefined) return { url };
  return domain === undefined ? {} : { domain };
}

/**
 * The credentials in the environment: `WORKFRONT_CLIENT_ID` and its like. What stands in them is checked with all others.
 *
 * @throws BoxAuthError `config_missing`, naming the variables
 */
export function workfrontCredentialsIn(variables: Variables): WorkfrontCredentials {
  const unset = Object.values(NEEDED).filter((name) => present(variables, name) === undefined);
  if (unset.length > 0) {
    throw new BoxAuthError({
      code: 'config_missing',
      message: `WorkfrontAuthModule was given no credentials, and the environment does not have them: ${unset.join(', ')} ${unset.length === 1 ? 'is' : 'are'} unset.`,
      hint: 'Set what is unset, or pass clientId, clientSecret, customerId, userId and privateKey. If it stands in a .env file, that has to be loaded first: import ConfigModule.forRoot().',
      docs: workfrontDocs.jwtFlow,
    });
  }
  const get = (name: string) => present(variables, name) ?? '';
  return {
    clientId: get(NEEDED.clientId),
    clientSecret: get(NEEDED.clientSecret),
    customerId: get(NEEDED.customerId),
    userId: get(NEEDED.userId),
    privateKey: get(NEEDED.privateKey),
    passphrase: present(variables, 'WORKFRONT_PRIVATE_KEY_PASSPHRASE'),
  };
}

function present(variables: Variables, name: string): string | undefined {
  return variables[name]?.trim() === '' ? undefined : variables[name];
}
