import {
  type DynamicModule,
  Inject,
  Module,
  type OnApplicationBootstrap,
  type OnApplicationShutdown,
  type OnModuleInit,
  Optional,
} from '@nestjs/common';
// oxlint-disable-next-line typescript/consistent-type-imports -- Nest reads the parameter's type at run time
import { ModulesContainer } from '@nestjs/core';
import { checkOptions } from '../../core/app/option-checks.js';
import { AppLifecycle } from '../../nest/app-lifecycle.js';
import { checkAsyncOptions, type ModuleImport, withParts } from '../../nest/auth-module.js';
import { environmentModule } from '../../nest/environment.js';
import { checkForTenants } from '../../nest/tenant-checks.js';
import { boxAuthOf, type BoxTokenProvider } from '../box-token.provider.js';
import { boxCredentialsIn } from '../box.environment.js';
import {
  type ASYNC_OPTIONS_TYPE,
  BOX_APP_PROVIDER,
  BOX_ENVIRONMENT,
  BOX_MODULE,
  type BoxAuthModuleOptions,
  ConfigurableModuleClass,
  MODULE_OPTIONS_TOKEN,
  type OPTIONS_TYPE,
} from './box-auth.module-definition.js';
import { boxAuthProviders } from './box-auth.providers.js';

const ENVIRONMENT = { namespace: 'box', token: BOX_ENVIRONMENT, read: boxCredentialsIn };

/**
 * Box for a Nest app. Import it once, inject `BoxTokenProvider` or `BoxFetch` anywhere, and decorate handlers with
 * `@AsUser`.
 *
 * The credentials are read and the private key is parsed at bootstrap. A mistake fails the start with a `BoxAuthError`
 * (`config_missing`, `config_unreadable`, `config_invalid`, `option_invalid`, `credentials_unavailable` or `key_…`).
 *
 * @example
 * ```ts
 * import { Module } from '@nestjs/common';
 * import { BoxAuthModule } from 'nestjs-box-auth';
 *
 * @Module({ imports: [BoxAuthModule.forRoot({ credentials: { configFile: 'config.json' } })] })
 * export class AppModule {}
 * ```
 */
@Module({})
export class BoxAuthModule
  extends ConfigurableModuleClass
  implements OnModuleInit, OnApplicationBootstrap, OnApplicationShutdown
{
  readonly #lifecycle: AppLifecycle;
  readonly #modules: ModulesContainer;

  /** Configures one Box app with `options`. Without `credentials`, they are read from the environment. */
  static override forRoot(options: typeof OPTIONS_TYPE = {}): DynamicModule {
    checkOptions(`${BOX_MODULE.name}.forRoot`, options);
    const module = withParts(super.forRoot(options), boxAuthProviders(options.name));
    return options.credentials === undefined
      ? withParts(module, { imports: [environmentModule(BOX_MODULE, ENVIRONMENT)] })
      : module;
  }

  /** Configures one Box app with the options that a factory returns. `name` and `isGlobal` go next to the factory. */
  static override forRootAsync(options: typeof ASYNC_OPTIONS_TYPE): DynamicModule {
    checkAsyncOptions(BOX_MODULE, options);
    return withParts(super.forRootAsync(options), boxAuthProviders(options.name));
  }

  constructor(
    @Optional() @Inject(BOX_MODULE.importToken) app: ModuleImport | undefined,
    @Optional() @Inject(BOX_APP_PROVIDER) provider: BoxTokenProvider | undefined,
    @Optional() @Inject(MODULE_OPTIONS_TOKEN) options: BoxAuthModuleOptions | undefined,
    modules: ModulesContainer,
  ) {
    super();
    this.#modules = modules;
    this.#lifecycle = new AppLifecycle(BOX_MODULE, {
      moduleImport: app,
      app: provider && boxAuthOf(provider),
      provider,
      options,
      modules,
    });
  }

  /** @internal Called by Nest. */
  async onModuleInit(): Promise<void> {
    checkForTenants(this.#modules);
    await this.#lifecycle.start();
  }

  /** @internal Called by Nest. */
  onApplicationBootstrap(): void {
    this.#lifecycle.keepWarm();
  }

  /** @internal Called by Nest. */
  onApplicationShutdown(): void {
    this.#lifecycle.stop();
  }
}
