import { type DynamicModule, Module } from '@nestjs/common';
import { ConfigModule, registerAs } from '@nestjs/config';
import type { Environment } from './app-environment.js';
import { BoxAuthError } from '../core/errors/box-auth.error.js';

@Module({})
class EnvironmentModule {}

/**
 * A namespace of `@nestjs/config`, provided as `token`. Only loaded by an app that reads its credentials from the
 * environment: `@nestjs/config` is optional to others.
 */
export function environmentModule(
  namespace: string,
  token: symbol,
  read: (variables: NodeJS.ProcessEnv) => unknown,
): DynamicModule {
  const config = registerAs(namespace, (): Environment<unknown> => {
    try {
      return { credentials: read(process.env) };
    } catch (error) {
      // It is thrown by who needs what is not there: a test's fake does not.
      if (error instanceof BoxAuthError) return { problem: error };
      throw error;
    }
  });
  return {
    module: EnvironmentModule,
    imports: [ConfigModule.forFeature(config)],
    providers: [{ provide: token, useExisting: config.KEY }],
    exports: [token],
  };
}
