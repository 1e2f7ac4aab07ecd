import type { Variables } from '../../core/app/environment-variables.js';
import type { FailureLog } from '../../core/errors/failure-log.js';
import { connectionsAppOf } from './app-of-connections.js';
import { BoxConnections } from './box-connections.js';
import { prefixOf, type RoutePaths } from './connection-routes.options.js';
import { ConnectionRoutes } from './connection-routes.js';
import {
  type UncheckedConnectionsOptions,
  withConnectionsEnvironment,
} from './connections.environment.js';

/** Settings that a framework adds to the options of an app. */
export interface ConnectionsSetup {
  readonly name: string | undefined;
  /** Undefined for an app with its own routes. */
  readonly paths: RoutePaths | undefined;
  readonly extraOptionNames: readonly string[];
  readonly variables: Variables;
}

/**
 * Creates the connections of an app with the options and the environment.
 *
 * @throws BoxAuthError `option_invalid`
 */
export function createConnections(
  given: UncheckedConnectionsOptions,
  { name, paths, extraOptionNames, variables }: ConnectionsSetup,
): BoxConnections {
  const options = withConnectionsEnvironment(given, variables);
  const prefix = paths && prefixOf(options.redirectUri, paths);
  const connectUrl = paths && `${prefix ?? ''}${paths.connect}`;
  return new BoxConnections(options, { name, connectUrl, extraOptionNames });
}

/** The routes of connections. A test may have replaced those by an object with only their methods. */
export function routesOf(
  connections: BoxConnections,
  paths: RoutePaths,
  log: FailureLog,
): ConnectionRoutes {
  const redirectUri =
    connectionsAppOf(connections)?.redirectUri ?? `http://localhost${paths.callback}`;
  return new ConnectionRoutes(connections, paths, redirectUri, log);
}
