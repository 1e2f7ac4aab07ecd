import type { ModuleMetadata } from '@nestjs/common';
import { checkedWarmUp } from '../../core/app/app-start.js';
import { checkedOnBadCredentials } from '../../core/app/bad-credentials.js';
import { checkReturnedOptions } from '../../nest/auth-module.js';
import { credentialsOf, type Environment } from '../../nest/environment.js';
import { createBoxAuth } from '../box-auth.js';
import { boxDocs } from '../box-docs.js';
import {
  type BoxApp,
  boxAuthOf,
  type BoxTokenProvider,
  providerReplacedError,
} from '../box-token.provider.js';
import { boxApiUrlIn, boxUploadUrlIn, boxVariableNames } from '../box.environment.js';
import type { BoxCredentials } from '../credentials/box-credentials.js';
import { BoxUsers } from '../users/box-users.js';
import {
  BOX_APP_PROVIDER,
  BOX_APP_USERS,
  BOX_ENVIRONMENT,
  BOX_MODULE,
  type BoxAuthModuleOptions,
  getBoxFetchToken,
  getBoxTokenProviderToken,
  getBoxUsersToken,
  MODULE_OPTIONS_TOKEN,
} from './box-auth.module-definition.js';

const MISSING = { hint: 'Return { credentials } from the factory.', docs: boxDocs.jwtSetup };

/** The providers and exports of one Box app. */
export function boxAuthProviders(name: string | undefined): ModuleMetadata {
  const provider = getBoxTokenProviderToken(name);
  const boxFetch = getBoxFetchToken(name);
  const users = getBoxUsersToken(name);
  return {
    providers: [
      {
        provide: provider,
        inject: [MODULE_OPTIONS_TOKEN, { token: BOX_ENVIRONMENT, optional: true }],
        useFactory: (options: BoxAuthModuleOptions, environment?: Environment<BoxCredentials>) =>
          createBoxTokenProvider(options, environment, name),
      },
      { provide: BOX_APP_PROVIDER, useExisting: provider },
      // Made from the provider, so that a test that overrides the provider overrides all.
      {
        provide: boxFetch,
        inject: [provider],
        useFactory: (box: BoxTokenProvider) =>
          boxAuthOf(box)?.fetch ?? (() => Promise.reject(providerReplacedError())),
      },
      {
        provide: users,
        inject: [provider],
        useFactory: (box: BoxTokenProvider) => new BoxUsers(() => appBehind(box)),
      },
      { provide: BOX_APP_USERS, useExisting: users },
    ],
    exports: [provider, boxFetch, users],
  };
}

/** @throws BoxAuthError `provider_replaced` */
function appBehind(provider: BoxTokenProvider): BoxApp {
  const app = boxAuthOf(provider);
  if (app === undefined) throw providerReplacedError();
  return app;
}

async function createBoxTokenProvider(
  moduleOptions: BoxAuthModuleOptions,
  environment: Environment<BoxCredentials> | undefined,
  name: string | undefined,
): Promise<BoxTokenProvider> {
  checkReturnedOptions(BOX_MODULE, moduleOptions);
  const { warmUp, onBadCredentials: given, credentials, ...options } = moduleOptions;
  checkedWarmUp(warmUp);
  const onBadCredentials = checkedOnBadCredentials(given);
  // Read even if the options have credentials: calls that are meant for an emulator must not go to Box.
  const apiUrl = options.apiUrl ?? boxApiUrlIn(process.env);
  const uploadUrl = options.uploadUrl ?? boxUploadUrlIn(process.env);
  const isInEnvironment = credentials === undefined; // null is an invalid option
  const box = createBoxAuth(
    { ...options, apiUrl, uploadUrl },
    () => (isInEnvironment ? credentialsOf(BOX_MODULE, environment, MISSING) : credentials),
    {
      name,
      fieldNames: isInEnvironment ? boxVariableNames : undefined,
      extraOptionNames: ['warmUp', 'onBadCredentials', ...BOX_MODULE.extraOptionNames],
    },
    onBadCredentials,
  );
  await box.readCredentials(onBadCredentials);
  return box.provider;
}
