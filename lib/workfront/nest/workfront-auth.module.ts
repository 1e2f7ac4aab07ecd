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
  ConfigurableModuleClass,
  MODULE_OPTIONS_TOKEN,
  type OPTIONS_TYPE,
  WORKFRONT_APP,
  WORKFRONT_ENVIRONMENT,
  type WorkfrontAuthModuleOptions,
} from './workfront-auth.module-definition.js';
import { type ModuleImport, refuseClash } from '../../nest/module-imports.js';
import { checkAsyncOptions } from '../../nest/module-options.js';
import {
  WORKFRONT_EXTRA_OPTION_NAMES,
  namesAddress,
  namesCredentials,
} from './workfront-token-provider.factory.js';
import { workfrontAuthOf, WorkfrontTokenProvider } from '../workfront-token.provider.js';
import { workfrontCredentialsIn } from '../workfront.environment.js';

// Not WorkfrontAuthModule.name: a minifier renames the class.
const MODULE_NAME = 'WorkfrontAuthModule';

const CLASHES = {
  moduleName: MODULE_NAME,
  token: WORKFRONT_APP,
  takesNames: false,
  advice: 'import one with `isGlobal: false` where it alone is needed',
};

/**
 * Adobe Workfront for a Nest app, by the JWT flow of a custom OAuth2 application: import it once, inject
 * `WorkfrontTokenProvider` or `WorkfrontFetch` anywhere.
 *
 * Credentials are read and the private key is opened at bootstrap: a mistake fails the start with one clear
 * `BoxAuthError` (`config_missing`, `config_invalid`, `option_invalid` or `key_…`).
 *
 * @example
 * ```ts
 * import { Module } from '@nestjs/common';
 * import { WorkfrontAuthModule } from 'nestjs-box-auth/workfront';
 *
 * @Module({ imports: [WorkfrontAuthModule.forRoot({ domain: 'acme' })] })
 * export class AppModule {}
 * ```
 */
@Module({})
export class WorkfrontAuthModule
  extends ConfigurableModuleClass
  implements OnModuleInit, OnApplicationBootstrap, OnApplicationShutdown
{
  readonly #modules: ModulesContainer;
  readonly #lifecycle: AppLifecycle;
  private readonly app: ModuleImport;
  private readonly warmUp: WarmUp;

  /** One OAuth2 application, of these options or, without credentials, of the environment. */
  static override forRoot(options: typeof OPTIONS_TYPE = {}): DynamicModule {
    checkOptions(`${MODULE_NAME}.forRoot`, options);
    const definition = super.forRoot(options);
    if (namesCredentials(options)) return definition;
    const environment = fromEnvironment({
      moduleName: MODULE_NAME,
      namespace: 'workfront',
      token: WORKFRONT_ENVIRONMENT,
      read: (variables) => workfrontCredentialsIn(variables, namesAddress(options)),
    });
    return { ...definition, imports: [...(definition.imports ?? []), environment] };
  }

  /** The same, of options that a factory gives; `isGlobal` stands beside it. */
  static override forRootAsync(options: typeof ASYNC_OPTIONS_TYPE): DynamicModule {
    checkAsyncOptions(MODULE_NAME, options, WORKFRONT_EXTRA_OPTION_NAMES);
    return super.forRootAsync(options);
  }

  constructor(
    @Optional() @Inject(WORKFRONT_APP) app: ModuleImport | undefined,
    @Optional() @Inject(WorkfrontTokenProvider) provider: WorkfrontTokenProvider | undefined,
    @Optional() @Inject(MODULE_OPTIONS_TOKEN) options: WorkfrontAuthModuleOptions | undefined,
    modules: ModulesContainer,
  ) {
    super();
    if (app === undefined || provider === undefined || options === undefined) {
      throw importedBare(MODULE_NAME);
    }
    this.app = app;
    this.#modules = modules;
    this.warmUp = options.warmUp ?? 'off';
    const workfront = workfrontAuthOf(provider);
    this.#lifecycle = new AppLifecycle(MODULE_NAME, workfront, provider);
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
