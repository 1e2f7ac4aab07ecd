import { Readable } from 'node:stream';
import NodeFormData from 'form-data';
import { FormData as UndiciFormData } from 'undici';
import { describe, expect, it } from 'vitest';
import { isReplayable } from '../../../lib/core/http/replayable-body.js';

describe('A body', () => {
  it.each([
    ['none', undefined],
    ['null', null],
    ['a string', 'text'],
    ['a Buffer', Buffer.from('text')],
    ['a typed array', new Uint16Array(2)],
    ['a DataView', new DataView(new ArrayBuffer(2))],
    ['an ArrayBuffer', new ArrayBuffer(2)],
    ['a SharedArrayBuffer', new SharedArrayBuffer(2)],
    ['URLSearchParams', new URLSearchParams('a=b')],
    ['FormData', new FormData()],
    ['the FormData of undici', new UndiciFormData()],
    ['a Blob', new Blob(['text'])],
    ['a File', new File(['text'], 'name')],
  ])('that is %s can be sent again', (_, body) => {
    expect(isReplayable(body)).toBe(true);
  });

  it.each([
    ['a stream of Node', Readable.from(['text'])],
    ['a stream of the web', new ReadableStream()],
    ['the form-data package’s', new NodeFormData()],
    ['an iterator', ['text'].values()],
    [
      'an async generator',
      (async function* () {
        yield 'text';
      })(),
    ],
    ['an object of some other kind', {}],
    ['a function', () => 'text'],
  ])('that is %s cannot', (_, body) => {
    expect(isReplayable(body)).toBe(false);
  });
});
