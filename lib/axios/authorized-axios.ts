import type { HttpModuleOptions } from '@nestjs/axios';
import axios, { type AxiosInstance } from 'axios';

/** Adds tokens to the calls of an axios instance. */
export interface AxiosInterceptor {
  readonly apiUrl: string | undefined;
  attach(instance: AxiosInstance): void;
}

/** Creates the axios instance of an `HttpService`. `baseURL` defaults to the address that the tokens are for. */
export function authorizedAxios(
  interceptor: AxiosInterceptor,
  options: HttpModuleOptions,
): AxiosInstance {
  const { apiUrl } = interceptor;
  const instance = axios.create({
    ...(apiUrl === undefined ? {} : { baseURL: apiUrl }),
    ...options,
  });
  interceptor.attach(instance);
  return instance;
}
