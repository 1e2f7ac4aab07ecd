import { randomBytes } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { appendFile, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import type { BoxClient } from 'box-node-sdk';
import { BoxApiError, BoxSdkError } from 'box-node-sdk/box/errors';
import {
  BoxRetryStrategy,
  FetchOptions,
  type Interceptor,
  type MultipartItem,
} from 'box-node-sdk/networking';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { BoxEmulator } from 'nestjs-box-auth/testing';
import { BoxAuth } from '../../lib/box/box-auth.js';
import { boxClient } from '../../lib/sdk/box-client.js';
import { thrownBy } from '../support/thrown.js';

const CONTENT = randomBytes(3 * 1024 * 1024);
const AT_ONCE = { retryStrategy: new BoxRetryStrategy({ retryBaseInterval: 0 }) };

let emulator: BoxEmulator;
let folder: string;
let path: string;
const closing: (() => unknown)[] = [];
beforeAll(async () => {
  emulator = await BoxEmulator.start();
  folder = await mkdtemp(join(tmpdir(), 'uploads-'));
});
afterAll(async () => {
  await emulator.stop();
  await rm(folder, { recursive: true });
});
beforeEach(async () => {
  path = join(folder, `${Math.random()}.bin`);
  await writeFile(path, CONTENT);
});
afterEach(() => {
  for (const close of closing.splice(0)) close();
  emulator.heal();
  emulator.clearRequests();
});

function start(options: { readonly replayBufferBytes?: number } = {}, session = {}) {
  const box = new BoxAuth({
    credentials: { config: emulator.config },
    apiUrl: emulator.url,
    ...options,
  });
  closing.push(() => box.close());
  return { box, client: boxClient(box.provider, { ...AT_ONCE, ...session }) };
}

async function upload(client: BoxClient, file: Readable): Promise<string> {
  const attributes = { name: `${Math.random()}.bin`, parent: { id: '0' } };
  const { entries } = await client.uploads.uploadFile({ attributes, file });
  return entries?.[0]?.id ?? '';
}

async function contentOf(client: BoxClient, id: string): Promise<Buffer> {
  return buffer((await client.downloads.downloadFile(id)) as Readable);
}

const statuses = () => emulator.apiRequests.map(({ status }) => status);

function* chunksOf(content: Buffer): Generator<Buffer> {
  for (let from = 0; from < content.byteLength; from += 100_000) {
    yield content.subarray(from, from + 100_000);
  }
}

const sources: [string, () => Readable, Buffer][] = [
  ['a file', () => createReadStream(path), CONTENT],
  [
    'a part of a file',
    () => createReadStream(path, { start: 7, end: 2_000_000 }),
    CONTENT.subarray(7, 2_000_001),
  ],
  ['a stream', () => Readable.from(chunksOf(CONTENT)), CONTENT],
  ['a Buffer', () => Readable.from(CONTENT), CONTENT],
  ['text', () => Readable.from(['ä', 'b']), Buffer.from('äb')],
  ['nothing', () => Readable.from([]), Buffer.alloc(0)],
];

describe.each(sources)('An upload of %s with the SDK', (_, open, content) => {
  it('survives a 503, a 429, a broken connection and a refused token', async () => {
    const { box, client } = start();
    await box.provider.getToken();
    emulator.failNext('api', { kind: 'unavailable' });
    emulator.failNext('api', { kind: 'rate-limit', retryAfter: 0 });
    emulator.failNext('api', { kind: 'reset' });
    emulator.revokeAllTokens();
    const file = open();
    const id = await upload(client, file);
    expect(statuses()).toEqual([503, 429, undefined, 401, 201]);
    expect((await contentOf(client, id)).equals(content)).toBe(true);
  });

  it('is closed when it has failed', async () => {
    const { client } = start();
    emulator.always('api', { kind: 'status', status: 403 });
    const file = open();
    await expect(upload(client, file)).rejects.toBeInstanceOf(BoxApiError);
    expect(statuses()).toEqual([403]);
    expect(file.destroyed).toBe(true);
  });
});

describe('A stream of more than `replayBufferBytes`', () => {
  const replayBufferBytes = 1024 * 1024;

  it('is sent once, with the response to it', async () => {
    const { client } = start({ replayBufferBytes });
    emulator.failNext('api', { kind: 'unavailable' });
    const file = Readable.from(chunksOf(CONTENT));
    const error = await upload(client, file).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ responseInfo: { statusCode: 503 } });
    expect(statuses()).toEqual([503]);
    expect(file.destroyed).toBe(true);
  });

  it('cannot be sent again with another token, and the next call works', async () => {
    const { box, client } = start({ replayBufferBytes });
    const { value } = await box.provider.getToken();
    emulator.revokeAllTokens();
    const error = await thrownBy(() => upload(client, Readable.from(chunksOf(CONTENT))));
    expect(error.code).toBe('body_not_replayable');
    expect(box.provider.peekToken()?.value).not.toBe(value);
    await upload(client, Readable.from(chunksOf(CONTENT)));
    expect(statuses()).toEqual([401, 201]);
  });

  it('is sent again if it is a file or a single chunk', async () => {
    const { client } = start({ replayBufferBytes });
    for (const file of [createReadStream(path), Readable.from(CONTENT)]) {
      emulator.failNext('api', { kind: 'unavailable' });
      expect((await contentOf(client, await upload(client, file))).equals(CONTENT)).toBe(true);
    }
  });
});

describe('A redirect of an upload', () => {
  const redirect = (status: number, target: string) =>
    emulator.route('POST', '/2.0/from', (_, response) =>
      response.writeHead(status, { location: `${emulator.url}${target}` }).end(),
    );
  const send = async (client: BoxClient, fileStream: Readable) =>
    client.makeRequest({
      url: `${emulator.url}/2.0/from`,
      method: 'POST',
      fileStream,
      contentType: 'application/octet-stream',
    });

  it('with 307 sends the file again', async () => {
    const { client } = start();
    redirect(307, '/2.0/to');
    const received: Buffer[] = [];
    emulator.route('POST', '/2.0/to', async (request, response) => {
      received.push(await buffer(request));
      response.end('{}');
    });
    await send(client, createReadStream(path));
    expect(received[0]?.equals(CONTENT)).toBe(true);
  });

  it('with 307 fails if the file cannot be sent again', async () => {
    const { client } = start({ replayBufferBytes: 1000 });
    redirect(307, '/2.0/to');
    await expect(send(client, Readable.from(chunksOf(CONTENT)))).rejects.toMatchObject({
      name: 'BoxSdkError',
      message: expect.stringContaining('redirect'),
    });
  });

  it('with 303 leads to a GET without a body', async () => {
    const { client } = start();
    redirect(303, '/2.0/users/me');
    const { data } = await send(client, createReadStream(path));
    expect(data).toMatchObject({ type: 'user' });
    expect(emulator.apiRequests.at(-1)?.headers).not.toHaveProperty('content-type');
  });
});

describe('An upload that cannot be repeated', () => {
  it('of a file that has changed since the first attempt fails', async () => {
    class Changing extends BoxRetryStrategy {
      override async shouldRetry(...given: Parameters<BoxRetryStrategy['shouldRetry']>) {
        await appendFile(path, 'more');
        return super.shouldRetry(...given);
      }
    }
    const { client } = start({}, { retryStrategy: new Changing({ retryBaseInterval: 0 }) });
    emulator.always('api', { kind: 'unavailable' });
    await expect(upload(client, createReadStream(path))).rejects.toMatchObject({
      message: expect.stringContaining('changed'),
    });
    expect(statuses()).toEqual([503]);
  });

  it('of a stream that an interceptor has replaced is sent once', async () => {
    const changing: Interceptor = {
      beforeRequest: ({ multipartData, ...call }) =>
        new FetchOptions(
          multipartData === undefined
            ? call
            : { ...call, multipartData: multipartData.map(upperCased) },
        ),
      afterRequest: (response) => response,
    };
    const { box, client } = start({}, { interceptors: [changing] });
    const stream = () => Readable.from(['one ', 'two ', 'three']);
    await box.provider.getToken();
    emulator.revokeAllTokens();
    expect(String(await contentOf(client, await upload(client, stream())))).toBe('ONE TWO THREE');
    expect(statuses().slice(0, 2)).toEqual([401, 201]);
    emulator.clearRequests();
    emulator.failNext('api', { kind: 'unavailable' });
    await expect(upload(client, stream())).rejects.toBeInstanceOf(BoxApiError);
    expect(statuses()).toEqual([503]);
  });

  it('of a stream that fails has its error, and one attempt', async () => {
    function* broken() {
      yield* chunksOf(CONTENT);
      throw new Error('the disk is gone');
    }
    let attempts = 0;
    const counting: Interceptor = {
      beforeRequest: (call) => {
        attempts += 1;
        return call;
      },
      afterRequest: (response) => response,
    };
    const { client } = start({}, { interceptors: [counting] });
    const error = await upload(client, Readable.from(broken())).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(BoxSdkError);
    expect(error).toMatchObject({ message: expect.stringContaining('the disk is gone') });
    expect(attempts).toBe(1);
  });
});

/** As an interceptor may change a file while it is sent. */
function upperCased(item: MultipartItem): MultipartItem {
  const { fileStream } = item;
  return fileStream === undefined
    ? item
    : { ...item, fileStream: Readable.from(upperCasedChunks(fileStream)) };
}

async function* upperCasedChunks(source: AsyncIterable<unknown>): AsyncGenerator<string> {
  for await (const chunk of source) yield String(chunk).toUpperCase();
}
