import { types } from 'node:util';
import { isRecord } from '../core/credentials/field-checks.js';
import { MAX_RESPONSE_BYTES, readText } from '../core/token-endpoint/token-request.js';

/** A failed response of the API, whichever HTTP client received it. Its body is not read yet. */
export interface FailedResponse {
  readonly status: number;
  readonly headers: Headers;
  readonly body: unknown;
}

/**
 * Finds the response in `failure`: a `Response`, an `AxiosError`, the SDK's `BoxApiError`, or a response of axios or undici.
 * Recognizes them by their fields, because no client is loaded here and a process may contain several copies of one.
 */
export function failedResponseIn(failure: unknown): FailedResponse | undefined {
  if (!isRecord(failure)) return undefined;
  if (failure['isAxiosError'] === true) return fromAxios(failure['response']);
  if (isRecord(failure['responseInfo'])) return fromSdk(failure['responseInfo']);
  if ('statusCode' in failure) return received(failure['statusCode'], failure, failure['body']);
  return 'data' in failure
    ? fromAxios(failure)
    : received(failure['status'], failure, failure['body']);
}

/** Whether `thrown` is an error of the SDK for a response of Box. */
export function isSdkApiError(thrown: unknown): boolean {
  return (
    isRecord(thrown) &&
    thrown['name'] === 'BoxApiError' &&
    isRecord(thrown['requestInfo']) &&
    isRecord(thrown['responseInfo'])
  );
}

/** Whether `thrown` is an `AxiosError` for a response. */
export function isAxiosFailure(thrown: unknown): thrown is object {
  return isRecord(thrown) && thrown['isAxiosError'] === true && isRecord(thrown['response']);
}

/** Returns the text of a body. Empty if it cannot be read or is larger than an error response. A promise only for streams. */
export function textOf(body: unknown): string | Promise<string> {
  if (typeof body === 'string') return Buffer.byteLength(body) > MAX_RESPONSE_BYTES ? '' : body;
  if (types.isAnyArrayBuffer(body)) return textOf(Buffer.from(body).toString());
  if (ArrayBuffer.isView(body)) {
    return textOf(Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString());
  }
  if (!isRecord(body)) return '';
  if (body instanceof Blob) return textOf(body.stream());
  return isAsyncIterable(body) ? readText({ body }).catch(() => '') : textOf(jsonOf(body));
}

function fromAxios(response: unknown): FailedResponse | undefined {
  return isRecord(response) ? received(response['status'], response, response['data']) : undefined;
}

function fromSdk(response: Record<string, unknown>): FailedResponse | undefined {
  return received(response['statusCode'], response, response['rawBody'] ?? response['body']);
}

function received(
  status: unknown,
  { headers }: Record<string, unknown>,
  body: unknown,
): FailedResponse | undefined {
  return typeof status === 'number' && Number.isInteger(status) && isRecord(headers)
    ? { status, headers: toHeaders(headers), body }
    : undefined;
}

/** Of a name in several cases, the first counts. The SDK has `Retry-After` twice. */
function toHeaders(given: Record<string, unknown>): Headers {
  const headers = new Headers();
  for (const [name, value] of isHeaders(given) ? given : Object.entries(given)) {
    try {
      if (!headers.has(name)) headers.set(name, [value].flat().join(', '));
    } catch {
      // Not a header that a server can send.
    }
  }
  return headers;
}

/** Includes the `Headers` of another copy of undici, and those of axios. */
function isHeaders(given: object): given is Iterable<[string, unknown]> {
  return Symbol.iterator in given;
}

/** A client may have parsed the body. */
function jsonOf(body: object): string {
  try {
    return JSON.stringify(body);
  } catch {
    return '';
  }
}

function isAsyncIterable(body: object): body is AsyncIterable<unknown> {
  return Symbol.asyncIterator in body;
}
