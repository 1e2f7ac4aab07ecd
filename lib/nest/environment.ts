import type { DynamicModule } from '@nestjs/common';
import { BoxAuthError } from '../core/errors/box-auth.error.js';
import type { AuthModule } from './auth-module.js';

/** The credentials in the environment, or the error that reading them caused. */
export type Environment<T> = { readonly credentials: T } | { readonly problem: BoxAuthError };

/** How a module reads its credentials from the environment. */
export interface EnvironmentSource {
  /** The name of the namespace in `@nestjs/config`. */
  readonly namespace: string;
  /** Injection token of the `Environment`. */
  readonly token: symbol;
  readonly read: (variables: NodeJS.ProcessEnv) => unknown;
}

/**
 * Returns a module that provides the `Environment`. Loads `@nestjs/config` only now, because apps that pass their
 * credentials need not install it.
 *
 * @throws BoxAuthError `config_missing` if `@nestjs/config` cannot be loaded
 */
export async function environmentModule(
  { name }: AuthModule,
  { namespace, token, read }: EnvironmentSource,
): Promise<DynamicModule> {
  try {
    const { configNamespace } = await import('./config-namespace.module.js');
    return configNamespace(namespace, token, () => environmentOf(read));
  } catch (error) {
    throw new BoxAuthError({
      code: 'config_missing',
      message: `${name}.forRoot() received no credentials and cannot read them from the environment, because @nestjs/config cannot be loaded.`,
      hint: 'Install @nestjs/config (version 4 with NestJS 11: later versions are ES modules, which Jest cannot require). Or pass credentials to forRoot.',
      docs: 'https://docs.nestjs.com/techniques/configuration',
      cause: error,
    });
  }
}

/**
 * Returns the credentials in the environment. `environment` is undefined if a factory provided the options: it must return
 * credentials, too.
 *
 * @throws BoxAuthError `config_missing` without an environment, or the problem of the environment
 */
export function credentialsOf<T>(
  { name }: AuthModule,
  environment: Environment<T> | undefined,
  { hint, docs }: { readonly hint: string; readonly docs: string },
): T {
  if (environment === undefined) {
    throw new BoxAuthError({
      code: 'config_missing',
      message: `The factory of ${name}.forRootAsync returned no credentials.`,
      hint: `${hint} Or use ${name}.forRoot(), which reads the environment.`,
      docs,
    });
  }
  if ('problem' in environment) throw environment.problem;
  return environment.credentials;
}

function environmentOf(read: EnvironmentSource['read']): Environment<unknown> {
  try {
    return { credentials: read(process.env) };
  } catch (error) {
    // Thrown later, when the credentials are needed. A test that replaces the provider needs none.
    if (error instanceof BoxAuthError) return { problem: error };
    throw error;
  }
}
