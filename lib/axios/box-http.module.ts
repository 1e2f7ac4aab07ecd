import { type HttpModuleOptions, HttpService } from '@nestjs/axios';
import { type DynamicModule, Module, type ModuleMetadata } from '@nestjs/common';
import { getBoxTokenProviderToken } from '../box/nest/box-auth.module-definition.js';
import type { BoxTokenProvider } from '../box/box-token.provider.js';
import { authorizedAxios } from './authorized-axios.js';
import { BoxAxiosInterceptor } from './box-axios.interceptor.js';
import { getBoxAxiosInterceptorToken, getBoxHttpServiceToken } from './box-http.tokens.js';

/** axios' own options, and whose tokens its calls carry. */
export type BoxHttpModuleOptions = HttpModuleOptions & {
  /** The `name` of a `BoxAuthModule`. Its `HttpService` is injected by `@InjectBoxHttpService(name)`. */
  readonly name?: string;
};

/**
 * The `HttpService` of `@nestjs/axios`, one that puts tokens onto Box calls. `baseURL` defaults to the `apiUrl` of
 * `BoxAuthModule`. Import it as it is, or with axios' own options by `register`.
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
@Module(httpOf({}))
export class BoxHttpModule {
  /** With options of axios, or for the Box app of this `name`. */
  static register(options: BoxHttpModuleOptions): DynamicModule {
    return { module: RegisteredBoxHttpModule, ...httpOf(options) };
  }
}

// A dynamic module also has what its class provides: that would be the app without a name.
@Module({})
class RegisteredBoxHttpModule {}

function httpOf({ name, ...options }: BoxHttpModuleOptions): ModuleMetadata {
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
        useFactory: (attached: BoxAxiosInterceptor) =>
          new HttpService(authorizedAxios(attached, options)),
      },
    ],
    exports: [httpService, interceptor],
  };
}
