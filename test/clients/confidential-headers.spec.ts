import axios from 'axios';
import { BoxClient } from 'box-node-sdk';
import { NetworkSession } from 'box-node-sdk/networking';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import * as undici6 from 'undici6';
import { BoxSdkAuthentication, BoxSdkNetworkClient } from 'nestjs-box-auth/sdk';
import { boxAuthInterceptor } from 'nestjs-box-auth/undici';
import { BoxAuth } from '../../lib/box/box-auth.js';
import { attachToAxios } from '../../lib/axios/axios-authorization.js';
import { type LoopbackServer, startServer } from '../support/loopback-server.js';
import { clients, fetches, rows } from '../support/undici-clients.js';

const SHARED_LINK = 'shared_link=https://acme.box.com/s/abc&shared_link_password=open-sesame';
/** What only Box may see, as a caller sets it. */
const confidential = {
  BoxApi: SHARED_LINK,
  'As-User': '22222',
  cookie: 'session=1',
  'proxy-authorization': 'Basic cHJveHk=',
};
const harmless = { 'x-rep-hints': '[pdf]', range: 'bytes=0-9' };
const NAMES = ['authorization', ...Object.keys(confidential).map((name) => name.toLowerCase())];

let api: LoopbackServer;
let foreign: LoopbackServer;
let box: BoxAuth;
const closing: (() => unknown)[] = [];
beforeEach(async () => {
  foreign = await startServer((_, response) => response.end('foreign'));
  api = await startServer(({ path }, response) => {
    if (path === '/end') response.end('end');
    else if (path === '/within') response.writeHead(302, { location: '/end' }).end();
    else response.writeHead(302, { location: `${foreign.url}/download` }).end();
  });
  box = new BoxAuth({ credentials: { developerToken: 'the-token' }, apiUrl: api.url });
});
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
  box.close();
  await Promise.all([api.stop(), foreign.stop()]);
});

type Call = (url: string, headers: Record<string, string>) => Promise<unknown>;

const viaAxios =
  (defaults: object): Call =>
  (url, headers) => {
    const instance = axios.create(defaults);
    attachToAxios(instance, box.policy, box.fetch);
    return instance.get(url, { headers });
  };
const sdkClient = () =>
  new BoxClient({
    auth: new BoxSdkAuthentication(box.provider),
    networkSession: new NetworkSession({ networkClient: new BoxSdkNetworkClient(box.provider) }),
  });
const sdkCall = (url: string, headers: Record<string, string>) =>
  ({ method: 'GET', url, headers, responseFormat: 'no_content' }) as const;
const viaRedirections =
  (ofAgent: object, ofCall: object): Call =>
  async (url, headers) => {
    const agent = new undici6.Agent(ofAgent);
    closing.push(() => agent.destroy());
    const dispatcher = agent.compose(boxAuthInterceptor(box.provider));
    const { body } = await undici6.request(url, { dispatcher, headers, ...ofCall });
    return body.dump();
  };

const calls: [string, Call][] = [
  ['BoxFetch', (url, headers) => box.fetch(url, { headers })],
  ['axios', viaAxios({})],
  ['axios on its fetch adapter', viaAxios({ adapter: 'fetch' })],
  ['the SDK', (url, headers) => sdkClient().makeRequest(sdkCall(url, headers))],
  [
    'the SDK without authentication',
    (url, headers) => new BoxSdkNetworkClient(box.provider).fetch(sdkCall(url, headers)),
  ],
  ['undici 6 with maxRedirections of its Agent', viaRedirections({ maxRedirections: 5 }, {})],
  ['undici 6 with maxRedirections of the call', viaRedirections({}, { maxRedirections: 5 })],
  ...rows(clients).map(([name, opening]): [string, Call] => [
    name,
    async (url, headers) => {
      const client = opening(box.provider);
      closing.push(() => client.close());
      return client.call(url, { headers });
    },
  ]),
];

const isFollowed = (name: string) => !name.includes('maxRedirections');

describe.each(calls)('A redirect with %s', (name, call) => {
  it.each([
    ['our token', {}],
    ["the caller's own authorization", { authorization: 'Bearer mine' }],
  ])('forwards no confidential header of a call with %s to another host', async (_, own) => {
    await call(`${api.url}/away`, { ...confidential, ...harmless, ...own });
    expect(api.arrived[0]?.headers.boxapi).toBe(SHARED_LINK);
    expect(foreign.arrived).toHaveLength(isFollowed(name) ? 1 : 0);
    for (const { headers } of foreign.arrived) {
      expect(headers).toMatchObject(harmless);
      for (const header of NAMES) expect(headers).not.toHaveProperty(header);
    }
  });
});

describe.each(calls.filter(([name]) => isFollowed(name)))('A redirect with %s', (_, call) => {
  it('keeps the password of a shared link within Box', async () => {
    await call(`${api.url}/within`, { boxapi: SHARED_LINK });
    expect(api.arrived.map(({ path, headers }) => [path, headers['boxapi']])).toEqual([
      ['/within', SHARED_LINK],
      ['/end', SHARED_LINK],
    ]);
  });
});

describe.each(rows(fetches))('A call to another host by %s', (_, opening) => {
  it('keeps all headers if the caller authorizes it itself', async () => {
    const client = opening(box.provider);
    closing.push(() => client.close());
    const headers = { authorization: 'Bearer of-a-gateway', 'as-user': '22222', cookie: 'a=1' };
    await client.call(`${foreign.url}/gateway`, { headers });
    await client.call(`${foreign.url}/page`, { headers: { cookie: 'a=1' } });
    expect(foreign.arrived[0]?.headers).toMatchObject(headers);
    expect(foreign.arrived[1]?.headers).toMatchObject({ cookie: 'a=1' });
  });
});
