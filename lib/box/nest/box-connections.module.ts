import {
  type DynamicModule,
  Inject,
  Logger,
  Module,
  type ModuleMetadata,
  type OnApplicationShutdown,
  type OnModuleInit,
  Optional,
} from '@nestjs/common';
// oxlint-disable-next-line typescript/consistent-type-imports -- Nest reads the parameter's type at run time
import { ModulesContainer } from '@nestjs/core';
import { checkOptions } from '../../core/app/option-checks.js';
import { EventLog } from '../../core/events/event-log.js';
import { checkForClash, importedWithoutForRoot } from '../../nest/app-lifecycle.js';
import {
  checkAsyncOptions,
  checkReturnedOptions,
  type ModuleImport,
  withParts,
} from '../../nest/auth-module.js';
import { connectionsAppOf } from '../connections/app-of-connections.js';
import type { BoxConnections } from '../connections/box-connections.js';
import { checkedRoutePaths } from '../connections/connection-routes.options.js';
import { createConnections } from '../connections/create-connections.js';
import {
  type ASYNC_OPTIONS_TYPE,
  type BoxConnectionsModuleExtras,
  type BoxConnectionsModuleOptions,
  type BoxConnectionsModuleRoutes,
  ConfigurableModuleClass,
  getBoxConnectionsToken,
  MODULE_OPTIONS_TOKEN,
  type OPTIONS_TYPE,
} from './box-connections.module-definition.js';
import { BOX_CONNECTIONS, CONNECTIONS_MODULE } from './box-connections.tokens.js';
import { connectionRoutesController } from './connection-routes.controller.js';

/**
 * People's own Box accounts for a Nest app on Express or Fastify. Import it once, inject `BoxConnections` anywhere, and decorate
 * handlers with `@AsConnectedUser`.
 *
 * Missing options are read from the environment: `BOX_OAUTH_CLIENT_ID`, `BOX_OAUTH_CLIENT_SECRET`, `BOX_OAUTH_REDIRECT_URI`,
 * `BOX_OAUTH_VAULT_SECRET` and `BOX_API_URL`. The bootstrap fails with `option_invalid` for invalid options.
 *
 * @example
 * ```ts
 * import { Module } from '@nestjs/common';
 * import { BoxConnectionsModule } from 'nestjs-box-auth/connections';
 * import { MemoryConnectionVault } from 'nestjs-box-auth/testing';
 *
 * const owner = (request: { session?: { userId?: string } }) => request.session?.userId;
 *
 * @Module({
 *   imports: [
 *     BoxConnectionsModule.forRoot({ vault: new MemoryConnectionVault(), routes: { owner } }),
 *   ],
 * })
 * export class AppModule {}
 * ```
 */
@Module({})
export class BoxConnectionsModule
  extends ConfigurableModuleClass
  implements OnModuleInit, OnApplicationShutdown
{
  /** Configures one Box app with `options`. Missing ones are read from the environment. */
  static override forRoot(options: typeof OPTIONS_TYPE): DynamicModule {
    checkOptions(`${CONNECTIONS_MODULE.name}.forRoot`, options);
    return withConnections(super.forRoot(options), options);
  }

  /**
   * Configures one Box app with the options that a factory returns. Missing ones are read from the environment. `name`,
   * `isGlobal` and `routes` go next to the factory.
   */
  static override forRootAsync(options: typeof ASYNC_OPTIONS_TYPE): DynamicModule {
    checkAsyncOptions(CONNECTIONS_MODULE, options);
    return withConnections(super.forRootAsync(options), options);
  }

  constructor(
    @Optional()
    @Inject(CONNECTIONS_MODULE.importToken)
    private readonly moduleImport: ModuleImport | undefined,
    @Optional()
    @Inject(BOX_CONNECTIONS)
    private readonly connections: BoxConnections | undefined,
    private readonly modules: ModulesContainer,
  ) {
    super();
    if (moduleImport === undefined) throw importedWithoutForRoot(CONNECTIONS_MODULE.name);
  }

  /** @internal Called by Nest. */
  onModuleInit(): void {
    if (this.moduleImport === undefined) return;
    checkForClash(CONNECTIONS_MODULE, this.moduleImport, this.modules);
    const { name } = this.moduleImport;
    const context = CONNECTIONS_MODULE.name;
    const log = new EventLog(new Logger(name === undefined ? context : `${context}(${name})`));
    this.#app?.events.subscribe((event) => log.write(event));
  }

  /** @internal Called by Nest. Waits for the refreshes that have begun, so that their tokens are in the vault. */
  async onApplicationShutdown(): Promise<void> {
    await this.#app?.close();
  }

  /** Undefined if a test replaced the connections by an object with only their methods. */
  get #app() {
    return this.connections && connectionsAppOf(this.connections);
  }
}

function withConnections(
  module: DynamicModule,
  { name, routes }: BoxConnectionsModuleExtras,
): DynamicModule {
  const paths = routes && checkedRoutePaths(withoutGuards(routes));
  const withProviders = withParts(module, connectionsProviders(name, paths));
  if (routes === undefined || paths === undefined) return withProviders;
  const controllers = [connectionRoutesController(routes, paths)];
  return { ...withProviders, controllers };
}

function withoutGuards({ guards: _guards, ...routes }: BoxConnectionsModuleRoutes): object {
  return routes;
}

function connectionsProviders(
  name: string | undefined,
  paths: ReturnType<typeof checkedRoutePaths> | undefined,
): ModuleMetadata {
  const token = getBoxConnectionsToken(name);
  return {
    providers: [
      {
        provide: token,
        inject: [MODULE_OPTIONS_TOKEN],
        useFactory: (options: BoxConnectionsModuleOptions) => {
          checkReturnedOptions(CONNECTIONS_MODULE, options);
          const { extraOptionNames } = CONNECTIONS_MODULE;
          const variables = process.env;
          return createConnections(options, { name, paths, extraOptionNames, variables });
        },
      },
      { provide: BOX_CONNECTIONS, useExisting: token },
    ],
    exports: [token],
  };
}
