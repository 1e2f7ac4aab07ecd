import type { BoxAuthError } from '../core/errors/box-auth.error.js';
import { parseRetryAfter, readErrorResponse } from '../core/token-endpoint/token-request.js';
import { boxApiResponseError } from './box-error-responses.js';

/**
 * Returns the error for a failed response of the Box API, with its cause and how to fix it. Its code is `token_invalid`,
 * `unauthorized`, `insufficient_scope`, `access_denied`, `terms_of_service_required`, `rate_limited`, `unavailable` or
 * `request_refused`. Reads the body of the response.
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
export async function boxApiError(response: Response): Promise<BoxAuthError> {
  const date = Date.parse(response.headers.get('date') ?? '');
  const serverNow = Number.isNaN(date) ? Date.now() : date;
  const retryAfterMs = parseRetryAfter(response.headers.get('retry-after'), serverNow);
  return boxApiResponseError(await readErrorResponse(response, [], retryAfterMs));
}
