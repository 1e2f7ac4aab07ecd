import { Readable } from 'node:stream';
import type { AxiosResponse } from 'axios';
import { drain, MAX_ERROR_BODY_BYTES, peekBody } from '../core/http/discarded-body.js';
import type { Attempt } from '../core/http/repeated-call.js';
import type { Runtime } from '../core/runtime/runtime.js';

/** The result of an adapter. */
export type Outcome = { readonly redirects: Redirects } & (
  | { readonly response: AxiosResponse }
  | { readonly error: unknown; readonly response: AxiosResponse | undefined }
);

/** The redirects that the adapter followed. */
export interface Redirects {
  /** Whether all of them stayed within the allowed origins. */
  areAllowed: boolean;
  wereFollowed: boolean;
}

/** Presents an outcome to `sendRepeatedly`. */
export function attemptOf(
  outcome: Outcome,
  method: string,
  runtime: Runtime,
): Attempt & { readonly outcome: Outcome } {
  const { redirects, response } = outcome;
  // A response of another host says nothing about the call. Before a redirect, a POST has done its work.
  const isFinal =
    !redirects.areAllowed || (redirects.wereFollowed && method !== 'GET' && method !== 'HEAD');
  if (isFinal) return { outcome };
  if (response !== undefined) return { outcome, response: repeatable(response, runtime) };
  return 'error' in outcome ? { outcome, error: outcome.error } : { outcome };
}

export function headerOf(headers: unknown, name: string): string | undefined {
  const value: unknown = isRecord(headers) ? headers[name] : undefined;
  return typeof value === 'string' ? value : undefined;
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

function repeatable(response: AxiosResponse, runtime: Runtime): NonNullable<Attempt['response']> {
  return {
    status: response.status,
    header: (name) => headerOf(response.headers, name),
    readBody: async () => {
      const data: unknown = response.data;
      if (!(data instanceof Readable)) return textOf(data).slice(0, MAX_ERROR_BODY_BYTES);
      const { text, body } = await peekBody(data, runtime);
      response.data = body;
      return text;
    },
    discard: () => drain(response.data),
  };
}

function textOf(data: unknown): string {
  if (typeof data === 'string') return data;
  if (ArrayBuffer.isView(data)) {
    return Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString('utf8');
  }
  return data instanceof ArrayBuffer ? Buffer.from(data).toString('utf8') : '';
}
