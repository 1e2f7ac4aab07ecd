import { EventEmitter } from 'node:events';
import { describe, expect, it } from 'vitest';
import { abortSources } from '../../lib/undici/abort-sources.js';
import { FakeRuntime } from '../support/fake-runtime.js';

/** Starts all sources of a call. Returns the reasons of the aborts, and a function that stops the sources. */
function started(runtime: FakeRuntime, options: Parameters<typeof abortSources>[0]) {
  const reasons: unknown[] = [];
  const stops = abortSources(options, runtime).map((start) =>
    start((reason) => reasons.push(reason)),
  );
  return { reasons, count: stops.length, stop: () => stops.forEach((stop) => stop()) };
}

describe('abortSources', () => {
  it('are the signal and the timeout', async () => {
    const runtime = new FakeRuntime();
    const controller = new AbortController();
    const { reasons, count } = started(runtime, { signal: controller.signal, headersTimeout: 100 });
    expect(count).toBe(2);
    await runtime.advance(99);
    expect(reasons).toEqual([]);
    await runtime.advance(1);
    expect(reasons).toMatchObject([
      {
        name: 'HeadersTimeoutError',
        code: 'UND_ERR_HEADERS_TIMEOUT',
        message: 'Headers Timeout Error',
        [Symbol.for('undici.error.UND_ERR_HEADERS_TIMEOUT')]: true,
        [Symbol.for('undici.error.UND_ERR')]: true,
      },
    ]);
    controller.abort('gone');
    expect(reasons[1]).toBe('gone');
  });

  it.each<[string, object]>([
    ['no options', {}],
    ['a timeout of zero', { headersTimeout: 0 }],
    ['a negative timeout', { headersTimeout: -1 }],
    ['a timeout that is not a number', { headersTimeout: '5' }],
    ['a signal that is not an emitter', { signal: { on: () => undefined } }],
    ['a signal that is null', { signal: null }],
  ])('are none with %s', (_, options) => {
    expect(started(new FakeRuntime(), options).count).toBe(0);
  });

  it('can be an EventEmitter, and leave no listener', () => {
    const signal = new EventEmitter();
    const { reasons, stop } = started(new FakeRuntime(), { signal });
    signal.emit('abort');
    expect(reasons).toMatchObject([
      {
        name: 'AbortError',
        code: 'UND_ERR_ABORTED',
        message: 'Request aborted',
        [Symbol.for('undici.error.UND_ERR_ABORTED')]: true,
        [Symbol.for('undici.error.UND_ERR')]: true,
      },
    ]);
    stop();
    expect(signal.listenerCount('abort')).toBe(0);
  });
});
