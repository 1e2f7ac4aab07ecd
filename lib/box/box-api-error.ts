import { BoxAuthError } from '../core/errors/box-auth.error.js';
import { issuerOf } from '../core/http/failed-calls.js';
import { parseErrorResponse, retryAfterIn } from '../core/token-endpoint/token-request.js';
import { boxApiResponseError } from './box-error-responses.js';
import { BOX } from './box-issuer.js';
import {
  type FailedResponse,
  failedResponseIn,
  isAxiosFailure,
  isSdkApiError,
  textOf,
} from './failed-response.js';

/**
 * Returns the error for a failed call of the Box API, with its cause and how to fix it. Accepts a `Response`, an `AxiosError`,
 * the SDK's `BoxApiError`, or a response of axios or undici, and reads the body. Its code is `token_invalid`, `unauthorized`,
 * `insufficient_scope`, `access_denied`, `terms_of_service_required`, `rate_limited`, `unavailable` or `request_refused`.
 *
 * Returns a `BoxAuthError` unchanged. Rejects with `failure` itself if that contains no response, so a `catch` clause can pass
 * everything that it catches.
 *
 * @example
 * ```ts
 * import { boxApiError, type BoxFetch } from 'nestjs-box-auth';
 *
 * async function folder(box: BoxFetch, id: string): Promise<unknown> {
 *   const response = await box(`/2.0/folders/${encodeURIComponent(id)}`);
 *   if (!response.ok) throw await boxApiError(response);
 *   return response.json();
 * }
 * ```
 */
export async function boxApiError(failure: unknown): Promise<BoxAuthError> {
  const known = boxAuthErrorIn(failure);
  if (known !== undefined) return known;
  const response = failedResponseIn(failure);
  // oxlint-disable-next-line typescript/only-throw-error -- the value that the caller caught
  if (response === undefined) throw failure;
  return errorOf(response);
}

/**
 * Whether `thrown` is the error of a failed call to Box: a `BoxAuthError`, the SDK's `BoxApiError`, or an `AxiosError` for a
 * response to a call that one of our interceptors sent to Box. A failed call to another host is not.
 */
export function isBoxFailure(thrown: unknown): boolean {
  try {
    return (
      boxAuthErrorIn(thrown) !== undefined ||
      isSdkApiError(thrown) ||
      (isAxiosFailure(thrown) && issuerOf(thrown) === BOX)
    );
  } catch {
    return false; // a Proxy may throw on any access
  }
}

/** The error for what a handler threw; undefined if `isBoxFailure` is false. A promise only if a stream must be read. */
export function boxFailure(thrown: unknown): BoxAuthError | Promise<BoxAuthError> | undefined {
  if (!isBoxFailure(thrown)) return undefined;
  const known = boxAuthErrorIn(thrown);
  if (known !== undefined) return known;
  const response = failedResponseIn(thrown);
  return response && errorOf(response);
}

/** The global `fetch` wraps the error of its dispatcher in a TypeError. */
function boxAuthErrorIn(thrown: unknown): BoxAuthError | undefined {
  const error = thrown instanceof TypeError ? thrown.cause : thrown;
  return error instanceof BoxAuthError ? error : undefined;
}

function errorOf(response: FailedResponse): BoxAuthError | Promise<BoxAuthError> {
  const text = textOf(response.body);
  return typeof text === 'string'
    ? errorWith(response, text)
    : text.then((read) => errorWith(response, read));
}

function errorWith({ status, headers }: FailedResponse, text: string): BoxAuthError {
  return boxApiResponseError(
    parseErrorResponse({ status, headers, text }, [], retryAfterIn(headers)),
  );
}
