import { Readable } from 'node:stream';
import axios, {
  type AxiosAdapter,
  type AxiosInstance,
  type AxiosResponse,
  getAdapter,
  type InternalAxiosRequestConfig,
  isAxiosError,
} from 'axios';
import { cacheByIdentity } from './axios-cache-keys.js';
import { adaptFetch, addressOf, isFetch } from './axios-over-fetch.js';
import { axiosEndings } from './axios-endings.js';
import { BoxAuthError } from '../core/errors/box-auth.error.js';
import type { ClientTransport } from '../core/http/client-transport.js';
import type { Authorization, OutgoingPolicy } from '../core/http/outgoing-policy.js';
import { hideRequest, withoutAgents } from './axios-hiding.js';
import { isPlainLoopback } from '../core/http/env-proxy.js';
import { abortedBy } from '../core/http/abort-sources.js';
import { bodyNotReplayable, isReplayable } from '../core/http/replayable-body.js';

type Config = InternalAxiosRequestConfig;
type BeforeRedirect = NonNullable<Config['beforeRedirect']>;

const MAX_ADAPTERS = 8;
/** Until 1.16.0, which send an https call to a proxy in clear text, and open no tunnel. */
const OLD_AXIOS = /^(?:0|1\.(?:\d|1[0-5]|16\.0))(?:\.|$)/;

const attached = new WeakMap<AxiosInstance, OutgoingPolicy>();

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
  transport?: ClientTransport,
): void {
  const before = attached.get(instance);
  if (before === policy) return;
  if (before !== undefined) throw attachedToAnother();
  if (OLD_AXIOS.test(axios.VERSION)) throw tooOld();
  attached.set(instance, policy);
  cacheByIdentity(instance, policy);
  const adapterFor = (adapter: Config['adapter']): AxiosAdapter =>
    transport === undefined
      ? adapterOf(adapter, policy, boxFetch)
      : adapterOver(transport, adapter);
  // An instance has one adapter, and a call seldom one of its own; a list of names is another list at each call.
  const adapters = new Map<unknown, AxiosAdapter>();
  // Not a synchronous one: where all are, axios sends what an interceptor before this one has refused to send.
  instance.interceptors.request.use((config) => {
    const { adapter } = config;
    const key = areNames(adapter) ? adapter.join() : adapter;
    const known = adapters.get(key);
    config.adapter = known ?? withoutAgents(adapterFor(adapter), instance.defaults);
    if (known === undefined && adapters.size < MAX_ADAPTERS) adapters.set(key, config.adapter);
    return config;
  });
}

function areNames(adapter: Config['adapter']): adapter is string[] {
  return Array.isArray(adapter) && adapter.every((one) => typeof one === 'string');
}

function adapterOver(transport: ClientTransport, adapter: Config['adapter']): AxiosAdapter {
  const send: AxiosAdapter = (final) => adaptFetch(final, transport.fetch, () => true);
  return isFetch(adapter) ? send : transport.withNodeData(send);
}

function adapterOf(
  adapter: Config['adapter'],
  policy: OutgoingPolicy,
  boxFetch: typeof fetch,
): AxiosAdapter {
  if (isFetch(adapter)) {
    return (final) => adaptFetch(final, boxFetch, (url) => policy.allows(url));
  }
  const send = getAdapter(adapter);
  return (final) => adapt(final, send, policy);
}

async function adapt(
  config: Config,
  send: AxiosAdapter,
  policy: OutgoingPolicy,
): Promise<AxiosResponse> {
  const url = addressOf(config);
  if (url === undefined || !policy.allows(url)) return send(config);

  const { headers } = config;
  const endings = () => axiosEndings(config, policy.runtime);
  const authorization = await abortedBy(endings, (options) =>
    policy.authorize({ get: (name) => sentValue(headers, name) }, options),
  );
  const answer = await exchange(config, url, send, policy, authorization);
  if (authorization === undefined || !(await isTokenRefused(answer, policy))) return settle(answer);
  const unread: unknown = answer.response?.data;
  if (unread instanceof Readable) unread.destroy(); // or it would keep its connection from the replay

  const renewed = await abortedBy(endings, (options) => policy.reauthorize(authorization, options));
  if (!isReplayable(config.data)) throw bodyNotReplayable();
  const second = await exchange(config, url, send, policy, renewed);
  if (await isTokenRefused(second, policy)) policy.invalidate(renewed);
  return settle(second);
}

function attachedToAnother(): BoxAuthError {
  return new BoxAuthError({
    code: 'option_invalid',
    message: 'This axios instance carries the tokens of another app already.',
    hint: 'Make an instance for each app, with axios.create().',
    docs: 'https://axios-http.com/docs/instance',
  });
}

/**
 * The value that axios sends. It does not send null, undefined, false and an empty list, in whatever case and white space the
 * name is written: left in, such an entry would keep ours from being sent.
 */
function sentValue(headers: Config['headers'], name: string): string | undefined {
  const sent: unknown[] = [];
  for (const key of Object.keys(headers)) {
    if (key.trim().toLowerCase() !== name) continue;
    const value: unknown = headers[key];
    if (value == null || value === false || isEmptyList(value)) delete headers[key];
    else sent.push(value);
  }
  return sent.length === 0 ? undefined : sent.join(', ');
}

function isEmptyList(value: unknown): boolean {
  return Array.isArray(value) && value.length === 0;
}

function tooOld(): BoxAuthError {
  return new BoxAuthError({
    code: 'option_invalid',
    message: `axios ${axios.VERSION} sends the tokens of https calls to a proxy in clear text.`,
    hint: 'Install axios 1.16.1 or later.',
    docs: 'https://github.com/axios/axios/releases/tag/v1.16.1',
  });
}

/** What the adapter settled with, either way, and whether it was ever redirected to another origin. */
type Answer = { readonly route: Route } & (
  | { readonly response: AxiosResponse }
  | { readonly error: unknown; readonly response: AxiosResponse | undefined }
);

interface Route {
  isInside: boolean;
}

async function exchange(
  config: Config,
  url: URL,
  send: AxiosAdapter,
  policy: OutgoingPolicy,
  authorization: Authorization | undefined,
): Promise<Answer> {
  const ours = authorization?.headers ?? {};
  const names = Object.keys(ours);
  const { headers, beforeRedirect, maxRedirects, proxy } = config;
  if (isPlainLoopback(url)) config.proxy = false;
  const route: Route = { isInside: true };
  config.beforeRedirect = withinOrigins(policy, ours, route, config);
  // To be able to follow redirects axios keeps all of a body; a stream, which is sent once, is to stay out of memory.
  if (!isReplayable(config.data)) config.maxRedirects ??= 0;
  for (const name of names) headers.set(name, ours[name]);
  try {
    const response = await send(config);
    hideRequest(response, policy.protectedHeaderNames);
    return { route, response };
  } catch (error) {
    if (!isAxiosError(error)) return { route, error, response: undefined };
    hideRequest(error, policy.protectedHeaderNames);
    if (error.response !== undefined) hideRequest(error.response, policy.protectedHeaderNames);
    return { route, error, response: error.response };
  } finally {
    // Left in, they would leak with an error, and look like the caller's own when the app retries with this config.
    for (const name of names) headers.delete(name);
    Object.assign(config, { beforeRedirect, maxRedirects, proxy });
  }
}

function settle(answer: Answer): AxiosResponse {
  if ('error' in answer) throw answer.error;
  return answer.response;
}

function isTokenRefused(
  { response, route }: Answer,
  policy: OutgoingPolicy,
): boolean | Promise<boolean> {
  // Another origin got no token: its 401 says nothing about ours.
  if (response === undefined || !route.isInside) return false;
  const { status, headers } = response;
  const data: unknown = response.data;
  return policy.isTokenRefused({
    status,
    challenge: headerOf(headers, 'www-authenticate'),
    // An answer to HEAD never has a body: that says nothing.
    isEmpty: () =>
      response.config.method?.toUpperCase() !== 'HEAD' &&
      (headerOf(headers, 'content-length') === '0' || isNothing(data)),
  });
}

/** Every hop is judged anew; a call that has left gets nothing any more, wherever it is sent next. */
function withinOrigins(
  policy: OutgoingPolicy,
  ours: Authorization['headers'],
  route: Route,
  { beforeRedirect: callersOwn, proxy }: Config,
): BeforeRedirect {
  return (options, response, request) => {
    const hop = new URL(String(options['href']));
    const headers: unknown = options['headers'];
    // A call that began elsewhere may go to loopback through a proxy.
    route.isInside &&= policy.allows(hop) && (proxy === false || !isPlainLoopback(hop));
    const stale = route.isInside ? namesOf(ours) : policy.protectedHeaderNames;
    if (isRecord(headers)) {
      for (const name of Object.keys(headers)) {
        if (stale.includes(name.toLowerCase())) delete headers[name];
      }
      if (route.isInside) Object.assign(headers, ours);
    }
    callersOwn?.(options, response, request);
  };
}

function namesOf(headers: object): readonly string[] {
  return Object.keys(headers).map((name) => name.toLowerCase());
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
