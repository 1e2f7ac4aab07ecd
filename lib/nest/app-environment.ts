import type { DynamicModule } from '@nestjs/common';
import { BoxAuthError } from '../core/errors/box-auth.error.js';

/** The credentials that the environment has, or what is wrong with them. */
export type Environment<T> = { readonly credentials: T } | { readonly problem: BoxAuthError };

/** Which variables a module reads, and where it puts what they say. */
export interface EnvironmentReading {
  readonly moduleName: string;
  /** Of `@nestjs/config`. */
  readonly namespace: string;
  readonly token: symbol;
  readonly read: (variables: NodeJS.ProcessEnv) => unknown;
}

/**
 * Makes what the environment says injectable, as an `Environment`.
 *
 * @throws BoxAuthError `config_missing` if `@nestjs/config` cannot be loaded
 */
export async function fromEnvironment({
  moduleName,
  namespace,
  token,
  read,
}: EnvironmentReading): Promise<DynamicModule> {
  try {
    const { environmentModule } = await import('./app-environment.module.js');
    return environmentModule(namespace, token, read);
  } catch (error) {
    throw new BoxAuthError({
      code: 'config_missing',
      message: `${moduleName}.forRoot() was given no credentials, and @nestjs/config, which reads them from the environment, cannot be loaded.`,
      hint: 'Install @nestjs/config (version 4 for NestJS 11: later ones are ES modules, which Jest cannot require), or pass credentials to forRoot.',
      docs: 'https://docs.nestjs.com/techniques/configuration',
      cause: error,
    });
  }
}

/** @throws BoxAuthError what is wrong with it */
export function credentialsOf<T>(environment: Environment<T>): T {
  if ('problem' in environment) throw environment.problem;
  return environment.credentials;
}
