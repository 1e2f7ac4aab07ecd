import { Axios, type AxiosRequestConfig, type InternalAxiosRequestConfig } from 'axios';
import { parseUrl } from '../core/http/url-rules.js';

// Without defaults: the config of an adapter already contains those of its instance, unless the app removed them.
const bareAxios = new Axios({});

// Parts that axios only concatenates. Concatenating them here saves as much time as this package adds to a call.
const PLAIN_BASE = /^https?:\/\/\w[\w.:/-]*\w$/;
const PLAIN_PATH = /^\/\w[\w./?&=,%~-]*$/;

/** Returns the URL that axios sends a call to; undefined if it is not absolute. */
export function urlOf(config: InternalAxiosRequestConfig): URL | undefined {
  const { baseURL = '', url = '' } = config;
  const isPlain = config.params === undefined && PLAIN_BASE.test(baseURL) && PLAIN_PATH.test(url);
  return parseUrl(isPlain ? baseURL + url : bareAxios.getUri(urlParts(config)));
}

/** Picks the options that determine the URL: merging the whole config in axios would take longer than the call. */
function urlParts(config: InternalAxiosRequestConfig): AxiosRequestConfig {
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
