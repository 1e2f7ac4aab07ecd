import { Agent } from 'node:http';
import axios from 'axios';
import { openAzurePipeline } from './azure-core.mjs';
import { openBoxSdk } from './box-node-sdk.mjs';
import { openGoogleAuth } from './google-auth-library.mjs';
import { openBoxAuth } from './nestjs-box-auth.mjs';

// The same limit for all, so that the number of sockets does not affect the result.
const MAX_SOCKETS = 64;

/** @typedef {() => Promise<unknown>} Caller One call of `GET /2.0/users/me`; rejects unless the status is 2xx. */

/** @type {Record<string, (stage: import('../row.js').Stage, url: string, agent: Agent) => Promise<Caller>>} */
const callers = {
  async 'a fixed token'(_stage, url, httpAgent) {
    const headers = { authorization: 'Bearer fixed' };
    const instance = axios.create({ baseURL: url, httpAgent, headers });
    return () => instance.get('/2.0/users/me');
  },
  async ours(stage, url, httpAgent) {
    const { BoxAxiosInterceptor } = await import('nestjs-box-auth/axios');
    const instance = axios.create({ baseURL: url, httpAgent });
    new BoxAxiosInterceptor(await openBoxAuth(stage, url)).attach(instance);
    return () => instance.get('/2.0/users/me');
  },
  async 'box-node-sdk'({ config }, url) {
    // It does not read the body of a 401, which then blocks its socket, so 64 sockets would never suffice.
    const { client } = await openBoxSdk(config, url);
    return () => client.users.getUserMe();
  },
  async 'google-auth-library'(stage, url, agent) {
    const client = openGoogleAuth(stage, url);
    return () => client.request({ url: `${url}/2.0/users/me`, agent });
  },
  async '@azure/core-rest-pipeline'(stage, url, agent) {
    const { call } = await openAzurePipeline(stage, url, agent);
    return async () => {
      const { status } = await call();
      if (status !== 200) throw new Error(`status ${status}`);
    };
  },
};

/**
 * Returns the caller of a subject, over at most 64 keep-alive connections.
 *
 * @param {string} subject
 * @param {import('../row.js').Stage} stage
 * @param {string} url
 * @returns {Promise<Caller>}
 */
export async function openCaller(subject, stage, url) {
  const agent = new Agent({ keepAlive: true, maxSockets: MAX_SOCKETS });
  const caller = await callers[subject]?.(stage, url, agent);
  if (caller === undefined) throw new Error(`there is no caller ${subject}`);
  return caller;
}
