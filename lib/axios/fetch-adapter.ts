import {
  type AxiosResponse,
  getAdapter,
  type InternalAxiosRequestConfig,
  isAxiosError,
} from 'axios';
import { BoxAuthError } from '../core/errors/box-auth.error.js';
import { urlOf } from './request-url.js';

type Config = InternalAxiosRequestConfig;

/** Whether axios uses its fetch adapter on Node: by name or as a function, alone or as the first usable entry of a list. */
export function isFetchAdapter(adapter: Config['adapter']): boolean {
  if (typeof adapter === 'function') return adapter === getAdapter('fetch');
  const first = [adapter].flat().find((each) => String(each).toLowerCase() !== 'xhr');
  return typeof first === 'string'
    ? first.toLowerCase() === 'fetch'
    : first === getAdapter('fetch');
}

/**
 * Sends a call with the fetch adapter of axios: through `boxFetch` if `accepts` returns true for its URL, else through the
 * fetch of the instance. `Request: null` preserves the type of the body, so that it can be sent again.
 */
export async function sendWithFetch(
  config: Config,
  boxFetch: typeof fetch,
  accepts: (url: URL) => boolean,
): Promise<AxiosResponse> {
  const url = urlOf(config);
  if (url === undefined || !accepts(url)) return getAdapter('fetch', config)(config);
  Object.assign(config, { env: { ...config.env, fetch: boxFetch, Request: null } });
  try {
    return await getAdapter('fetch', config)(config);
  } catch (error) {
    throw isAxiosError(error) && error.cause instanceof BoxAuthError ? error.cause : error;
  }
}
