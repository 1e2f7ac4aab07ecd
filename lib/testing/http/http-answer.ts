import { type ServerResponse } from 'node:http';
import { pipeline, Readable } from 'node:stream';
import { type JsonObject } from './json-object.js';

/** An answer as data, so that what decides it needs no socket. */
export interface HttpAnswer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** A string, bytes and a stream go out as they are, any other object as JSON. */
  readonly body?: string | Uint8Array | Readable | JsonObject;
}

/** The error of an OAuth 2 endpoint (RFC 6749 5.2). */
export function oauthError(error: string, description: string, status = 400): HttpAnswer {
  return {
    status,
    headers: { 'cache-control': 'no-store' },
    body: { error, error_description: description },
  };
}

export function sendAnswer(
  response: ServerResponse,
  answer: HttpAnswer,
  commonHeaders: Readonly<Record<string, string>>,
): void {
  const { status, body = '' } = answer;
  const headers = { ...commonHeaders, ...answer.headers };
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
