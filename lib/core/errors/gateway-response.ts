import { STATUS_CODES } from 'node:http';
import type { BoxAuthError } from './box-auth.error.js';
import type { BoxAuthErrorCode } from './error-codes.js';

/** The response to a client whose request failed with a `BoxAuthError`. */
export interface GatewayResponse {
  readonly statusCode: number;
  readonly message: string;
  readonly error: string;
  /** Set if the person can fix it: their account is not connected, or must be connected again. */
  readonly code?: BoxAuthErrorCode;
  /** Where the person can connect the account, if the app has a route for that. */
  readonly connectUrl?: string;
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

/** The person who sent the request can fix these: they must connect an account. */
const FOR_THE_PERSON: ReadonlySet<BoxAuthErrorCode> = new Set([
  'connection_missing',
  'reauthorization_required',
]);

/** Responses to errors with a status of their own. */
const RESPONSES: Readonly<
  Partial<Record<BoxAuthErrorCode, readonly [status: number, message: string]>>
> = {
  acting_user_missing: [401, 'This request needs a signed-in user.'],
  enterprise_missing: [401, 'This request needs a signed-in user.'],
  owner_invalid: [401, 'This request needs a signed-in user.'],
  connection_missing: [401, 'This request needs a connected account.'],
  reauthorization_required: [401, 'The account must be connected again.'],
  enterprise_not_allowed: [403, 'This request is for an enterprise that is not served here.'],
  webhook_invalid: [403, 'This webhook could not be verified.'],
  return_to_invalid: [400, 'The address to return to is invalid.'],
  state_invalid: [400, 'This sign-in was begun by another browser or another person.'],
  state_expired: [400, 'This sign-in has expired.'],
  state_used: [400, 'This sign-in is already complete.'],
  consent_denied: [403, 'The use of the account was not allowed.'],
  vault_unreadable: [500, 'The connected account could not be read.'],
};

/**
 * 503 for transient errors, the status in `RESPONSES`, 413 or 500 for a webhook without its raw body, the status in `statuses` for
 * rejections by the API, and 502 for other errors (RFC 9110 section 15). The cause is for the log, not for the client.
 */
export function gatewayResponse(
  error: BoxAuthError,
  statuses: ResponseStatuses = {},
): GatewayResponse {
  if (error.retryable) return responseOf(503, 'An upstream service is temporarily unavailable.');
  if (error.code === 'webhook_raw_body_missing') {
    return responseOf(error.status ?? 500, 'The body of this webhook could not be read.');
  }
  const known = RESPONSES[error.code];
  if (known === undefined) {
    return responseOf(passedOn(error, statuses) ?? 502, 'A call to an upstream service failed.');
  }
  const { code, connectUrl } = error;
  return {
    ...responseOf(...known),
    ...(isForThePerson(error) && { code, ...(connectUrl !== undefined && { connectUrl }) }),
  };
}

/** Whether the person who sent the request can fix the error, and the operator cannot. */
export function isForThePerson({ code }: BoxAuthError): boolean {
  return FOR_THE_PERSON.has(code);
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
