import { describe, expect, it } from 'vitest';
import {
  copyHeaders,
  headerOf,
  toRereadable,
  withHeaders,
  withNoStore,
  withoutHeaders,
} from '../../lib/undici/headers.js';

/** One header in each form that undici accepts. */
const forms = (name: string, value: string): [form: string, headers: unknown][] => [
  ['an object', { [name]: value, other: 'x' }],
  ['a list of names and values', [name, value, 'other', 'x']],
  [
    'a list of pairs',
    [
      [name, value],
      ['other', 'x'],
    ],
  ],
  [
    'pairs',
    new Map([
      [name, value],
      ['other', 'x'],
    ]),
  ],
  ['Headers', new Headers({ [name]: value, other: 'x' })],
];

describe('headerOf', () => {
  it.each(forms('As-User', '1'))('finds a header in %s', (_, headers) => {
    expect(headerOf(headers, 'as-user')).toBe('1');
    expect(headerOf(headers, 'x')).toBeUndefined();
    expect(headerOf(headers, 'missing')).toBeUndefined();
  });

  it.each<[string, unknown, string | undefined]>([
    ['joins the values of a list', { 'as-user': ['1', '2'] }, '1, 2'],
    ['joins repeated headers', ['as-user', '1', 'AS-USER', '2'], '1, 2'],
    ['takes null for an empty value', { 'as-user': null }, ''],
    ['skips undefined', { 'as-user': undefined }, undefined],
    ['skips an empty list', { 'as-user': [] }, undefined],
    ['does not take a value for a name', ['x', 'as-user', 'y', 'z'], undefined],
    ['finds nothing in no headers', undefined, undefined],
    ['finds nothing in null', null, undefined],
  ])('%s', (_, headers, expected) => {
    expect(headerOf(headers, 'as-user')).toBe(expected);
  });
});

describe('toRereadable', () => {
  it('copies an iterator', () => {
    const pairs = new Map([['a', '1']]).entries();
    const copy = toRereadable(pairs);
    expect([headerOf(copy, 'a'), headerOf(copy, 'a')]).toEqual(['1', '1']);
  });

  it.each([{ a: '1' }, undefined, null])('leaves %j unchanged', (headers) => {
    expect(toRereadable(headers)).toBe(headers);
  });
});

describe('Headers that undici rejects', () => {
  const failing = {
    *[Symbol.iterator]() {
      yield ['a', '1'];
      throw new Error('unreadable');
    },
  };

  it.each<[string, Iterable<unknown>, () => unknown]>([
    ['names without values', new Set(['a', 'b']), () => ['a', 'b']],
    ['an iterator', new Set(['a', 'b']).values(), () => ['a', 'b']],
    ['pairs of three', new Set([['a', '1', '2']]), () => [['a', '1', '2']]],
  ])('reach it unchanged if they are %s', (_, headers, expected) => {
    const copy = withNoStore(withHeaders(copyHeaders(headers), { b: '2' })) as Iterable<unknown>;
    expect([...copy]).toEqual(expected());
    expect([...copy]).toEqual(expected());
    expect(headerOf(copy, 'a')).toBeUndefined();
  });

  it('fail with their own error if they cannot be read', () => {
    const copy = withHeaders(copyHeaders(failing), { b: '2' }) as Iterable<unknown>;
    expect(() => [...copy]).toThrow('unreadable');
    expect(headerOf(copy, 'a')).toBeUndefined();
  });
});

describe('withHeaders', () => {
  it.each([...forms('a', '1'), ['nothing', undefined] as const])('adds to %s', (form, headers) => {
    const all = withHeaders(headers, { b: '2', c: '3' });
    expect(headerOf(all, 'a')).toBe(form === 'nothing' ? undefined : '1');
    expect(headerOf(all, 'b')).toBe('2');
    expect(headerOf(all, 'c')).toBe('3');
    expect(headerOf(headers, 'b')).toBeUndefined();
    if (form === 'a list of pairs') expect(all).toContainEqual(['b', '2']);
  });

  it('keeps a header with the name __proto__', () => {
    const all = withHeaders(JSON.parse('{ "__proto__": ["1"] }'), { b: '2' });
    expect(headerOf(all, '__proto__')).toBe('1');
    expect(Object.getPrototypeOf(all)).toBe(Object.prototype);
  });
});

describe('withNoStore', () => {
  it.each([...forms('a', '1'), ['nothing', undefined] as const])('adds to %s', (_, headers) => {
    expect(headerOf(withNoStore(headers), 'cache-control')).toBe('no-store');
  });

  it.each(forms('Cache-Control', 'max-age=0'))('keeps the directives in %s', (_, headers) => {
    const all = withNoStore(headers);
    expect(headerOf(all, 'cache-control')).toBe('max-age=0, no-store');
    expect(headerOf(all, 'other')).toBe('x');
  });
});

describe('withoutHeaders', () => {
  it.each(forms('As-User', '1'))('removes from %s', (form, headers) => {
    const remaining = withoutHeaders(headers, ['as-user', 'authorization']);
    expect(headerOf(remaining, 'as-user')).toBeUndefined();
    expect(headerOf(remaining, 'other')).toBe('x');
    expect(Array.isArray(remaining)).toBe(form !== 'an object');
  });

  it.each(forms('a', '1'))('returns %s itself if there is nothing to remove', (_, headers) => {
    expect(withoutHeaders(headers, ['b'])).toBe(headers);
  });
});

it('A plain object is a record, even if all objects have an iterator', () => {
  const name = Symbol.iterator;
  // oxlint-disable-next-line eslint/no-extend-native -- the case under test
  Object.defineProperty(Object.prototype, name, { value: () => [].values(), configurable: true });
  try {
    expect(headerOf({ a: '1' }, 'a')).toBe('1');
    expect(copyHeaders({ a: '1' })).toEqual({ a: '1' });
  } finally {
    Reflect.deleteProperty(Object.prototype, name);
  }
});
