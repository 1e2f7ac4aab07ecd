import { onAbort } from '../runtime/abort.js';
import { globalFetch } from './env-proxy.js';
import { type MaybePromise, whenReady } from '../runtime/maybe-promise.js';
import { toWebStream, webStream } from './kept-stream.js';
import {
  type BodyOrFactory,
  byteLengthOf,
  isConsumedBySending,
  type ReplayableBody,
  replayableBody,
} from './replayable-body.js';

/** The first argument of `fetch`. */
export type FetchInput = Parameters<typeof fetch>[0];

/** The bodies that Node's `fetch` sends. The types of `fetch` may leave out the streams of Node. */
export type FetchBody = NonNullable<RequestInit['body']> | AsyncIterable<Uint8Array>;

/** The options of `fetch`. The body may also be a function: it is called for each attempt. */
export interface FetchInit extends Omit<RequestInit, 'body'> {
  readonly body?: BodyOrFactory<FetchBody> | null | undefined;
}

/** A `fetch` that can send a body again. */
export type ReplayingFetch = (input: FetchInput, init?: FetchInit) => Promise<Response>;

/** A request that is about to be sent. */
export interface OutgoingRequest extends Omit<
  RequestInit,
  'headers' | 'method' | 'redirect' | 'body'
> {
  readonly method: string;
  readonly headers: Headers;
  readonly redirect: NonNullable<RequestInit['redirect']>;
  readonly body: ReplayableBody<FetchBody> | null;
}

const REQUEST_FIELDS = [
  'method',
  'headers',
  'redirect',
  'signal',
  'keepalive',
  'integrity',
  'credentials',
  'cache',
  'mode',
  'referrer',
  'referrerPolicy',
] as const;

/**
 * Keeps a Request alive as long as its signal. In Node the signal of a Request stops following the caller's signal once the
 * Request is garbage-collected: https://github.com/nodejs/undici/issues/1926.
 */
const requestsBySignal = new WeakMap<object, object>();

/** Merges the fields of a Request with those of `init`, which win. Of a stream, up to `maxBytes` are kept for a replay. */
export function toOutgoingRequest(
  input: FetchInput,
  init: FetchInit | undefined,
  maxBytes: number,
): MaybePromise<OutgoingRequest> {
  const request = requestIn(input);
  const signal: unknown = request?.signal; // a fake Request in a test may have none
  if (request !== undefined && typeof signal === 'object' && signal !== null) {
    requestsBySignal.set(signal, request);
  }
  const fields = fieldsOf(request, init);
  const stream = request?.body ?? null;
  const body =
    init?.body ??
    (stream === null || request?.bodyUsed === true
      ? stream
      : readAhead(stream, maxBytes, fields.signal));
  const complete = (read: BodyOrFactory<FetchBody> | null) =>
    // Not a spread: on Node 20 it takes several us if other fields follow.
    Object.assign(fields, {
      method: (fields.method ?? 'GET').toUpperCase(),
      headers: new Headers(fields.headers),
      redirect: fields.redirect ?? 'follow',
      body: read === null ? null : replayableBody(read, maxBytes),
    });
  return whenReady(body, complete);
}

function fieldsOf(
  request: Request | undefined,
  init: FetchInit | undefined,
): Omit<RequestInit, 'body'> {
  const fields: Record<string, unknown> = {};
  const add = (name: string, value: unknown) => {
    // `fetch` does not read fields of this name, and an assignment would set the prototype.
    if (value !== undefined && name !== '__proto__') fields[name] = value;
  };
  if (request !== undefined) {
    add('dispatcher', dispatcherOf(request));
    for (const name of REQUEST_FIELDS) add(name, request[name]);
  }
  if (init !== undefined) {
    for (const [name, value] of Object.entries(init)) add(name, value);
    // `init` may be a Request, whose fields are getters and not among its entries.
    for (const name of REQUEST_FIELDS) add(name, Reflect.get(init, name));
  }
  return fields;
}

/** Builds the options of `fetch` for one attempt, which has these headers. */
export function toRequestInit(
  request: OutgoingRequest,
  headers: Headers,
): MaybePromise<RequestInit> {
  const { body, redirect } = request;
  const init = Object.assign({}, request, {
    headers,
    redirect: redirect === 'follow' ? 'manual' : redirect,
    body: undefined,
  });
  if (body === null) return init;
  return whenReady(body.open(), (sent) =>
    withBody(init, isTooLong(sent, headers) ? (new Response(sent).body ?? sent) : sent),
  );
}

/**
 * Whether a value is longer than its `content-length`. `fetch` should reject it, but never settles. It does reject such a
 * stream.
 */
function isTooLong(body: FetchBody, headers: Headers): boolean {
  const contentLength = headers.get('content-length');
  return contentLength !== null && byteLengthOf(body) > Number.parseInt(contentLength, 10);
}

/** `fetch` requires `duplex` with a stream. */
function withBody(init: Omit<RequestInit, 'body'>, body: FetchBody): RequestInit {
  return isConsumedBySending(body)
    ? { ...init, body: toWebStream(body), duplex: 'half' }
    : { ...init, body };
}

/** Sends a call to another host unchanged, but calls the function that returns its body. */
export async function sendUnchanged(
  send: typeof fetch,
  input: FetchInput,
  init: FetchInit | undefined,
): Promise<Response> {
  if (init === undefined) return send(input);
  const { body } = init;
  return typeof body === 'function'
    ? send(input, withBody(init, await body()))
    : // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- see FetchBody
      send(input, init as RequestInit);
}

/**
 * Returns what the first attempts call: a Request itself, because only `fetch` can read its `dispatcher` in all versions of
 * Node. Another `fetch` than Node's may not accept Node's Request.
 */
export function targetOf(input: FetchInput, url: URL, send: typeof fetch): Request | URL {
  return send === globalFetch && input instanceof Request ? input : url;
}

function requestIn(input: FetchInput): Request | undefined {
  return typeof input === 'string' || input instanceof URL ? undefined : input;
}

/** The dispatcher of a Request, for the redirects of its call. Node 24 and later hide it. */
function dispatcherOf(request: Request | undefined): unknown {
  const symbols = request === undefined ? [] : Object.getOwnPropertySymbols(request);
  const symbol = symbols.find(({ description }) => description === 'dispatcher');
  return request === undefined || symbol === undefined ? undefined : Reflect.get(request, symbol);
}

/**
 * `fetch` turns every body of a Request into a stream. One that ends within `maxBytes` becomes a value again, so that the
 * request has a `content-length` and follows redirects.
 */
async function readAhead(
  stream: ReadableStream<Uint8Array>,
  maxBytes: number,
  signal: AbortSignal | null | undefined,
): Promise<FetchBody> {
  const reader = stream.getReader();
  const stop = (reason: unknown) => void reader.cancel(reason).catch(() => undefined);
  const ignoreAbort = signal == null ? undefined : onAbort(signal, () => stop(signal.reason));
  const head: Uint8Array[] = [];
  try {
    for (let bytes = 0; bytes <= maxBytes;) {
      const { done, value } = await reader.read();
      if (done) {
        signal?.throwIfAborted();
        return Buffer.concat(head);
      }
      head.push(value);
      bytes += value.byteLength;
    }
  } catch {
    // `fetch` reads the stream again, and reports its error.
  } finally {
    ignoreAbort?.();
  }
  const next = async (): Promise<IteratorResult<Uint8Array>> => {
    const value = head.shift();
    return value === undefined ? reader.read() : { done: false, value };
  };
  return webStream({ next, stop });
}
