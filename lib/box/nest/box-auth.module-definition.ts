import { ConfigurableModuleBuilder, Inject } from '@nestjs/common';
import type { OnBadCredentials } from '../../core/app/bad-credentials.js';
import type { WarmUp } from '../../core/app/app-start.js';
import { type AuthModule, withExtras } from '../../nest/auth-module.js';
import type { BoxAuthOptions } from '../box-auth.options.js';
import { BoxFetch } from '../box-fetch.js';
import { BoxTokenProvider } from '../box-token.provider.js';
import type { BoxCredentialsSource } from '../credentials/box-credentials.js';
import { BoxUsers } from '../users/box-users.js';

/** The options of `BoxAuthModule.forRoot`, and what the factory of `forRootAsync` returns. */
export interface BoxAuthModuleOptions extends Omit<BoxAuthOptions, 'credentials'> {
  /**
   * The credentials of the app, or a sync or async function that returns them and is called before every token request.
   * Without credentials, `forRoot` reads the environment: `BOX_CONFIG_FILE`, or `BOX_CONFIG`, or `BOX_CLIENT_ID` with
   * `BOX_CLIENT_SECRET` etc., or `BOX_APP_TOKEN`.
   */
  readonly credentials?: BoxCredentialsSource | undefined;
  /**
   * Whether the first token is requested at bootstrap: `'try'` logs a failure, `'require'` fails the start. Default
   * `'off'`.
   */
  readonly warmUp?: WarmUp | undefined;
  /**
   * The effect of credentials that cannot be read, or that Box refuses during `warmUp`: `'fail'` fails the bootstrap of the whole
   * app; `'isolate'` logs the reason and fails the calls of this Box app only. Default `'fail'`.
   */
  readonly onBadCredentials?: OnBadCredentials | undefined;
}

/** Options next to those of `forRoot`, and next to the factory of `forRootAsync`. */
export interface BoxAuthModuleExtras {
  /** Distinguishes several Box apps in one Nest app. */
  readonly name?: string | undefined;
  /** Whether other modules get the providers without importing the module. Default true. */
  readonly isGlobal?: boolean;
}

// Symbol.for: one process may load the ES module and the CommonJS build.
export const BOX_APP_PROVIDER = Symbol.for('nestjs-box-auth.BOX_APP_PROVIDER');
export const BOX_APP_USERS = Symbol.for('nestjs-box-auth.BOX_APP_USERS');
export const BOX_ENVIRONMENT = Symbol.for('nestjs-box-auth.BOX_ENVIRONMENT');

export const BOX_MODULE: AuthModule = {
  name: 'BoxAuthModule',
  extraOptionNames: ['name', 'isGlobal'],
  importToken: Symbol.for('nestjs-box-auth.BOX_APP'),
  clashHint: 'give each Box app its own name',
};

/** Returns the injection token of a Box app's token provider: the class itself for the app without a name. */
export function getBoxTokenProviderToken(name?: string): typeof BoxTokenProvider | symbol {
  return name === undefined
    ? BoxTokenProvider
    : Symbol.for(`nestjs-box-auth.BoxTokenProvider.${name}`);
}

/** Returns the injection token of a Box app's fetch: the class itself for the app without a name. */
export function getBoxFetchToken(name?: string): typeof BoxFetch | symbol {
  return name === undefined ? BoxFetch : Symbol.for(`nestjs-box-auth.BoxFetch.${name}`);
}

/** Returns the injection token of a Box app's user directory: the class itself for the app without a name. */
export function getBoxUsersToken(name?: string): typeof BoxUsers | symbol {
  return name === undefined ? BoxUsers : Symbol.for(`nestjs-box-auth.BoxUsers.${name}`);
}

/** Injects the token provider of the Box app `name`. */
export function InjectBoxTokenProvider(name?: string): ParameterDecorator & PropertyDecorator {
  return Inject(getBoxTokenProviderToken(name));
}

/** Injects the fetch of the Box app `name`. */
export function InjectBoxFetch(name?: string): ParameterDecorator & PropertyDecorator {
  return Inject(getBoxFetchToken(name));
}

/** Injects the user directory of the Box app `name`. */
export function InjectBoxUsers(name?: string): ParameterDecorator & PropertyDecorator {
  return Inject(getBoxUsersToken(name));
}

export const { ConfigurableModuleClass, MODULE_OPTIONS_TOKEN, OPTIONS_TYPE, ASYNC_OPTIONS_TYPE } =
  new ConfigurableModuleBuilder<BoxAuthModuleOptions>({
    optionsInjectionToken: Symbol.for('nestjs-box-auth.BOX_AUTH_OPTIONS'),
  })
    .setClassMethodName('forRoot')
    .setFactoryMethodName('createBoxAuthOptions')
    .setExtras<BoxAuthModuleExtras>({ name: undefined, isGlobal: true }, (definition, extras) =>
      withExtras(BOX_MODULE, definition, extras),
    )
    .build();
