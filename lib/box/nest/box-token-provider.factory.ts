import type { BoxAuthModuleOptions } from './box-auth.module-definition.js';
import { BoxAuth } from '../box-auth.js';
import { type Environment, credentialsOf } from '../../nest/app-environment.js';
import { checkWarmUp } from '../../nest/app-lifecycle.js';
import type { BoxTokenProvider } from '../box-token.provider.js';
import type { BoxCredentials } from '../credentials/box-credentials.js';
import { boxApiUrlIn, boxVariableNames } from '../box.environment.js';
import { BoxAuthError } from '../../core/errors/box-auth.error.js';
import { checkReturnedOptions } from '../../nest/module-options.js';

/** What stands beside the options, and beside a factory of them. */
export const EXTRA_OPTION_NAMES = ['name', 'isGlobal'];

/** The provider of one Box app, of the module's options and, where they name no credentials, of the environment. */
export async function createBoxTokenProvider(
  given: BoxAuthModuleOptions,
  environment: Environment<BoxCredentials> | undefined,
  name: string | undefined,
): Promise<BoxTokenProvider> {
  checkReturnedOptions('BoxAuthModule', given, EXTRA_OPTION_NAMES);
  const { warmUp, ...options } = given;
  checkWarmUp(warmUp);
  // Also where credentials stand in the code: what is meant for an emulator must not go to Box.
  const apiUrl = options.apiUrl ?? boxApiUrlIn(process.env);
  const { credentials = givenBy(environment) } = options;
  const box = new BoxAuth(
    { ...options, credentials, ...(apiUrl === undefined ? {} : { apiUrl }) },
    {
      name,
      fieldNames: options.credentials === undefined ? boxVariableNames : undefined,
      extraOptionNames: ['warmUp', ...EXTRA_OPTION_NAMES],
    },
  );
  await box.readCredentials();
  return box.provider;
}

function givenBy(environment: Environment<BoxCredentials> | undefined): BoxCredentials {
  if (environment === undefined) {
    throw new BoxAuthError({
      code: 'config_missing',
      message: 'The factory of BoxAuthModule.forRootAsync returned no credentials.',
      hint: 'Return { credentials } from it; or use BoxAuthModule.forRoot(), which reads the environment.',
      docs: 'https://developer.box.com/guides/authentication/jwt/jwt-setup/',
    });
  }
  return credentialsOf(environment);
}
