import { credentialsOf, type Environment } from '../../nest/app-environment.js';
import { checkWarmUp } from '../../nest/app-lifecycle.js';
import { FieldNames } from '../../core/credentials/credentials-errors.js';
import { BoxAuthError } from '../../core/errors/box-auth.error.js';
import { checkReturnedOptions } from '../../nest/module-options.js';
import { WorkfrontAuth } from '../workfront-auth.js';
import type { WorkfrontAuthModuleOptions } from './workfront-auth.module-definition.js';
import type { WorkfrontAuthOptions } from '../workfront-auth.options.js';
import type { WorkfrontCredentials } from '../workfront-credentials.js';
import { workfrontDocs } from '../workfront-docs.js';
import type { WorkfrontTokenProvider } from '../workfront-token.provider.js';
import { workfrontAddressIn, workfrontVariableNames } from '../workfront.environment.js';

/** What stands beside the options, and beside a factory of them. */
export const WORKFRONT_EXTRA_OPTION_NAMES = ['isGlobal'];

/** The provider of one application, of the module's options and, where they name no credentials, of the environment. */
export function createWorkfrontTokenProvider(
  given: WorkfrontAuthModuleOptions,
  environment: Environment<WorkfrontCredentials> | undefined,
): WorkfrontTokenProvider {
  checkReturnedOptions('WorkfrontAuthModule', given, WORKFRONT_EXTRA_OPTION_NAMES);
  const { warmUp, ...options } = given;
  checkWarmUp(warmUp);
  const isInOptions = namesCredentials(options);
  const complete = {
    ...(namesAddress(options) ? {} : workfrontAddressIn(process.env)),
    ...(isInOptions ? {} : givenBy(environment)),
    ...defined(options),
  };
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what is missing is said of each field, with all others
  return new WorkfrontAuth(complete as WorkfrontAuthOptions, {
    fieldNames: isInOptions ? undefined : fieldNamesBeside(options),
    extraOptionNames: ['warmUp', ...WORKFRONT_EXTRA_OPTION_NAMES],
  }).provider;
}

/** Of the environment, but for a passphrase that is kept apart from it. */
function fieldNamesBeside({ passphrase }: WorkfrontAuthModuleOptions): FieldNames {
  const { whole, hint } = workfrontVariableNames;
  const isApart = passphrase !== undefined;
  return new FieldNames(whole, hint, (field) =>
    isApart && field === 'passphrase' ? field : workfrontVariableNames.field(field),
  );
}

/** An option that is undefined must not hide what the environment says. */
function defined(options: WorkfrontAuthModuleOptions): WorkfrontAuthModuleOptions {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
}

/** Whether the options say where Workfront is. */
export function namesAddress({ url, domain }: WorkfrontAuthModuleOptions): boolean {
  return url !== undefined || domain !== undefined;
}

/** Whether they are to be taken from the options, all of them: half of them here and half there would be a riddle. */
export function namesCredentials(options: WorkfrontAuthModuleOptions): boolean {
  const { clientId, clientSecret, customerId, userId, privateKey } = options;
  return [clientId, clientSecret, customerId, userId, privateKey].some(
    (value) => value !== undefined,
  );
}

function givenBy(environment: Environment<WorkfrontCredentials> | undefined): WorkfrontCredentials {
  if (environment !== undefined) return credentialsOf(environment);
  throw new BoxAuthError({
    code: 'config_missing',
    message: 'The factory of WorkfrontAuthModule.forRootAsync returned no credentials.',
    hint: 'Return clientId, clientSecret, customerId, userId and privateKey from it; or use WorkfrontAuthModule.forRoot(), which reads the environment.',
    docs: workfrontDocs.jwtFlow,
  });
}
