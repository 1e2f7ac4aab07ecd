import { ConfigurableModuleBuilder, Inject } from '@nestjs/common';
import type { BoxAuthOptions } from './box-auth.options.js';
import { BoxTokenProvider } from './box-token.provider.js';
import type { BoxCredentialsSource } from './credentials/box-credentials.js';
import type { BoxAuth } from './box-auth.js';
import { BoxFetch } from './box-fetch.js';

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
  readonly warmUp?: 'off' | 'try' | 'require' | undefined;
}

/** What stands beside the options, also in `forRootAsync`. */
export interface BoxAuthModuleExtras {
  /** Tells several Box apps in one Nest app apart. */
  readonly name?: string | undefined;
  /** Whether other modules get the providers without importing the module. Default true. */
  readonly isGlobal?: boolean;
}

// Symbol.for: one process may load the ES module and the CommonJS build.
export const BOX_AUTH = Symbol.for('nestjs-box-auth.BOX_AUTH');
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

export const { ConfigurableModuleClass, MODULE_OPTIONS_TOKEN, OPTIONS_TYPE, ASYNC_OPTIONS_TYPE } =
  new ConfigurableModuleBuilder<BoxAuthModuleOptions>({
    optionsInjectionToken: Symbol.for('nestjs-box-auth.BOX_AUTH_OPTIONS'),
  })
    .setClassMethodName('forRoot')
    .setFactoryMethodName('createBoxAuthOptions')
    .setExtras<BoxAuthModuleExtras>(
      { name: undefined, isGlobal: true },
      (definition, { name, isGlobal = true }) => {
        const provider = getBoxTokenProviderToken(name);
        const boxFetch = getBoxFetchToken(name);
        return {
          ...definition,
          global: isGlobal,
          providers: [
            ...(definition.providers ?? []),
            { provide: provider, inject: [BOX_AUTH], useFactory: (box: BoxAuth) => box.provider },
            { provide: boxFetch, inject: [BOX_AUTH], useFactory: (box: BoxAuth) => box.fetch },
          ],
          exports: [provider, boxFetch, ...(name === undefined ? [BOX_AUTH] : [])],
        };
      },
    )
    .build();
