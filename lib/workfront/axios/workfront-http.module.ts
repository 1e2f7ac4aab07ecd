import { type HttpModuleAsyncOptions, type HttpModuleOptions, HttpService } from '@nestjs/axios';
import { type DynamicModule, Module } from '@nestjs/common';
import {
  ConfigurableHttpModule,
  httpServiceOf,
  noHttpOptions,
} from '../../axios/http-module-definition.js';
import { withParts } from '../../nest/auth-module.js';
import { WorkfrontAxiosInterceptor } from './workfront-axios.interceptor.js';

/** An `HttpService` that sends a session with Workfront calls, both a type and an injection token. */
export class WorkfrontHttpService extends HttpService {}

const workfrontHttp = withParts(
  httpServiceOf(WorkfrontAxiosInterceptor, WorkfrontHttpService, WorkfrontHttpService),
  { providers: [WorkfrontAxiosInterceptor] },
);

/**
 * Provides an `HttpService` of `@nestjs/axios` that sends a session with Workfront calls. `baseURL` defaults to the address
 * of `WorkfrontAuthModule`. Import the class, or call `register` or `registerAsync` with options of axios.
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
@Module(withParts(workfrontHttp, { providers: [noHttpOptions] }))
export class WorkfrontHttpModule {
  /** Accepts options of axios, and `global` (default false), which provides the service to all modules. */
  static register(options: HttpModuleOptions): DynamicModule {
    return withParts(RegisteredWorkfrontHttpModule.register(options), workfrontHttp);
  }

  /**
   * Gets the options of axios from `useFactory`, `useClass` or `useExisting`. `global` and `extraProviders` go next to it.
   */
  static registerAsync(options: HttpModuleAsyncOptions): DynamicModule {
    return withParts(RegisteredWorkfrontHttpModule.registerAsync(options), workfrontHttp);
  }
}

// A class of its own: a dynamic module also has the providers of its class, which would be a second service.
@Module({})
class RegisteredWorkfrontHttpModule extends ConfigurableHttpModule {}
