import { type DynamicModule, Module } from '@nestjs/common';
import { ConfigModule, type ConfigType, registerAs } from '@nestjs/config';
import { BOX_ENVIRONMENT } from './box-auth.module-definition.js';
import { type BoxEnvironment, readEnvironment } from './environment-variables.js';

/** The namespace `box` of `@nestjs/config`. */
const boxConfig = registerAs('box', (): BoxEnvironment => readEnvironment(process.env));

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
