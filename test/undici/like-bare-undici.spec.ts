import { once } from 'node:events';
import { createServer, request as httpRequest } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import * as undici from 'undici';
import * as undici6 from 'undici6';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { boxAuthInterceptor } from 'nestjs-box-auth/undici';
import { BoxAuth } from '../../lib/box/box-auth.js';
import { type LoopbackServer, startServer } from '../support/loopback-server.js';

let server: LoopbackServer;
let box: BoxAuth;
const agents: undici.Agent[] = [];
beforeEach(async () => {
  server = await startServer(({ path, headers, body }, response) => {
    if (path === '/refusing' && headers.authorization === 'Bearer first') {
      response.writeHead(401, { 'www-authenticate': 'Bearer error="invalid_token"' }).end();
    } else response.end(body);
  });
  box = new BoxAuth({
    credentials: [{ accessToken: 'first' }, { accessToken: 'second' }],
    apiUrl: server.url,
  });
});
afterEach(async () => {
  await Promise.all(agents.splice(0).map((agent) => agent.destroy()));
  box.close();
  await server.stop();
});

const versions: [string, typeof undici][] = [
  ['undici 6', undici6 as unknown as typeof undici],
  ['undici 7', undici],
];

describe.each(versions)('A dispatcher of %s with tokens', (version, { Agent, request }) => {
  function newAgent(): undici.Agent {
    const agent = new Agent();
    agents.push(agent);
    return agent;
  }
  const withTokens = (agent: undici.Dispatcher) => agent.compose(boxAuthInterceptor(box.provider));
  const send = async (dispatcher: undici.Dispatcher, path: string, options: object = {}) => {
    const { body } = await request(server.url + path, { ...options, dispatcher });
    return body.text();
  };

  it.each([
    ['no body', undefined],
    ['a string', 'hello'],
    ['a stream', Readable.from(['hello'])],
  ])('finishes the calls with %s that it got before it closes', async (__, body) => {
    await box.provider.getToken();
    const agent = newAgent();
    const sending = send(withTokens(agent), '/', { method: 'POST', body });
    await agent.close();
    expect(await sending).toBe(body === undefined ? '' : 'hello');
  });

  it('sends its calls in their order', async () => {
    const dispatcher = withTokens(newAgent().compose(inOrder));
    await send(dispatcher, '/0');
    const own = { headers: { authorization: 'Bearer mine' } };
    await Promise.all([
      send(dispatcher, '/1', { method: 'POST', body: Readable.from(['x']) }),
      send(dispatcher, '/2', own),
      send(dispatcher, '/3'),
    ]);
    expect(paths.splice(0)).toEqual(['/0', '/1', '/2', '/3']);
  });
  const paths: string[] = [];
  const inOrder: undici.Dispatcher.DispatcherComposeInterceptor = (dispatch) => (call, handler) => {
    paths.push(call.path);
    return dispatch(call, handler);
  };

  it('reports that the dispatcher is busy, unless it waits for a token', async () => {
    const dispatch = boxAuthInterceptor(box.provider)(() => false);
    const call = { origin: server.url, path: '/', method: 'GET' };
    const handler = { onError: () => undefined };
    expect(dispatch(call, handler)).toBe(true);
    await box.provider.getToken();
    expect(dispatch(call, handler)).toBe(false);
    expect(dispatch({ ...call, body: Readable.from(['x']) }, handler)).toBe(false);
    expect(dispatch({ ...call, headers: { authorization: 'Bearer mine' } }, handler)).toBe(false);
  });

  it.each<[string, () => { readonly headers: object; readonly change: () => unknown }]>([
    [
      'an object',
      () => {
        const headers = { 'x-mine': 'before' };
        return { headers, change: () => Object.assign(headers, { 'x-mine': 'after' }) };
      },
    ],
    [
      'a list',
      () => {
        const headers = ['x-mine', 'before'];
        return { headers, change: () => headers.splice(1, 1, 'after') };
      },
    ],
    [
      'a Map',
      () => {
        const headers = new Map([['x-mine', 'before']]);
        return { headers, change: () => headers.set('x-mine', 'after') };
      },
    ],
  ])('ignores later changes of headers that are %s', async (__, create) => {
    const dispatcher = withTokens(newAgent());
    // The first call waits for a token, the second one for a new token.
    for (const path of ['/', '/refusing']) {
      const { headers, change } = create();
      const sending = send(dispatcher, path, { headers });
      change();
      await sending;
    }
    expect(server.arrived.map((each) => each.headers['x-mine'])).toEqual([
      'before',
      'before',
      'before',
    ]);
  });

  it.each<[string, object]>([
    ['headers that are a string', { headers: 'x-mine: 1' }],
    ['headers that are a number', { headers: 1 }],
    ['headers that are an odd list', { headers: ['x-mine'] }],
    ['headers that are an iterable without pairs', { headers: new Set(['x-mine', '1']) }],
    ['headers whose pairs are too long', { headers: new Set([['x-mine', '1', '2']]) }],
    ['an invalid header', { headers: { 'x-mine': 'a\nb' } }],
    ['a path that is not a string', { path: 1 }],
    ['a path that is not absolute', { path: 'x' }],
    ['a method that is not a string', { method: 1 }],
    ['a body of an unknown type', { body: 1 }],
  ])('rejects %s as without tokens', async (__, options) => {
    await box.provider.getToken();
    const outcome = (dispatcher: undici.Dispatcher) =>
      new Promise((resolve) => {
        const call = { origin: server.url, path: '/', method: 'GET', ...options };
        const handler = { onError: resolve, onConnect() {}, onHeaders: () => true };
        dispatcher.dispatch(call, handler);
      });
    const expected = await outcome(newAgent());
    expect(expected).toMatchObject({ code: 'UND_ERR_INVALID_ARG' });
    expect(await outcome(withTokens(newAgent()))).toEqual(expected);
  });

  // An Agent of undici 7 accepts them all.
  it
    .runIf(version === 'undici 6')
    .each(['onConnect', 'onHeaders', 'onData', 'onComplete', 'onError'])(
    'rejects a handler without %s as without tokens',
    async (name) => {
      const outcome = (dispatcher: undici.Dispatcher) =>
        new Promise((resolve) => {
          const ignore = () => true;
          const handler = {
            onConnect: ignore,
            onHeaders: ignore,
            onData: ignore,
            onComplete: ignore,
            onError: resolve,
            [name]: undefined,
          };
          try {
            dispatcher.dispatch({ origin: server.url, path: '/', method: 'GET' }, handler);
          } catch (error) {
            resolve(error);
          }
        });
      const expected = await outcome(newAgent());
      expect(expected).toMatchObject({ message: `invalid ${name} method` });
      // The first call waits for a token.
      expect(await outcome(withTokens(newAgent()))).toEqual(expected);
      await box.provider.getToken();
      expect(await outcome(withTokens(newAgent()))).toEqual(expected);
    },
  );

  it('sends a stream that ends at its first read with its length', async () => {
    const create = () =>
      new Readable({
        read() {
          this.push('hello');
          this.push(null);
        },
      });
    const sent = async (dispatcher: undici.Dispatcher) => {
      const body = create();
      await send(dispatcher, '/', { method: 'POST', body });
      return [server.arrived.at(-1)?.headers['content-length'], body.destroyed];
    };
    expect(await sent(newAgent())).toEqual(['5', true]);
    expect(await sent(withTokens(newAgent()))).toEqual(['5', true]);
  });

  describe('if a call fails', () => {
    const nowhere = 'http://127.0.0.1:1';
    beforeEach(() => {
      box.close();
      box = new BoxAuth({
        credentials: { accessToken: 'first' },
        apiUrl: server.url,
        origins: [nowhere],
      });
    });
    const fail = (dispatcher: undici.Dispatcher, body: Readable): Promise<unknown> =>
      request(nowhere, { method: 'POST', body, dispatcher }).then(
        () => undefined,
        (error: unknown) => error,
      );

    it('destroys its body with the error', async () => {
      for (const dispatcher of [newAgent(), withTokens(newAgent())]) {
        const body = new Readable({ read: () => undefined });
        body.on('error', () => undefined);
        const error = await fail(dispatcher, body);
        expect(error).toMatchObject({ code: 'ECONNREFUSED' });
        expect(body.errored).toBe(error);
      }
    });

    it('leaves the connection open whose request is its body', async () => {
      for (const dispatcher of [newAgent(), withTokens(newAgent())]) {
        const proxy = createServer((inbound, response) => {
          void fail(dispatcher, inbound).then(() => response.writeHead(502).end());
        });
        await once(proxy.listen(0, '127.0.0.1'), 'listening');
        const { port } = proxy.address() as AddressInfo;
        const call = httpRequest({ port, host: '127.0.0.1', method: 'POST' });
        call.write('hello');
        const [response] = (await once(call, 'response')) as [{ readonly statusCode: number }];
        expect(response.statusCode).toBe(502);
        call.destroy();
        proxy.closeAllConnections();
        proxy.close();
      }
    });
  });

  it.each([
    ['no options', null, {}],
    ['no handler', { origin: 'http://127.0.0.1', path: '/', method: 'GET' }, null],
  ])('throws with %s as without tokens', (__, call, handler) => {
    const bare = newAgent();
    const thrown = (work: () => unknown) => {
      try {
        work();
        return undefined;
      } catch (error) {
        return error;
      }
    };
    const dispatch = boxAuthInterceptor(box.provider)(bare.dispatch.bind(bare) as never);
    const expected = thrown(() => bare.dispatch(call as never, handler as never));
    expect(expected).toMatchObject({ code: 'UND_ERR_INVALID_ARG' });
    expect(thrown(() => dispatch(call as never, handler as never))).toEqual(expected);
  });
});
