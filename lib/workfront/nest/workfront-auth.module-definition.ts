import { ConfigurableModuleBuilder } from '@nestjs/common';
import type { Environment } from '../../nest/app-environment.js';
import type { WarmUp } from '../../nest/app-lifecycle.js';
import type { ModuleImport } from '../../nest/module-imports.js';
import { checkExtras } from '../../nest/module-options.js';
import type { WorkfrontAuthOptions } from '../workfront-auth.options.js';
import type { WorkfrontCredentials } from '../workfront-credentials.js';
import { WorkfrontFetch } from '../workfront-fetch.js';
import { createWorkfrontTokenProvider } from './workfront-token-provider.factory.js';
import {
  workfrontAuthOf,
  workfrontStandInError,
  WorkfrontTokenProvider,
} from '../workfront-token.provider.js';

/** Undefined is as good as not there: a variable of the environment may be either. */
type Optional<Options> = { readonly [Name in keyof Options]?: Options[Name] | undefined };

/**
 * What `WorkfrontAuthModule.forRoot` takes, and what the factory of `forRootAsync` returns. Without credentials `forRoot`
 * reads the environment: `WORKFRONT_CLIENT_ID`, `WORKFRONT_CLIENT_SECRET`, `WORKFRONT_CUSTOMER_ID`, `WORKFRONT_USER_ID`,
 * `WORKFRONT_PRIVATE_KEY` and `WORKFRONT_PRIVATE_KEY_PASSPHRASE`; without an address `WORKFRONT_URL` or
 * `WORKFRONT_DOMAIN`.
 */
export interface WorkfrontAuthModuleOptions extends Optional<WorkfrontAuthOptions> {
  /**
   * Whether the first session is minted at bootstrap: `'try'` logs a failure, `'require'` fails the start. Default `'off'`.
   */
  readonly warmUp?: WarmUp | undefined;
}

/** What stands beside the options, also in `forRootAsync`. */
export interface WorkfrontAuthModuleExtras {
  /** Whether other modules get the providers without importing the module. Default true. */
  readonly isGlobal?: boolean;
}

// Symbol.for: one process may load the ES module and the CommonJS build.
export const WORKFRONT_ENVIRONMENT = Symbol.for('nestjs-box-auth.WORKFRONT_ENVIRONMENT');
export const WORKFRONT_APP = Symbol.for('nestjs-box-auth.WORKFRONT_APP');
const WORKFRONT_AUTH_OPTIONS = Symbol.for('nestjs-box-auth.WORKFRONT_AUTH_OPTIONS');

export const { ConfigurableModuleClass, MODULE_OPTIONS_TOKEN, OPTIONS_TYPE, ASYNC_OPTIONS_TYPE } =
  new ConfigurableModuleBuilder<WorkfrontAuthModuleOptions>({
    optionsInjectionToken: WORKFRONT_AUTH_OPTIONS,
  })
    .setClassMethodName('forRoot')
    .setFactoryMethodName('createWorkfrontAuthOptions')
    .setExtras<WorkfrontAuthModuleExtras>({ isGlobal: true }, (definition, { isGlobal = true }) => {
      checkExtras({ isGlobal });
      return {
        ...definition,
        global: isGlobal,
        providers: [
          ...(definition.providers ?? []),
          {
            provide: WORKFRONT_APP,
            useValue: { name: undefined, isGlobal } satisfies ModuleImport,
          },
          {
            provide: WorkfrontTokenProvider,
            inject: [WORKFRONT_AUTH_OPTIONS, { token: WORKFRONT_ENVIRONMENT, optional: true }],
            useFactory: (
              options: WorkfrontAuthModuleOptions,
              environment?: Environment<WorkfrontCredentials>,
            ) => createWorkfrontTokenProvider(options, environment),
          },
          // Made of the provider: a test that overrides that one has overridden both.
          {
            provide: WorkfrontFetch,
            inject: [WorkfrontTokenProvider],
            useFactory: (provider: WorkfrontTokenProvider) =>
              workfrontAuthOf(provider)?.fetch ?? (() => Promise.reject(workfrontStandInError())),
          },
        ],
        exports: [WorkfrontTokenProvider, WorkfrontFetch],
      };
    })
    .build();
