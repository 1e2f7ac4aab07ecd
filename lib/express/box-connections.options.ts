import type { Request } from 'express';
import type { BoxConnectionsOptions } from '../box/connections/box-connections.options.js';
import {
  type BoxConnectionsRoutes,
  checkedRoutePaths,
  type RoutePaths,
} from '../box/connections/connection-routes.options.js';
import type { UncheckedConnectionsOptions } from '../box/connections/connections.environment.js';
import { invalidOption } from '../core/app/option-checks.js';
import type { EventLogger } from '../core/events/event-log.js';
import { type BoxAuthLogger, eventLogger } from './box-auth-logger.js';

/** Options of `boxConnections`. */
export interface BoxConnectionsExpressOptions extends Omit<
  BoxConnectionsOptions,
  'clientId' | 'clientSecret' | 'redirectUri'
> {
  /** The client id of an app with "User Authentication (OAuth 2.0)". Default `BOX_OAUTH_CLIENT_ID`. */
  readonly clientId?: string | undefined;
  /** Default `BOX_OAUTH_CLIENT_SECRET`. */
  readonly clientSecret?: string | undefined;
  /** The address of the callback, one of the redirect URIs of the app. Default `BOX_OAUTH_REDIRECT_URI`. */
  readonly redirectUri?: string | undefined;
  /** The routes with which people connect and disconnect their accounts. Default none: the app has its own. */
  readonly routes?: BoxConnectionsRoutes<Request> | undefined;
  /** Receives a line when refreshes fail and when they succeed again. `false` logs nothing. Default the console. */
  readonly logger?: BoxAuthLogger | false | undefined;
  /** Distinguishes several Box apps of the process in log lines, events and metrics. Default none. */
  readonly name?: string | undefined;
}

/** The options that `boxConnections` handles itself. */
interface Settings {
  readonly routes: BoxConnectionsRoutes<Request> | undefined;
  readonly paths: RoutePaths | undefined;
  readonly logger: EventLogger;
  readonly name: string | undefined;
}

/** The names of the options that `boxConnections` handles itself. */
export const connectionSettingNames = ['routes', 'logger', 'name'] as const;

/**
 * Checks the options that `boxConnections` handles itself, and separates them from those of the connections.
 *
 * @throws BoxAuthError `option_invalid`
 */
export function splitConnectionsOptions(
  given: BoxConnectionsExpressOptions,
): readonly [settings: Settings, options: UncheckedConnectionsOptions] {
  const { routes, logger, name, ...options } = given;
  if (name !== undefined && (typeof name !== 'string' || name === '')) {
    throw invalidOption('name', 'a string that is not empty', name);
  }
  const paths = routes === undefined ? undefined : checkedRoutePaths(routes);
  return [{ routes, paths, logger: eventLogger(logger, name), name }, options];
}
