import {
  type AxiosResponse,
  getAdapter,
  type InternalAxiosRequestConfig,
  isAxiosError,
} from 'axios';
import { BoxAuthError } from '../core/errors/box-auth.error.js';
import { urlOf } from './request-url.js';

type Config = InternalAxiosRequestConfig;

/** Whether axios uses its fetch adapter on Node: given by name or as a function, alone or as the first usable one in a list. */
export function isFetchAdapter(adapter: Config['adapter']): boolean {
  if (typeof adapter === 'function') return adapter === getAdapter('fetch');
  const first = [adapter].flat().find((each) => String(each).toLowerCase() !== 'xhr');
  return typeof first === 'string'
    ? first.toLowerCase() === 'fetch'
    : first === getAdapter('fetch');
}

/**
 * Sends a call with the fetch adapter of axios: through `boxFetch` if `accepts` its URL, else through the instance's own
 * fetch. Without a Request object the body keeps its type, so that it can be sent again.
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
