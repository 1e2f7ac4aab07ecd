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
import type { CallRetries } from '../core/http/api-retries.js';
import { authorizedFetch } from '../core/http/authorized-fetch.js';
import type { ClientTransport } from '../core/http/client-transport.js';
import { isPlainLoopback } from '../core/http/env-proxy.js';
import type { Admission, Authorization, OutgoingPolicy } from '../core/http/outgoing-policy.js';
import { sendRepeatedly } from '../core/http/repeated-call.js';
import type { ReplayableBody } from '../core/http/replayable-body.js';
import { type MaybePromise, whenReady } from '../core/runtime/maybe-promise.js';
import { abortSources, callerSources, isAborted } from './abort-sources.js';
import { attemptOf, headerOf, isRecord, type Outcome, type Redirects } from './axios-attempt.js';
import { attachedToAnotherApp, unsafeAxios } from './axios-errors.js';
import { bodyOf } from './axios-body.js';
import { addIdentityToCacheKeys } from './cache-keys.js';
import { fetchAdapter, isFetchAdapter } from './fetch-adapter.js';
import { noteFailure } from './noted-failures.js';
import { urlOf } from './request-url.js';
import { stripAgents, stripRequest } from './strip-request.js';
import { changeFields, changeHeaders, keysNamed } from './temporary-changes.js';
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
  const adapters = new WrappedAdapters((option) => {
    const send = authorized(option);
    return async (config) => {
      try {
        return await send(config);
      } catch (error) {
        noteFailure(error, config, policy);
        throw error;
      } finally {
        stripAgents(config, instance.defaults);
      }
    };
  });
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

/** A call that may carry a token. It may take several requests. */
interface Call {
  readonly config: Config;
  readonly url: URL;
  readonly body: ReplayableBody<unknown>;
  readonly send: AxiosAdapter;
  readonly policy: OutgoingPolicy;
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
  const call: Call = { config, url, body, send, policy };
  try {
    const outcome = await whenReady(authorize(call), (authorization) =>
      sendWithToken(call, authorization),
    );
    if (outcome.response === undefined) body.cancel();
    else body.finish();
    return settle(outcome);
  } catch (error) {
    body.cancel(error);
    throw error;
  }
}

function authorize({ config, body, policy }: Call): MaybePromise<Authorization | undefined> {
  return abortedBy(
    () => abortSources(config, policy.runtime),
    (options) => policy.authorize({ get: (name) => sentValue(config, name) }, options, body.isLong),
  );
}

function sendWithToken(call: Call, authorization: Authorization | undefined): Promise<Outcome> {
  const retries = authorization?.retries;
  return authorization === undefined || retries === undefined
    ? sendReplayed(call, authorization)
    : sendRetried(call, authorization, retries);
}

/** Sends a request, and repeats it as the option `apiRetries` allows. */
async function sendRetried(
  call: Call,
  authorization: Authorization,
  retries: CallRetries,
): Promise<Outcome> {
  const { config, body, policy } = call;
  const method = (config.method ?? 'get').toUpperCase();
  const attempt = await sendRepeatedly(policy, authorization, retries, {
    ...admissionOf(call),
    method,
    body,
    isAborted: () => isAborted(config),
    send: async (current) => attemptOf(await sendReplayed(call, current), method, policy.runtime),
  });
  return attempt.outcome;
}

function admissionOf({ config, body }: Call): Admission {
  return { sources: () => callerSources(config), isLongCall: body.isLong };
}

/** Sends a request, and once more if its token is refused. */
async function sendReplayed(
  call: Call,
  authorization: Authorization | undefined,
): Promise<Outcome> {
  const { config, policy } = call;
  const first = await exchange(call, authorization);
  if (authorization === undefined) return first;
  const isRefused = isTokenRefused(first, policy);
  if (isRefused === false || !(await isRefused)) return first;
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
  const admitted = await policy.admit(reauthorization, admissionOf(call));
  const second = await exchange(call, admitted);
  if (await isTokenRefused(second, policy)) policy.invalidate(admitted);
  return second;
}

/** Returns the value that axios sends for a header. It sends no null, undefined, false and empty list. */
function sentValue({ headers, auth }: Config, name: string): string | undefined {
  // axios replaces the header `authorization` by this option.
  if (name === 'authorization' && auth) return 'Basic';
  const keys = keysNamed(headers, [name]);
  if (keys.length === 0) return undefined;
  const values = keys
    .map((key): unknown => headers[key])
    .filter((value) => value != null && value !== false && !isEmptyList(value));
  return values.length === 0 ? undefined : values.join(', ');
}

function isEmptyList(value: unknown): boolean {
  return Array.isArray(value) && value.length === 0;
}

async function exchange(call: Call, authorization: Authorization | undefined): Promise<Outcome> {
  const { config, url, body, send, policy } = call;
  const opened = body.open();
  const data: unknown = opened instanceof Promise ? await opened : opened;
  const addedHeaders = authorization?.headers ?? {};
  const redirects: Redirects = { areAllowed: true, wereFollowed: false };
  const report = authorization?.report?.sent(url, config.method);
  const beforeRedirect = redirectGuard(call, addedHeaders, redirects, report);
  const restoreFields = changeFields(config, {
    beforeRedirect,
    ...(data !== config.data && { data }),
    ...(isPlainLoopback(url) && { proxy: false }),
    // To follow redirects, axios keeps the whole body in memory. A stream follows none, so that it is not buffered.
    ...(body.isStream && { maxRedirects: config.maxRedirects ?? 0 }),
  });
  const restoreHeaders = changeHeaders(config.headers, addedHeaders);
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
    restoreHeaders();
    restoreFields();
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
  { config, url, policy }: Call,
  addedHeaders: Authorization['headers'],
  redirects: Redirects,
  report: ApiRequestReport | undefined,
): BeforeRedirect {
  const { beforeRedirect: callerHook, proxy } = config;
  return (options, response, request) => {
    const hop = new URL(String(options['href']));
    const headers: unknown = options['headers'];
    redirects.wereFollowed = true;
    // If the call began at another host, a hop to loopback may go through a proxy.
    redirects.areAllowed &&=
      policy.allowsRedirectTo(hop) &&
      (proxy === false || isPlainLoopback(url) || !isPlainLoopback(hop));
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
