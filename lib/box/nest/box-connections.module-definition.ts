import { type CanActivate, ConfigurableModuleBuilder, Inject, type Type } from '@nestjs/common';
import { withExtras } from '../../nest/auth-module.js';
import { BoxConnections } from '../connections/box-connections.js';
import type { BoxConnectionsOptions } from '../connections/box-connections.options.js';
import type { BoxConnectionsRoutes } from '../connections/connection-routes.options.js';
import { CONNECTIONS_MODULE } from './box-connections.tokens.js';

/** The options of `BoxConnectionsModule.forRoot`, and what the factory of `forRootAsync` returns. */
export interface BoxConnectionsModuleOptions extends Omit<
  BoxConnectionsOptions,
  'clientId' | 'clientSecret' | 'redirectUri'
> {
  /** The client id of an app with "User Authentication (OAuth 2.0)". Default `BOX_OAUTH_CLIENT_ID`. */
  readonly clientId?: string | undefined;
  /** Default `BOX_OAUTH_CLIENT_SECRET`. */
  readonly clientSecret?: string | undefined;
  /** The address of the callback, one of the redirect URIs of the app. Default `BOX_OAUTH_REDIRECT_URI`. */
  readonly redirectUri?: string | undefined;
}

/** The routes of a Nest app. */
export interface BoxConnectionsModuleRoutes extends BoxConnectionsRoutes {
  /** Guards of the routes, such as one that sets `request.user`. Global guards run before them. Default none. */
  readonly guards?: readonly (Type<CanActivate> | CanActivate)[] | undefined;
}

/** Options next to those of `forRoot`, and next to the factory of `forRootAsync`. */
export interface BoxConnectionsModuleExtras {
  /** Distinguishes several Box apps in one Nest app. */
  readonly name?: string | undefined;
  /** Whether other modules get `BoxConnections` without importing the module. Default true. */
  readonly isGlobal?: boolean;
  /** The routes with which people connect and disconnect their accounts. Default none: the app has its own. */
  readonly routes?: BoxConnectionsModuleRoutes | undefined;
}

/** Returns the injection token of a Box app's connections: the class itself for the app without a name. */
export function getBoxConnectionsToken(name?: string): typeof BoxConnections | symbol {
  return name === undefined ? BoxConnections : Symbol.for(`nestjs-box-auth.BoxConnections.${name}`);
}

/** Injects the connections of the Box app `name`. */
export function InjectBoxConnections(name?: string): ParameterDecorator & PropertyDecorator {
  return Inject(getBoxConnectionsToken(name));
}

export const { ConfigurableModuleClass, MODULE_OPTIONS_TOKEN, OPTIONS_TYPE, ASYNC_OPTIONS_TYPE } =
  new ConfigurableModuleBuilder<BoxConnectionsModuleOptions>({
    optionsInjectionToken: Symbol.for('nestjs-box-auth.BOX_CONNECTIONS_OPTIONS'),
  })
    .setClassMethodName('forRoot')
    .setFactoryMethodName('createBoxConnectionsOptions')
    .setExtras<BoxConnectionsModuleExtras>(
      { name: undefined, isGlobal: true, routes: undefined },
      (definition, extras) => withExtras(CONNECTIONS_MODULE, definition, extras),
    )
    .build();
