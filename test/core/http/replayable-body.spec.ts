import { once } from 'node:events';
import {
  createReadStream,
  mkdtempSync,
  openSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { open, rename } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Duplex, Readable, Stream } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import NodeFormData from 'form-data';
import { FormData as UndiciFormData } from 'undici';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { replayableBody } from '../../../lib/core/http/replayable-body.js';
import { deferred } from '../../support/deferred.js';
import { thrownBy } from '../../support/thrown.js';

const MIB = 1024 * 1024;

/** What a client would send. */
async function contentOf(body: unknown): Promise<string> {
  if (body instanceof NodeFormData) throw new Error('a stream of the first kind');
  return (await buffer(body as Readable)).toString();
}

/** The first chunk, as a client reads it. Reads no further. */
async function firstChunkOf(body: unknown): Promise<string> {
  const chunks = body as AsyncIterable<Uint8Array>;
  const { value } = (await chunks[Symbol.asyncIterator]().next()) as { value: Uint8Array };
  return Buffer.from(value).toString();
}

const CHUNKS = ['one,', 'two,', 'three'];
const TEXT = CHUNKS.join('');

async function* generated(): AsyncGenerator<Buffer> {
  for (const chunk of CHUNKS) yield Buffer.from(chunk);
}

const streams: [string, () => unknown][] = [
  ['a stream of Node', () => Readable.from(CHUNKS)],
  ['a stream of Node with an encoding', () => Readable.from(CHUNKS).setEncoding('utf8')],
  ['a stream of the web', () => ReadableStream.from(generated())],
  ['an async generator', generated],
  ['an iterator', () => CHUNKS.values()],
];

describe('A value', () => {
  const form = new FormData();
  form.set('file', new Blob(['x'.repeat(MIB)]));
  it.each([
    ['undefined', undefined, false],
    ['null', null, false],
    ['a string', 'text', false],
    ['a Buffer', Buffer.from('text'), false],
    ['a large Buffer', Buffer.alloc(MIB + 1), true],
    ['a large string', 'x'.repeat(MIB + 1), true],
    ['a string that is large in UTF-8', '€'.repeat(MIB / 2), true],
    ['a typed array', new Uint16Array(2), false],
    ['a DataView', new DataView(new ArrayBuffer(2)), false],
    ['an ArrayBuffer', new ArrayBuffer(2), false],
    ['a large ArrayBuffer', new ArrayBuffer(MIB + 1), true],
    ['a SharedArrayBuffer', new SharedArrayBuffer(2), false],
    ['URLSearchParams', new URLSearchParams('a=b'), false],
    ['large URLSearchParams', new URLSearchParams({ a: 'x'.repeat(MIB) }), true],
    ['FormData', new FormData(), false],
    ['FormData with a large file', form, false],
    ['the FormData of undici', new UndiciFormData(), false],
    ['a Blob', new Blob(['text']), false],
    ['a large Blob', new Blob([Buffer.alloc(MIB + 1)]), true],
    ['a File', new File(['text'], 'name'), false],
    ['an object of another kind', {}, false],
  ])('is sent unchanged in each attempt: %s', async (_, value, isLong) => {
    const body = replayableBody<unknown>(value, 0);
    expect(await body.open()).toBe(value);
    expect(await body.open()).toBe(value);
    expect(body).toMatchObject({ isStream: false, isLong, canReplay: true });
    body.finish();
    body.cancel(new Error('no matter'));
  });

  it('of FormData is long if its files are', () => {
    const large = new FormData();
    for (const name of ['one', 'two']) large.append(name, new Blob([Buffer.alloc(MIB)]));
    expect(replayableBody(large, 0).isLong).toBe(true);
  });

  it('is a web stream that was read already: clients reject it', async () => {
    const locked = ReadableStream.from(generated());
    locked.getReader();
    const disturbed = ReadableStream.from(generated());
    const reader = disturbed.getReader();
    await reader.read();
    reader.releaseLock();
    expect(await replayableBody(locked, 0).open()).toBe(locked);
    expect(await replayableBody(disturbed, 0).open()).toBe(disturbed);
  });
});

describe.each(streams)('%s', (_, create) => {
  it('is sent again from its beginning', async () => {
    const body = replayableBody(create(), TEXT.length);
    expect(await contentOf(await body.open())).toBe(TEXT);
    expect(body.canReplay).toBe(true);
    expect(await contentOf(await body.open())).toBe(TEXT);
    expect(await contentOf(await body.open())).toBe(TEXT);
  });

  it('is sent again after an attempt that read a part of it', async () => {
    const body = replayableBody(create(), TEXT.length);
    expect(await firstChunkOf(await body.open())).toMatch(/^one,/);
    expect(await contentOf(await body.open())).toBe(TEXT);
  });

  it('stays a stream of its kind, and takes long', async () => {
    const original = create();
    const body = replayableBody(original, 0);
    const sent = await body.open();
    expect(body).toMatchObject({ isStream: true, isLong: true });
    expect(sent instanceof Readable).toBe(original instanceof Readable);
    expect(sent instanceof ReadableStream).toBe(original instanceof ReadableStream);
  });

  it('is sent once if it has more bytes than are kept', async () => {
    const body = replayableBody(create(), TEXT.length - 1);
    expect(await contentOf(await body.open())).toBe(TEXT);
    expect(body.canReplay).toBe(false);
    const error = await thrownBy(() => body.open());
    expect(error).toMatchObject({ code: 'body_not_replayable', status: 401, retryable: true });
    expect(error.message).toContain(`more than ${TEXT.length - 1} bytes`);
  });
});

describe('A stream', () => {
  const chunks = (count: number, read: () => void = () => undefined) =>
    (async function* () {
      for (let i = 0; i < count; i++) {
        read();
        yield Buffer.from(`${i},`);
      }
    })();

  it('gives a chunk that arrives after an attempt has ended to the next attempt', async () => {
    const arrival = deferred();
    const body = replayableBody(
      (async function* () {
        yield Buffer.from('one,');
        await arrival.promise;
        yield Buffer.from('two');
      })(),
      100,
    );
    const first = (await body.open())[Symbol.asyncIterator]();
    await first.next();
    const waiting = first.next();
    const second = await body.open();
    arrival.resolve();
    await expect(waiting).rejects.toThrow('has ended');
    expect(await contentOf(second)).toBe('one,two');
  });

  it('keeps copies: its owner may reuse a chunk', async () => {
    const chunk = Buffer.from('one,');
    const body = replayableBody(
      (async function* () {
        yield chunk;
        chunk.write('two,');
        yield chunk;
      })(),
      100,
    );
    await contentOf(await body.open());
    expect(await contentOf(await body.open())).toBe('one,two,');
  });

  it('is dropped as soon as it has more bytes than are kept', async () => {
    const body = replayableBody(chunks(3), 3);
    const sent = (await body.open())[Symbol.asyncIterator]();
    await sent.next();
    expect(body.canReplay).toBe(true);
    await sent.next();
    expect(body.canReplay).toBe(false);
    expect((await sent.next()).value).toEqual(Buffer.from('2,'));
  });

  it('with a chunk that no client sends is passed on, and kept no longer', async () => {
    const body = replayableBody<AsyncIterable<unknown>>(Readable.from([1]), 100);
    const sent = replayableBody([1].values(), 100);
    await expect(contentOf(await body.open())).rejects.toThrow('"chunk" argument');
    const { value } = await (
      (await sent.open()) as unknown as AsyncIterableIterator<number>
    ).next();
    expect(value).toBe(1);
    expect(sent.canReplay).toBe(false);
  });

  it('is read on by the last attempt after the response', async () => {
    const body = replayableBody(chunks(4), 100);
    await firstChunkOf(await body.open());
    const sent = (await body.open())[Symbol.asyncIterator]();
    body.finish();
    expect(body.canReplay).toBe(false);
    expect(await contentOf({ [Symbol.asyncIterator]: () => sent })).toBe('0,1,2,3,');
  });

  describe.each<[string, (ended: () => void) => unknown]>([
    [
      'of Node',
      (ended) =>
        new Readable({ read: () => undefined, destroy: (_, done) => (ended(), done(null)) }),
    ],
    ['of the web', (ended) => new ReadableStream({ cancel: ended })],
    [
      'from an iterator',
      (ended) => ({
        next: () => new Promise(() => undefined),
        return: ended,
        [Symbol.asyncIterator]() {
          return this;
        },
      }),
    ],
  ])('%s', (_, create) => {
    let ends: number;
    const body = () =>
      replayableBody<unknown>(
        create(() => (ends += 1)),
        100,
      );
    const settled = () => new Promise(setImmediate);
    beforeEach(() => {
      ends = 0;
    });
    const stop = async (sent: unknown) => {
      if (sent instanceof Readable) sent.destroy();
      else if (sent instanceof ReadableStream) await sent.cancel();
      else await (sent as AsyncIterator<unknown>).return?.();
    };

    it('ends if the call fails before it is sent', async () => {
      body().cancel(new Error('no token'));
      await settled();
      expect(ends).toBe(1);
    });

    it('ends if the call fails while it is sent', async () => {
      const failing = body();
      await failing.open();
      failing.cancel(new Error('the connection broke'));
      await settled();
      expect(ends).toBe(1);
    });

    it('does not end with an attempt, as there may be another one', async () => {
      const replayed = body();
      await stop(await replayed.open());
      await settled();
      expect(ends).toBe(0);
      await replayed.open();
      replayed.finish();
      await settled();
      expect(ends).toBe(0);
    });

    it('ends if the last attempt stopped before the response', async () => {
      const refused = body();
      await stop(await refused.open());
      refused.finish();
      await settled();
      expect(ends).toBe(1);
    });

    it('ends if the last attempt stops after the response', async () => {
      const accepted = body();
      const sent = await accepted.open();
      accepted.finish();
      await settled();
      expect(ends).toBe(0);
      await stop(sent);
      await settled();
      expect(ends).toBe(1);
    });
  });
});

describe('A function', () => {
  it('is called for each attempt, also if it returns a promise', async () => {
    let calls = 0;
    const body = replayableBody<AsyncIterable<Buffer>>(async () => {
      calls += 1;
      return generated();
    }, 0);
    expect(await contentOf(await body.open())).toBe(TEXT);
    expect(await contentOf(await body.open())).toBe(TEXT);
    expect(calls).toBe(2);
    expect(body).toMatchObject({ isStream: true, isLong: true, canReplay: true });
    body.finish();
    body.cancel();
  });

  it('that throws fails the call with its error', async () => {
    const body = replayableBody<string>(() => {
      throw new Error('no such file');
    }, 0);
    await expect(body.open()).rejects.toThrow('no such file');
  });
});

describe('A stream of a file', () => {
  let folder: string;
  let path: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'replayable-'));
    path = join(folder, 'file');
  });
  afterAll(() => rmSync(folder, { recursive: true }));
  beforeEach(() => writeFileSync(path, TEXT));

  it('is opened again, of any size', async () => {
    const source = createReadStream(path);
    const body = replayableBody(source, 0);
    expect(await body.open()).toBe(source);
    expect(await contentOf(source)).toBe(TEXT);
    expect(body).toMatchObject({ isStream: true, isLong: true, canReplay: true });
    expect(await contentOf(await body.open())).toBe(TEXT);
    expect(await contentOf(await body.open())).toBe(TEXT);
    body.finish();
  });

  it('is opened again after an attempt that read a part of it, which is closed', async () => {
    const source = createReadStream(path, { highWaterMark: 1 });
    const body = replayableBody(source, 0);
    await firstChunkOf(await body.open());
    expect(await contentOf(await body.open())).toBe(TEXT);
    expect(source.destroyed).toBe(true);
  });

  it.each([
    [{ start: 4 }, 'two,three'],
    [{ end: 2 }, 'one'],
    [{ start: 4, end: 6 }, 'two'],
    [{ encoding: 'hex' as const, end: 0 }, '6f'],
  ])('is read again with the same options: %j', async (options, expected) => {
    const body = replayableBody(createReadStream(path, options), 0);
    const read = async () => (await body.open()).map(String).toArray();
    expect((await read()).join('')).toBe(expected);
    expect((await read()).join('')).toBe(expected);
  });

  it('that was opened already, or was closed meanwhile, is opened again', async () => {
    const source = createReadStream(path);
    await once(source, 'open');
    const body = replayableBody(source, 0);
    source.destroy();
    await once(source, 'close');
    await body.open();
    expect(await contentOf(await body.open())).toBe(TEXT);
  });

  const changes: Record<string, () => unknown> = {
    'has more bytes': () => writeFileSync(path, 'x', { flag: 'a' }),
    'was modified': () => utimesSync(path, 1, 1),
    'was replaced': async () => {
      const other = join(folder, 'other');
      writeFileSync(other, TEXT);
      const time = new Date(1_000_000);
      utimesSync(other, time, time);
      await rename(other, path);
    },
    'was deleted': () => rmSync(path),
  };
  it.each(Object.entries(changes))('is not sent again if it %s', async (_, change) => {
    const time = new Date(1_000_000);
    utimesSync(path, time, time);
    const body = replayableBody(createReadStream(path), 100);
    await contentOf(await body.open());
    await change();
    const error = await thrownBy(() => body.open());
    expect(error.code).toBe('body_not_replayable');
    expect(error.message).toContain('a file that has changed');
  });

  it.each<[string, () => Promise<Readable>]>([
    [
      'was read already',
      async () => {
        const stream = createReadStream(path, { highWaterMark: 4 });
        await once(stream, 'readable');
        stream.read();
        return stream;
      },
    ],
    ['reads a descriptor', async () => createReadStream('', { fd: openSync(path, 'r') })],
    ['reads a handle', async () => (await open(path)).createReadStream()],
  ])('is kept like another stream if it %s', async (_, create) => {
    const body = replayableBody(await create(), 100);
    const content = await contentOf(await body.open());
    expect(TEXT.endsWith(content)).toBe(true);
    expect(await contentOf(await body.open())).toBe(content);
  });

  it('is kept like another stream if it is not a regular file', async () => {
    const body = replayableBody(createReadStream('/dev/null'), 100);
    expect(await contentOf(await body.open())).toBe('');
    expect(await contentOf(await body.open())).toBe('');
    body.finish();
  });

  it('fails its reader if it does not exist', async () => {
    const body = replayableBody(createReadStream(join(folder, 'none')), 100);
    await expect(contentOf(await body.open())).rejects.toThrow('ENOENT');
  });

  it('is closed if the call fails', async () => {
    const source = createReadStream(path);
    const body = replayableBody(source, 100);
    body.cancel();
    expect(source.destroyed).toBe(true);
    const again = replayableBody(createReadStream(path), 100);
    await again.open();
    const second = await again.open();
    again.cancel();
    expect(second.destroyed).toBe(true);
  });
});

it.each([
  ['the form-data package', 'form'],
  ['a stream of Node', 'stream'],
])('%s fails its reader, and not the process, if it fails before it is read', async (_, kind) => {
  const failing = new Readable({ read: () => undefined });
  const form = new NodeFormData();
  form.append('file', failing, 'name');
  const body = replayableBody(kind === 'form' ? form : failing, 100);
  failing.destroy(new Error('the disk is broken'));
  await new Promise(setImmediate);
  await expect(contentOf(await body.open())).rejects.toThrow('the disk is broken');
});

it.each<[string, (duplex: Duplex) => void]>([
  ['has ended', (duplex) => void duplex.push(null)],
  ['ends while it is sent', (duplex) => void setImmediate(() => duplex.push(null))],
])('A Duplex that %s stays open in its other direction', async (_, end) => {
  const duplex = new Duplex({ read: () => undefined, write: (__, ___, done) => done() });
  duplex.push('one');
  end(duplex);
  const body = replayableBody<Duplex>(duplex, 100);
  expect(await contentOf(await body.open())).toBe('one');
  body.finish();
  await new Promise(setImmediate);
  expect(duplex.destroyed).toBe(false);
});

it('A stream that only emits events is sent', async () => {
  const emitter = new Stream();
  const content = contentOf(await replayableBody<Stream>(emitter, 100).open());
  await new Promise(setImmediate);
  emitter.emit('data', Buffer.from('one,'));
  emitter.emit('data', 'two');
  emitter.emit('end');
  expect(await content).toBe('one,two');
});

it('A stream of Node that has ended is sent again, up to `maxBytes`', async () => {
  for (const maxBytes of [3, 2]) {
    const stream = new Readable({ read: () => undefined, autoDestroy: false });
    stream.push('one');
    stream.push(null);
    const body = replayableBody(stream, maxBytes);
    expect(await contentOf(await body.open())).toBe('one');
    expect(body.canReplay).toBe(maxBytes === 3);
    if (body.canReplay) expect(await contentOf(await body.open())).toBe('one');
    body.finish();
    expect([stream.destroyed, body.canReplay]).toEqual([true, false]);
  }
});

it('A stream of Node that has ended still fails its reader', async () => {
  const stream = new Readable({ read: () => undefined });
  stream.push('one');
  stream.push(null);
  const sent = await replayableBody(stream, 100).open();
  sent.read(0);
  stream.emit('error', new Error('the disk is broken'));
  await expect(contentOf(sent)).rejects.toThrow('the disk is broken');
});

it('A stream of Node that has ended fails with its call, and not the process', async () => {
  const stream = new Readable({ read: () => undefined });
  stream.push('one');
  stream.push(null);
  const body = replayableBody(stream, 100);
  const sent = await body.open();
  sent.read(0);
  body.cancel(new Error('the length is wrong'));
  await new Promise(setImmediate);
  expect(sent.errored).toMatchObject({ message: 'the length is wrong' });
});
