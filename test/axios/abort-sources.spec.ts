import axios, { AxiosError, AxiosHeaders, CanceledError } from 'axios';
import { describe, expect, it } from 'vitest';
import { abortSources } from '../../lib/axios/abort-sources.js';
import { FakeRuntime, settled } from '../support/fake-runtime.js';

type Config = Parameters<typeof abortSources>[0];

/** The reasons that the sources of a config abort with, and a function that ends them. */
function listen(config: Partial<Config>, runtime = new FakeRuntime()) {
  const reasons: unknown[] = [];
  const sources = abortSources({ headers: new AxiosHeaders(), ...config }, runtime);
  const stops = sources.map((source) => source((reason) => reasons.push(reason)));
  return { reasons, count: sources.length, stop: () => stops.forEach((stop) => stop()) };
}

describe('The signal of a call', () => {
  it('aborts with the error of axios, before or during the call', () => {
    const controller = new AbortController();
    const { reasons } = listen({ signal: controller.signal });
    expect(reasons).toEqual([]);
    controller.abort();
    expect(reasons).toEqual([expect.any(CanceledError)]);
    expect(listen({ signal: controller.signal }).reasons).toEqual([expect.any(CanceledError)]);
  });

  it('is not heard after the call', () => {
    const controller = new AbortController();
    const { reasons, stop } = listen({ signal: controller.signal });
    stop();
    controller.abort();
    expect(reasons).toEqual([]);
  });

  it('may lack methods, as axios allows', () => {
    const { reasons, stop } = listen({ signal: { aborted: true } });
    stop();
    expect(reasons).toHaveLength(1);
  });
});

describe('The cancel token of a call', () => {
  it('aborts with its reason, and is not heard after the call', async () => {
    const source = axios.CancelToken.source();
    const heard = listen({ cancelToken: source.token });
    const ended = listen({ cancelToken: source.token });
    ended.stop();
    source.cancel('enough');
    await settled();
    expect(heard.reasons).toEqual([expect.objectContaining({ message: 'enough' })]);
    expect(ended.reasons).toEqual([]);
  });
});

describe('The timeout of a call', () => {
  it.each([
    [{ timeout: 50 }, 'timeout of 50ms exceeded', AxiosError.ECONNABORTED],
    [{ timeout: 50, timeoutErrorMessage: 'late' }, 'late', AxiosError.ECONNABORTED],
    [
      {
        timeout: 50,
        transitional: {
          clarifyTimeoutError: true,
          silentJSONParsing: true,
          forcedJSONParsing: true,
        },
      },
      'timeout of 50ms exceeded',
      AxiosError.ETIMEDOUT,
    ],
  ])('%o aborts with the error of axios', async (config, message, code) => {
    const runtime = new FakeRuntime();
    const { reasons } = listen(config, runtime);
    await runtime.advance(49);
    expect(reasons).toEqual([]);
    await runtime.advance(1);
    expect(reasons).toEqual([expect.objectContaining({ message, code })]);
    expect(reasons[0]).toBeInstanceOf(AxiosError);
  });

  it.each([[0], [undefined]])('%s has no source', (timeout) => {
    expect(listen(timeout === undefined ? {} : { timeout }).count).toBe(0);
  });
});
