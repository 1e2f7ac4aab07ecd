import { Readable } from 'node:stream';
import axios, {
  type AxiosAdapter,
  type AxiosInstance,
  type AxiosResponse,
  getAdapter,
  type InternalAxiosRequestConfig,
  isAxiosError,
} from 'axios';
import { abortedBy } from '../core/http/abort-sources.js';
import type { ApiRequestReport } from '../core/http/api-call-report.js';
import { authorizedFetch } from '../core/http/authorized-fetch.js';
import type { ClientTransport } from '../core/http/client-transport.js';
import { isPlainLoopback } from '../core/http/env-proxy.js';
import type { Admission, Authorization, OutgoingPolicy } from '../core/http/outgoing-policy.js';
import { sendRepeatedly } from '../core/http/repeated-call.js';
import type { ReplayableBody } from '../core/http/replayable-body.js';
import { abortSources, callerSources, isAborted } from './abort-sources.js';
import { attemptOf, headerOf, isRecord, type Outcome, type Redirects } from './axios-attempt.js';
import { attachedToAnotherApp, unsafeAxios } from './axios-errors.js';
import { bodyOf } from './axios-body.js';
import { addIdentityToCacheKeys } from './cache-keys.js';
import { fetchAdapter, isFetchAdapter } from './fetch-adapter.js';
import { notingFailures } from './noted-failures.js';
import { urlOf } from './request-url.js';
import { strippingAgents, stripRequest } from './strip-request.js';
import { changeFields, changeHeaders, headerName } from './temporary-changes.js';
import { WrappedAdapters } from './wrapped-adapters.js';

type Config = InternalAxiosRequestConfig;
type BeforeRedirect = NonNullable<Config['beforeRedirect']>;

/** Up to 1.16.0 axios sends https calls to a proxy in clear text instead of opening a tunnel. */
const UNSAFE_AXIOS = /^(?:0|1\.(?:\d|1[0-5]|16\.0))(?:\.|$)/;

const attachedPolicies = new WeakMap<AxiosInstance, OutgoingPolicy>();

/**
 * Adds tokens to the calls of an axios instance. Attaching twice changes nothing.
 *
 * It replaces the adapter, which runs after all interceptors. There it sees the final address and body, a replay runs no
 * interceptor twice, and no config that the app can see carries the token.
 */
export function attachToAxios(
  instance: AxiosInstance,
  policy: OutgoingPolicy,
  boxFetch: typeof fetch,
  transport?: ClientTransport,
): void {
  const attached = attachedPolicies.get(instance);
  if (attached === policy) return;
  if (attached !== undefined) throw attachedToAnotherApp();
  if (UNSAFE_AXIOS.test(axios.VERSION)) throw unsafeAxios();
  attachedPolicies.set(instance, policy);
  addIdentityToCacheKeys(instance, policy);
  const authorized = authorizedAdapters(policy, boxFetch, transport);
  const adapters = new WrappedAdapters((option) =>
    strippingAgents(notingFailures(authorized(option), policy), instance.defaults),
  );
  // Not a synchronous interceptor: if all are synchronous, axios sends calls that an earlier interceptor has rejected.
  instance.interceptors.request.use((config) => {
    adapters.install(config);
    return config;
  });
}

/** Returns the function that creates the adapter with tokens for an option `adapter`. */
function authorizedAdapters(
  policy: OutgoingPolicy,
  boxFetch: typeof fetch,
  transport: ClientTransport | undefined,
): (option: Config['adapter']) => AxiosAdapter {
  if (transport !== undefined) {
    const send = fetchAdapter(() => transport.fetch);
    return (option) => (isFetchAdapter(option) ? send : transport.withNodeData(send));
  }
  const sendWithFetch = fetchAdapter(
    (appFetch) => (appFetch === undefined ? boxFetch : authorizedFetch(policy, appFetch, () => '')),
    (url) => policy.allows(url),
  );
  return (option) => {
    if (isFetchAdapter(option)) return sendWithFetch;
    const send: AxiosAdapter = (config) => getAdapter(option || axios.defaults.adapter)(config);
    return (config) => sendAuthorized(config, send, policy);
  };
}

/** Sends a call with a token, and replays it once if the token is refused. */
async function sendAuthorized(
  config: Config,
  send: AxiosAdapter,
  policy: OutgoingPolicy,
): Promise<AxiosResponse> {
  const url = urlOf(config);
  if (url === undefined || !policy.allows(url)) return send(config);

  const body = bodyOf(config, policy.replayBufferBytes);
  try {
    const outcome = await sendWithToken(config, url, body, send, policy);
    if (outcome.response === undefined) body.cancel();
    else body.finish();
    return settle(outcome);
  } catch (error) {
    body.cancel(error);
    throw error;
  }
}

async function sendWithToken(
  config: Config,
  url: URL,
  body: ReplayableBody<unknown>,
  send: AxiosAdapter,
  policy: OutgoingPolicy,
): Promise<Outcome> {
  const sources = () => abortSources(config, policy.runtime);
  const authorization = await abortedBy(sources, (options) =>
    policy.authorize({ get: (name) => sentValue(config, name) }, options, body.isLong),
  );
  const retries = authorization?.retries;
  if (authorization === undefined || retries === undefined) {
    return sendReplayed(config, url, body, send, policy, authorization);
  }
  const method = (config.method ?? 'get').toUpperCase();
  const attempt = await sendRepeatedly(policy, authorization, retries, {
    ...admissionOf(config, body),
    method,
    body,
    isAborted: () => isAborted(config),
    send: async (current) => {
      const outcome = await sendReplayed(config, url, body, send, policy, current);
      return attemptOf(outcome, method, policy.runtime);
    },
  });
  return attempt.outcome;
}

function admissionOf(config: Config, body: ReplayableBody<unknown>): Admission {
  return { sources: () => callerSources(config), isLongCall: body.isLong };
}

/** Sends a request, and once more if its token is refused. */
async function sendReplayed(
  config: Config,
  url: URL,
  body: ReplayableBody<unknown>,
  send: AxiosAdapter,
  policy: OutgoingPolicy,
  authorization: Authorization | undefined,
): Promise<Outcome> {
  const first = await exchange(config, url, body, send, policy, authorization);
  if (authorization === undefined || !(await isTokenRefused(first, policy))) return first;
  const { retries } = authorization;
  if (retries?.mayReplay === false) {
    policy.invalidate(authorization);
    return first;
  }
  retries?.countReplay();
  const received: unknown = first.response?.data;
  if (received instanceof Readable) received.destroy(); // frees its connection for the replay

  const reauthorization = await abortedBy(
    () => abortSources(config, policy.runtime),
    (options) => policy.reauthorize(authorization, options),
  );
  const admitted = await policy.admit(reauthorization, admissionOf(config, body));
  const second = await exchange(config, url, body, send, policy, admitted);
  if (await isTokenRefused(second, policy)) policy.invalidate(admitted);
  return second;
}

/** Returns the value that axios sends for a header. It sends no null, undefined, false and empty list. */
function sentValue({ headers, auth }: Config, name: string): string | undefined {
  // axios replaces the header `authorization` by this option.
  if (name === 'authorization' && auth) return 'Basic';
  const values = Object.entries(headers)
    .filter(([key]) => headerName(key) === name)
    .map(([, value]): unknown => value)
    .filter((value) => value != null && value !== false && !isEmptyList(value));
  return values.length === 0 ? undefined : values.join(', ');
}

function isEmptyList(value: unknown): boolean {
  return Array.isArray(value) && value.length === 0;
}

async function exchange(
  config: Config,
  url: URL,
  body: ReplayableBody<unknown>,
  send: AxiosAdapter,
  policy: OutgoingPolicy,
  authorization: Authorization | undefined,
): Promise<Outcome> {
  const data: unknown = await body.open();
  const addedHeaders = authorization?.headers ?? {};
  const redirects: Redirects = { areAllowed: true, wereFollowed: false };
  const report = authorization?.report?.sent(url, config.method);
  const changes = [
    changeFields(config, isPlainLoopback(url) ? { proxy: false } : {}),
    changeFields(config, {
      data,
      beforeRedirect: redirectGuard(policy, addedHeaders, redirects, config, report),
      // To follow redirects, axios keeps the whole body in memory. A stream follows none, so that it is not buffered.
      ...(body.isStream ? { maxRedirects: config.maxRedirects ?? 0 } : {}),
    }),
    changeHeaders(config.headers, addedHeaders),
  ];
  try {
    const response = await send(config);
    report?.responded(response.status);
    stripRequest(response, policy.protectedHeaderNames);
    return { redirects, response };
  } catch (error) {
    report?.failed(error);
    if (!isAxiosError(error)) return { redirects, error, response: undefined };
    stripRequest(error, policy.protectedHeaderNames);
    if (error.response !== undefined) stripRequest(error.response, policy.protectedHeaderNames);
    return { redirects, error, response: error.response };
  } finally {
    for (const restore of changes) restore();
  }
}

function settle(outcome: Outcome): AxiosResponse {
  if ('error' in outcome) throw outcome.error;
  return outcome.response;
}

function isTokenRefused(
  { response, redirects }: Outcome,
  policy: OutgoingPolicy,
): boolean | Promise<boolean> {
  // A foreign origin got no token, so its 401 says nothing about ours.
  if (response === undefined || !redirects.areAllowed) return false;
  const { status, headers } = response;
  const data: unknown = response.data;
  return policy.isTokenRefused({
    status,
    challenge: headerOf(headers, 'www-authenticate'),
    // A response to HEAD never has a body, so an empty one means nothing.
    isEmpty: () =>
      response.config.method?.toUpperCase() !== 'HEAD' &&
      (headerOf(headers, 'content-length') === '0' || isEmptyData(data)),
  });
}

/** Checks every hop. Once a call has left the allowed origins, it gets no more headers, wherever it goes next. */
function redirectGuard(
  policy: OutgoingPolicy,
  addedHeaders: Authorization['headers'],
  redirects: Redirects,
  { beforeRedirect: callerHook, proxy }: Config,
  report: ApiRequestReport | undefined,
): BeforeRedirect {
  return (options, response, request) => {
    const hop = new URL(String(options['href']));
    const headers: unknown = options['headers'];
    redirects.wereFollowed = true;
    // If the call began at another host, a hop to loopback may go through a proxy.
    redirects.areAllowed &&=
      policy.allowsRedirectTo(hop) && (proxy === false || !isPlainLoopback(hop));
    report?.responded(response.statusCode);
    if (redirects.areAllowed) report?.redirected(hop, options['method']);
    const removedNames = redirects.areAllowed ? namesOf(addedHeaders) : policy.protectedHeaderNames;
    if (isRecord(headers)) {
      for (const name of Object.keys(headers)) {
        if (removedNames.includes(name.toLowerCase())) delete headers[name];
      }
      if (redirects.areAllowed) Object.assign(headers, addedHeaders);
    }
    callerHook?.(options, response, request);
  };
}

function namesOf(headers: object): readonly string[] {
  return Object.keys(headers).map((name) => name.toLowerCase());
}

function isEmptyData(data: unknown): boolean {
  return (
    data === undefined ||
    data === null ||
    data === '' ||
    (ArrayBuffer.isView(data) && data.byteLength === 0)
  );
}
