import {
  type AxiosAdapter,
  AxiosError,
  type AxiosInstance,
  type AxiosResponse,
  getAdapter,
  type InternalAxiosRequestConfig,
} from 'axios';
import { BoxAuthError } from '../errors/box-auth.error.js';
import type { Authorization, OutgoingPolicy } from './outgoing-policy.js';

type Config = InternalAxiosRequestConfig;
type BeforeRedirect = NonNullable<Config['beforeRedirect']>;

const attached = new WeakSet<AxiosInstance>();

/**
 * Puts tokens onto the calls of an axios instance. Attaching twice changes nothing.
 *
 * It works as the adapter, behind all interceptors: it sees the address and the body as they leave, a replay runs no
 * interceptor twice, and no config that the app gets to see carries the token.
 */
export function attachToAxios(
  instance: AxiosInstance,
  policy: OutgoingPolicy,
  boxFetch: typeof fetch,
): void {
  if (attached.has(instance)) return;
  attached.add(instance);
  instance.interceptors.request.use((config) => {
    const send = getAdapter(config.adapter);
    config.adapter =
      config.adapter === 'fetch'
        ? (final) => adaptFetch(final, boxFetch)
        : (final) => adapt(final, send, instance, policy);
    return config;
  });
}

/** axios over fetch: the fetch does it all. Without a Request object the body stays what it is, and can be sent again. */
async function adaptFetch(config: Config, boxFetch: typeof fetch): Promise<AxiosResponse> {
  Object.assign(config, { env: { ...config.env, fetch: boxFetch, Request: null } });
  try {
    return await getAdapter('fetch', config)(config);
  } catch (error) {
    throw error instanceof AxiosError && error.cause instanceof BoxAuthError ? error.cause : error;
  }
}

async function adapt(
  config: Config,
  send: AxiosAdapter,
  instance: AxiosInstance,
  policy: OutgoingPolicy,
): Promise<AxiosResponse> {
  const address = instance.getUri(config);
  const url = URL.canParse(address) ? new URL(address) : undefined;
  if (url === undefined || !policy.allows(url)) return send(config);

  const signal = config.signal instanceof AbortSignal ? config.signal : undefined;
  const authorization = await policy.authorize(config.headers, signal);
  const answer = await exchange(config, send, policy, authorization);
  if (authorization === undefined || !(await isTokenRefused(answer, policy))) return settle(answer);

  const renewed = await policy.reauthorize(authorization, signal);
  if (isStream(config.data)) throw policy.notReplayable();
  const second = await exchange(config, send, policy, renewed);
  if (await isTokenRefused(second, policy)) policy.refused(renewed);
  return settle(second);
}

/** What the adapter settled with, either way. */
type Answer =
  | { readonly response: AxiosResponse }
  | { readonly error: unknown; readonly response: AxiosResponse | undefined };

async function exchange(
  config: Config,
  send: AxiosAdapter,
  policy: OutgoingPolicy,
  authorization: Authorization | undefined,
): Promise<Answer> {
  const ours = authorization?.headers ?? {};
  const { beforeRedirect } = config;
  config.beforeRedirect = withinOrigins(policy, ours, beforeRedirect);
  for (const [name, value] of Object.entries(ours)) config.headers.set(name, value);
  try {
    const response = await send(config);
    hideRequest(response);
    return { response };
  } catch (error) {
    if (!(error instanceof AxiosError)) return { error, response: undefined };
    hideRequest(error);
    if (error.response !== undefined) hideRequest(error.response);
    return { error, response: error.response };
  } finally {
    // Left in, they would leak with an error, and look like the caller's own when the app retries with this config.
    for (const name of Object.keys(ours)) config.headers.delete(name);
    Object.assign(config, { beforeRedirect });
  }
}

function settle(answer: Answer): AxiosResponse {
  if ('error' in answer) throw answer.error;
  return answer.response;
}

async function isTokenRefused({ response }: Answer, policy: OutgoingPolicy): Promise<boolean> {
  if (response === undefined) return false;
  const { status, headers } = response;
  const data: unknown = response.data;
  return policy.isTokenRefused({
    status,
    challenge: headerOf(headers, 'www-authenticate'),
    isEmpty: () => headerOf(headers, 'content-length') === '0' || isNothing(data),
  });
}

/** Every hop is judged anew; a call that has left gets nothing any more, wherever it is sent next. */
function withinOrigins(
  policy: OutgoingPolicy,
  ours: Authorization['headers'],
  callersOwn: BeforeRedirect | undefined,
): BeforeRedirect {
  let inside = true;
  return (options, response, request) => {
    const href = String(options['href']);
    const headers: unknown = options['headers'];
    inside &&= policy.allows(new URL(href));
    const stale: readonly string[] = inside ? Object.keys(ours) : policy.headerNames;
    if (isRecord(headers)) {
      for (const name of Object.keys(headers)) {
        if (stale.includes(name.toLowerCase())) delete headers[name];
      }
      if (inside) Object.assign(headers, ours);
    }
    callersOwn?.(options, response, request);
  };
}

/** Node's request object holds the headers as they were sent. What people look for in it is kept. */
function hideRequest(holder: { request?: unknown }): void {
  if (!isRecord(holder.request)) return;
  const { method, protocol, host, path, res } = holder.request;
  const responseUrl = isRecord(res) ? res['responseUrl'] : undefined;
  holder.request = { method, protocol, host, path, res: { responseUrl } };
}

function headerOf(headers: unknown, name: string): string | undefined {
  const value: unknown = isRecord(headers) ? headers[name] : undefined;
  return typeof value === 'string' ? value : undefined;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

function isNothing(data: unknown): boolean {
  return (
    data === undefined ||
    data === null ||
    data === '' ||
    (ArrayBuffer.isView(data) && data.byteLength === 0)
  );
}

/** Node's streams, the web's, and the `form-data` package's. */
function isStream(data: unknown): boolean {
  return (
    isRecord(data) &&
    (typeof data['pipe'] === 'function' || typeof data['getReader'] === 'function')
  );
}
