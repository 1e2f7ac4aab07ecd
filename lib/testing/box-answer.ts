import { randomBytes } from 'node:crypto';
import { type ServerResponse } from 'node:http';
import { pipeline, Readable } from 'node:stream';
import { type JsonObject } from './json-object.js';

/** An answer as data, so that what decides it needs no socket. */
export interface BoxAnswer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** A string, bytes and a stream go out as they are, any other object as JSON. */
  readonly body?: string | Uint8Array | Readable | JsonObject;
}

const API_REFERENCE = 'https://developer.box.com/guides/api-calls/permissions-and-errors/';

/** The error of Box's content API. */
export function boxError(
  status: number,
  code: string,
  message: string,
  extra: { headers?: Record<string, string>; contextInfo?: Record<string, unknown> } = {},
): BoxAnswer {
  const requestId = newRequestId();
  return {
    status,
    headers: { 'box-request-id': requestId, ...extra.headers },
    body: {
      type: 'error',
      status,
      code,
      ...(extra.contextInfo && { context_info: extra.contextInfo }),
      help_url: API_REFERENCE,
      message,
      request_id: requestId,
    },
  };
}

/** The error of an OAuth 2 endpoint (RFC 6749 5.2). */
export function oauthError(error: string, description: string, status = 400): BoxAnswer {
  return {
    status,
    headers: { 'cache-control': 'no-store' },
    body: { error, error_description: description },
  };
}

/** RFC 6750 3.1; Box leaves the body empty. */
export function bearerChallenge(
  status: 401 | 403,
  error: 'invalid_token' | 'insufficient_scope',
): BoxAnswer {
  const description =
    error === 'invalid_token'
      ? 'The access token provided is invalid.'
      : 'The request requires higher privileges than provided by the access token.';
  return {
    status,
    headers: {
      'www-authenticate': `Bearer realm="Service", error="${error}", error_description="${description}"`,
    },
  };
}

export function rateLimited(retryAfter: number | string): BoxAnswer {
  return boxError(
    429,
    'rate_limit_exceeded',
    'Request rate limit exceeded, please try again later',
    {
      headers: { 'retry-after': String(retryAfter) },
    },
  );
}

export function sendAnswer(response: ServerResponse, answer: BoxAnswer, nowMs: number): void {
  const { status, body = '' } = answer;
  const headers = { ...commonHeaders(nowMs), ...answer.headers };
  if (body instanceof Readable) {
    response.writeHead(status, headers);
    // Only the client leaving can break this off, and it knows.
    pipeline(body, response, () => undefined);
    return;
  }
  const isJson = typeof body === 'object' && !(body instanceof Uint8Array);
  const bytes = Buffer.from(isJson ? JSON.stringify(body) : body);
  response.writeHead(status, {
    ...(isJson && { 'content-type': 'application/json' }),
    'content-length': String(bytes.byteLength),
    ...headers,
  });
  response.end(bytes);
}

/** `Date` is Box's clock, which need not be this machine's. */
export function commonHeaders(nowMs: number): Record<string, string> {
  return { date: new Date(nowMs).toUTCString(), 'box-request-id': newRequestId() };
}

function newRequestId(): string {
  return randomBytes(16).toString('hex');
}
