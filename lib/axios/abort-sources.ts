import { AxiosError, CanceledError, type InternalAxiosRequestConfig } from 'axios';
import type { Runtime } from '../core/runtime/runtime.js';
import { type AbortSource, timeoutSource } from '../core/http/abort-sources.js';

type Config = InternalAxiosRequestConfig;

/** Returns the abort sources of a call: its `signal`, `cancelToken` and `timeout`. Each aborts with axios's own error. */
export function abortSources(config: Config, runtime: Runtime): AbortSource[] {
  const timeoutMs = Number.parseInt(String(config.timeout), 10);
  const sources = callerSources(config);
  if (timeoutMs > 0) {
    sources.push(timeoutSource(runtime, timeoutMs, () => timeoutError(config)));
  }
  return sources;
}

/** The same without the `timeout`, which is for a single request and not for the wait before the next one. */
export function callerSources(config: Config): AbortSource[] {
  const { signal, cancelToken } = config;
  const sources: AbortSource[] = [];
  if (signal !== undefined) sources.push(signalSource(signal, config));
  if (cancelToken !== undefined) {
    sources.push((abort) => {
      cancelToken.subscribe(abort);
      return () => cancelToken.unsubscribe(abort);
    });
  }
  return sources;
}

/** Whether the caller has aborted the call. */
export function isAborted({ signal, cancelToken }: Config): boolean {
  return signal?.aborted === true || cancelToken?.reason !== undefined;
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
