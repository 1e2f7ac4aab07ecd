import axios, { type AxiosResponse } from 'axios';
import { attachToAxios } from '../../lib/axios/axios-authorization.js';
import type { BoxAuth } from '../../lib/box/box-auth.js';
import { clients } from './undici-clients.js';

export interface RetryingCall {
  readonly method?: string;
  readonly body?: unknown;
  readonly headers?: Record<string, string>;
  readonly signal?: AbortSignal;
}

/** A client that repeats calls. It returns error responses, too. */
export interface RetryingClient {
  call(
    url: string,
    call?: RetryingCall,
  ): Promise<{ readonly status: number; readonly text: string }>;
  close?(): Promise<void>;
}

/** All clients that follow the option `apiRetries`. */
export const retryingClients: Readonly<Record<string, (box: BoxAuth) => RetryingClient>> = {
  BoxFetch: (box) => ({
    call: async (url, { body, ...call } = {}) => {
      const init = body === undefined ? call : { ...call, body };
      const response = await box.fetch(url, init as RequestInit);
      return { status: response.status, text: await response.text() };
    },
  }),
  axios: (box) => viaAxios(box, { adapter: 'http' }),
  'axios with streams': (box) => viaAxios(box, { adapter: 'http', responseType: 'stream' }),
  'axios with its fetch adapter': (box) => viaAxios(box, { adapter: 'fetch' }),
  ...Object.fromEntries(
    Object.entries(clients).map(([name, open]) => [name, (box: BoxAuth) => open(box.provider)]),
  ),
};

function viaAxios(box: BoxAuth, options: object): RetryingClient {
  const instance = axios.create({ ...options, transformResponse: (data: unknown) => data });
  attachToAxios(instance, box.policy, box.fetch);
  return {
    call: async (url, { body, ...call } = {}) => {
      const config = { ...call, url, ...(body === undefined ? {} : { data: body }) };
      const response = await instance.request(config).catch((error: unknown) => {
        if (axios.isAxiosError(error) && error.response !== undefined) return error.response;
        throw error;
      });
      return { status: response.status, text: await textOf(response) };
    },
  };
}

async function textOf({ data }: AxiosResponse<unknown>): Promise<string> {
  if (typeof data === 'string') return data;
  const chunks: Buffer[] = [];
  for await (const chunk of data as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}
