import {
  type DynamicModule,
  Inject,
  Module,
  type ModuleMetadata,
  type OnModuleInit,
  Optional,
} from '@nestjs/common';
// oxlint-disable-next-line typescript/consistent-type-imports -- Nest reads the parameters' types at run time
import { HttpAdapterHost, ModulesContainer } from '@nestjs/core';
import { checkOptions } from '../../core/app/option-checks.js';
import { checkForClash, importedWithoutForRoot } from '../../nest/app-lifecycle.js';
import {
  checkAsyncOptions,
  checkReturnedOptions,
  type ModuleImport,
  withParts,
} from '../../nest/auth-module.js';
import { type Environment, environmentModule } from '../../nest/environment.js';
import { type BoxWebhooks, createBoxWebhooks } from '../webhooks/box-webhooks.options.js';
import { type WebhookEnvironment, webhookKeysIn } from '../webhooks/webhooks.environment.js';
import {
  type ASYNC_OPTIONS_TYPE,
  type BoxWebhooksModuleOptions,
  ConfigurableModuleClass,
  MODULE_OPTIONS_TOKEN,
  type OPTIONS_TYPE,
  WEBHOOK_ENVIRONMENT,
  WEBHOOKS_MODULE,
  webhooksToken,
} from './box-webhooks.module-definition.js';
import { logLargeBodies } from './large-bodies.js';

const ENVIRONMENT = { namespace: 'boxWebhooks', token: WEBHOOK_ENVIRONMENT, read: webhookKeysIn };

/**
 * Webhooks of Box (version 2) for a Nest app on Express or Fastify. Create the app with `rawBody: true`, import this module once,
 * and decorate a parameter of the handler with `@BoxWebhook()`.
 *
 * The bootstrap fails with `option_invalid` for invalid options, also without any key.
 *
 * @example
 * ```ts
 * import { Module } from '@nestjs/common';
 * import { NestFactory } from '@nestjs/core';
 * import { BoxWebhooksModule, MemoryWebhookDeliveries } from 'nestjs-box-auth/webhooks';
 *
 * @Module({ imports: [BoxWebhooksModule.forRoot({ deliveries: new MemoryWebhookDeliveries() })] })
 * export class AppModule {}
 *
 * const app = await NestFactory.create(AppModule, { rawBody: true });
 * await app.listen(3000);
 * ```
 */
@Module({})
export class BoxWebhooksModule extends ConfigurableModuleClass implements OnModuleInit {
  /** Configures one Box app with `options`. Without keys, they are read from the environment. */
  static override forRoot(options: typeof OPTIONS_TYPE = {}): DynamicModule {
    checkOptions(`${WEBHOOKS_MODULE.name}.forRoot`, options);
    const module = withParts(super.forRoot(options), webhooksProviders(options.name));
    return options.primaryKey === undefined && options.secondaryKey === undefined
      ? withParts(module, { imports: [environmentModule(WEBHOOKS_MODULE, ENVIRONMENT)] })
      : module;
  }

  /** Configures one Box app with the options that a factory returns. `name` and `isGlobal` go next to the factory. */
  static override forRootAsync(options: typeof ASYNC_OPTIONS_TYPE): DynamicModule {
    checkAsyncOptions(WEBHOOKS_MODULE, options);
    return withParts(super.forRootAsync(options), webhooksProviders(options.name));
  }

  constructor(
    @Optional()
    @Inject(WEBHOOKS_MODULE.importToken)
    private readonly moduleImport: ModuleImport | undefined,
    private readonly modules: ModulesContainer,
    @Optional() private readonly adapterHost?: HttpAdapterHost,
  ) {
    super();
    if (moduleImport === undefined) throw importedWithoutForRoot(WEBHOOKS_MODULE.name);
  }

  /** @internal Called by Nest. */
  onModuleInit(): void {
    if (this.moduleImport === undefined) return;
    checkForClash(WEBHOOKS_MODULE, this.moduleImport, this.modules);
    logLargeBodies(this.adapterHost?.httpAdapter);
  }
}

function webhooksProviders(name: string | undefined): ModuleMetadata {
  const token = webhooksToken(name);
  return {
    providers: [
      {
        provide: token,
        inject: [MODULE_OPTIONS_TOKEN, { token: WEBHOOK_ENVIRONMENT, optional: true }],
        useFactory: createWebhooks,
      },
    ],
    exports: [token],
  };
}

function createWebhooks(
  options: BoxWebhooksModuleOptions,
  environment?: Environment<WebhookEnvironment>,
): BoxWebhooks {
  checkReturnedOptions(WEBHOOKS_MODULE, options);
  const keys = environment !== undefined && 'credentials' in environment && environment.credentials;
  return createBoxWebhooks({ ...options, ...keys }, WEBHOOKS_MODULE.extraOptionNames);
}
