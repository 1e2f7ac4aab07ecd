import axios from 'axios';
import { BoxApiError } from 'box-node-sdk/box/errors';
import { BoxRetryStrategy, NetworkSession } from 'box-node-sdk/networking';
import { BoxSdkAuthentication, BoxSdkNetworkClient } from 'nestjs-box-auth/sdk';
import { attachToAxios } from '../../lib/axios/axios-authorization.js';
import type { BoxAuth } from '../../lib/box/box-auth.js';
import { fetches, requests } from './undici-clients.js';

/** Sends a GET, follows redirects, and ignores the status of the response. */
export interface BoxGetter {
  get(url: string, call?: GetterCall): Promise<unknown>;
  close?(): Promise<void>;
}

export interface GetterCall {
  readonly headers?: Record<string, string>;
  readonly signal?: AbortSignal;
}

/** Each client, as its users set it up for an app. The SDK does not retry. */
export const boxGetters: Readonly<Record<string, (box: BoxAuth) => BoxGetter>> = {
  BoxFetch: (box) => ({ get: async (url, call) => (await box.fetch(url, call)).text() }),
  axios: (box) => viaAxios(box, 'http'),
  'axios with its fetch adapter': (box) => viaAxios(box, 'fetch'),
  'the SDK': (box) => {
    const networkClient = new BoxSdkNetworkClient(box.provider);
    const auth = new BoxSdkAuthentication(box.provider);
    const networkSession = new NetworkSession({
      retryStrategy: new BoxRetryStrategy({ maxAttempts: 0, maxRetriesOnException: 0 }),
    });
    return {
      get: (url, { headers = {}, signal } = {}) =>
        networkClient
          .fetch({
            method: 'GET',
            url,
            headers,
            auth,
            networkSession,
            responseFormat: 'json',
            ...(signal === undefined ? {} : { cancellationToken: signal }),
          })
          .catch((error: unknown) => {
            if (!(error instanceof BoxApiError)) throw error;
          }),
    };
  },
  ...Object.fromEntries(
    Object.entries({ ...requests, ...fetches }).map(([name, open]) => [
      name,
      (box: BoxAuth): BoxGetter => {
        const client = open(box.provider);
        return { get: (url, call) => client.call(url, call), close: () => client.close() };
      },
    ]),
  ),
};

function viaAxios(box: BoxAuth, adapter: 'http' | 'fetch'): BoxGetter {
  const instance = axios.create({ adapter, validateStatus: (status) => status !== 429 });
  attachToAxios(instance, box.policy, box.fetch);
  return {
    get: (url, call) =>
      instance.get(url, call).catch((error: unknown) => {
        if (!axios.isAxiosError(error) || error.response === undefined) throw error;
      }),
  };
}
