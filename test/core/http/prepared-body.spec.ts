import { createReadStream, type ReadStream } from 'node:fs';
import { appendFile, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { replayableBody } from '../../../lib/core/http/replayable-body.js';

const contentOf = async (body: unknown) => (await buffer(body as Readable)).toString();

describe('A stream whose next attempt is prepared', () => {
  it('ends the previous attempt, and is not read before the next one', async () => {
    let chunks = 0;
    async function* generate() {
      for (const chunk of ['one,', 'two,', 'three']) {
        chunks += 1;
        yield Buffer.from(chunk);
      }
    }
    const body = replayableBody<unknown>(Readable.from(generate(), { highWaterMark: 1 }), 100);
    const first = (await body.open()) as Readable;
    await first[Symbol.asyncIterator]().next();
    expect(await body.prepareReplay()).toBe(true);
    expect(first.destroyed).toBe(true);
    const before = chunks;
    await new Promise(setImmediate);
    expect(chunks).toBe(before);
    expect(await contentOf(await body.open())).toBe('one,two,three');
  });

  it('can be prepared again', async () => {
    const body = replayableBody<unknown>(Readable.from(['text']), 100);
    await contentOf(await body.open());
    for (let attempt = 0; attempt < 3; attempt++) {
      expect(await body.prepareReplay()).toBe(true);
      expect(await contentOf(await body.open())).toBe('text');
    }
  });

  it('cannot be prepared if it was longer than the buffer: its attempt goes on', async () => {
    const source = Readable.from([Buffer.alloc(80), Buffer.alloc(80), Buffer.alloc(80)]);
    const body = replayableBody<unknown>(source, 100);
    const first = (await body.open()) as Readable;
    const chunks = first[Symbol.asyncIterator]();
    await chunks.next();
    await chunks.next();
    expect(await body.prepareReplay()).toBe(false);
    expect(first.destroyed).toBe(false);
    expect((await chunks.next()).value).toHaveLength(80);
  });
});

it.each([['a string'], [Buffer.from('bytes')], [new URLSearchParams('a=b')], [() => 'made']])(
  'The body %s needs no preparation',
  async (value) => {
    const body = replayableBody<unknown>(value, 0);
    await body.open();
    expect(await body.prepareReplay()).toBe(true);
    expect(await body.open()).toEqual(typeof value === 'function' ? 'made' : value);
  },
);

describe('A file whose next attempt is prepared', () => {
  let folder: string;
  let path: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'prepared-'));
    path = join(folder, 'file');
  });
  afterAll(() => rm(folder, { recursive: true }));
  beforeEach(() => writeFile(path, 'content'));

  it('is opened once, and its previous stream is closed', async () => {
    const body = replayableBody<unknown>(createReadStream(path), 0);
    const first = (await body.open()) as ReadStream;
    expect(await body.prepareReplay()).toBe(true);
    expect(first.destroyed).toBe(true);
    const second = await body.open();
    expect(second).not.toBe(first);
    expect(await contentOf(second)).toBe('content');
  });

  it('is closed if the call fails during the wait', async () => {
    const body = replayableBody<unknown>(createReadStream(path), 0);
    await body.open();
    await body.prepareReplay();
    body.cancel();
    expect(((await body.open()) as ReadStream).destroyed).toBe(true);
  });

  it('cannot be prepared if it has changed: its attempt goes on', async () => {
    const body = replayableBody<unknown>(createReadStream(path), 0);
    const first = (await body.open()) as ReadStream;
    await contentOf(first);
    await appendFile(path, 'more');
    expect(await body.prepareReplay()).toBe(false);
  });
});
