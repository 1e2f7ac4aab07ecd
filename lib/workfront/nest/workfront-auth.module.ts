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
import { workfrontAuthOf, WorkfrontTokenProvider } from '../workfront-token.provider.js';
import { workfrontCredentialsIn } from '../workfront.environment.js';
import {
  type ASYNC_OPTIONS_TYPE,
  ConfigurableModuleClass,
  MODULE_OPTIONS_TOKEN,
  type OPTIONS_TYPE,
  WORKFRONT_ENVIRONMENT,
  WORKFRONT_MODULE,
  type WorkfrontAuthModuleOptions,
} from './workfront-auth.module-definition.js';
import { hasAddress, hasCredentials, workfrontAuthProviders } from './workfront-auth.providers.js';

/**
 * Adobe Workfront for a Nest app, by the JWT flow of a custom OAuth2 application. Import it once, and inject
 * `WorkfrontTokenProvider` or `WorkfrontFetch` anywhere.
 *
 * The credentials are read and the private key is parsed at bootstrap. A mistake fails the start with a `BoxAuthError`
 * (`config_missing`, `config_invalid`, `option_invalid` or `key_…`).
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
  readonly #lifecycle: AppLifecycle;

  /** Configures one OAuth2 application with `options`. Without credentials, they are read from the environment. */
  static override forRoot(options: typeof OPTIONS_TYPE = {}): DynamicModule {
    checkOptions(`${WORKFRONT_MODULE.name}.forRoot`, options);
    const module = withParts(super.forRoot(options), workfrontAuthProviders);
    if (hasCredentials(options)) return module;
    const environment = environmentModule(WORKFRONT_MODULE, {
      namespace: 'workfront',
      token: WORKFRONT_ENVIRONMENT,
      read: (variables) => workfrontCredentialsIn(variables, hasAddress(options)),
    });
    return withParts(module, { imports: [environment] });
  }

  /** Configures one application with the options that a factory returns. `isGlobal` goes next to the factory. */
  static override forRootAsync(options: typeof ASYNC_OPTIONS_TYPE): DynamicModule {
    checkAsyncOptions(WORKFRONT_MODULE, options);
    return withParts(super.forRootAsync(options), workfrontAuthProviders);
  }

  constructor(
    @Optional() @Inject(WORKFRONT_MODULE.importToken) app: ModuleImport | undefined,
    @Optional() @Inject(WorkfrontTokenProvider) provider: WorkfrontTokenProvider | undefined,
    @Optional() @Inject(MODULE_OPTIONS_TOKEN) options: WorkfrontAuthModuleOptions | undefined,
    modules: ModulesContainer,
  ) {
    super();
    this.#lifecycle = new AppLifecycle(WORKFRONT_MODULE, {
      moduleImport: app,
      app: provider && workfrontAuthOf(provider),
      provider,
      options,
      modules,
    });
  }

  /** @internal Called by Nest. */
  async onModuleInit(): Promise<void> {
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
