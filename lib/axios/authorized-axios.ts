import type { HttpModuleOptions } from '@nestjs/axios';
import axios, { type AxiosInstance } from 'axios';
import type { BaseUrlOf } from '../core/http/authorized-fetch.js';

/** Adds tokens to the calls of an axios instance. */
export interface AxiosInterceptor {
  readonly apiUrl: string | undefined;
  /** The base of a path, if it is not always `apiUrl`. */
  readonly baseUrlOf?: BaseUrlOf | undefined;
  attach(instance: AxiosInstance): void;
}

/**
 * Creates the axios instance of an `HttpService`. `baseURL` defaults to the address that the tokens are for, which may depend
 * on the path.
 */
export function authorizedAxios(
  interceptor: AxiosInterceptor,
  options: HttpModuleOptions,
): AxiosInstance {
  const { apiUrl, baseUrlOf } = interceptor;
  const instance = axios.create({
    ...(apiUrl === undefined ? {} : { baseURL: apiUrl }),
    ...options,
  });
  interceptor.attach(instance);
  if (apiUrl !== undefined && baseUrlOf !== undefined && options.baseURL === undefined) {
    instance.interceptors.request.use((config) => {
      // Another `baseURL` is the caller's own.
      if (config.baseURL === apiUrl) config.baseURL = baseUrlOf(withLeadingSlash(config.url ?? ''));
      return config;
    });
  }
  return instance;
}

/** axios accepts paths with and without it. */
function withLeadingSlash(path: string): string {
  return path.startsWith('/') ? path : `/${path}`;
}
