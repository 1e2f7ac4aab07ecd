import type { ServerResponse } from 'node:http';
import { pipeline, Readable } from 'node:stream';

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

export function sendResponse(
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

/** How an emulated service words the answers that come from none of its resources. */
export interface ServiceResponses {
  /** The service's name. */
  readonly service: string;
  /** The headers that only its API may see, in lower case. */
  readonly credentialHeaders: readonly string[];
  /** What every answer has besides `Date`. */
  commonHeaders(): Readonly<Record<string, string>>;
  badRequest(message: string): HttpAnswer;
  notFound(): HttpAnswer;
  rateLimited(retryAfter: number | string): HttpAnswer;
  unavailable(): HttpAnswer;
}

export type JsonObject = Readonly<Record<string, unknown>>;

export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function parseJsonObject(text: string): JsonObject | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isJsonObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
