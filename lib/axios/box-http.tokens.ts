import { HttpService } from '@nestjs/axios';
import { Inject } from '@nestjs/common';
import { BoxAxiosInterceptor } from './box-axios.interceptor.js';

/** The injection token of a Box app's `HttpService`: the class itself for the one without a name. */
export function getBoxHttpServiceToken(name?: string): typeof HttpService | symbol {
  return name === undefined ? HttpService : Symbol.for(`nestjs-box-auth.HttpService.${name}`);
}

/** The injection token of a Box app's axios interceptor: the class itself for the one without a name. */
export function getBoxAxiosInterceptorToken(name?: string): typeof BoxAxiosInterceptor | symbol {
  return name === undefined
    ? BoxAxiosInterceptor
    : Symbol.for(`nestjs-box-auth.BoxAxiosInterceptor.${name}`);
}

/** Injects the `HttpService` of the Box app `name`. */
export function InjectBoxHttpService(name?: string): ParameterDecorator & PropertyDecorator {
  return Inject(getBoxHttpServiceToken(name));
}
