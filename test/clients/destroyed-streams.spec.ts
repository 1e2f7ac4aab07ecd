import { PassThrough, pipeline, type Readable } from 'node:stream';
import axios from 'axios';
import NodeFormData from 'form-data';
import * as undici from 'undici';
import * as undici6 from 'undici6';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { boxAuthInterceptor } from 'nestjs-box-auth/undici';
import { attachToAxios } from '../../lib/axios/axios-authorization.js';
import { BoxAuth } from '../../lib/box/box-auth.js';
import { type LoopbackServer, startServer } from '../support/loopback-server.js';

let server: LoopbackServer;
let box: BoxAuth;
beforeAll(async () => {
  server = await startServer((_, response) => response.end('{}'));
  box = new BoxAuth({ credentials: { accessToken: 'token' }, apiUrl: server.url });
});
afterAll(async () => {
  box.close();
  await server.stop();
});

/** A stream, and the function that breaks it off. */
type Breakable = readonly [Readable, () => unknown];
type Sending = (body: Readable, isWithToken: boolean) => Promise<unknown>;

const clients = {
  axios: (data: Readable, isWithToken: boolean) => {
    const instance = axios.create({ baseURL: server.url });
    if (isWithToken) attachToAxios(instance, box.policy, box.fetch);
    return instance.post('/x', data);
  },
  fetch: (body: Readable, isWithToken: boolean) => {
    const init = { method: 'POST', body, duplex: 'half' };
    return (isWithToken ? box.fetch : fetch)(`${server.url}/x`, init as object);
  },
  'undici 6': viaUndici(undici6 as unknown as typeof undici),
  'undici 7': viaUndici(undici),
};

function viaUndici({ Agent, request }: typeof undici): Sending {
  return async (body, isWithToken) => {
    const agent = new Agent();
    const dispatcher = isWithToken ? agent.compose(boxAuthInterceptor(box.provider)) : agent;
    try {
      const response = await request(`${server.url}/x`, { method: 'POST', body, dispatcher });
      await response.body.dump();
    } finally {
      await agent.destroy();
    }
  };
}

const NO_FAILURE = 'the call was expected to fail';
const DESTROYED = 'a stream that is destroyed';
const FORM = 'a form whose file fails';

/** Streams that never end, and what breaks each of them off. */
const streams = {
  [DESTROYED]: (): Breakable => {
    const stream = new PassThrough();
    return [stream, () => stream.destroy()];
  },
  'a stream that fails': (): Breakable => {
    const stream = new PassThrough();
    return [stream, () => stream.destroy(new Error('the disk is gone'))];
  },
  'a pipeline whose source is destroyed': (): Breakable => {
    const source = new PassThrough();
    return [pipeline(source, new PassThrough(), () => undefined), () => source.destroy()];
  },
  [FORM]: (): Breakable => {
    const form = new NodeFormData();
    const file = new PassThrough();
    form.append('file', file, { filename: 'file' });
    return [form, () => file.destroy(new Error('the disk is gone'))];
  },
};

async function errorOf(send: Sending, create: () => Breakable, isWithToken: boolean) {
  const [stream, destroy] = create();
  const sending = send(stream, isWithToken);
  const failure = sending.then(
    () => new Error(NO_FAILURE),
    (error: unknown) => error,
  );
  setImmediate(destroy);
  const { name, message, code, cause } = (await failure) as NodeJS.ErrnoException;
  return { name, message, code, cause };
}

describe.each(Object.entries(clients))('%s', (client, send) => {
  // Without a token, `fetch` sends the text "[object FormData]".
  const sent = Object.entries(streams).filter(([name]) => client !== 'fetch' || name !== FORM);
  it.each(sent)('fails with %s as without a token', async (_, create) => {
    const bare = await errorOf(send, create, false);
    expect(bare.message).not.toBe(NO_FAILURE);
    expect(await errorOf(send, create, true)).toEqual(bare);
  });
});

it.each([
  ['axios', { code: 'ERR_CANCELED' }],
  ['fetch', { cause: { code: 'ERR_STREAM_PREMATURE_CLOSE' } }],
  ['undici 6', { code: 'UND_ERR_ABORTED' }],
  ['undici 7', { code: 'UND_ERR_ABORTED' }],
] as const)('%s reports that the stream was destroyed', async (client, error) => {
  expect(await errorOf(clients[client], streams[DESTROYED], true)).toMatchObject(error);
});
