import { type HttpModuleOptions, HttpService } from '@nestjs/axios';
import { type DynamicModule, Inject, Module, type ModuleMetadata } from '@nestjs/common';
import { getBoxTokenProviderToken } from '../box/nest/box-auth.module-definition.js';
import type { BoxTokenProvider } from '../box/box-token.provider.js';
import { authorizedAxios } from './authorized-axios.js';
import { BoxAxiosInterceptor } from './box-axios.interceptor.js';

/** The options of axios, and the name of the Box app whose tokens the calls carry. */
export type BoxHttpModuleOptions = HttpModuleOptions & {
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
 * Provides an `HttpService` of `@nestjs/axios` that adds tokens to Box calls. `baseURL` defaults to the `apiUrl` of
 * `BoxAuthModule`. Import the class, or call `register` with options of axios.
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
@Module(metadataFor({}))
export class BoxHttpModule {
  /** Accepts options of axios, and the `name` of a Box app. */
  static register(options: BoxHttpModuleOptions): DynamicModule {
    return { module: RegisteredBoxHttpModule, ...metadataFor(options) };
  }
}

// A dynamic module also has the providers of its class, which are those of the app without a name.
@Module({})
class RegisteredBoxHttpModule {}

function metadataFor({ name, ...options }: BoxHttpModuleOptions): ModuleMetadata {
  const interceptor = getBoxAxiosInterceptorToken(name);
  const httpService = getBoxHttpServiceToken(name);
  return {
    providers: [
      {
        provide: interceptor,
        inject: [getBoxTokenProviderToken(name)],
        useFactory: (provider: BoxTokenProvider) => new BoxAxiosInterceptor(provider),
      },
      {
        provide: httpService,
        inject: [interceptor],
        useFactory: (boxInterceptor: BoxAxiosInterceptor) =>
          new HttpService(authorizedAxios(boxInterceptor, options)),
      },
    ],
    exports: [httpService, interceptor],
  };
}
