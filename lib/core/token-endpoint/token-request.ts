import { redact } from '../errors/redact.js';
import type { ErrorResponse } from './issuer.js';

const LARGEST_ANSWER_BYTES = 65_536;
const MAX_RETRY_AFTER_MS = 600_000;
const MIN_COUNTED_BYTES = 16; // of a chunk: a stream of empty ones must end, too

/** The `fetch` that token requests go through. */
export type Fetch = (url: string, init: RequestInit) => Promise<Response>;

/** Why an answer that was neither a token nor a refusal cannot be used. */
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
 * @throws UnusableResponse if it is not one
 */
export async function readJsonObject(response: Response): Promise<Record<string, unknown>> {
  const body = asJson(response, await readText(response));
  if (body === undefined) throw new UnusableResponse('it is not a JSON object');
  return body;
}

/** Reads a refusal (RFC 6749 section 5.2) out of any other answer. `secrets` are not shown of its text. */
export async function readErrorResponse(
  response: Response,
  secrets: readonly string[],
  retryAfterMs: number | undefined,
): Promise<ErrorResponse> {
  const text = await readText(response).catch(() => '');
  const body = asJson(response, text);
  const error = body?.['error'] ?? body?.['code'];
  const description = body?.['error_description'] ?? body?.['message'];
  return {
    status: response.status,
    headers: headersWithout(secrets, response.headers),
    error: typeof error === 'string' ? error : undefined,
    description: typeof description === 'string' ? description : undefined,
    retryAfterMs,
    body: text,
    shown: (part) => redact(part, secrets),
  };
}

function asJson(response: Response, text: string): Record<string, unknown> | undefined {
  if (!/^application\/(?:[\w.-]+\+)?json\b/i.test(response.headers.get('content-type') ?? '')) {
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
 * The text of an answer.
 *
 * @throws UnusableResponse if it is larger than an answer of this kind may be
 */
export async function readText(response: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  const body: AsyncIterable<unknown> | null = response.body;
  for await (const chunk of body ?? []) {
    if (!isBytes(chunk)) throw new UnusableResponse('its body is not made of bytes');
    bytes += Math.max(chunk.byteLength, MIN_COUNTED_BYTES);
    if (bytes > LARGEST_ANSWER_BYTES) {
      throw new UnusableResponse(`it is larger than ${LARGEST_ANSWER_BYTES} bytes`); // leaving the loop cancels the stream
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** `instanceof` would not know those of another realm. */
function isBytes(chunk: unknown): chunk is Uint8Array {
  return ArrayBuffer.isView(chunk);
}

/** A server may send back what it was sent: a header with a secret in it is as if it were not there. */
function headersWithout(secrets: readonly string[], headers: Headers): Headers {
  const harmless = [...headers].filter(
    ([, value]) => !secrets.some((secret) => secret !== '' && value.includes(secret)),
  );
  return new Headers(harmless);
}

/**
 * `Retry-After` (RFC 9110 section 10.2.3), seconds or a date, as milliseconds from `serverNow`; at most ten minutes.
 * Undefined if it is missing or neither.
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
