import {
  type DynamicModule,
  Inject,
  Module,
  type OnApplicationBootstrap,
  type OnApplicationShutdown,
  type OnModuleInit,
} from '@nestjs/common';
import { fromEnvironment } from '../app-environment.js';
import { AppLifecycle, type WarmUp } from '../app-lifecycle.js';
import {
  type ASYNC_OPTIONS_TYPE,
  ConfigurableModuleClass,
  MODULE_OPTIONS_TOKEN,
  type OPTIONS_TYPE,
  WORKFRONT_ENVIRONMENT,
  type WorkfrontAuthModuleOptions,
} from './workfront-auth.module-definition.js';
import { namesCredentials } from './workfront-token-provider.factory.js';
// oxlint-disable-next-line typescript/consistent-type-imports -- Nest reads the parameter's type at run time
import { workfrontAuthOf, WorkfrontTokenProvider } from './workfront-token.provider.js';
import { workfrontCredentialsIn } from './workfront.environment.js';

const ENVIRONMENT = {
  moduleName: 'WorkfrontAuthModule',
  namespace: 'workfront',
  token: WORKFRONT_ENVIRONMENT,
  read: workfrontCredentialsIn,
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
  readonly #lifecycle: AppLifecycle;
  private readonly warmUp: WarmUp;

  /** One OAuth2 application, of these options or, without credentials, of the environment. */
  static override forRoot(options: typeof OPTIONS_TYPE = {}): DynamicModule {
    const definition = super.forRoot(options);
    return namesCredentials(options)
      ? definition
      : { ...definition, imports: [...(definition.imports ?? []), fromEnvironment(ENVIRONMENT)] };
  }

  /** The same, of options that a factory gives; `isGlobal` stands beside it. */
  static override forRootAsync(options: typeof ASYNC_OPTIONS_TYPE): DynamicModule {
    return super.forRootAsync(options);
  }

  constructor(
    provider: WorkfrontTokenProvider,
    @Inject(MODULE_OPTIONS_TOKEN) { warmUp = 'off' }: WorkfrontAuthModuleOptions,
  ) {
    super();
    this.warmUp = warmUp;
    const workfront = workfrontAuthOf(provider);
    this.#lifecycle = new AppLifecycle(WorkfrontAuthModule.name, workfront, provider);
  }

  /** @internal Called by Nest. */
  onModuleInit(): Promise<void> {
    return this.#lifecycle.begin(this.warmUp);
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
