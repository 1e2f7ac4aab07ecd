import { PassThrough, Readable, Stream } from 'node:stream';
import { types } from 'node:util';
import {
  Axios,
  type AxiosRequestConfig,
  type AxiosResponse,
  getAdapter,
  type InternalAxiosRequestConfig,
  isAxiosError,
} from 'axios';
import { BoxAuthError } from '../core/errors/box-auth.error.js';
import type { OutgoingPolicy } from '../core/http/outgoing-policy.js';
import { parseUrl } from '../core/http/url-rules.js';

type Config = InternalAxiosRequestConfig;

/** Where a call that axios does not send by itself goes. */
export interface FetchRoute {
  readonly fetch: typeof fetch;
  /** `'fetch'` if every call goes there, to whatever host. */
  readonly sendsBy: 'client' | 'fetch';
}

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

/** axios over fetch: the fetch does it all. Without a Request object the body stays what it is, and can be sent again. */
export async function adaptFetch(
  config: Config,
  policy: OutgoingPolicy,
  route: FetchRoute,
): Promise<AxiosResponse> {
  const url = addressOf(config);
  if (url === undefined || (route.sendsBy === 'client' && !policy.allows(url))) {
    return getAdapter('fetch', config)(config);
  }
  Object.assign(config, { env: { ...config.env, fetch: route.fetch, Request: null } });
  try {
    return await getAdapter('fetch', config)(config);
  } catch (error) {
    throw isAxiosError(error) && error.cause instanceof BoxAuthError ? error.cause : error;
  }
}

/** Over fetch, for an app that counts on axios' adapter for Node: it gets Node's streams and Buffers. */
export async function adaptAsHttp(
  config: Config,
  policy: OutgoingPolicy,
  route: FetchRoute,
): Promise<AxiosResponse> {
  try {
    return asOfNode(await adaptFetch(config, policy, route));
  } catch (error) {
    if (isAxiosError(error) && error.response !== undefined) asOfNode(error.response);
    throw error;
  }
}

/** The `form-data` package makes streams of an old kind, which no fetch can read. */
export function takingStreams(boxFetch: typeof fetch): typeof fetch {
  return (input, init) => {
    const body: unknown = init?.body;
    const isOld = body instanceof Stream && !(body instanceof Readable);
    return boxFetch(input, isOld ? { ...init, body: body.pipe(new PassThrough()) } : init);
  };
}

function asOfNode(response: AxiosResponse): AxiosResponse {
  const data: unknown = response.data;
  if (data instanceof ReadableStream) response.data = Readable.fromWeb(data);
  else if (types.isAnyArrayBuffer(data)) response.data = Buffer.from(data);
  return response;
}
