import { ConfigurableModuleBuilder, Inject } from '@nestjs/common';
import type { Environment } from '../../nest/app-environment.js';
import type { WarmUp } from '../../nest/app-lifecycle.js';
import type { BoxAuthOptions } from '../box-auth.options.js';
import { BoxFetch } from '../box-fetch.js';
import { createBoxTokenProvider } from './box-token-provider.factory.js';
import { boxAuthOf, BoxTokenProvider, standInError } from '../box-token.provider.js';
import type { ModuleImport } from '../../nest/module-imports.js';
import { checkExtras } from '../../nest/module-options.js';
import type { BoxCredentials, BoxCredentialsSource } from '../credentials/box-credentials.js';

/** What `BoxAuthModule.forRoot` takes, and what the factory of `forRootAsync` returns. */
export interface BoxAuthModuleOptions extends Omit<BoxAuthOptions, 'credentials'> {
  /**
   * What proves the app to Box, or a function, sync or async, that is asked for it at every mint. Without it, `forRoot`
   * reads the environment: `BOX_CONFIG_FILE`, or `BOX_CONFIG`, or `BOX_CLIENT_ID` and its like.
   */
  readonly credentials?: BoxCredentialsSource | undefined;
  /**
   * Whether the first token is minted at bootstrap: `'try'` logs a failure, `'require'` fails the start. Default `'off'`.
   */
  readonly warmUp?: WarmUp | undefined;
}

/** What stands beside the options, also in `forRootAsync`. */
export interface BoxAuthModuleExtras {
  /** Tells several Box apps in one Nest app apart. */
  readonly name?: string | undefined;
  /** Whether other modules get the providers without importing the module. Default true. */
  readonly isGlobal?: boolean;
}

// Symbol.for: one process may load the ES module and the CommonJS build.
export const BOX_APP = Symbol.for('nestjs-box-auth.BOX_APP');
export const BOX_APP_PROVIDER = Symbol.for('nestjs-box-auth.BOX_APP_PROVIDER');
export const BOX_ENVIRONMENT = Symbol.for('nestjs-box-auth.BOX_ENVIRONMENT');

/** The injection token of a Box app's token provider: the class itself for the one without a name. */
export function getBoxTokenProviderToken(name?: string): typeof BoxTokenProvider | symbol {
  return name === undefined
    ? BoxTokenProvider
    : Symbol.for(`nestjs-box-auth.BoxTokenProvider.${name}`);
}

/** The injection token of a Box app's fetch: the class itself for the one without a name. */
export function getBoxFetchToken(name?: string): typeof BoxFetch | symbol {
  return name === undefined ? BoxFetch : Symbol.for(`nestjs-box-auth.BoxFetch.${name}`);
}

/** Injects the token provider of the Box app `name`. */
export function InjectBoxTokenProvider(name?: string): ParameterDecorator & PropertyDecorator {
  return Inject(getBoxTokenProviderToken(name));
}

/** Injects the fetch of the Box app `name`. */
export function InjectBoxFetch(name?: string): ParameterDecorator & PropertyDecorator {
  return Inject(getBoxFetchToken(name));
}

const BOX_AUTH_OPTIONS = Symbol.for('nestjs-box-auth.BOX_AUTH_OPTIONS');

export const { ConfigurableModuleClass, MODULE_OPTIONS_TOKEN, OPTIONS_TYPE, ASYNC_OPTIONS_TYPE } =
  new ConfigurableModuleBuilder<BoxAuthModuleOptions>({ optionsInjectionToken: BOX_AUTH_OPTIONS })
    .setClassMethodName('forRoot')
    .setFactoryMethodName('createBoxAuthOptions')
    .setExtras<BoxAuthModuleExtras>(
      { name: undefined, isGlobal: true },
      (definition, { name, isGlobal = true }) => {
        checkExtras({ name, isGlobal });
        const provider = getBoxTokenProviderToken(name);
        const boxFetch = getBoxFetchToken(name);
        const app: ModuleImport = { name, isGlobal };
        return {
          ...definition,
          global: isGlobal,
          providers: [
            ...(definition.providers ?? []),
            { provide: BOX_APP, useValue: app },
            {
              provide: provider,
              inject: [BOX_AUTH_OPTIONS, { token: BOX_ENVIRONMENT, optional: true }],
              useFactory: (
                options: BoxAuthModuleOptions,
                environment?: Environment<BoxCredentials>,
              ) => createBoxTokenProvider(options, environment, name),
            },
            { provide: BOX_APP_PROVIDER, useExisting: provider },
            // Made of the provider: a test that overrides that one has overridden both.
            {
              provide: boxFetch,
              inject: [provider],
              useFactory: (box: BoxTokenProvider) =>
                boxAuthOf(box)?.fetch ?? (() => Promise.reject(standInError())),
            },
          ],
          exports: [provider, boxFetch],
        };
      },
    )
    .build();
