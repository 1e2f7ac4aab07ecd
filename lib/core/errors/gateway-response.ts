import { STATUS_CODES } from 'node:http';
import type { BoxAuthError } from './box-auth.error.js';
import type { BoxAuthErrorCode } from './error-codes.js';

/** The response to a client whose request failed with a `BoxAuthError`. */
export interface GatewayResponse {
  readonly statusCode: number;
  readonly message: string;
  readonly error: string;
}

/** The status to respond with, by the status of the API. */
export type ResponseStatuses = Readonly<Record<number, number>>;

/** Rejections by the API. A rejection by the token endpoint has the same statuses, but concerns the operator only. */
const API_REJECTIONS: ReadonlySet<BoxAuthErrorCode> = new Set([
  'unauthorized',
  'insufficient_scope',
  'access_denied',
  'terms_of_service_required',
  'request_refused',
]);

/**
 * 503 for transient errors, 401 if the request named no user or no enterprise, 403 for an enterprise that is not allowed and for
 * an invalid webhook, 413 or 500 for a webhook without its raw body, the status in `statuses` for rejections by the API, and 502
 * for other errors (RFC 9110 sections 15.5.2, 15.5.4, 15.5.14, 15.6.1, 15.6.3 and 15.6.4). The cause is for the log, not for the
 * client.
 */
export function gatewayResponse(
  error: BoxAuthError,
  statuses: ResponseStatuses = {},
): GatewayResponse {
  if (error.retryable) return responseOf(503, 'An upstream service is temporarily unavailable.');
  if (error.code === 'acting_user_missing' || error.code === 'enterprise_missing') {
    return responseOf(401, 'This request needs a signed-in user.');
  }
  if (error.code === 'enterprise_not_allowed') {
    return responseOf(403, 'This request is for an enterprise that is not served here.');
  }
  if (error.code === 'webhook_invalid') {
    return responseOf(403, 'This webhook could not be verified.');
  }
  if (error.code === 'webhook_raw_body_missing') {
    return responseOf(error.status ?? 500, 'The body of this webhook could not be read.');
  }
  return responseOf(passedOn(error, statuses) ?? 502, 'A call to an upstream service failed.');
}

/** The `Retry-After` header (RFC 9110 section 10.2.3), in seconds; undefined if unknown. */
export function retryAfterSeconds({ retryable, retryAfterMs }: BoxAuthError): string | undefined {
  return retryable && retryAfterMs !== undefined
    ? String(Math.ceil(retryAfterMs / 1000))
    : undefined;
}

/** The log line of an error: the cause, the fix, and the request id for Box support. */
export function formatForLog({ code, message, hint, requestId }: BoxAuthError): string {
  const request = requestId === undefined ? '' : ` (Box request id: ${requestId})`;
  return `${code}: ${message} ${hint}${request}`;
}

function passedOn({ code, status }: BoxAuthError, statuses: ResponseStatuses): number | undefined {
  return status !== undefined && API_REJECTIONS.has(code) ? statuses[status] : undefined;
}

function responseOf(statusCode: number, message: string): GatewayResponse {
  return { statusCode, message, error: STATUS_CODES[statusCode] ?? 'Error' };
}
