import { BoxApiError, BoxSdkError } from 'box-node-sdk/box/errors';
import type { FetchOptions } from 'box-node-sdk/networking';
import { sdIsMap, sdToJson, type SerializedData } from 'box-node-sdk/serialization/json';
import type { SdkResponse } from './sdk-response.js';

/** The parts of a request that an error may show. */
export interface SentRequest {
  readonly headers: Headers;
  readonly body: string | undefined;
  /** Lower-case names of the headers that no error may show. */
  readonly secretHeaderNames: readonly string[];
}

/** Creates the SDK's error for a call without a response, like the SDK's own client does. */
export function sdkErrorOf(thrown: unknown): BoxSdkError {
  const error = thrown instanceof Error ? thrown : new Error(String(thrown));
  // The message of fetch itself is only "fetch failed".
  const reason = error.cause instanceof Error ? `: ${error.cause.message}` : '';
  return new BoxSdkError({
    message: error.message === '' ? 'Unexpected Error occurred' : `${error.message}${reason}`,
    timestamp: `${Date.now()}`,
    error,
  });
}

/** Creates the SDK's error for an error response, with the fields that the SDK's own client fills in. */
export function apiErrorOf(
  options: FetchOptions,
  sent: SentRequest,
  { response, rawBody }: SdkResponse,
): BoxApiError {
  const { status, headers, data } = response;
  const body = sdIsMap(data) ? data : {};
  const [code, requestId, helpUrl, message, error, description] = [
    'code',
    'request_id',
    'help_url',
    'message',
    'error',
    'error_description',
  ].map((name) => textOf(body[name]));
  const parts = [
    [status, code, message].filter(Boolean).join(' '),
    requestId && `Request ID: ${requestId}`,
    error && `${error} - ${description}`,
  ];
  const contextInfo = body['context_info'];
  return new BoxApiError({
    message: parts.filter(Boolean).join('; '),
    timestamp: `${Date.now()}`,
    requestInfo: {
      contentType: options.contentType,
      method: options.method,
      url: options.url,
      queryParams: options.params ?? {},
      headers: Object.fromEntries(
        [...sent.headers].filter(([name]) => !sent.secretHeaderNames.includes(name)),
      ),
      ...(sent.body !== undefined && { body: sent.body }),
    },
    responseInfo: {
      statusCode: status,
      headers,
      ...(data !== undefined && { body: data }),
      rawBody,
      ...(code !== undefined && { code }),
      ...(sdIsMap(contextInfo) && { contextInfo }),
      ...(requestId !== undefined && { requestId }),
      ...(helpUrl !== undefined && { helpUrl }),
    },
    ...(options.networkSession !== undefined && {
      dataSanitizer: options.networkSession.dataSanitizer,
    }),
  });
}

/** Returns JSON, with quotation marks, like the SDK's own client. */
function textOf(value: SerializedData): string | undefined {
  return value === undefined ? undefined : sdToJson(value);
}
