import { AxiosError, CanceledError, type InternalAxiosRequestConfig } from 'axios';
import type { Runtime } from '../core/runtime/runtime.js';
import { type AbortSource, timeoutSource } from '../core/http/abort-sources.js';

type Config = InternalAxiosRequestConfig;

/** Returns the abort sources of a call: its `signal`, `cancelToken` and `timeout`. Each aborts with axios's own error. */
export function abortSources(config: Config, runtime: Runtime): AbortSource[] {
  const { signal, cancelToken, timeout } = config;
  const timeoutMs = Number.parseInt(String(timeout), 10);
  const sources: AbortSource[] = [];
  if (signal !== undefined) sources.push(signalSource(signal, config));
  if (cancelToken !== undefined) {
    sources.push((abort) => {
      cancelToken.subscribe(abort);
      return () => cancelToken.unsubscribe(abort);
    });
  }
  if (timeoutMs > 0) {
    sources.push(timeoutSource(runtime, timeoutMs, () => timeoutError(config)));
  }
  return sources;
}

function signalSource(signal: NonNullable<Config['signal']>, config: Config): AbortSource {
  return (abort) => {
    const cancel = () => abort(new CanceledError(undefined, config));
    if (signal.aborted) cancel();
    signal.addEventListener?.('abort', cancel);
    return () => void signal.removeEventListener?.('abort', cancel);
  };
}

function timeoutError(config: Config): AxiosError {
  const { timeout, timeoutErrorMessage, transitional } = config;
  return new AxiosError(
    timeoutErrorMessage ?? `timeout of ${timeout}ms exceeded`,
    transitional?.clarifyTimeoutError === true ? AxiosError.ETIMEDOUT : AxiosError.ECONNABORTED,
    config,
  );
}
