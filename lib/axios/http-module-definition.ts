import type { HttpModuleOptions, HttpService } from '@nestjs/axios';
import {
  ConfigurableModuleBuilder,
  type InjectionToken,
  type ModuleMetadata,
  type Provider,
} from '@nestjs/common';
import type { AxiosInstance } from 'axios';
import { withParts } from '../nest/auth-module.js';
import { optionError } from '../core/app/option-checks.js';
import { authorizedAxios, type AxiosInterceptor } from './authorized-axios.js';

// The injection tokens of @nestjs/axios, which tests override. It does not export them.
const HTTP_MODULE_OPTIONS = 'HTTP_MODULE_OPTIONS';
const AXIOS_INSTANCE_TOKEN = 'AXIOS_INSTANCE_TOKEN';

interface HttpModuleExtras {
  readonly name?: string | undefined;
  readonly global?: boolean | undefined;
  readonly extraProviders?: Provider[] | undefined;
}

/** `register` and `registerAsync` with the options of axios, like those of `HttpModule`. */
export const { ConfigurableModuleClass: ConfigurableHttpModule } =
  new ConfigurableModuleBuilder<HttpModuleOptions>({
    optionsInjectionToken: HTTP_MODULE_OPTIONS,
    alwaysTransient: true,
  })
    .setFactoryMethodName('createHttpOptions')
    .setExtras<HttpModuleExtras>(
      { name: undefined, global: undefined, extraProviders: undefined },
      (definition, { global, extraProviders = [] }) => ({
        ...withParts(definition, { providers: extraProviders }),
        ...(global === undefined ? {} : { global }),
      }),
    )
    .build();

/** The providers and exports of a module with an `HttpService` whose calls carry the tokens of `interceptor`. */
export function httpServiceOf(
  interceptor: InjectionToken,
  httpService: InjectionToken,
  Service: new (instance: AxiosInstance) => HttpService,
): ModuleMetadata {
  return {
    providers: [
      {
        provide: AXIOS_INSTANCE_TOKEN,
        inject: [interceptor, HTTP_MODULE_OPTIONS],
        useFactory: (attached: AxiosInterceptor, options: HttpModuleOptions) => {
          checkReturnedOptions(options);
          return authorizedAxios(attached, options);
        },
      },
      {
        provide: httpService,
        inject: [AXIOS_INSTANCE_TOKEN],
        useFactory: (instance: AxiosInstance) => new Service(instance),
      },
    ],
    exports: [httpService, interceptor],
  };
}

/** Provides the options of a module that is imported as a class. */
export const noHttpOptions: Provider = { provide: HTTP_MODULE_OPTIONS, useValue: {} };

/** A name in the options of axios would have no effect: the calls would carry the tokens of another app. */
function checkReturnedOptions(options: HttpModuleOptions & { readonly name?: unknown }): void {
  if (options.name === undefined) return;
  throw optionError(
    'The factory of registerAsync returned `name`, which belongs next to the factory.',
    'Write name next to useFactory.',
  );
}
