import { EventEmitter } from 'node:events';
import { setTimeout } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import axios, { AxiosError, CanceledError } from 'axios';
import { BoxSdkError } from 'box-node-sdk/box/errors';
import { NetworkSession } from 'box-node-sdk/networking';
import * as undici from 'undici';
import * as undici6 from 'undici6';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { BoxSdkAuthentication, BoxSdkNetworkClient } from 'nestjs-box-auth/sdk';
import { boxAuthInterceptor } from 'nestjs-box-auth/undici';
import { BoxAuth } from '../../lib/box/box-auth.js';
import { attachToAxios } from '../../lib/axios/axios-authorization.js';
import { FakeRuntime, settled } from '../support/fake-runtime.js';
import { type LoopbackServer, startServer } from '../support/loopback-server.js';
import { ScriptedEndpoint, silence } from '../support/scripted-endpoint.js';

const REFUSAL = { 'www-authenticate': 'Bearer error="invalid_token"' };
const TIMEOUT_MS = 400;

setFlagsFromString('--expose-gc');
// oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what Node puts there by that flag
const collectGarbage = runInNewContext('gc') as () => void;

let api: LoopbackServer;
let runtime: FakeRuntime;
let endpoint: ScriptedEndpoint;
let box: BoxAuth;
const closing: (() => unknown)[] = [];
beforeEach(async () => {
  api = await startServer(({ path }, response) =>
    path === '/silent'
      ? undefined
      : path === '/ok'
        ? response.end()
        : response.writeHead(401, REFUSAL).end(),
  );
  runtime = new FakeRuntime();
  endpoint = new ScriptedEndpoint(runtime);
  box = new BoxAuth({
    credentials: { clientId: 'client', clientSecret: 'secret', enterpriseId: '1' },
    apiUrl: api.url,
    runtime,
    fetch: (input, init) =>
      String(input).endsWith('/oauth2/token') ? endpoint.fetch(input, init) : fetch(input, init),
  });
});
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
  box.close();
  await api.stop();
});

type Call = (options: object) => Promise<unknown>;

const viaAxios =
  (defaults: object): Call =>
  (options) => {
    const instance = axios.create(defaults);
    attachToAxios(instance, box.policy, box.fetch);
    return instance.get(`${api.url}/2.0/users/me`, options);
  };
const viaUndici =
  (library: typeof undici): Call =>
  (options) => {
    const agent = new library.Agent();
    closing.push(() => agent.destroy());
    const dispatcher = agent.compose(boxAuthInterceptor(box.provider));
    return library.request(`${api.url}/2.0/users/me`, { dispatcher, ...options });
  };
const viaSdk: Call = (options) =>
  new BoxSdkNetworkClient(box.provider).fetch({
    auth: new BoxSdkAuthentication(box.provider),
    method: 'GET',
    url: `${api.url}/2.0/users/me`,
    ...options,
  });
const six = undici6 as unknown as typeof undici;

/** What ends a call: its options, what is done while it waits, and what it then fails with. */
interface Ending {
  readonly options: object;
  readonly end: () => unknown;
  readonly error: object;
  readonly type?: abstract new (...args: never[]) => Error;
}

const passing = () => runtime.advance(TIMEOUT_MS);
const byAbort = (error: object, reason?: Error): Ending => {
  const controller = new AbortController();
  const end = () => controller.abort(reason);
  return { options: { signal: controller.signal }, end, error };
};
const byAxiosSignal = (): Ending => ({
  ...byAbort({ code: 'ERR_CANCELED' }),
  type: CanceledError,
});
const byCancelToken = (): Ending => {
  const source = axios.CancelToken.source();
  return {
    options: { cancelToken: source.token },
    end: () => source.cancel('the user left'),
    error: { code: 'ERR_CANCELED', message: 'the user left' },
    type: CanceledError,
  };
};
const byTimeout = (options: object, code: string, message: string): Ending => ({
  options: { timeout: TIMEOUT_MS, ...options },
  end: passing,
  error: { code, message },
  type: AxiosError,
});
const byEmitter = (library: typeof undici): Ending => {
  const signal = new EventEmitter();
  return {
    options: { signal },
    end: () => signal.emit('abort'),
    error: { name: 'AbortError', code: 'UND_ERR_ABORTED', message: 'Request aborted' },
    type: library.errors.RequestAbortedError,
  };
};
const byHeadersTimeout = (library: typeof undici): Ending => ({
  options: { headersTimeout: TIMEOUT_MS },
  end: passing,
  error: { name: 'HeadersTimeoutError', code: 'UND_ERR_HEADERS_TIMEOUT' },
  type: library.errors.HeadersTimeoutError,
});
const left = new Error('the user left');
const CLARIFY = { transitional: { clarifyTimeoutError: true } };

const cases: [string, Call, () => Ending][] = [
  [
    'the timeout of axios',
    viaAxios({}),
    () => byTimeout({}, 'ECONNABORTED', 'timeout of 400ms exceeded'),
  ],
  [
    'a timeout of axios with a custom message',
    viaAxios({}),
    () => byTimeout({ ...CLARIFY, timeoutErrorMessage: 'too late' }, 'ETIMEDOUT', 'too late'),
  ],
  ['the signal of axios', viaAxios({}), byAxiosSignal],
  ['the cancel token of axios', viaAxios({}), byCancelToken],
  ['the signal of axios on its fetch adapter', viaAxios({ adapter: 'fetch' }), byAxiosSignal],
  ['the cancel token of axios on its fetch adapter', viaAxios({ adapter: 'fetch' }), byCancelToken],
  ['the signal of BoxFetch', (init) => box.fetch('/2.0/users/me', init), () => byAbort(left, left)],
  [
    'the cancellation token of the SDK',
    viaSdk,
    () => {
      const controller = new AbortController();
      return {
        options: { cancellationToken: controller.signal },
        end: () => controller.abort(),
        error: { message: 'This operation was aborted' },
        type: BoxSdkError,
      };
    },
  ],
  ...(
    [
      ['undici 6', six],
      ['undici 7', undici],
    ] as const
  ).flatMap(([name, library]): [string, Call, () => Ending][] => [
    [`the signal of ${name}`, viaUndici(library), () => byAbort(left, left)],
    [`an emitter as the signal of ${name}`, viaUndici(library), () => byEmitter(library)],
    [`the headersTimeout of ${name}`, viaUndici(library), () => byHeadersTimeout(library)],
  ]),
];

const failureOf = (work: Promise<unknown>) => work.catch((error: unknown) => error);
async function waitForRequest(count: number): Promise<void> {
  while (endpoint.received.length < count) await settled();
}

describe.each(cases)('The wait for a token ends with %s', (_, call, ending) => {
  const expectEnding = async (requests: number) => {
    const { options, end, error, type = Error } = ending();
    const failure = failureOf(call(options));
    await waitForRequest(requests);
    await end();
    const failed = await failure;
    expect(failed).toBeInstanceOf(type);
    expect(failed).toMatchObject(error);
    expect(runtime.monotonic()).toBeLessThan(2_000);
  };

  it('before the call', async () => {
    endpoint.otherwise = silence;
    await expectEnding(1);
    expect(api.arrived).toEqual([]);
  });

  it('after the token was refused', async () => {
    endpoint.script(endpoint.grant);
    endpoint.otherwise = silence;
    await expectEnding(2);
    expect(api.arrived).toHaveLength(1);
  });
});

it.each([
  ['a token', 0],
  ['a response', 1],
])('The signal of a Request ends the wait for %s after a garbage collection', async (_, calls) => {
  if (calls === 0) endpoint.otherwise = silence;
  const controller = new AbortController();
  const { signal } = controller;
  const failure = failureOf(box.fetch(new Request(`${api.url}/silent`, { signal })));
  await waitForRequest(1);
  while (api.arrived.length < calls) await setTimeout(1);
  for (let rounds = 0; rounds < 5; rounds++) {
    collectGarbage();
    await setTimeout(1);
  }
  controller.abort(new Error('enough'));
  const stillWaiting = setTimeout(1_000, 'still waiting', { ref: false });
  expect(await Promise.race([failure, stillWaiting])).toMatchObject({ message: 'enough' });
});

it('A finished wait leaves no timer and no listener', async () => {
  const signal = new EventEmitter();
  const agent = new undici.Agent();
  closing.push(() => agent.destroy());
  const dispatcher = agent.compose(boxAuthInterceptor(box.provider));
  const options = { dispatcher, signal, headersTimeout: TIMEOUT_MS };
  const { body } = await undici.request(`${api.url}/ok`, options);
  await body.dump();
  await settled();
  expect(signal.listenerCount('abort')).toBe(0);
  expect(runtime.timers).toBe(0);
});

it('The timeout of the SDK ends the wait for a token', async () => {
  endpoint.otherwise = silence;
  const networkSession = new NetworkSession({
    timeoutConfig: { timeoutMs: 1 },
    retryStrategy: { shouldRetry: () => Promise.resolve(false), retryAfter: () => 0 },
  });
  expect(await failureOf(viaSdk({ networkSession }))).toMatchObject({
    message: 'Connection timeout after 1ms',
  });
});

it('The timeout of axios on its fetch adapter ends the wait for a token', async () => {
  endpoint.otherwise = silence;
  const failure = await failureOf(viaAxios({ adapter: 'fetch' })({ timeout: 1 }));
  expect(failure).toBeInstanceOf(AxiosError);
  expect(failure).toMatchObject({ message: 'timeout of 1ms exceeded' });
});
