import { ConfigurableModuleBuilder } from '@nestjs/common';
import type { WarmUp } from '../../core/app/app-start.js';
import { type AuthModule, withExtras } from '../../nest/auth-module.js';
import type { WorkfrontAuthOptions } from '../workfront-auth.options.js';

/** Allows undefined for every option, as values read from environment variables may be undefined. */
type Optional<Options> = { readonly [Name in keyof Options]?: Options[Name] | undefined };

/**
 * The options of `WorkfrontAuthModule.forRoot`, and what the factory of `forRootAsync` returns. `forRoot` reads what they
 * leave out from the environment. Credentials: `WORKFRONT_CLIENT_ID`, `WORKFRONT_CLIENT_SECRET`, `WORKFRONT_CUSTOMER_ID`,
 * `WORKFRONT_USER_ID`, `WORKFRONT_PRIVATE_KEY` and `WORKFRONT_PRIVATE_KEY_PASSPHRASE`. Address: `WORKFRONT_URL` or
 * `WORKFRONT_DOMAIN`.
 */
export interface WorkfrontAuthModuleOptions extends Optional<WorkfrontAuthOptions> {
  /**
   * Whether the first session is requested at bootstrap: `'try'` logs a failure, `'require'` fails the start. Default
   * `'off'`.
   */
  readonly warmUp?: WarmUp | undefined;
}

/** Options next to those of `forRoot`, and next to the factory of `forRootAsync`. */
export interface WorkfrontAuthModuleExtras {
  /** Whether other modules get the providers without importing the module. Default true. */
  readonly isGlobal?: boolean;
}

// Symbol.for: one process may load the ES module and the CommonJS build.
export const WORKFRONT_ENVIRONMENT = Symbol.for('nestjs-box-auth.WORKFRONT_ENVIRONMENT');

export const WORKFRONT_MODULE: AuthModule = {
  name: 'WorkfrontAuthModule',
  extraOptionNames: ['isGlobal'],
  importToken: Symbol.for('nestjs-box-auth.WORKFRONT_APP'),
  clashHint: 'import it with `isGlobal: false` in the modules that need another application',
};

export const { ConfigurableModuleClass, MODULE_OPTIONS_TOKEN, OPTIONS_TYPE, ASYNC_OPTIONS_TYPE } =
  new ConfigurableModuleBuilder<WorkfrontAuthModuleOptions>({
    optionsInjectionToken: Symbol.for('nestjs-box-auth.WORKFRONT_AUTH_OPTIONS'),
  })
    .setClassMethodName('forRoot')
    .setFactoryMethodName('createWorkfrontAuthOptions')
    .setExtras<WorkfrontAuthModuleExtras>({ isGlobal: true }, (definition, { isGlobal }) =>
      withExtras(WORKFRONT_MODULE, definition, { isGlobal }),
    )
    .build();
