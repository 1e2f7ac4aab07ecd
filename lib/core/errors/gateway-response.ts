import type { BoxAuthError } from './box-auth.error.js';

/** The response to a client whose request failed for lack of a token (RFC 9110 sections 15.6.3 and 15.6.4). */
export interface GatewayResponse {
  readonly statusCode: 502 | 503;
  readonly message: string;
  readonly error: 'Bad Gateway' | 'Service Unavailable';
}

/** 503 for transient errors, 502 for errors that need a fix. The cause is for the log, not for the client. */
export function gatewayResponse({ retryable }: BoxAuthError): GatewayResponse {
  return retryable
    ? {
        statusCode: 503,
        message: 'An upstream service is temporarily unavailable.',
        error: 'Service Unavailable',
      }
    : {
        statusCode: 502,
        message: 'A call to an upstream service failed.',
        error: 'Bad Gateway',
      };
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
