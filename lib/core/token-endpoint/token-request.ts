import { redact } from '../errors/redact.js';
import type { ErrorResponse, Fetch } from './issuer.js';

/** The largest response that is read. */
export const MAX_RESPONSE_BYTES = 65_536;
const MAX_RETRY_AFTER_MS = 600_000;
const MIN_COUNTED_BYTES = 16; // per chunk, so that even a stream of empty chunks reaches the limit

/** A response whose body was read. */
export interface ReceivedResponse {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
}

/** A response that is neither a token nor an error response. The message is the reason. */
export class UnusableResponse extends Error {}

/**
 * One POST to the token endpoint. No redirect is followed.
 *
 * @throws UnusableResponse if the application's `fetch` does not return a Response
 */
export async function postForm(
  fetch: Fetch,
  url: string,
  form: Readonly<Record<string, string>>,
  signal: AbortSignal,
): Promise<Response> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded', accept: 'application/json' },
    body: new URLSearchParams(form).toString(),
    redirect: 'manual',
    signal,
  });
  if (!isResponse(response)) throw new UnusableResponse('fetch returned no Response');
  return response;
}

function isResponse(value: Partial<Response> | null | undefined): value is Response {
  return Number.isInteger(value?.status) && typeof value?.headers?.get === 'function';
}

/**
 * Reads a response whose body is a JSON object.
 *
 * @throws UnusableResponse if the body is anything else
 */
export async function readJsonObject(response: Response): Promise<Record<string, unknown>> {
  const body = asJson(response.headers, await readText(response));
  if (body === undefined) throw new UnusableResponse('it is not a JSON object');
  return body;
}

/** Reads an error response. Its `shown` redacts `secrets`. */
export async function readErrorResponse(
  response: Response,
  secrets: readonly string[],
  retryAfterMs: number | undefined,
): Promise<ErrorResponse> {
  const text = await readText(response).catch(() => '');
  const { status, headers } = response;
  return parseErrorResponse({ status, headers, text }, secrets, retryAfterMs);
}

/** Parses an error response (RFC 6749 section 5.2) whose body was read. Its `shown` redacts `secrets`. */
export function parseErrorResponse(
  { status, headers, text }: ReceivedResponse,
  secrets: readonly string[],
  retryAfterMs: number | undefined,
): ErrorResponse {
  const body = asJson(headers, text);
  const error = body?.['error'] ?? body?.['code'];
  const description = body?.['error_description'] ?? body?.['message'];
  return {
    status,
    headers: headersWithout(secrets, headers),
    error: typeof error === 'string' ? error : undefined,
    description: typeof description === 'string' ? description : undefined,
    retryAfterMs,
    body: text,
    shown: (part) => redact(part, secrets),
  };
}

function asJson(headers: Headers, text: string): Record<string, unknown> | undefined {
  if (!/^application\/(?:[\w.-]+\+)?json\b/i.test(headers.get('content-type') ?? '')) {
    return undefined;
  }
  try {
    const body: unknown = JSON.parse(text);
    return typeof body === 'object' && body !== null && !Array.isArray(body)
      ? { ...body }
      : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Reads the body of a response.
 *
 * @throws UnusableResponse if it is larger than 64 KiB
 */
export async function readText(response: {
  readonly body: AsyncIterable<unknown> | null;
}): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of response.body ?? []) {
    if (!isBytes(chunk)) throw new UnusableResponse('its body is not made of bytes');
    bytes += Math.max(chunk.byteLength, MIN_COUNTED_BYTES);
    if (bytes > MAX_RESPONSE_BYTES) {
      throw new UnusableResponse(`it is larger than ${MAX_RESPONSE_BYTES} bytes`); // leaving the loop cancels the stream
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** `instanceof` fails for byte arrays of another realm. */
function isBytes(chunk: unknown): chunk is Uint8Array {
  return ArrayBuffer.isView(chunk);
}

/** Drops the headers that contain a secret: a server may echo what it received. */
function headersWithout(secrets: readonly string[], headers: Headers): Headers {
  const harmless = [...headers].filter(
    ([, value]) => !secrets.some((secret) => secret !== '' && value.includes(secret)),
  );
  return new Headers(harmless);
}

/** `Retry-After` of a response in milliseconds. A date counts from the `Date` of the same response. */
export function retryAfterIn(headers: Headers): number | undefined {
  const date = Date.parse(headers.get('date') ?? '');
  return parseRetryAfter(headers.get('retry-after'), Number.isNaN(date) ? Date.now() : date);
}

/**
 * Parses `Retry-After` (RFC 9110 section 10.2.3), seconds or a date, to milliseconds from `serverNow`, at most ten minutes.
 * Undefined if it is missing or invalid.
 */
export function parseRetryAfter(value: string | null, serverNow: number): number | undefined {
  const text = value?.trim() ?? '';
  if (/^\d+$/.test(text)) {
    return Math.min(Number(text) * 1000, MAX_RETRY_AFTER_MS);
  }
  const date = /[a-z]/i.test(text) ? Date.parse(text) : Number.NaN;
  return Number.isNaN(date)
    ? undefined
    : Math.min(Math.max(date - serverNow, 0), MAX_RETRY_AFTER_MS);
}
