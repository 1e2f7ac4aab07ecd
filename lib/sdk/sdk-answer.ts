import { Readable } from 'node:stream';
import type { FetchOptions, FetchResponse } from 'box-node-sdk/networking';
import { jsonToSerializedData, type SerializedData } from 'box-node-sdk/serialization/json';
import { parseRetryAfter } from '../core/token-endpoint/token-request.js';

/** An answer as the SDK has it, and the text it came as. */
export interface SdkAnswer {
  readonly response: FetchResponse;
  readonly rawBody: string;
}

/** Reads what the call asked for. A refusal is read in any case: its text says why, and holds a connection until it is. */
export async function readAnswer(answer: Response, options: FetchOptions): Promise<SdkAnswer> {
  const { url, status } = answer;
  const head = { url, status, headers: Object.fromEntries(answer.headers) };
  const isRefusal = status >= (options.followRedirects === false ? 400 : 300);
  if (
    !isRefusal &&
    (options.followRedirects === false || options.responseFormat === 'no_content')
  ) {
    await answer.body?.cancel();
    return { response: { ...head, content: Readable.from([]) }, rawBody: '' };
  }
  if (!isRefusal && options.responseFormat === 'binary') {
    const content = answer.body === null ? Readable.from([]) : Readable.fromWeb(answer.body);
    return { response: { ...head, content }, rawBody: '' };
  }
  const bytes = Buffer.from(await answer.arrayBuffer());
  const rawBody = bytes.toString();
  const data = isRefusal ? jsonIn(rawBody) : rawBody && jsonToSerializedData(rawBody);
  const response = { ...head, content: Readable.from([bytes]) };
  return { response: rawBody === '' ? response : { ...response, data }, rawBody };
}

/** What stands before Box, a proxy or a balancer, refuses in a language of its own. */
function jsonIn(text: string): SerializedData {
  try {
    return jsonToSerializedData(text);
  } catch {
    return undefined;
  }
}

/** The answer with `Retry-After` as the SDK's own strategy looks for it: by that very name, in seconds. */
export function withRetryAfter(response: FetchResponse): FetchResponse {
  const { date = '', 'retry-after': retryAfter = null } = response.headers;
  const waitMs = parseRetryAfter(retryAfter, Date.parse(date) || Date.now());
  return waitMs === undefined
    ? response
    : { ...response, headers: { ...response.headers, 'Retry-After': String(waitMs / 1000) } };
}
