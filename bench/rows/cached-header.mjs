import { AsyncLocalStorage } from 'node:async_hooks';
import { do_not_optimize } from 'mitata';
import { perCall } from '../measure/per-call.mjs';
import { openAzurePipeline } from '../peers/azure-core.mjs';
import { openBoxSdk } from '../peers/box-node-sdk.mjs';
import { PlainHolder } from '../peers/floor.mjs';
import { openGoogleAuth } from '../peers/google-auth-library.mjs';
import { openBoxAuth, requireBoxAuth } from '../peers/nestjs-box-auth.mjs';
import { startStubBox } from '../stage/stub-box.mjs';

/** @typedef {import('../row.js').Stage} Stage */
/** @typedef {import('nestjs-box-auth').BoxTokenProvider} Provider */
/** @typedef {(stage: Stage, url: string) => Provider | Promise<Provider>} Open */
/** @typedef {{ call: () => unknown, within?: typeof inStorage }} Prepared */

/** @param {() => Promise<void>} work */
const inStorage = (work) => new AsyncLocalStorage().run({}, work);

/** @type {Record<string, (stage: Stage, url: string) => Promise<Prepared>>} */
const floorAndPeers = {
  'Date.now()': async () => ({ call: () => do_not_optimize(Date.now()) }),
  'a plain async method': async () => {
    const holder = new PlainHolder();
    return { call: () => holder.getToken() };
  },
  'a plain async method, in AsyncLocalStorage': async () => {
    const holder = new PlainHolder();
    return { call: () => holder.getToken(), within: inStorage };
  },
  'box-node-sdk, ESM': async ({ config }, url) => {
    const { auth, tokenSession } = await openBoxSdk(config, url);
    return { call: () => auth.retrieveAuthorizationHeader(tokenSession) };
  },
  'box-node-sdk, CommonJS': async ({ config }, url) => {
    const { auth, tokenSession } = await openBoxSdk(config, url, { build: 'cjs' });
    return { call: () => auth.retrieveAuthorizationHeader(tokenSession) };
  },
  'google-auth-library': async (stage, url) => {
    const client = openGoogleAuth(stage, url);
    return { call: () => client.getRequestHeaders() };
  },
  '@azure/core-rest-pipeline': async (stage, url) => {
    const { policy, newRequest } = await openAzurePipeline(stage, url);
    const request = newRequest();
    const response = { request, status: 200, headers: request.headers };
    const next = async () => response;
    return { call: () => policy.sendRequest(request, next) };
  },
};

/** @type {Record<string, (provider: Provider, url: string) => () => unknown>} */
const methods = {
  peekToken: (provider) => () => do_not_optimize(provider.peekToken()),
  getToken: (provider) => () => provider.getToken(),
  getHeaders: (provider, url) => () => provider.getHeaders(`${url}/2.0/users/me`),
};

const ours = Object.fromEntries(
  Object.entries(methods).flatMap(([name, method]) => {
    /** @type {(open: Open, within?: (provider: Provider) => typeof inStorage) => (stage: Stage, url: string) => Promise<Prepared>} */
    const by = (open, within) => async (stage, url) => {
      const provider = await open(stage, url);
      await provider.getToken();
      const call = method(provider, url);
      return within === undefined ? { call } : { call, within: within(provider) };
    };
    return [
      [`${name}, ESM`, by(openBoxAuth)],
      [`${name}, CommonJS`, by(requireBoxAuth)],
      [`${name}, in AsyncLocalStorage`, by(openBoxAuth, () => inStorage)],
      [`${name}, in runAs`, by(openBoxAuth, (provider) => (work) => provider.runAs('11111', work))],
    ];
  }),
);

/** @type {Record<string, (stage: Stage, url: string) => Promise<Prepared>>} */
const subjects = { ...floorAndPeers, ...ours };

/** @type {import('../row.js').Row} */
export const row = {
  title: 'A token that is cached, or the headers made of it',
  subjects: Object.keys(subjects),
  units: { time: 'ns', allocated: 'B' },
  chart: {
    caption: 'A cached token, time of a call',
    figure: 'time',
    subjects: [
      'a plain async method',
      'getToken, ESM',
      'getToken, CommonJS',
      'box-node-sdk, ESM',
      '@azure/core-rest-pipeline',
      'google-auth-library',
      'box-node-sdk, CommonJS',
    ],
  },
  nodeFlags: ['--expose-gc'],
  targets: [
    { subject: 'peekToken, ESM', figure: 'time', atMost: 80 },
    { subject: 'peekToken, CommonJS', figure: 'time', atMost: 80 },
    { subject: 'peekToken, in AsyncLocalStorage', figure: 'time', atMost: 80 },
    { subject: 'getToken, ESM', figure: 'time', atMost: 150 },
    { subject: 'getToken, CommonJS', figure: 'time', atMost: 150 },
    { subject: 'getToken, in AsyncLocalStorage', figure: 'time', atMost: 300 },
    { subject: 'getToken, ESM', figure: 'allocated', atMost: 400 },
    { subject: 'getToken, CommonJS', figure: 'allocated', atMost: 400 },
  ],
  async measure(subject, stage) {
    const box = await startStubBox();
    const prepared = await subjects[subject]?.(stage, box.url);
    if (prepared === undefined) throw new Error('unknown subject');
    const { call, within = (work) => work() } = prepared;
    await call();
    const found = { time: NaN, allocated: NaN };
    await within(async () => {
      const { ns, bytes } = await perCall(call, stage);
      Object.assign(found, { time: ns, allocated: bytes });
    });
    return found;
  },
};
