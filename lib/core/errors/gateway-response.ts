import type { BoxAuthError } from './box-auth.error.js';

/** What somebody is told whose request could not be served for want of a token (RFC 9110 sections 15.6.3 and 15.6.4). */
export interface GatewayResponse {
  readonly statusCode: 502 | 503;
  readonly message: string;
  readonly error: 'Bad Gateway' | 'Service Unavailable';
}

/** 503 for what passes by itself, 502 for what somebody has to mend. Why is for the log, not for the client. */
export function gatewayResponse({ retryable }: BoxAuthError): GatewayResponse {
  return retryable
    ? {
        statusCode: 503,
        message: 'A service behind this one cannot be called now.',
        error: 'Service Unavailable',
      }
    : {
        statusCode: 502,
        message: 'A call to a service behind this one failed.',
        error: 'Bad Gateway',
      };
}

/** The `Retry-After` header (RFC 9110 section 10.2.3), in seconds; undefined if nobody knows. */
export function retryAfterSeconds({ retryable, retryAfterMs }: BoxAuthError): string | undefined {
  return retryable && retryAfterMs !== undefined
    ? String(Math.ceil(retryAfterMs / 1000))
    : undefined;
}

/** What the log says of it: what happened, what to do, and what Box's support asks for. */
export function formatForLog({ code, message, hint, requestId }: BoxAuthError): string {
  const request = requestId === undefined ? '' : ` (Box's request id: ${requestId})`;
  return `${code}: ${message} ${hint}${request}`;
}
