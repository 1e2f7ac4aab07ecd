import type { ModuleMetadata } from '@nestjs/common';
import { FieldNames } from '../../core/credentials/credentials-errors.js';
import { checkedWarmUp } from '../../core/app/app-start.js';
import { checkReturnedOptions } from '../../nest/auth-module.js';
import { credentialsOf, type Environment } from '../../nest/environment.js';
import { WorkfrontAuth } from '../workfront-auth.js';
import type { WorkfrontAuthOptions } from '../workfront-auth.options.js';
import type { WorkfrontCredentials } from '../workfront-credentials.js';
import { workfrontDocs } from '../workfront-docs.js';
import { WorkfrontFetch } from '../workfront-fetch.js';
import {
  workfrontAuthOf,
  workfrontProviderReplacedError,
  WorkfrontTokenProvider,
} from '../workfront-token.provider.js';
import { workfrontAddressIn, workfrontVariableNames } from '../workfront.environment.js';
import {
  MODULE_OPTIONS_TOKEN,
  WORKFRONT_ENVIRONMENT,
  WORKFRONT_MODULE,
  type WorkfrontAuthModuleOptions,
} from './workfront-auth.module-definition.js';

const MISSING = {
  hint: 'Return clientId, clientSecret, customerId, userId and privateKey from the factory.',
  docs: workfrontDocs.jwtFlow,
};

/** The providers and exports of one application of Workfront. */
export const workfrontAuthProviders: ModuleMetadata = {
  providers: [
    {
      provide: WorkfrontTokenProvider,
      inject: [MODULE_OPTIONS_TOKEN, { token: WORKFRONT_ENVIRONMENT, optional: true }],
      useFactory: createWorkfrontTokenProvider,
    },
    // Created from the provider, so that a test replaces both by overriding the provider.
    {
      provide: WorkfrontFetch,
      inject: [WorkfrontTokenProvider],
      useFactory: (provider: WorkfrontTokenProvider) =>
        workfrontAuthOf(provider)?.fetch ??
        (() => Promise.reject(workfrontProviderReplacedError())),
    },
  ],
  exports: [WorkfrontTokenProvider, WorkfrontFetch],
};

function createWorkfrontTokenProvider(
  moduleOptions: WorkfrontAuthModuleOptions,
  environment?: Environment<WorkfrontCredentials>,
): WorkfrontTokenProvider {
  checkReturnedOptions(WORKFRONT_MODULE, moduleOptions);
  const { warmUp, ...options } = moduleOptions;
  checkedWarmUp(warmUp);
  const isInOptions = hasCredentials(options);
  const complete = {
    ...(hasAddress(options) ? {} : workfrontAddressIn(process.env)),
    ...(isInOptions ? {} : credentialsOf(WORKFRONT_MODULE, environment, MISSING)),
    ...withoutUndefined(options),
  };
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- WorkfrontAuth reports every missing field
  return new WorkfrontAuth(complete as WorkfrontAuthOptions, {
    fieldNames: isInOptions ? undefined : variableNamesWith(options),
    extraOptionNames: ['warmUp', ...WORKFRONT_MODULE.extraOptionNames],
  }).provider;
}

/** Whether the options have the address of Workfront. */
export function hasAddress({ url, domain }: WorkfrontAuthModuleOptions): boolean {
  return url !== undefined || domain !== undefined;
}

/** Whether the options have credentials. If one of these is set, none of them is read from the environment. */
export function hasCredentials(options: WorkfrontAuthModuleOptions): boolean {
  const { clientId, clientSecret, customerId, userId, privateKey } = options;
  return [clientId, clientSecret, customerId, userId, privateKey].some(
    (value) => value !== undefined,
  );
}

/** Names the variables in errors, but the option for a passphrase in the options. */
function variableNamesWith({ passphrase }: WorkfrontAuthModuleOptions): FieldNames {
  const { whole, hint } = workfrontVariableNames;
  const isInOptions = passphrase !== undefined;
  return new FieldNames(whole, hint, (field) =>
    isInOptions && field === 'passphrase' ? field : workfrontVariableNames.field(field),
  );
}

/** Removes undefined options, which would overwrite the values from the environment. */
function withoutUndefined(options: WorkfrontAuthModuleOptions): WorkfrontAuthModuleOptions {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
}
