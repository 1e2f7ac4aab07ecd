import { AsyncResource } from 'node:async_hooks';
import { describe, expect, it } from 'vitest';
import { HeldResponse } from '../../lib/undici/held-response.js';
import {
  failCall,
  isDeduplicating,
  reportsErrors,
  wrapHandler,
} from '../../lib/undici/wrap-handler.js';

const requestBody = { finish: () => undefined, cancel: () => undefined };
const decision = {
  watchesCaller: false,
  onResponse: () => undefined,
  onError: () => undefined,
};
const heldResponse = () =>
  new HeldResponse(new AsyncResource('test'), decision, requestBody, undefined);

type Events = [name: string, ...args: unknown[]][];

/** A handler with these methods, which record their calls. */
function recorder(names: readonly string[]): { handler: object; events: Events } {
  const events: Events = [];
  const method =
    (name: string) =>
    (...args: unknown[]) =>
      void events.push([name, ...args]);
  return { handler: Object.fromEntries(names.map((name) => [name, method(name)])), events };
}

function send(handler: object, event: string, ...args: unknown[]): unknown {
  const method: unknown = Reflect.get(handler, event);
  if (typeof method !== 'function') throw new Error(`The handler has no ${event}.`);
  return Reflect.apply(method, handler, args);
}

const controller = { abort: () => undefined };
const abort = () => undefined;
const resume = () => undefined;
const error = new Error('reset');
const PROGRESS: Events = [['onBodySent', 'chunk', 5], ['onRequestSent'], ['onResponseStarted']];
/** All events of a call, in each style: sent by undici, and received by the caller's handler. */
const styles: [style: string, sent: Events, received: Events][] = [
  [
    'undici 7',
    [
      ['onRequestStart', controller, 'context'],
      ...PROGRESS,
      ['onResponseStart', controller, 200, { a: '1' }, 'OK'],
      ['onResponseData', controller, 'chunk'],
      ['onResponseEnd', controller, 'trailers'],
      ['onResponseError', controller, error],
    ],
    [
      ['onRequestStart', controller, 'context'],
      ...PROGRESS,
      ['onResponseStart', controller, 200, { a: '1', vary: '*' }, 'OK'],
      ['onResponseData', controller, 'chunk'],
      ['onResponseEnd', controller, 'trailers'],
      ['onResponseError', controller, error],
    ],
  ],
  [
    'undici 6',
    [
      ['onConnect', abort, 'context'],
      ...PROGRESS,
      ['onHeaders', 200, ['a', '1'], resume, 'OK'],
      ['onData', 'chunk'],
      ['onComplete', 'trailers'],
      ['onError', error],
    ],
    [
      ['onConnect', abort, 'context'],
      ...PROGRESS,
      ['onHeaders', 200, ['a', '1'], resume, 'OK'],
      ['onData', 'chunk'],
      ['onComplete', 'trailers'],
      ['onError', error],
    ],
  ],
];

describe.each(styles)('A wrapped handler of %s', (_, sent, received) => {
  it('receives every event with its arguments', () => {
    const { handler, events } = recorder(sent.map(([name]) => name));
    const wrapped = wrapHandler(handler, heldResponse());
    for (const event of sent) send(wrapped, ...event);
    expect(events).toEqual(received);
  });

  it('has no methods that the handler lacks, as undici checks them', () => {
    const [first = ['']] = sent;
    const names = first[0] === 'onRequestStart' ? [first[0]] : [];
    const { handler } = recorder(names);
    const invalid = { ...handler, onBodySent: 'invalid' };
    const wrapped = wrapHandler(invalid, heldResponse());
    const all = sent.map(([name]) => name);
    const defined = all.filter((name) => Reflect.get(wrapped, name) !== undefined);
    expect(defined.toSorted()).toEqual(['onBodySent', ...names]);
    expect(wrapped).toMatchObject({ onBodySent: 'invalid' });
    expect(() => failCall(handler, error)).not.toThrow();
  });
});

describe('wrapHandler', () => {
  it('takes a handler whose onRequestStart is not a function for one of undici 6', () => {
    const { handler, events } = recorder(['onError']);
    failCall({ ...handler, onRequestStart: undefined }, error);
    expect(events).toEqual([['onError', error]]);
  });

  it.each<[string, unknown]>([
    ['no headers', null],
    ['empty headers', {}],
  ])('adds `vary: *` to a response with %s', (_, headers) => {
    const { handler, events } = recorder(['onRequestStart', 'onResponseStart']);
    const wrapped = wrapHandler(handler, heldResponse());
    send(wrapped, 'onResponseStart', controller, 200, headers);
    expect(events).toEqual([['onResponseStart', controller, 200, { vary: '*' }, undefined]]);
  });

  it('keeps a response header with the name __proto__', () => {
    const { handler, events } = recorder(['onRequestStart', 'onResponseStart']);
    const wrapped = wrapHandler(handler, heldResponse());
    send(wrapped, 'onResponseStart', controller, 200, JSON.parse('{ "__proto__": ["a", "b"] }'));
    const headers = events[0]?.[3];
    expect(Object.getPrototypeOf(headers)).toBe(Object.prototype);
    expect(Object.getOwnPropertyDescriptor(headers, '__proto__')?.value).toEqual(['a', 'b']);
  });

  it('leaves an informational response unchanged', () => {
    const { handler, events } = recorder(['onRequestStart', 'onResponseStart']);
    const wrapped = wrapHandler(handler, heldResponse());
    send(wrapped, 'onResponseStart', controller, 103, { link: '</a>' }, 'Early Hints');
    expect(events).toEqual([['onResponseStart', controller, 103, { link: '</a>' }, 'Early Hints']]);
  });

  it.each([
    [
      'undici 7',
      'onRequestStart',
      (abortWith: (reason: unknown) => void) => ({ abort: abortWith }),
    ],
    ['undici 6', 'onConnect', (abortWith: (reason: unknown) => void) => abortWith],
  ])('lets the response abort a request of %s', (_, start, source) => {
    const reasons: unknown[] = [];
    const response = heldResponse();
    const wrapped = wrapHandler(recorder([start]).handler, response);
    send(
      wrapped,
      start,
      source((reason) => void reasons.push(reason)),
    );
    response.abort(error);
    expect(reasons).toEqual([error]);
  });
});

it('failCall reports an error in the style of the handler', () => {
  const modern = recorder(['onRequestStart', 'onResponseError', 'onError']);
  failCall(modern.handler, error);
  expect(modern.events).toEqual([['onResponseError', null, error]]);
  const legacy = recorder(['onConnect', 'onResponseError', 'onError']);
  failCall(legacy.handler, error);
  expect(legacy.events).toEqual([['onError', error]]);
});

it.each<[boolean, object]>([
  [true, { onRequestStart: () => undefined }],
  [true, { onError: () => undefined }],
  [false, { onError: 'invalid' }],
  [false, {}],
])('reportsErrors is %s for %o', (expected, handler) => {
  expect(reportsErrors(handler)).toBe(expected);
});

describe('isDeduplicating', () => {
  const deduplicating = { addWaitingHandler: () => undefined };
  const wrap = (handler: object, times: number): object =>
    times === 0 ? handler : wrap({ handler }, times - 1);

  it('finds the handler of deduplicate() below others', () => {
    expect(isDeduplicating(deduplicating)).toBe(true);
    expect(isDeduplicating(wrap(deduplicating, 2))).toBe(true);
    expect(isDeduplicating(wrap(deduplicating, 15))).toBe(true);
  });

  it('finds none in other handlers, not even in one that contains itself', () => {
    const circular: { handler?: object } = {};
    circular.handler = circular;
    expect(isDeduplicating({})).toBe(false);
    expect(isDeduplicating(wrap({ handler: null }, 2))).toBe(false);
    expect(isDeduplicating(circular)).toBe(false);
    expect(isDeduplicating(wrap(deduplicating, 16))).toBe(false);
  });
});
