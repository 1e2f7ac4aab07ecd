import { randomUUID } from 'node:crypto';
import type { Readable } from 'node:stream';
import { BoxSdkError } from 'box-node-sdk/box/errors';
import { type FetchOptions, userAgentHeader, xBoxUaHeader } from 'box-node-sdk/networking';
import { sdToJson, sdToUrlParams } from 'box-node-sdk/serialization/json';
import { multipartForm } from './multipart.js';
import { SentStream, type StreamContent } from './sent-stream.js';

/** The streams of one call, which may be attempted more than once. */
export class SentStreams {
  readonly #streams = new Map<Readable, SentStream>();

  of(source: Readable): SentStream {
    const known = this.#streams.get(source) ?? new SentStream(source);
    this.#streams.set(source, known);
    return known;
  }

  get areSpent(): boolean {
    return [...this.#streams.values()].some((stream) => stream.isSpent);
  }

  close(): void {
    for (const stream of this.#streams.values()) stream.close();
  }
}

/** A body that is opened when it is sent. */
export interface SdkBody {
  readonly contentType: string;
  /** What it is, if it is text. */
  readonly text: string | undefined;
  readonly open: (signal: AbortSignal | undefined) => Promise<StreamContent | string | undefined>;
}

/** @throws BoxSdkError for what the SDK's own client does not send either */
export function bodyOf(options: FetchOptions, streams: SentStreams): SdkBody {
  const { contentType, data, fileStream, multipartData } = options;
  if (multipartData !== undefined) {
    const boundary = `nestjs-box-auth-${randomUUID()}`;
    return {
      contentType: `multipart/form-data; boundary=${boundary}`,
      text: undefined,
      open: (signal) =>
        multipartForm(multipartData, boundary, (source) => streams.of(source).open(signal)),
    };
  }
  switch (contentType) {
    case 'application/json':
    case 'application/json-patch+json':
      return textBody(contentType, data === undefined ? undefined : sdToJson(data));
    case 'application/x-www-form-urlencoded':
      return textBody(contentType, sdToUrlParams(data));
    case 'application/octet-stream':
      if (fileStream === undefined) {
        throw new BoxSdkError({
          message: 'fileStream required for application/octet-stream content type',
        });
      }
      return {
        contentType,
        text: undefined,
        open: (signal) => streams.of(fileStream).open(signal),
      };
    default:
      throw new BoxSdkError({ message: `Unsupported content type : ${contentType}` });
  }
}

function textBody(contentType: string, text: string | undefined): SdkBody {
  return { contentType, text, open: () => Promise.resolve(text) };
}

/** The address with its query. */
export function addressOf({ url, params = {} }: FetchOptions): string {
  const query = new URLSearchParams(params).toString();
  if (query === '') return url;
  if (url.endsWith('?')) return url + query;
  return `${url}${url.includes('?') ? '&' : '?'}${query}`;
}

/**
 * The headers in the order of the SDK's own client: the later ones win. Those of the session are meant for Box: of them,
 * `withheld` go nowhere else.
 */
export function headersOf(
  { method, headers = {}, networkSession }: FetchOptions,
  { contentType }: SdkBody,
  authorization: string | undefined,
  withheld: readonly string[],
): Headers {
  const all = new Headers(method === 'GET' ? {} : { 'content-type': contentType });
  for (const [name, value] of Object.entries(headers)) all.set(name, value);
  if (authorization !== undefined) all.set('authorization', authorization);
  all.set('user-agent', userAgentHeader);
  all.set('x-box-ua', xBoxUaHeader);
  for (const [name, value] of Object.entries(networkSession?.additionalHeaders ?? {})) {
    if (!withheld.includes(name.toLowerCase())) all.set(name, value);
  }
  return all;
}
