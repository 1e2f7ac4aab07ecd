import { BoxApiError, BoxSdkError } from 'box-node-sdk/box/errors';
import type { FetchOptions } from 'box-node-sdk/networking';
import { sdIsMap, sdToJson, type SerializedData } from 'box-node-sdk/serialization/json';
import { BoxAuthError } from '../core/errors/box-auth.error.js';
import type { SdkAnswer } from './sdk-answer.js';

/** What a call was sent with, as an error may show it. */
export interface SentRequest {
  readonly headers: Headers;
  readonly body: string | undefined;
  /** Names of headers that no error shows, lower case. */
  readonly identityHeaders: readonly string[];
}

/** No answer: the error of the SDK for that, as its own client makes it. */
export function sdkErrorOf(thrown: unknown): BoxSdkError {
  const error = thrown instanceof Error ? thrown : new Error(String(thrown));
  // All that fetch says by itself is that it failed.
  const why = error.cause instanceof Error ? `: ${error.cause.message}` : '';
  return new BoxSdkError({
    message: error.message === '' ? 'Unexpected Error occurred' : `${error.message}${why}`,
    timestamp: `${Date.now()}`,
    error,
  });
}

/** A refusal: the error of the SDK for that, with the fields that its own client fills in. */
export function apiErrorOf(
  options: FetchOptions,
  sent: SentRequest,
  { response, rawBody }: SdkAnswer,
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
        [...sent.headers].filter(([name]) => !sent.identityHeaders.includes(name)),
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

/** As JSON, as the SDK's own client has it: with quotation marks. */
function textOf(value: SerializedData): string | undefined {
  return value === undefined ? undefined : sdToJson(value);
}

/** A session that names an agent or a proxy: those are of node-fetch, and would be left aside without a word. */
export function agentNotHonoured(): BoxAuthError {
  return new BoxAuthError({
    code: 'option_invalid',
    message:
      'The network session of this Box client has a proxy or options of an agent, which the SDK’s own network client understands, and BoxSdkNetworkClient does not.',
    hint: 'Pass `fetch` to BoxAuthModule.forRoot instead (that of undici, with a ProxyAgent or an Agent as its dispatcher): it then serves token requests, too.',
    docs: 'https://undici.nodejs.org/#/docs/api/ProxyAgent',
  });
}
