import { type HttpModuleAsyncOptions, type HttpModuleOptions, HttpService } from '@nestjs/axios';
import { type DynamicModule, Inject, Module, type ModuleMetadata } from '@nestjs/common';
import { getBoxTokenProviderToken } from '../box/nest/box-auth.module-definition.js';
import type { BoxTokenProvider } from '../box/box-token.provider.js';
import { withParts } from '../nest/auth-module.js';
import { BoxAxiosInterceptor } from './box-axios.interceptor.js';
import { ConfigurableHttpModule, httpServiceOf, noHttpOptions } from './http-module-definition.js';

/** The options of axios, and the name of the Box app whose tokens the calls carry. */
export type BoxHttpModuleOptions = HttpModuleOptions & {
  /** The `name` of a `BoxAuthModule`. Inject its `HttpService` with `@InjectBoxHttpService(name)`. */
  readonly name?: string;
};

/** The options of `HttpModule.registerAsync`, and the name of the Box app whose tokens the calls carry. */
export type BoxHttpModuleAsyncOptions = HttpModuleAsyncOptions & {
  /** The `name` of a `BoxAuthModule`. Inject its `HttpService` with `@InjectBoxHttpService(name)`. */
  readonly name?: string;
};

/** Returns the injection token of a Box app's `HttpService`: the class itself for the app without a name. */
export function getBoxHttpServiceToken(name?: string): typeof HttpService | symbol {
  return name === undefined ? HttpService : Symbol.for(`nestjs-box-auth.HttpService.${name}`);
}

/** Returns the injection token of a Box app's axios interceptor: the class itself for the app without a name. */
export function getBoxAxiosInterceptorToken(name?: string): typeof BoxAxiosInterceptor | symbol {
  return name === undefined
    ? BoxAxiosInterceptor
    : Symbol.for(`nestjs-box-auth.BoxAxiosInterceptor.${name}`);
}

/** Injects the `HttpService` of the Box app `name`. */
export function InjectBoxHttpService(name?: string): ParameterDecorator & PropertyDecorator {
  return Inject(getBoxHttpServiceToken(name));
}

/**
 * Provides an `HttpService` of `@nestjs/axios` that adds tokens to Box calls, in place of `HttpModule`. `baseURL` defaults to
 * the `apiUrl` of `BoxAuthModule`. Import the class, or call `register` or `registerAsync` with options of axios.
 *
 * @example
 * ```ts
 * import { Module } from '@nestjs/common';
 * import { BoxAuthModule } from 'nestjs-box-auth';
 * import { BoxHttpModule } from 'nestjs-box-auth/axios';
 *
 * @Module({ imports: [BoxAuthModule.forRoot(), BoxHttpModule.register({ timeout: 30_000 })] })
 * export class AppModule {}
 * ```
 */
@Module(withParts(boxHttp(), { providers: [noHttpOptions] }))
export class BoxHttpModule {
  /**
   * Accepts options of axios, the `name` of a Box app, and `global` (default false), which provides the `HttpService` to all
   * modules.
   */
  static register(options: BoxHttpModuleOptions): DynamicModule {
    return withParts(RegisteredBoxHttpModule.register(options), boxHttp(options.name));
  }

  /**
   * Gets the options of axios from `useFactory`, `useClass` or `useExisting`. `name`, `global` and `extraProviders` go next to
   * it.
   *
   * @example
   * ```ts
   * import { ConfigService } from '@nestjs/config';
   * import { BoxHttpModule } from 'nestjs-box-auth/axios';
   *
   * export const http = BoxHttpModule.registerAsync({
   *   inject: [ConfigService],
   *   useFactory: (config: ConfigService) => ({
   *     timeout: config.getOrThrow<number>('HTTP_TIMEOUT_MS'),
   *   }),
   * });
   * ```
   */
  static registerAsync(options: BoxHttpModuleAsyncOptions): DynamicModule {
    return withParts(RegisteredBoxHttpModule.registerAsync(options), boxHttp(options.name));
  }
}

// A dynamic module also has the providers of its class, which are those of the app without a name.
@Module({})
class RegisteredBoxHttpModule extends ConfigurableHttpModule {}

function boxHttp(name?: string): ModuleMetadata {
  const interceptor = getBoxAxiosInterceptorToken(name);
  return withParts(httpServiceOf(interceptor, getBoxHttpServiceToken(name), HttpService), {
    providers: [
      {
        provide: interceptor,
        inject: [getBoxTokenProviderToken(name)],
        useFactory: (provider: BoxTokenProvider) => new BoxAxiosInterceptor(provider),
      },
    ],
  });
}
