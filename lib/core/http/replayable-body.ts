/** By their tags: they may be those of undici as well as the platform's. */
const WHOLE = /^\[object (?:URLSearchParams|FormData|Blob|File|ArrayBuffer|SharedArrayBuffer)\]$/;

/** Whether a body can be sent again. A stream is consumed by being sent, and so is an iterator. */
export function isReplayable(body: unknown): boolean {
  if (body === undefined || body === null || typeof body !== 'object') {
    return typeof body !== 'function';
  }
  if (ArrayBuffer.isView(body)) return true;
  // The `form-data` package's is a stream that calls itself FormData.
  return !('pipe' in body) && WHOLE.test(Object.prototype.toString.call(body));
}
