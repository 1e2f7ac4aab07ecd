import {
  Controller,
  Get,
  Inject,
  Logger,
  Post,
  Req,
  Res,
  type Type,
  UseGuards,
  VERSION_NEUTRAL,
} from '@nestjs/common';
// oxlint-disable-next-line typescript/consistent-type-imports -- Nest reads the parameter's type at run time
import { HttpAdapterHost } from '@nestjs/core';
import { FailureLog } from '../../core/errors/failure-log.js';
import type { BoxConnections } from '../connections/box-connections.js';
import type { ConnectionRoutes, RouteRequest } from '../connections/connection-routes.js';
import type { RouteName, RoutePaths } from '../connections/connection-routes.options.js';
import { routesOf } from '../connections/create-connections.js';
import type { BoxConnectionsModuleRoutes } from './box-connections.module-definition.js';
import { BOX_CONNECTIONS } from './box-connections.tokens.js';

/** Creates the controller of the routes. Its guards and paths are options of the module. */
export function connectionRoutesController(
  options: BoxConnectionsModuleRoutes,
  paths: RoutePaths,
): Type {
  @Controller({ path: '', version: VERSION_NEUTRAL })
  @UseGuards(...(options.guards ?? []))
  class BoxConnectionsController {
    readonly #routes: ConnectionRoutes;

    constructor(
      @Inject(BOX_CONNECTIONS) connections: BoxConnections,
      private readonly adapterHost: HttpAdapterHost,
    ) {
      const log = new FailureLog(new Logger('BoxConnectionsModule'));
      this.#routes = routesOf(connections, paths, log);
    }

    @Get(paths.connect)
    connect(@Req() request: RouteRequest, @Res() response: object): Promise<void> {
      return this.#respond('connect', request, response);
    }

    @Get(paths.callback)
    callback(@Req() request: RouteRequest, @Res() response: object): Promise<void> {
      return this.#respond('callback', request, response);
    }

    @Post(paths.disconnect)
    disconnect(@Req() request: RouteRequest, @Res() response: object): Promise<void> {
      return this.#respond('disconnect', request, response);
    }

    async #respond(route: RouteName, request: RouteRequest, response: object): Promise<void> {
      const { status, headers, cookie, body } = await this.#routes.respond(route, request, () =>
        options.owner(request),
      );
      const { httpAdapter } = this.adapterHost;
      for (const [name, value] of Object.entries(headers)) {
        httpAdapter.setHeader(response, name, value);
      }
      if (cookie !== undefined) httpAdapter.appendHeader(response, 'set-cookie', cookie);
      httpAdapter.reply(response, body, status);
    }
  }

  return BoxConnectionsController;
}
