import { randomUUID } from 'node:crypto';
import { BoxSdkError } from 'box-node-sdk/box/errors';
import { type FetchOptions, userAgentHeader, xBoxUaHeader } from 'box-node-sdk/networking';
import { sdToJson, sdToUrlParams } from 'box-node-sdk/serialization/json';
import { multipartForm } from './multipart.js';
import { without } from './redirected-call.js';
import type { CallStreams, StreamContent } from './call-streams.js';

/** A request body, whose streams are opened when it is sent. */
export interface RequestBody {
  readonly contentType: string;
  /** The body itself, if it is text. */
  readonly text: string | undefined;
  readonly open: (signal: AbortSignal | undefined) => Promise<StreamContent | string | undefined>;
}

/** @throws BoxSdkError for a body that the SDK's own client does not send either */
export function bodyOf(options: FetchOptions, streams: CallStreams): RequestBody {
  const { contentType, data, fileStream, multipartData } = options;
  if (multipartData !== undefined) {
    const boundary = `nestjs-box-auth-${randomUUID()}`;
    return {
      contentType: `multipart/form-data; boundary=${boundary}`,
      text: undefined,
      open: (signal) =>
        multipartForm(multipartData, boundary, (source) => streams.open(source, signal)),
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
        open: (signal) => streams.open(fileStream, signal),
      };
    default:
      throw new BoxSdkError({ message: `Unsupported content type : ${contentType}` });
  }
}

function textBody(contentType: string, text: string | undefined): RequestBody {
  return { contentType, text, open: () => Promise.resolve(text) };
}

/** Returns the URL of a call with its query. */
export function urlOf({ url, params = {} }: FetchOptions): string {
  const query = new URLSearchParams(params).toString();
  if (query === '') return url;
  if (url.endsWith('?')) return url + query;
  return `${url}${url.includes('?') ? '&' : '?'}${query}`;
}

/**
 * Merges the headers of a call in the order of the SDK's own client: later ones win. Leaves out the headers with the names in
 * `withheld` (lower case), as they must not go to another host than Box's.
 */
export function headersOf(
  { method, headers = {}, networkSession }: FetchOptions,
  { contentType }: RequestBody,
  authorization: string | undefined,
  withheld: { readonly ofCall: readonly string[]; readonly ofSession: readonly string[] },
): Headers {
  const merged = new Headers(method === 'GET' ? {} : { 'content-type': contentType });
  const ofCall = Object.entries(without(withheld.ofCall, headers));
  const ofSession = Object.entries(
    without(withheld.ofSession, networkSession?.additionalHeaders ?? {}),
  );
  for (const [name, value] of ofCall) merged.set(name, value);
  if (authorization !== undefined) merged.set('authorization', authorization);
  merged.set('user-agent', userAgentHeader);
  merged.set('x-box-ua', xBoxUaHeader);
  for (const [name, value] of ofSession) merged.set(name, value);
  return merged;
}
