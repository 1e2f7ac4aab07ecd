import { createHash } from 'node:crypto';
import { EventEmitter, once } from 'node:events';
import {
  createServer,
  type IncomingMessage,
  request as openRequest,
  type ServerResponse,
} from 'node:http';
import { Readable } from 'node:stream';
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { ALICE, entriesIn, PLATFORMS, type Portal, startPortal } from './portal-fixture.js';
import { seededBytes } from './seeded-random.js';

const MEGABYTE = 1024 * 1024;
const PIECES = 64;
const PIECE = seededBytes(1, MEGABYTE / 4);
const UPLOAD = '/api/files?name=big.bin';
const BOX_UPLOAD = '/api/2.0/files/content';

describe.each(PLATFORMS)('The portal on %s', { timeout: 30_000 }, (platform) => {
  let portal: Portal;
  beforeEach(async () => {
    portal = await startPortal(platform);
  });

  describe('forwards a download', () => {
    test('byte for byte, with its type, and always as an attachment', async () => {
      const content = seededBytes(2, 8 * MEGABYTE + 1);
      const file = portal.emulator.addFile({
        name: 'photo.html',
        content,
        contentType: 'text/html',
        ownerId: ALICE.id,
      });
      const { status, headers, bytes } = await portal.ask(`/api/files/${file.id}/content`, {
        as: 'alice',
      });
      expect(status).toBe(200);
      expect(bytes.equals(content)).toBe(true);
      expect(Object.fromEntries(headers)).toMatchObject({
        'content-type': 'text/html',
        'content-length': String(content.length),
        'content-disposition': `attachment; filename*=UTF-8''photo.html`,
        'x-content-type-options': 'nosniff',
      });
    });

    test('that is empty', async () => {
      const file = portal.emulator.addFile({ name: 'a', content: '', ownerId: ALICE.id });
      const response = await portal.ask(`/api/files/${file.id}/content`, { as: 'alice' });
      expect(response).toMatchObject({ status: 200, text: '' });
    });

    test('from the download origin, which receives neither the token nor the user', async () => {
      const { emulator } = portal;
      const file = emulator.addFile({ name: 'a', content: 'Plan', ownerId: ALICE.id });
      const headers = { authorization: 'Bearer of the client', 'as-user': '22222' };
      await portal.ask(`/api/files/${file.id}/content`, { as: 'alice', headers });

      expect(emulator.apiRequests).toMatchObject([{ status: 302, actingUser: ALICE.id }]);
      expect(emulator.downloadRequests).toMatchObject([{ status: 200 }]);
      for (const download of emulator.downloadRequests) {
        expect(Object.keys(download.headers)).not.toContain('authorization');
        expect(Object.keys(download.headers)).not.toContain('as-user');
        expect(JSON.stringify(download)).not.toContain(ALICE.id);
      }
    });

    test('chunk by chunk, without waiting for the end', async () => {
      const arrivals = new EventEmitter();
      await downloadsFrom((_request, response) => {
        response.writeHead(200, { 'content-type': 'application/octet-stream' });
        Readable.from(piecesOnceArrived(arrivals)).pipe(response);
      });
      const response = await fetch(`${portal.url}/api/files/1/content`, {
        headers: { 'x-demo-user': 'alice' },
      });
      const hash = createHash('sha256');
      let length = 0;
      for await (const chunk of chunksOf(response)) {
        hash.update(chunk);
        length += chunk.length;
        arrivals.emit('length', length);
      }
      expect(length).toBe(PIECES * PIECE.length);
      expect(hash.digest('hex')).toBe(hashOfPieces());
    });

    test('that is aborted as aborted', async () => {
      const received = new EventEmitter();
      await downloadsFrom((_request, response) => {
        response.writeHead(200, { 'content-type': 'application/octet-stream' });
        response.write(PIECE);
        received.once('start', () => response.destroy());
      });
      const response = await fetch(`${portal.url}/api/files/1/content`, {
        headers: { 'x-demo-user': 'alice' },
      });
      expect(response.status).toBe(200);
      received.emit('start');
      await expect(response.arrayBuffer()).rejects.toThrow('terminated');
    });

    test('only until the client disconnects', async () => {
      const left = new EventEmitter();
      await downloadsFrom((_request, response) => {
        response.once('close', () => left.emit('left'));
        response.writeHead(200, { 'content-type': 'application/octet-stream' });
        response.write(PIECE);
      });
      const controller = new AbortController();
      const response = await fetch(`${portal.url}/api/files/1/content`, {
        headers: { 'x-demo-user': 'alice' },
        signal: controller.signal,
      });
      expect(response.status).toBe(200);
      const hasLeft = once(left, 'left');
      controller.abort();
      await hasLeft;
    });
  });

  describe('forwards an upload', () => {
    test.each([
      ['of a length that is known', (content: Buffer) => new Uint8Array(content)],
      ['of a length that is not', (content: Buffer) => Readable.from(inPieces(content))],
    ])('byte for byte, with its type, %s', async (_what, bodyOf) => {
      const content = seededBytes(3, 8 * MEGABYTE + 1);
      const response = await portal.ask(UPLOAD, {
        as: 'alice',
        method: 'POST',
        headers: { 'content-type': 'image/png' },
        body: bodyOf(content),
        duplex: 'half',
      });
      expect(response.status).toBe(201);
      const [file] = entriesIn(response);
      expect(file).toMatchObject({
        size: content.length,
        sha1: createHash('sha1').update(content).digest('hex'),
      });
      const path = `/api/files/${String(file?.['id'])}/content`;
      const download = await portal.ask(path, { as: 'alice' });
      expect(download.headers.get('content-type')).toBe('image/png');
      expect(download.bytes.equals(content)).toBe(true);
    });

    test('that is empty', async () => {
      const response = await portal.ask(UPLOAD, { as: 'alice', method: 'POST' });
      expect(response.status).toBe(201);
      expect(entriesIn(response)).toMatchObject([{ name: 'big.bin', size: 0 }]);
    });

    test.each(['application/json', 'application/x-www-form-urlencoded', 'text/plain'])(
      'of %s unchanged',
      async (type) => {
        const request = { as: 'alice', method: 'POST', headers: { 'content-type': type } };
        const response = await portal.ask(UPLOAD, { ...request, body: '{ "a" : 1 }&' });
        expect(response.status).toBe(201);
        expect(entriesIn(response)).toMatchObject([{ size: 12 }]);
      },
    );

    test('chunk by chunk, without waiting for the end', async () => {
      const arrivals = new EventEmitter();
      portal.emulator.route('POST', BOX_UPLOAD, async (incoming, response) => {
        let length = 0;
        for await (const chunk of bytesOf(incoming)) {
          length += chunk.length;
          arrivals.emit('length', length);
        }
        response.writeHead(201, { 'content-type': 'application/json' }).end('{"entries":[]}');
      });
      const response = await portal.ask(UPLOAD, {
        as: 'alice',
        method: 'POST',
        body: Readable.from(piecesOnceArrived(arrivals)),
        duplex: 'half',
      });
      expect(response).toMatchObject({ status: 201, json: { entries: [] } });
    });

    test('only until the client disconnects', async () => {
      const arrivals = new EventEmitter();
      portal.emulator.route('POST', BOX_UPLOAD, (incoming) => {
        incoming.on('error', () => arrivals.emit('broken'));
        incoming.once('data', () => arrivals.emit('started'));
      });
      const started = once(arrivals, 'started');
      const broken = once(arrivals, 'broken');
      const client = openRequest(portal.url + UPLOAD, {
        method: 'POST',
        headers: { 'x-demo-user': 'alice' },
      });
      client.on('error', () => undefined);
      client.write(PIECE);
      await started;
      client.destroy();
      await broken;
      expect(await portal.ask('/api/me', { as: 'alice' })).toMatchObject({ status: 200 });
    });
  });

  /** Redirects the download of file 1 to a server of the test. */
  async function downloadsFrom(
    serve: (request: IncomingMessage, response: ServerResponse) => void,
  ): Promise<void> {
    const server = createServer(serve).listen(0, '127.0.0.1');
    await once(server, 'listening');
    onTestFinished(() => {
      server.closeAllConnections();
      server.close();
    });
    const address = server.address();
    if (address === null || typeof address === 'string') throw new TypeError('No TCP address.');
    portal.emulator.route('GET', '/2.0/files/1/content', (_request, response) => {
      response.writeHead(302, { location: `http://127.0.0.1:${address.port}/` }).end();
    });
  }
});

/** Sends each chunk only after the previous one has arrived: a buffering proxy would wait forever. */
async function* piecesOnceArrived(arrivals: EventEmitter): AsyncGenerator<Buffer> {
  let arrived = 0;
  arrivals.on('length', (length: number) => {
    arrived = length;
  });
  for (let count = 0; count < PIECES; count += 1) {
    while (arrived < count * PIECE.length) await once(arrivals, 'length');
    yield PIECE;
  }
}

function hashOfPieces(): string {
  const hash = createHash('sha256');
  for (let count = 0; count < PIECES; count += 1) hash.update(PIECE);
  return hash.digest('hex');
}

function* inPieces(content: Buffer): Generator<Buffer> {
  for (let start = 0; start < content.length; start += PIECE.length) {
    yield content.subarray(start, start + PIECE.length);
  }
}

function chunksOf({ body }: Response): AsyncIterable<Uint8Array> {
  if (body === null) throw new TypeError('The response has no body.');
  return bytesOf(Readable.fromWeb(body));
}

/** Types the chunks of a byte stream, which are `any`. */
async function* bytesOf(stream: Readable): AsyncGenerator<Uint8Array> {
  for await (const chunk of stream as AsyncIterable<unknown>) {
    if (chunk instanceof Uint8Array) yield chunk;
  }
}
