import { BoxAuthError } from '../errors/box-auth.error.js';

/** Compared by tag: the classes may be those of undici or of the platform. */
const REPLAYABLE_TAG =
  /^\[object (?:URLSearchParams|FormData|Blob|File|ArrayBuffer|SharedArrayBuffer)\]$/;

/** Whether a body can be sent again. Sending consumes a stream or an iterator. */
export function isReplayable(body: unknown): boolean {
  if (body === undefined || body === null || typeof body !== 'object') {
    return typeof body !== 'function';
  }
  if (ArrayBuffer.isView(body)) return true;
  // The `form-data` package's stream has the tag FormData.
  return !('pipe' in body) && REPLAYABLE_TAG.test(Object.prototype.toString.call(body));
}

/** The error of a call whose token was refused and whose body cannot be sent again. The next call gets a new token. */
export function bodyNotReplayable(): BoxAuthError {
  return new BoxAuthError({
    code: 'body_not_replayable',
    message:
      'The token of this call was refused and has been refreshed, but the call cannot be repeated: its body was a stream, which has been consumed.',
    hint: 'Make the call again with a new stream, or send a string, a Buffer, a Blob or FormData: calls with these are repeated automatically.',
    docs: 'https://fetch.spec.whatwg.org/#http-network-or-cache-fetch',
    retryable: true,
    status: 401,
  });
}
