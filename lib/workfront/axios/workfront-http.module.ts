import { type HttpModuleOptions, HttpService } from '@nestjs/axios';
import { type DynamicModule, Module, type ModuleMetadata } from '@nestjs/common';
import { authorizedAxios } from '../../axios/authorized-axios.js';
import { WorkfrontAxiosInterceptor } from './workfront-axios.interceptor.js';

/** The `HttpService` whose Workfront calls carry a session: a type and an injection token in one. */
export class WorkfrontHttpService extends HttpService {}

/**
 * An `HttpService` of `@nestjs/axios` that puts sessions onto Workfront calls. `baseURL` defaults to the address of
 * `WorkfrontAuthModule`. Import it as it is, or with axios' own options by `register`.
 *
 * @example
 * ```ts
 * import { Module } from '@nestjs/common';
 * import { WorkfrontAuthModule } from 'nestjs-box-auth/workfront';
 * import { WorkfrontHttpModule } from 'nestjs-box-auth/workfront/axios';
 *
 * @Module({
 *   imports: [
 *     WorkfrontAuthModule.forRoot({ domain: 'acme' }),
 *     WorkfrontHttpModule.register({ timeout: 30_000 }),
 *   ],
 * })
 * export class AppModule {}
 * ```
 */
@Module(httpOf({}))
export class WorkfrontHttpModule {
  /** With options of axios. */
  static register(options: HttpModuleOptions): DynamicModule {
    return { module: RegisteredWorkfrontHttpModule, ...httpOf(options) };
  }
}

// A dynamic module also has what its class provides: that would be a second service.
@Module({})
class RegisteredWorkfrontHttpModule {}

function httpOf(options: HttpModuleOptions): ModuleMetadata {
  return {
    providers: [
      WorkfrontAxiosInterceptor,
      {
        provide: WorkfrontHttpService,
        inject: [WorkfrontAxiosInterceptor],
        useFactory: (interceptor: WorkfrontAxiosInterceptor) =>
          new WorkfrontHttpService(authorizedAxios(interceptor, options)),
      },
    ],
    exports: [WorkfrontHttpService, WorkfrontAxiosInterceptor],
  };
}
