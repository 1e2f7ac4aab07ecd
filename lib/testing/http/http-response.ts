import type { ServerResponse } from 'node:http';
import { pipeline, Readable } from 'node:stream';

/** A response as data, so that the code that creates it needs no socket. */
export interface HttpAnswer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** A string, bytes and a stream are sent unchanged, any other object as JSON. */
  readonly body?: string | Uint8Array | Readable | JsonObject;
}

/** The responses of an emulated service that do not depend on a resource, in its own words. */
export interface ServiceResponses {
  readonly service: string;
  /** Headers that only the API may receive, in lower case. */
  readonly credentialHeaders: readonly string[];
  /** The headers of every response, besides `Date`. */
  commonHeaders(): Readonly<Record<string, string>>;
  badRequest(message: string): HttpAnswer;
  notFound(): HttpAnswer;
  rateLimited(retryAfter: number | string): HttpAnswer;
  unavailable(): HttpAnswer;
}

export function ok(body: JsonObject): HttpAnswer {
  return { status: 200, body };
}

/** The response of a token endpoint that issued a token (RFC 6749 section 5.1). */
export function tokenResponse(body: JsonObject): HttpAnswer {
  return { status: 200, headers: { 'cache-control': 'no-store' }, body };
}

/** The error response of an OAuth 2.0 endpoint (RFC 6749 section 5.2). */
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
    // It fails only when the client disconnects, which needs no report.
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
