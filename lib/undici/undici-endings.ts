import type { EventEmitter } from 'node:events';
import type { Runtime } from '../core/runtime/runtime.js';
import { signalSource, type AbortSource, timeoutSource } from '../core/http/abort-sources.js';
import { isObject } from './undici-headers.js';

/** What ends a call of undici: its `signal`, which may be an EventEmitter, and its `headersTimeout`. */
export function undiciEndings(
  call: { readonly signal?: unknown; readonly headersTimeout?: unknown },
  runtime: Runtime,
): AbortSource[] {
  const { headersTimeout } = call;
  return typeof headersTimeout === 'number' && headersTimeout > 0
    ? [...signalEndings(call), timeoutSource(runtime, headersTimeout, headersTimeoutError)]
    : signalEndings(call);
}

export function signalEndings({ signal }: { readonly signal?: unknown }): AbortSource[] {
  if (signal instanceof AbortSignal) return [signalSource(signal)];
  return isEmitter(signal) ? [emitterEnding(signal)] : [];
}

function emitterEnding(emitter: EventEmitter): AbortSource {
  return (end) => {
    const abort = () => end(abortedError());
    emitter.on('abort', abort);
    return () => emitter.off('abort', abort);
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

/** The error of whichever undici is called: its classes know their own by these symbols. */
function undiciError(name: string, code: string, message: string): Error {
  return Object.assign(new Error(message), {
    name,
    code,
    [Symbol.for(`undici.error.${code}`)]: true,
    [Symbol.for('undici.error.UND_ERR')]: true,
  });
}
