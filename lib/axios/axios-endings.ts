import { AxiosError, CanceledError, type InternalAxiosRequestConfig } from 'axios';
import type { Runtime } from '../core/runtime/runtime.js';
import { type AbortSource, timeoutSource } from '../core/http/abort-sources.js';

type Config = InternalAxiosRequestConfig;

/** What ends a call of axios: its `signal`, its `cancelToken` and its `timeout`, each with axios' own error. */
export function axiosEndings(config: Config, runtime: Runtime): AbortSource[] {
  const { signal, cancelToken, timeout } = config;
  const timeoutMs = Number.parseInt(String(timeout), 10);
  const endings: AbortSource[] = [];
  if (signal !== undefined) endings.push(signalEnding(signal, config));
  if (cancelToken !== undefined) {
    endings.push((end) => {
      cancelToken.subscribe(end);
      return () => cancelToken.unsubscribe(end);
    });
  }
  if (timeoutMs > 0) {
    endings.push(timeoutSource(runtime, timeoutMs, () => timeoutError(config)));
  }
  return endings;
}

function signalEnding(signal: NonNullable<Config['signal']>, config: Config): AbortSource {
  return (end) => {
    const cancel = () => end(new CanceledError(undefined, config));
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
