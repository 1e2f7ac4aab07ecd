import { type HttpModuleOptions, HttpService } from '@nestjs/axios';
import { type DynamicModule, Module, type ModuleMetadata } from '@nestjs/common';
import { authorizedAxios } from '../../axios/authorized-axios.js';
import { WorkfrontAxiosInterceptor } from './workfront-axios.interceptor.js';

/** An `HttpService` that sends a session with Workfront calls, both a type and an injection token. */
export class WorkfrontHttpService extends HttpService {}

/**
 * Provides an `HttpService` of `@nestjs/axios` that sends a session with Workfront calls. `baseURL` defaults to the address
 * of `WorkfrontAuthModule`. Import the class itself, or `register` with options of axios.
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
  /** Configures the `HttpService` with options of axios. */
  static register(options: HttpModuleOptions): DynamicModule {
    return { module: RegisteredWorkfrontHttpModule, ...httpOf(options) };
  }
}

// A class of its own: a dynamic module also has the providers of its class, which would be a second service.
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
