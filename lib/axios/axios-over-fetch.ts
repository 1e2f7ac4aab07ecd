import {
  Axios,
  type AxiosRequestConfig,
  type AxiosResponse,
  getAdapter,
  type InternalAxiosRequestConfig,
  isAxiosError,
} from 'axios';
import { BoxAuthError } from '../core/errors/box-auth.error.js';
import { parseUrl } from '../core/http/url-rules.js';

type Config = InternalAxiosRequestConfig;

/** Whether axios will take its fetch adapter: by name or as it is, alone or first in a list that this platform knows. */
export function isFetch(adapter: Config['adapter']): boolean {
  if (typeof adapter === 'function') return adapter === getAdapter('fetch');
  const first = [adapter].flat().find((one) => String(one).toLowerCase() !== 'xhr');
  return typeof first === 'string'
    ? first.toLowerCase() === 'fetch'
    : first === getAdapter('fetch');
}

// Without defaults: an adapter sees those of its instance in the config already, or the app took them out.
const bare = new Axios({});

// What axios puts one behind the other as it is. To have it do so would cost as much as all that we add to a call.
const PLAIN_BASE = /^https?:\/\/\w[\w.:/-]*\w$/;
const PLAIN_PATH = /^\/\w[\w./?&=,%~-]*$/;

export function addressOf(config: Config): URL | undefined {
  const { baseURL = '', url = '' } = config;
  const isPlain = config.params === undefined && PLAIN_BASE.test(baseURL) && PLAIN_PATH.test(url);
  return parseUrl(isPlain ? baseURL + url : bare.getUri(addressParts(config)));
}

/** What an address is made of: to merge all of a config with no defaults would cost more than the call. */
function addressParts(config: Config): AxiosRequestConfig {
  const { baseURL, url, allowAbsoluteUrls, paramsSerializer } = config;
  const params: unknown = config.params;
  const parts: AxiosRequestConfig = {};
  if (baseURL !== undefined) parts.baseURL = baseURL;
  if (url !== undefined) parts.url = url;
  if (allowAbsoluteUrls !== undefined) parts.allowAbsoluteUrls = allowAbsoluteUrls;
  if (params !== undefined) parts.params = params;
  if (paramsSerializer !== undefined) parts.paramsSerializer = paramsSerializer;
  return parts;
}

/**
 * Sends a call through `boxFetch` if `accepts` its URL, else through the fetch of the instance. Without a Request object the
 * body keeps its type, and can be sent again.
 */
export async function adaptFetch(
  config: Config,
  boxFetch: typeof fetch,
  accepts: (url: URL) => boolean,
): Promise<AxiosResponse> {
  const url = addressOf(config);
  if (url === undefined || !accepts(url)) return getAdapter('fetch', config)(config);
  Object.assign(config, { env: { ...config.env, fetch: boxFetch, Request: null } });
  try {
    return await getAdapter('fetch', config)(config);
  } catch (error) {
    throw isAxiosError(error) && error.cause instanceof BoxAuthError ? error.cause : error;
  }
}
