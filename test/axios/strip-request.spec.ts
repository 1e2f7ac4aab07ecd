import { once } from 'node:events';
import { Agent } from 'node:http';
import { Readable } from 'node:stream';
import { inspect } from 'node:util';
import axios, { AxiosError, type AxiosRequestConfig } from 'axios';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { BoxAuth } from '../../lib/box/box-auth.js';
import { attachToAxios } from '../../lib/axios/axios-authorization.js';
import { stripAgents, stripRequest } from '../../lib/axios/strip-request.js';
import { deferred } from '../support/deferred.js';
import { foundSecrets } from '../support/found-secrets.js';
import { type LoopbackServer, startServer } from '../support/loopback-server.js';

const TOKEN = 'the-token-of-all';

let api: LoopbackServer;
let box: BoxAuth;
let agent: Agent;
let left: ReturnType<typeof deferred>;
let held: ReturnType<typeof deferred>;
beforeEach(async () => {
  left = deferred();
  held = deferred();
  api = await startServer(({ path }, response) => {
    if (path === '/held') held.resolve();
    else if (path === '/endless') {
      response.on('close', left.resolve);
      response.write('begun');
    } else if (path === '/cut-off') {
      response.writeHead(200, { 'content-length': '9' });
      response.write('begun', () => response.destroy());
    } else response.writeHead(path === '/403' ? 403 : 200).end('{}');
  });
  box = new BoxAuth({ credentials: { developerToken: TOKEN }, apiUrl: api.url });
  agent = new Agent({ keepAlive: true });
});
afterEach(async () => {
  agent.destroy();
  box.close();
  await api.stop();
});

function attached(defaults: AxiosRequestConfig = {}) {
  const instance = axios.create({ baseURL: api.url, httpAgent: agent, ...defaults });
  attachToAxios(instance, box.policy, box.fetch);
  return instance;
}

async function failureOf(work: Promise<unknown>): Promise<AxiosError> {
  const error: unknown = await work.catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(AxiosError);
  return error as AxiosError;
}

describe('The returned config', () => {
  it('does not lead to other calls in flight on the agent of the instance', async () => {
    const instance = attached();
    const other = instance.get('/held').catch(() => undefined);
    await held.promise;
    const error = await failureOf(instance.get('/403'));
    expect(foundSecrets(agent, [TOKEN])).not.toEqual([]);
    expect(foundSecrets([error, await instance.get('/')], [TOKEN])).toEqual([]);
    expect(inspect(error, { depth: 20, showHidden: true })).not.toContain(TOKEN);
    agent.destroy();
    await other;
  });

  it('is sent again with the agent of the instance, or with its own', async () => {
    const own = new Agent({ keepAlive: true });
    for (const options of [{}, { httpAgent: own }]) {
      const { config } = await failureOf(attached().get('/403', options));
      if (config === undefined) throw new Error('the error has no config');
      const seen = 'httpAgent' in options ? own : agent;
      const before = Object.keys(seen.freeSockets).length;
      await failureOf(attached().request(config));
      expect(Object.keys(seen.freeSockets)).toHaveLength(Math.max(before, 1));
      expect(config.httpAgent).toBe('httpAgent' in options ? own : undefined);
    }
    own.destroy();
  });

  it('keeps the agent of the call, whose request no longer shows a token', async () => {
    const own = new Agent({ keepAlive: true });
    const error = await failureOf(attached().get('/403', { httpAgent: own }));
    expect(error.config?.httpAgent).toBe(own);
    expect(foundSecrets(error, [TOKEN])).toEqual([]);
    await attached().get('/', { httpAgent: own });
    expect(api.arrived.map(({ headers }) => headers.authorization)).toEqual([
      `Bearer ${TOKEN}`,
      `Bearer ${TOKEN}`,
    ]);
    own.destroy();
  });
});

describe('A stream of axios', () => {
  const stream = async (path: string) =>
    (await attached().get<Readable>(path, { responseType: 'stream' })).data;

  it('closes the connection when the app leaves it', async () => {
    const data = await stream('/endless');
    expect(String((await once(data, 'data'))[0])).toBe('begun');
    data.destroy();
    await left.promise;
  });

  it('fails with the error of axios or Node if the content breaks off', async () => {
    const plain = await axios.get<Readable>(`${api.url}/cut-off`, { responseType: 'stream' });
    const expected = await plain.data.toArray().catch((error: unknown) => error);
    const error: unknown = await (
      await stream('/cut-off')
    )
      .toArray()
      .catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ message: (expected as Error).message });
    expect(foundSecrets(error, [TOKEN])).toEqual([]);
  });

  it('fails with an AxiosError that shows no request when the call is aborted', async () => {
    const controller = new AbortController();
    const { data } = await attached().get<Readable>('/endless', {
      responseType: 'stream',
      signal: controller.signal,
    });
    const closed = deferred();
    data.on('close', closed.resolve);
    const errors: unknown[] = [];
    data.on('error', (error) => errors.push(error));
    controller.abort();
    await closed.promise;
    expect(errors).toHaveLength(1);
    expect(foundSecrets(errors, [TOKEN])).toEqual([]);
  });
});

describe('The request of a response', () => {
  const TOKEN_HEADER = 'Bearer the-token';
  const names = ['authorization', 'as-user'];
  const headers = () => ({ Authorization: TOKEN_HEADER, 'as-user': '1', accept: '*/*' });
  const kept = { accept: '*/*' };

  it.each([
    ['the record of HTTP/1', 'kOutHeaders'],
    ['the record of HTTP/2', 'sent-headers'],
  ])('loses the headers in %s', (_, description) => {
    const symbol = Symbol(description);
    const request = { [symbol]: headers(), [Symbol('other')]: headers() };
    stripRequest({ request }, names);
    expect(request[symbol]).toEqual(kept);
  });

  it('loses the headers in the text that HTTP/1 sent, and keeps the others', () => {
    const lines = ['GET / HTTP/1.1', `Authorization: ${TOKEN_HEADER}`, 'As-User: 1', 'accept: */*'];
    const request = { _header: `${lines.join('\r\n')}\r\n\r\n` };
    stripRequest({ request }, names);
    expect(request._header).toBe('GET / HTTP/1.1\r\naccept: */*\r\n\r\n');
  });

  it('loses the headers that the TLS socket keeps', () => {
    const symbol = Symbol('connect-options');
    const request = { socket: { [symbol]: { headers: headers() } } };
    stripRequest({ request }, names);
    expect(request.socket[symbol].headers).toEqual(kept);
  });

  it('loses the headers of each hop of a redirect', () => {
    const wrapper = { _options: { headers: headers() } };
    const current = { _header: `authorization: ${TOKEN_HEADER}\r\n`, _redirectable: wrapper };
    const request = { _options: { headers: headers() }, _currentRequest: current };
    stripRequest({ request }, names);
    expect(request._options.headers).toEqual(kept);
    expect(wrapper._options.headers).toEqual(kept);
    expect(current._header).toBe('');
  });

  it('is replaced by its most useful fields', () => {
    const fields = { method: 'GET', protocol: 'https:', host: 'api.box.com', path: '/2.0' };
    const res = { responseUrl: 'https://api.box.com/2.0', socket: {} };
    const holder = { request: { ...fields, agent: {}, res } };
    stripRequest(holder, names);
    expect(holder.request).toEqual({ ...fields, res: { responseUrl: res.responseUrl } });
  });

  it.each([[undefined], [null], ['text']])('may be missing: %s', (request) => {
    const holder = { request };
    stripRequest(holder, names);
    expect(holder.request).toBe(request);
  });
});

describe('The agents of the instance', () => {
  it.each(['httpAgent', 'httpsAgent'] as const)('leave the config: %s', (name) => {
    const defaults = { httpAgent: {}, httpsAgent: {} };
    const own = { httpAgent: {}, httpsAgent: {} };
    const config = { ...own, [name]: defaults[name] };
    stripAgents(config, defaults);
    expect(config).toEqual({ ...own, [name]: undefined });
    expect(Object.keys(config)).not.toContain(name);
  });
});
