import { Axios, type AxiosRequestConfig, type InternalAxiosRequestConfig } from 'axios';
import { parseUrl } from '../core/http/url-rules.js';

// Without defaults: the config of an adapter already contains those of its instance, unless the app removed them.
const bareAxios = new Axios({});

// Parts that axios only concatenates. Concatenating them here saves as much time as this package adds to a call.
const PLAIN_BASE = /^https?:\/\/\w[\w.:/-]*\w$/;
const PLAIN_PATH = /^\/\w[\w./?&=,%~-]*$/;

/**
 * Returns the URL that axios sends a call to, without its `params`; undefined if it is not absolute or if axios rejects it.
 * The params change neither origin nor path, and only axios may call the serializer of the app.
 */
export function urlOf(config: InternalAxiosRequestConfig): URL | undefined {
  const { baseURL = '', url = '' } = config;
  if (PLAIN_BASE.test(baseURL) && PLAIN_PATH.test(url)) return parseUrl(baseURL + url);
  try {
    return parseUrl(bareAxios.getUri(urlParts(config)));
  } catch {
    return undefined; // the adapter throws the same error
  }
}

/** Picks the options that determine the URL: merging the whole config in axios would take longer than the call. */
function urlParts({
  baseURL,
  url,
  allowAbsoluteUrls,
}: InternalAxiosRequestConfig): AxiosRequestConfig {
  const parts: AxiosRequestConfig = {};
  if (baseURL !== undefined) parts.baseURL = baseURL;
  if (url !== undefined) parts.url = url;
  if (allowAbsoluteUrls !== undefined) parts.allowAbsoluteUrls = allowAbsoluteUrls;
  return parts;
}
