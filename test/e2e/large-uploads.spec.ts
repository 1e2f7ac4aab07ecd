import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { createReadStream, mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import axios from 'axios';
import { BoxClient } from 'box-node-sdk';
import { BaseUrls, NetworkSession } from 'box-node-sdk/networking';
import NodeFormData from 'form-data';
import { Agent, type Dispatcher, request } from 'undici';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { BoxFetchInit } from 'nestjs-box-auth';
import { BoxSdkAuthentication, BoxSdkNetworkClient } from 'nestjs-box-auth/sdk';
import { boxAuthInterceptor } from 'nestjs-box-auth/undici';
import { BoxAuth } from '../../lib/box/box-auth.js';
import { attachToAxios } from '../../lib/axios/axios-authorization.js';
import { settled } from '../support/fake-runtime.js';

const MIB = 1024 * 1024;
const SIZE = 1024 * MIB;
const MAX_KEPT = 64 * MIB;
const CHUNK = 256 * 1024;
const TOKEN = 'the-token';
const RECEIVER = fileURLToPath(new URL('./upload-receiver.mjs', import.meta.url));

/** What the receiver has of the current upload. */
export interface Arrived {
  readonly bytes: number;
  readonly authorization: string;
}

let receiver: ChildProcess;
let url: string;
let arrived: Arrived;
let keptBefore: number;
let maxKept: number;
let box: BoxAuth;
const folder = mkdtempSync(join(tmpdir(), 'large-uploads-'));
const path = join(folder, 'large');

beforeAll(async () => {
  writeFileSync(path, '');
  truncateSync(path, SIZE); // sparse: it takes no space
  receiver = fork(RECEIVER, { execArgv: [] });
  const [{ port }] = (await once(receiver, 'message')) as [AddressInfo];
  receiver.on('message', (message: Arrived) => void measure(message));
  url = `http://127.0.0.1:${port}`;
  box = new BoxAuth({ credentials: { developerToken: TOKEN }, apiUrl: url });
});
afterAll(() => {
  rmSync(folder, { recursive: true });
  receiver.kill();
});

/** The receiver waits meanwhile. */
async function measure(message: Arrived): Promise<void> {
  arrived = message;
  if (arrived.bytes === 0) [keptBefore, maxKept] = [await keptBytes(), 0];
  // Memory in use includes garbage, so it only has to be collected when there is too much of both.
  let kept = process.memoryUsage().arrayBuffers - keptBefore;
  if (kept >= MAX_KEPT) kept = (await keptBytes()) - keptBefore;
  maxKept = Math.max(maxKept, kept);
  receiver.send('read on');
}

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

/** The bytes in use after a garbage collection. */
async function keptBytes(): Promise<number> {
  await settled();
  collectGarbage();
  await settled();
  return process.memoryUsage().arrayBuffers;
}

/** A generated file. Each chunk has its own memory, so that a client that keeps them all is found out. */
function generated(): Readable {
  async function* chunks() {
    for (let bytes = 0; bytes < SIZE; bytes += CHUNK) yield Buffer.alloc(CHUNK);
  }
  return Readable.from(chunks(), { highWaterMark: 1 });
}

const webStream = () => Readable.toWeb(generated()) as ReadableStream<Uint8Array>;

type Upload = () => Promise<unknown>;

const viaFetch = (body: BoxFetchInit['body']) => box.fetch('/upload', { method: 'POST', body });
const viaAxios = (data: unknown, defaults: object = {}) => {
  const instance = axios.create({ baseURL: url, ...defaults });
  attachToAxios(instance, box.policy, box.fetch);
  return instance.post('/upload', data);
};
const viaUndici = async (send: (dispatcher: Dispatcher) => Promise<unknown>) => {
  const agent = new Agent();
  await send(agent.compose(boxAuthInterceptor(box.provider)));
  await agent.close();
};

const uploads: Record<string, Upload> = {
  'a stream through BoxFetch': () => viaFetch(webStream()),
  'a file through BoxFetch': () => viaFetch(createReadStream(path)),
  'a function through BoxFetch': () => viaFetch(generated),
  'a Request with a stream through BoxFetch': () =>
    box.fetch(new Request(`${url}/upload`, { method: 'POST', body: webStream(), duplex: 'half' })),
  'a stream through BoxFetch that returns redirects': () =>
    box.fetch('/upload', { method: 'POST', body: generated(), redirect: 'manual' }),
  'a stream through axios': () => viaAxios(generated()),
  'a form through axios': () => {
    const form = new NodeFormData();
    form.append('file', generated(), { filename: 'large', knownLength: SIZE });
    return viaAxios(form);
  },
  'a stream through axios on its fetch adapter': () => viaAxios(webStream(), { adapter: 'fetch' }),
  'a stream through undici': () =>
    viaUndici(async (dispatcher) => {
      const options = { method: 'POST', body: generated(), dispatcher } as const;
      await (await request(`${url}/upload`, options)).body.dump();
    }),
  'a file through undici': () =>
    viaUndici(async (dispatcher) => {
      const options = { method: 'POST', body: createReadStream(path), dispatcher } as const;
      await (await request(`${url}/upload`, options)).body.dump();
    }),
  'a stream through the SDK': () => {
    const client = new BoxClient({
      auth: new BoxSdkAuthentication(box.provider),
      networkSession: new NetworkSession({
        networkClient: new BoxSdkNetworkClient(box.provider),
        baseUrls: new BaseUrls({ uploadUrl: url }),
      }),
    });
    const attributes = { name: 'large', parent: { id: '0' } };
    return client.uploads.uploadFile({ attributes, file: generated() });
  },
};

describe('An upload of 1 GiB', () => {
  it.each(Object.entries(uploads))('of %s keeps less than 64 MiB', async (_, upload) => {
    await upload();
    expect(arrived.bytes).toBeGreaterThanOrEqual(SIZE);
    expect(arrived.authorization).toBe(`Bearer ${TOKEN}`);
    expect(maxKept).toBeLessThan(MAX_KEPT);
  });
});
