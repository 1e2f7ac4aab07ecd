import { PassThrough, Readable, Stream } from 'node:stream';
import { types } from 'node:util';
import type { ClientTransport } from '../../core/http/client-transport.js';

/** Sends the calls of axios through the fetch of a fake Box, whatever adapter the app has chosen. */
export class FakeTransport implements ClientTransport {
  readonly fetch: typeof fetch;

  constructor(boxFetch: typeof fetch) {
    this.fetch = acceptLegacyStreams(boxFetch);
  }

  withNodeData<Config, Response extends { data: unknown }>(
    send: (config: Config) => Promise<Response>,
  ): (config: Config) => Promise<Response> {
    return async (config) => {
      try {
        const response = await send(config);
        response.data = nodeData(response.data);
        return response;
      } catch (error) {
        const response = responseIn(error);
        if (response !== undefined) response.data = nodeData(response.data);
        throw error;
      }
    };
  }
}

/** The `form-data` package makes streams that are not a `Readable`; no fetch reads those. */
export function acceptLegacyStreams(boxFetch: typeof fetch): typeof fetch {
  return (input, init) => {
    const body: unknown = init?.body;
    const isLegacy = body instanceof Stream && !(body instanceof Readable);
    return boxFetch(input, isLegacy ? { ...init, body: body.pipe(new PassThrough()) } : init);
  };
}

function nodeData(data: unknown): unknown {
  if (data instanceof ReadableStream) return Readable.fromWeb(data);
  return types.isAnyArrayBuffer(data) ? Buffer.from(data) : data;
}

/** The response of an AxiosError, recognized without loading axios. */
function responseIn(error: unknown): { data: unknown } | undefined {
  if (!(error instanceof Error) || !('response' in error)) return undefined;
  const { response } = error;
  return typeof response === 'object' && response !== null && 'data' in response
    ? response
    : undefined;
}
