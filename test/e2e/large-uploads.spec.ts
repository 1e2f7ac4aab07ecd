import { createServer, type Server } from 'node:http';
import { Readable } from 'node:stream';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import axios from 'axios';
import { BoxClient } from 'box-node-sdk';
import { BaseUrls, NetworkSession } from 'box-node-sdk/networking';
import { Agent, request } from 'undici';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BoxSdkAuthentication, BoxSdkNetworkClient } from 'nestjs-box-auth/sdk';
import { boxAuthInterceptor } from 'nestjs-box-auth/undici';
import { BoxAuth } from '../../lib/box/box-auth.js';
import { attachToAxios } from '../../lib/axios/axios-authorization.js';
import { settled } from '../support/fake-runtime.js';

const MIB = 1024 * 1024;
const SIZE = 256 * MIB;
const CHUNK = 64 * 1024;
const TOKEN = 'the-token';

/** Reads and discards the body. */
let server: Server;
let url: string;
let arrived = { bytes: 0, authorization: '' };
let box: BoxAuth;

beforeAll(async () => {
  server = createServer((incoming, response) => {
    arrived = { bytes: 0, authorization: incoming.headers.authorization ?? '' };
    incoming.on('data', (chunk: Buffer) => {
      arrived.bytes += chunk.byteLength;
    });
    incoming.on('end', () => response.setHeader('content-type', 'application/json').end('{}'));
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the server has no port');
  url = `http://127.0.0.1:${address.port}`;
  box = new BoxAuth({ credentials: { developerToken: TOKEN }, apiUrl: url });
});
afterAll(() => new Promise((resolve) => server.close(resolve)));

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

/** The bytes in use after a garbage collection. */
async function keptBytes(): Promise<number> {
  await settled();
  collectGarbage();
  await settled();
  return process.memoryUsage().arrayBuffers;
}

/** A generated file, and the maximum memory in use while it is read. */
async function file(): Promise<{ readonly stream: Readable; mostKept: () => number }> {
  const before = await keptBytes();
  let most = 0;
  async function* chunks() {
    for (let bytes = 0; bytes < SIZE; bytes += CHUNK) {
      if (bytes % (32 * MIB) === 0) most = Math.max(most, (await keptBytes()) - before);
      yield Buffer.alloc(CHUNK, 'x'); // each its own: who keeps them all is found out
    }
    most = Math.max(most, (await keptBytes()) - before);
  }
  return { stream: Readable.from(chunks(), { highWaterMark: 1 }), mostKept: () => most };
}

type Upload = (body: Readable) => Promise<unknown>;

const uploads: Record<string, Upload> = {
  BoxFetch: (body) =>
    box.fetch('/upload', {
      method: 'POST',
      body: Readable.toWeb(body) as ReadableStream<Uint8Array>,
      duplex: 'half',
    }),
  axios: (body) => {
    const instance = axios.create({ baseURL: url });
    attachToAxios(instance, box.policy, box.fetch);
    return instance.post('/upload', body);
  },
  'axios on its fetch adapter': (body) => {
    const instance = axios.create({ baseURL: url, adapter: 'fetch' });
    attachToAxios(instance, box.policy, box.fetch);
    return instance.post('/upload', Readable.toWeb(body));
  },
  undici: async (body) => {
    const agent = new Agent();
    const dispatcher = agent.compose(boxAuthInterceptor(box.provider));
    const answer = await request(`${url}/upload`, { method: 'POST', body, dispatcher });
    await answer.body.dump();
    await agent.close();
  },
  'the SDK': (file_) => {
    const client = new BoxClient({
      auth: new BoxSdkAuthentication(box.provider),
      networkSession: new NetworkSession({
        networkClient: new BoxSdkNetworkClient(box.provider),
        baseUrls: new BaseUrls({ uploadUrl: url }),
      }),
    });
    const attributes = { name: 'large', parent: { id: '0' } };
    return client.uploads.uploadFile({ attributes, file: file_ });
  },
};

describe('An upload of 256 MiB', () => {
  it.each(Object.entries(uploads))('runs through %s in constant memory', async (_, upload) => {
    const { stream, mostKept } = await file();
    await upload(stream);
    expect(arrived.bytes).toBeGreaterThanOrEqual(SIZE);
    expect(arrived.authorization).toBe(`Bearer ${TOKEN}`);
    // The socket buffers of both ends are in this process, too.
    expect(mostKept() / MIB).toBeLessThan(64);
  });
});
