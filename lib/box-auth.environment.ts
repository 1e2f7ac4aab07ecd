import { type DynamicModule, Module } from '@nestjs/common';
import { ConfigModule, type ConfigType, registerAs } from '@nestjs/config';
import { BOX_ENVIRONMENT } from './box-auth.module-definition.js';
import type { BoxEnvironment } from './box-token-provider.factory.js';
import { credentialsIn } from './environment-variables.js';
import { BoxAuthError } from './errors/box-auth.error.js';

/** The namespace `box` of `@nestjs/config`. A problem is thrown by who needs the credentials: a test's fake does not. */
const boxConfig = registerAs('box', (): BoxEnvironment => {
  try {
    return { credentials: credentialsIn(process.env) };
  } catch (error) {
    if (error instanceof BoxAuthError) return { problem: error };
    throw error;
  }
});

@Module({})
class BoxEnvironmentModule {}

/** Only loaded by an app that reads its credentials from the environment: `@nestjs/config` is optional to others. */
export function boxEnvironmentModule(): DynamicModule {
  return {
    module: BoxEnvironmentModule,
    imports: [ConfigModule.forFeature(boxConfig)],
    providers: [
      {
        provide: BOX_ENVIRONMENT,
        inject: [boxConfig.KEY],
        useFactory: (environment: ConfigType<typeof boxConfig>) => environment,
      },
    ],
    exports: [BOX_ENVIRONMENT],
  };
}
