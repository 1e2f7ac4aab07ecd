import {
  type DynamicModule,
  Inject,
  Logger,
  Module,
  type OnApplicationBootstrap,
  type OnApplicationShutdown,
  type OnModuleInit,
} from '@nestjs/common';
import {
  type ASYNC_OPTIONS_TYPE,
  BOX_AUTH,
  BOX_ENVIRONMENT,
  type BoxAuthModuleOptions,
  ConfigurableModuleClass,
  MODULE_OPTIONS_TOKEN,
  type OPTIONS_TYPE,
} from './box-auth.module-definition.js';
import { BoxAuth } from './box-auth.js';
import { invalidOption } from './box-auth.options.js';
import { apiUrlOf, type BoxEnvironment } from './environment-variables.js';
import { BoxAuthError } from './errors/box-auth.error.js';

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
@Module({
  providers: [
    {
      provide: BOX_AUTH,
      inject: [MODULE_OPTIONS_TOKEN, { token: BOX_ENVIRONMENT, optional: true }],
      useFactory: createBoxAuth,
    },
  ],
})
export class BoxAuthModule
  extends ConfigurableModuleClass
  implements OnModuleInit, OnApplicationBootstrap, OnApplicationShutdown
{
  private readonly warmUp: NonNullable<BoxAuthModuleOptions['warmUp']>;

  static override forRoot(options: typeof OPTIONS_TYPE = {}): DynamicModule {
    const definition = super.forRoot(options);
    return options.credentials === undefined
      ? { ...definition, imports: [...(definition.imports ?? []), fromEnvironment()] }
      : definition;
  }

  static override forRootAsync(options: typeof ASYNC_OPTIONS_TYPE): DynamicModule {
    return super.forRootAsync(options);
  }

  constructor(
    @Inject(BOX_AUTH) private readonly box: BoxAuth,
    @Inject(MODULE_OPTIONS_TOKEN) { warmUp = 'off' }: BoxAuthModuleOptions,
  ) {
    super();
    this.warmUp = warmUp;
  }

  async onModuleInit(): Promise<void> {
    if (this.warmUp === 'off') return;
    try {
      await this.box.provider.getToken();
    } catch (error) {
      if (this.warmUp === 'require' || !(error instanceof BoxAuthError)) {
        this.box.close();
        throw error;
      }
      new Logger(BoxAuthModule.name).warn(
        `No token at start: ${error.message} ${error.hint} The app starts; calls will try again.`,
      );
    }
  }

  onApplicationBootstrap(): void {
    this.box.keepWarm();
  }

  onApplicationShutdown(): void {
    this.box.close();
  }
}

async function createBoxAuth(
  { warmUp, ...options }: BoxAuthModuleOptions,
  environment: BoxEnvironment | undefined,
): Promise<BoxAuth> {
  const credentials = options.credentials ?? environment?.credentials;
  if (credentials === undefined) {
    throw new BoxAuthError({
      code: 'config_missing',
      message: 'The factory of BoxAuthModule.forRootAsync returned no credentials.',
      hint: 'Return { credentials } from it; or use BoxAuthModule.forRoot(), which reads the environment.',
      docs: 'https://developer.box.com/guides/authentication/jwt/jwt-setup/',
    });
  }
  if (warmUp !== undefined && !['off', 'try', 'require'].includes(warmUp)) {
    throw invalidOption('warmUp', undefined, "'off', 'try' or 'require'");
  }
  // Also where credentials stand in the code: what is meant for an emulator must not go to Box.
  const apiUrl = options.apiUrl ?? apiUrlOf(process.env);
  const box = new BoxAuth({
    ...options,
    credentials,
    ...(apiUrl === undefined ? {} : { apiUrl }),
  });
  await box.readCredentials();
  return box;
}

async function fromEnvironment(): Promise<DynamicModule> {
  try {
    const { boxEnvironmentModule } = await import('./box-auth.environment.js');
    return boxEnvironmentModule();
  } catch (error) {
    throw new BoxAuthError({
      code: 'config_missing',
      message:
        'BoxAuthModule.forRoot() was given no credentials, and @nestjs/config, which reads them from the environment, cannot be loaded.',
      hint: 'Install @nestjs/config (version 4 for NestJS 11: later ones are ES modules, which Jest cannot require), or pass credentials to forRoot.',
      docs: 'https://docs.nestjs.com/techniques/configuration',
      cause: error,
    });
  }
}
