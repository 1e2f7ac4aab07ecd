import { once } from 'node:events';
import { Readable } from 'node:stream';
import axios from 'axios';
import * as undici from 'undici';
import * as undici6 from 'undici6';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { boxAuthInterceptor } from 'nestjs-box-auth/undici';
import { BoxAuth } from '../../lib/box/box-auth.js';
import { attachToAxios } from '../../lib/axios/axios-authorization.js';
import { systemRuntime } from '../../lib/core/runtime/runtime.js';
import { type LoopbackServer, startServer } from '../support/loopback-server.js';

/** Every wait is over at the next turn of the event loop. */
const impatient = {
  ...systemRuntime,
  schedule: (task: () => void) => {
    const immediate = setImmediate(task);
    return () => clearImmediate(immediate);
  },
};

let api: LoopbackServer;
let box: BoxAuth;
let finish: () => void;
let isLeft: Promise<unknown>;
const closing: (() => unknown)[] = [];
beforeEach(async () => {
  api = await startServer((_, response) => {
    response.writeHead(401).flushHeaders();
    isLeft = once(response, 'close');
    finish = () => response.end('at last');
  });
  const credentials = { developerToken: 'the-token' };
  box = new BoxAuth({ credentials, apiUrl: api.url, runtime: impatient });
});
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
  box.close();
  await api.stop();
});

interface Refused {
  readonly status: number;
  readonly text: () => Promise<string>;
  readonly cancel: () => unknown;
}

const viaUndici =
  (library: typeof undici) =>
  async (url: string): Promise<Refused> => {
    const agent = new library.Agent();
    closing.push(() => agent.destroy());
    const dispatcher = agent.compose(boxAuthInterceptor(box.provider));
    const { statusCode, body } = await library.request(url, { dispatcher });
    body.on('error', () => undefined);
    return { status: statusCode, text: () => body.text(), cancel: () => body.destroy() };
  };
const ofFetch = (response: Response): Refused => ({
  status: response.status,
  text: () => response.text(),
  cancel: () => response.body?.cancel(),
});
const viaUndiciFetch = (library: typeof undici) => async (url: string) => {
  const agent = new library.Agent();
  closing.push(() => agent.destroy());
  const dispatcher = agent.compose(boxAuthInterceptor(box.provider));
  return ofFetch(await library.fetch(url, { dispatcher }));
};
const viaAxios = (defaults: object) => async (url: string) => {
  const instance = axios.create({ responseType: 'stream', validateStatus: null, ...defaults });
  attachToAxios(instance, box.policy, box.fetch);
  const { status, data } = await instance.get<Readable | ReadableStream>(url);
  const stream = data instanceof Readable ? Readable.toWeb(data) : data;
  return ofFetch(new Response(stream as ReadableStream, { status }));
};

const clients: [string, (url: string) => Promise<Refused>][] = [
  ['BoxFetch', async (url) => ofFetch(await box.fetch(url))],
  ['request of undici 6', viaUndici(undici6 as unknown as typeof undici)],
  ['request of undici 7', viaUndici(undici)],
  ['fetch of undici 6', viaUndiciFetch(undici6 as unknown as typeof undici)],
  ['fetch of undici 7', viaUndiciFetch(undici)],
  ['axios for a stream', viaAxios({})],
  ['axios for a stream on its fetch adapter', viaAxios({ adapter: 'fetch' })],
];

describe.each(clients)('A 401 whose body does not begin, with %s', (_, call) => {
  it('goes to the caller intact after a short wait', async () => {
    const { status, text } = await call(`${api.url}/2.0/users/me`);
    expect(status).toBe(401);
    const read = text();
    finish();
    expect(await read).toBe('at last');
    expect(api.arrived).toHaveLength(1);
  });

  it('can be canceled by the caller without a byte', async () => {
    const { cancel } = await call(`${api.url}/2.0/users/me`);
    await cancel();
    await isLeft;
    expect(api.arrived).toHaveLength(1);
  });
});

describe('A 401 whose body breaks off before it begins', () => {
  it('goes to the caller of BoxFetch, and reading it fails', async () => {
    let breakOff: () => void = () => undefined;
    const send = () => {
      const body = new ReadableStream({
        start: (controller) => {
          breakOff = () => controller.error(new Error('broken off'));
        },
      });
      queueMicrotask(() => breakOff());
      return Promise.resolve(new Response(body, { status: 401 }));
    };
    const own = new BoxAuth({ credentials: { developerToken: 'the-token' }, fetch: send });
    const response = await own.fetch('/2.0/users/me');
    expect(response.status).toBe(401);
    await expect(response.text()).rejects.toThrow('broken off');
  });
});
