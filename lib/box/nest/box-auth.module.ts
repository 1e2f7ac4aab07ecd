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
import { fromEnvironment } from '../../nest/app-environment.js';
import { AppLifecycle, importedBare, type WarmUp } from '../../nest/app-lifecycle.js';
import {
  type ASYNC_OPTIONS_TYPE,
  BOX_APP,
  BOX_APP_PROVIDER,
  BOX_ENVIRONMENT,
  type BoxAuthModuleOptions,
  ConfigurableModuleClass,
  MODULE_OPTIONS_TOKEN,
  type OPTIONS_TYPE,
} from './box-auth.module-definition.js';
import { EXTRA_OPTION_NAMES } from './box-token-provider.factory.js';
import { boxAuthOf, type BoxTokenProvider } from '../box-token.provider.js';
import { boxCredentialsIn } from '../box.environment.js';
import { type ModuleImport, refuseClash } from '../../nest/module-imports.js';
import { checkAsyncOptions } from '../../nest/module-options.js';

// Not BoxAuthModule.name: a minifier renames the class.
const MODULE_NAME = 'BoxAuthModule';

const ENVIRONMENT = {
  moduleName: MODULE_NAME,
  namespace: 'box',
  token: BOX_ENVIRONMENT,
  read: boxCredentialsIn,
};

const CLASHES = {
  moduleName: MODULE_NAME,
  token: BOX_APP,
  takesNames: true,
  advice: 'give each Box app a name of its own',
};

/**
 * Box for a Nest app: import it once, inject `BoxTokenProvider` or `BoxFetch` anywhere, decorate handlers with `@AsUser`.
 *
 * Credentials are read and the private key is opened at bootstrap: a mistake fails the start with one clear
 * `BoxAuthError` (`config_missing`, `config_unreadable`, `config_invalid`, `option_invalid`, `credentials_unavailable` or
 * `key_…`).
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
  readonly #modules: ModulesContainer;
  readonly #lifecycle: AppLifecycle;
  private readonly app: ModuleImport;
  private readonly warmUp: WarmUp;

  /** One Box app, of these options or, without `credentials`, of the environment. */
  static override forRoot(options: typeof OPTIONS_TYPE = {}): DynamicModule {
    checkOptions(`${MODULE_NAME}.forRoot`, options);
    const definition = super.forRoot(options);
    return options.credentials === undefined
      ? { ...definition, imports: [...(definition.imports ?? []), fromEnvironment(ENVIRONMENT)] }
      : definition;
  }

  /** The same, of options that a factory gives; `name` and `isGlobal` stand beside it. */
  static override forRootAsync(options: typeof ASYNC_OPTIONS_TYPE): DynamicModule {
    checkAsyncOptions(MODULE_NAME, options, EXTRA_OPTION_NAMES);
    return super.forRootAsync(options);
  }

  constructor(
    @Optional() @Inject(BOX_APP) app: ModuleImport | undefined,
    @Optional() @Inject(BOX_APP_PROVIDER) provider: BoxTokenProvider | undefined,
    @Optional() @Inject(MODULE_OPTIONS_TOKEN) options: BoxAuthModuleOptions | undefined,
    modules: ModulesContainer,
  ) {
    super();
    if (app === undefined || provider === undefined || options === undefined) {
      throw importedBare(MODULE_NAME);
    }
    this.app = app;
    this.warmUp = options.warmUp ?? 'off';
    this.#lifecycle = new AppLifecycle(logName(app), boxAuthOf(provider), provider);
    this.#modules = modules;
  }

  /** @internal Called by Nest. */
  async onModuleInit(): Promise<void> {
    refuseClash(this.app, CLASHES, this.#modules);
    await this.#lifecycle.begin(this.warmUp);
  }

  /** @internal Called by Nest. */
  onApplicationBootstrap(): void {
    this.#lifecycle.keepWarm();
  }

  /** @internal Called by Nest. */
  onApplicationShutdown(): void {
    this.#lifecycle.end();
  }
}

function logName({ name }: ModuleImport): string {
  return name === undefined ? MODULE_NAME : `${MODULE_NAME}(${name})`;
}
