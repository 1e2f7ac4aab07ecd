import { Readable } from 'node:stream';
import type { FetchOptions, FetchResponse } from 'box-node-sdk/networking';
import { jsonToSerializedData, type SerializedData } from 'box-node-sdk/serialization/json';
import { parseRetryAfter } from '../core/token-endpoint/token-request.js';

/** A response in the form of the SDK, and the text of its body. */
export interface SdkResponse {
  readonly response: FetchResponse;
  readonly rawBody: string;
}

/**
 * Reads a response in the format that the call requires. The body of an error response is always read: it contains the
 * reason, and an unread body blocks its connection. That of a redirect has no use.
 */
export async function readResponse(
  received: Response,
  options: FetchOptions,
): Promise<SdkResponse> {
  const { url, status } = received;
  const head = { url, status, headers: Object.fromEntries(received.headers) };
  const isError = status >= 400;
  const isUnused = options.followRedirects === false || options.responseFormat === 'no_content';
  if (!isError && (isUnused || status >= 300)) {
    await received.body?.cancel();
    return { response: { ...head, content: Readable.from([]) }, rawBody: '' };
  }
  if (!isError && options.responseFormat === 'binary') {
    const content = received.body === null ? Readable.from([]) : Readable.fromWeb(received.body);
    return { response: { ...head, content }, rawBody: '' };
  }
  const bytes = Buffer.from(await received.arrayBuffer());
  const rawBody = bytes.toString();
  const data = isError ? parseJson(rawBody) : rawBody && jsonToSerializedData(rawBody);
  const response = { ...head, content: Readable.from([bytes]) };
  return { response: rawBody === '' ? response : { ...response, data }, rawBody };
}

/** Error responses of a proxy or a load balancer are often not JSON. */
function parseJson(text: string): SerializedData {
  try {
    return jsonToSerializedData(text);
  } catch {
    return undefined;
  }
}

/** Adds `Retry-After` as the SDK's retry strategy expects it: spelled like this, in seconds. */
export function withRetryAfter(response: FetchResponse): FetchResponse {
  const { date = '', 'retry-after': retryAfter = null } = response.headers;
  const delayMs = parseRetryAfter(retryAfter, Date.parse(date) || Date.now());
  return delayMs === undefined
    ? response
    : { ...response, headers: { ...response.headers, 'Retry-After': String(delayMs / 1000) } };
}
