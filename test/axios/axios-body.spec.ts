import { PassThrough, Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { promisify } from 'node:util';
import FormData from 'form-data';
import { AxiosHeaders } from 'axios';
import { describe, expect, it } from 'vitest';
import { bodyOf } from '../../lib/axios/axios-body.js';

const MAX_BYTES = 1_000;

const of = (data: unknown) => bodyOf({ headers: new AxiosHeaders(), data }, MAX_BYTES);

/** The methods of `form-data`, as axios calls them. */
interface FormLike extends Readable {
  append(name: string, value: string): void;
  getHeaders(): Record<string, string>;
  getLength(callback: (error: Error | null, length: number) => void): void;
}

function form(): FormData {
  const data = new FormData();
  data.append('name', 'notes.txt');
  return data;
}

async function opened(body: ReturnType<typeof of>): Promise<FormLike> {
  return (await body.open()) as FormLike;
}

const lengthOf = (data: FormLike) => promisify(data.getLength.bind(data))();

describe('A form of form-data', () => {
  it('is a stream of a long call', () => {
    expect(of(form())).toMatchObject({ isStream: true, isLong: true });
  });

  it('looks like a form each time that it is sent, with the same length and content', async () => {
    const data = form();
    const body = of(data);
    const expected = { headers: data.getHeaders(), length: data.getLengthSync() };
    const contents: string[] = [];
    for (let round = 0; round < 2; round++) {
      const sent = await opened(body);
      expect(sent).toBeInstanceOf(Readable);
      expect(String(sent)).toBe('[object FormData]');
      expect(sent.getHeaders()).toEqual(expected.headers);
      expect(await lengthOf(sent)).toBe(expected.length);
      contents.push(await text(sent));
      expect(body.canReplay).toBe(true);
    }
    expect(contents[0]).toContain('notes.txt');
    expect(contents[1]).toBe(contents[0]);
  });

  it('gets what is appended to it', async () => {
    const data = form();
    const sent = await opened(of(data));
    sent.append('late', 'value');
    expect(data.getLengthSync()).toBeGreaterThan(form().getLengthSync());
  });

  it('is measured once: a form that was sent cannot measure itself', async () => {
    const data = form();
    let measured = 0;
    const getLength = data.getLength.bind(data);
    data.getLength = (callback) => {
      measured += 1;
      getLength(callback);
    };
    const body = of(data);
    await lengthOf(await opened(body));
    await lengthOf(await opened(body));
    expect(measured).toBe(1);
  });

  it('cannot be sent again once it has ended, and destroys its source when it is given up', async () => {
    const source = new PassThrough();
    const data = form();
    data.append('file', source, { filename: 'a.txt', knownLength: 3 });
    const body = of(data);
    (await opened(body)).on('error', () => undefined);
    body.cancel(new Error('given up'));
    expect(body.canReplay).toBe(false);
  });

  it('needs no buffer once its call has ended', async () => {
    const body = of(form());
    await text(await opened(body));
    body.finish();
    expect(body.canReplay).toBe(false);
  });
});

describe('Other data', () => {
  const methods = { append: () => 0, getHeaders: () => ({}), getLength: () => 0 };
  it.each([
    ['a record', { pipe: 1 }],
    ['a string', 'text'],
    ['nothing', undefined],
    ['null', null],
    ['an object with the methods but no stream', methods],
    ...Object.keys(methods).map((name) => [
      `an object without ${name}`,
      { ...methods, pipe: () => 0, [name]: undefined },
    ]),
  ] as [string, unknown][])('is no form: %s', async (_, data) => {
    expect(of(data).isLong).toBe(false);
    expect(await of(data).open()).toBe(data);
  });

  it('is sent as the stream that it is', async () => {
    const sent = await of(Readable.from(['a', 'b'])).open();
    expect(sent).not.toHaveProperty('getHeaders');
    expect(await text(sent as Readable)).toBe('ab');
  });
});
