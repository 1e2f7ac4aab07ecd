import type { ModuleMetadata } from '@nestjs/common';
import { checkWarmUp } from '../../nest/app-lifecycle.js';
import { checkReturnedOptions } from '../../nest/auth-module.js';
import { credentialsOf, type Environment } from '../../nest/environment.js';
import { BoxAuth } from '../box-auth.js';
import { boxDocs } from '../box-docs.js';
import { boxAuthOf, type BoxTokenProvider, providerReplacedError } from '../box-token.provider.js';
import { boxApiUrlIn, boxVariableNames } from '../box.environment.js';
import type { BoxCredentials } from '../credentials/box-credentials.js';
import {
  BOX_APP_PROVIDER,
  BOX_ENVIRONMENT,
  BOX_MODULE,
  type BoxAuthModuleOptions,
  getBoxFetchToken,
  getBoxTokenProviderToken,
  MODULE_OPTIONS_TOKEN,
} from './box-auth.module-definition.js';

const MISSING = { hint: 'Return { credentials } from the factory.', docs: boxDocs.jwtSetup };

/** The providers and exports of one Box app. */
export function boxAuthProviders(name: string | undefined): ModuleMetadata {
  const provider = getBoxTokenProviderToken(name);
  const boxFetch = getBoxFetchToken(name);
  return {
    providers: [
      {
        provide: provider,
        inject: [MODULE_OPTIONS_TOKEN, { token: BOX_ENVIRONMENT, optional: true }],
        useFactory: (options: BoxAuthModuleOptions, environment?: Environment<BoxCredentials>) =>
          createBoxTokenProvider(options, environment, name),
      },
      { provide: BOX_APP_PROVIDER, useExisting: provider },
      // Made from the provider, so that a test that overrides the provider overrides both.
      {
        provide: boxFetch,
        inject: [provider],
        useFactory: (box: BoxTokenProvider) =>
          boxAuthOf(box)?.fetch ?? (() => Promise.reject(providerReplacedError())),
      },
    ],
    exports: [provider, boxFetch],
  };
}

async function createBoxTokenProvider(
  moduleOptions: BoxAuthModuleOptions,
  environment: Environment<BoxCredentials> | undefined,
  name: string | undefined,
): Promise<BoxTokenProvider> {
  checkReturnedOptions(BOX_MODULE, moduleOptions);
  const { warmUp, ...options } = moduleOptions;
  checkWarmUp(warmUp);
  // Read even if the options have credentials: calls that are meant for an emulator must not go to Box.
  const apiUrl = options.apiUrl ?? boxApiUrlIn(process.env);
  // Not `??`: null is an invalid option, and must not select the environment.
  const { credentials = credentialsOf(BOX_MODULE, environment, MISSING) } = options;
  const box = new BoxAuth(
    { ...options, credentials, ...(apiUrl === undefined ? {} : { apiUrl }) },
    {
      name,
      fieldNames: options.credentials === undefined ? boxVariableNames : undefined,
      extraOptionNames: ['warmUp', ...BOX_MODULE.extraOptionNames],
    },
  );
  await box.readCredentials();
  return box.provider;
}
