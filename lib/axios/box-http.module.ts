import { type HttpModuleOptions, HttpService } from '@nestjs/axios';
import { type DynamicModule, Module } from '@nestjs/common';
import axios from 'axios';
import { BoxAxiosInterceptor } from './box-axios.interceptor.js';

const BOX_HTTP_OPTIONS = Symbol.for('nestjs-box-auth.BOX_HTTP_OPTIONS');

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
@Module({
  providers: [
    BoxAxiosInterceptor,
    { provide: BOX_HTTP_OPTIONS, useValue: {} },
    {
      provide: HttpService,
      inject: [BOX_HTTP_OPTIONS, BoxAxiosInterceptor],
      useFactory: (options: HttpModuleOptions, interceptor: BoxAxiosInterceptor): HttpService => {
        const instance = axios.create({ baseURL: interceptor.apiUrl, ...options });
        interceptor.attach(instance);
        return new HttpService(instance);
      },
    },
  ],
  exports: [HttpService, BoxAxiosInterceptor],
})
export class BoxHttpModule {
  static register(options: HttpModuleOptions): DynamicModule {
    return { module: BoxHttpModule, providers: [{ provide: BOX_HTTP_OPTIONS, useValue: options }] };
  }
}
