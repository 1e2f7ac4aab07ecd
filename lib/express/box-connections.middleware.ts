import type { Request, RequestHandler, Response } from 'express';
import { connectionsAppOf } from '../box/connections/app-of-connections.js';
import type {
  BoxConnections,
  BoxConnectionsHealth,
  BoxConnectionsHealthOptions,
} from '../box/connections/connections-api.js';
import type { ConnectionRoutes, RouteResponse } from '../box/connections/connection-routes.js';
import type { RouteName, RoutePaths } from '../box/connections/connection-routes.options.js';
import { createConnections, routesOf } from '../box/connections/create-connections.js';
import { checkOptions } from '../core/app/option-checks.js';
import { FailureLog } from '../core/errors/failure-log.js';
import { EventLog } from '../core/events/event-log.js';
import {
  type BoxConnectionsExpressOptions,
  connectionSettingNames,
  splitConnectionsOptions,
} from './box-connections.options.js';
import { failRequest } from './fail-request.js';

/**
 * Whether the vault of connections can be read. Contains no owner, no token and no id.
 *
 * | `state` | `status` | Vault |
 * | --- | --- | --- |
 * | `healthy` | `up` | available |
 * | `degraded` | `degraded` | a connection that was read cannot be decrypted |
 * | `down` | `down` | unavailable |
 */
export type BoxConnectionsStatus = {
  readonly status: 'up' | 'degraded' | 'down';
} & BoxConnectionsHealth;

/** The middleware for `app.use`, and the connections for the rest of the app. */
export interface BoxConnectionsMiddleware extends RequestHandler {
  readonly connections: BoxConnections;
  /** `BoxConnections.health`, with the `status` of a health check. */
  health(options?: BoxConnectionsHealthOptions): Promise<BoxConnectionsStatus>;
  /** `BoxConnections.close`. Await it before the process ends. */
  close(): Promise<void>;
}

declare global {
  // oxlint-disable-next-line typescript/no-namespace -- the way to extend the Request of Express
  namespace Express {
    interface Request {
      /** Set by `boxConnections` of `nestjs-box-auth/express`. */
      boxConnections: BoxConnections;
    }
  }
}

/**
 * Creates a middleware for people's own Box accounts in an Express app. It sets `req.boxConnections` for the handlers after it, and
 * responds to the paths in `routes`. Put it after the middleware that reads the session, as `routes.owner` needs it.
 *
 * Missing options are read from the environment: `BOX_OAUTH_CLIENT_ID`, `BOX_OAUTH_CLIENT_SECRET`, `BOX_OAUTH_REDIRECT_URI`,
 * `BOX_OAUTH_VAULT_SECRET` and `BOX_API_URL`.
 *
 * @throws BoxAuthError `option_invalid`
 *
 * @example
 * ```ts
 * import express from 'express';
 * import { boxAuthErrors, boxConnections } from 'nestjs-box-auth/express';
 * import { MemoryConnectionVault } from 'nestjs-box-auth/testing';
 *
 * const owner = (req: express.Request) => req.get('x-demo-user');
 * const app = express();
 * app.use(boxConnections({ vault: new MemoryConnectionVault(), routes: { owner } }));
 * app.get('/files', async (req, res) => {
 *   const { boxConnections: box } = req;
 *   const response = await box.runAs(owner(req) ?? '', () => box.fetch('/2.0/folders/0/items'));
 *   res.status(response.status).json(await response.json());
 * });
 * app.use(boxAuthErrors());
 * ```
 */
export function boxConnections(given: BoxConnectionsExpressOptions): BoxConnectionsMiddleware {
  checkOptions('boxConnections', given);
  const [{ routes, paths, logger, name }, options] = splitConnectionsOptions(given);
  const variables = process.env;
  const extraOptionNames = connectionSettingNames;
  const connections = createConnections(options, { name, paths, extraOptionNames, variables });
  const log = new EventLog(logger);
  connectionsAppOf(connections)?.events.subscribe((event) => log.write(event));

  const serve =
    routes && paths
      ? serveRoutes(routesOf(connections, paths, new FailureLog(logger)), paths, (request) =>
          routes.owner(request),
        )
      : undefined;
  const handle: RequestHandler = (request, response, next) => {
    request.boxConnections = connections;
    if (serve === undefined) next();
    else serve(request, response, next);
  };
  const health = async (demand?: BoxConnectionsHealthOptions): Promise<BoxConnectionsStatus> => {
    const found = await connections.health(demand);
    return { status: found.state === 'healthy' ? 'up' : found.state, ...found };
  };
  return Object.assign(handle, { connections, health, close: () => connections.close() });
}

/** Responds to the paths of the routes, and leaves other requests to the app. */
function serveRoutes(
  routes: ConnectionRoutes,
  paths: RoutePaths,
  ownerOf: (request: Request) => unknown,
): RequestHandler {
  const names = new Map(
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the keys of RoutePaths
    Object.entries(paths).map(([name, path]) => [withoutSlash(path), name as RouteName]),
  );
  return (request, response, next) => {
    const route = names.get(withoutSlash(request.path));
    if (route === undefined) return next();
    const { method, headers, url } = request;
    routes
      .respond(route, { method, headers, url }, () => ownerOf(request))
      .then((result) => send(response, result), failRequest(next, 'boxConnections'));
  };
}

/** Express serves a path with and without a slash at its end. */
function withoutSlash(path: string): string {
  return path.replace(/\/$/, '');
}

function send(response: Response, { status, headers, cookie, body }: RouteResponse): void {
  for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
  if (cookie !== undefined) response.append('set-cookie', cookie);
  response.statusCode = status;
  response.end(body);
}
