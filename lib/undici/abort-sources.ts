import type { EventEmitter } from 'node:events';
import type { Runtime } from '../core/runtime/runtime.js';
import { signalSource, type AbortSource, timeoutSource } from '../core/http/abort-sources.js';
import { isObject } from './headers.js';
import type { HeldResponse } from './held-response.js';

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

/** Whether the caller has aborted the call. An EventEmitter does not show it, but the error does. */
export function isAborted({ signal }: { readonly signal?: unknown }): boolean {
  return signal instanceof AbortSignal && signal.aborted;
}

/** Aborts when the handler of the caller aborts the request that `response` belongs to, although that has ended. */
export function callerAbortSource(response: HeldResponse): AbortSource {
  return (abort) => {
    const report = (reason: unknown) => abort(reason ?? abortedError());
    if (response.isAbortedByCaller) report(undefined);
    response.onCallerAbort = report;
    return () => {
      response.onCallerAbort = () => undefined;
    };
  };
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
