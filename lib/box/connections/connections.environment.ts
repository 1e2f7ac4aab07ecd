import { readVariable, type Variables } from '../../core/app/environment-variables.js';
import { boxApiUrlIn } from '../box.environment.js';
import type { BoxConnectionsOptions } from './box-connections.options.js';

type FromEnvironment = 'clientId' | 'clientSecret' | 'redirectUri';

/** `BoxConnectionsOptions`, of which the environment may have some. */
export type UncheckedConnectionsOptions = Omit<BoxConnectionsOptions, FromEnvironment> &
  Readonly<Partial<Record<FromEnvironment, string | undefined>>>;

/**
 * Fills in missing options from the environment. An empty variable counts as unset. The result is checked later.
 *
 * @throws BoxAuthError `option_invalid` for an invalid `BOX_API_URL`
 */
export function withConnectionsEnvironment(
  options: UncheckedConnectionsOptions,
  variables: Variables,
): BoxConnectionsOptions {
  const get = (name: string) => readVariable(variables, name);
  const merged = {
    ...options,
    clientId: options.clientId ?? get('BOX_OAUTH_CLIENT_ID'),
    clientSecret: options.clientSecret ?? get('BOX_OAUTH_CLIENT_SECRET'),
    redirectUri: options.redirectUri ?? get('BOX_OAUTH_REDIRECT_URI')?.trim(),
    secret: options.secret ?? get('BOX_OAUTH_VAULT_SECRET'),
    apiUrl: options.apiUrl ?? boxApiUrlIn(variables),
  };
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- resolveConnectionsOptions checks each option
  return merged as BoxConnectionsOptions;
}
