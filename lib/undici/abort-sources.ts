import type { EventEmitter } from 'node:events';
import type { Runtime } from '../core/runtime/runtime.js';
import { signalSource, type AbortSource, timeoutSource } from '../core/http/abort-sources.js';
import { isObject } from './headers.js';

/** Returns what may abort a call of undici: its `signal` and its `headersTimeout`. */
export function abortSources(
  options: { readonly signal?: unknown; readonly headersTimeout?: unknown },
  runtime: Runtime,
): AbortSource[] {
  const { headersTimeout } = options;
  return typeof headersTimeout === 'number' && headersTimeout > 0
    ? [...signalSources(options), timeoutSource(runtime, headersTimeout, headersTimeoutError)]
    : signalSources(options);
}

/** The `signal` of undici may be an EventEmitter. */
export function signalSources({ signal }: { readonly signal?: unknown }): AbortSource[] {
  if (signal instanceof AbortSignal) return [signalSource(signal)];
  return isEmitter(signal) ? [emitterSource(signal)] : [];
}

function emitterSource(emitter: EventEmitter): AbortSource {
  return (abort) => {
    const onAbort = () => abort(abortedError());
    emitter.on('abort', onAbort);
    return () => emitter.off('abort', onAbort);
  };
}

function isEmitter(signal: unknown): signal is EventEmitter {
  return isObject(signal) && 'on' in signal && 'off' in signal;
}

function headersTimeoutError(): Error {
  return undiciError('HeadersTimeoutError', 'UND_ERR_HEADERS_TIMEOUT', 'Headers Timeout Error');
}

function abortedError(): Error {
  return undiciError('AbortError', 'UND_ERR_ABORTED', 'Request aborted');
}

/** The error classes of any undici version recognize this error as theirs by its symbols. */
function undiciError(name: string, code: string, message: string): Error {
  return Object.assign(new Error(message), {
    name,
    code,
    [Symbol.for(`undici.error.${code}`)]: true,
    [Symbol.for('undici.error.UND_ERR')]: true,
  });
}
