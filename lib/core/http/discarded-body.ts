import { Readable } from 'node:stream';
import type { Runtime } from '../runtime/runtime.js';
import { KeptStream, streamLike } from './kept-stream.js';

/** Error responses are much shorter. To read a longer one costs more than a new connection. */
export const MAX_ERROR_BODY_BYTES = 64 * 1024;

/** Error responses arrive at once. The caller gets the response if its body takes longer. */
const ERROR_BODY_MS = 1_000;

/**
 * Reads the rest of a response that has no reader, so that its connection can be used again. Returns a function that ends
 * that, and closes the connection if the body is still arriving.
 */
export function drain(body: unknown): () => void {
  if (body instanceof ReadableStream) return drainWeb(body);
  return body instanceof Readable ? drainReadable(body) : () => undefined;
}

function drainWeb(body: ReadableStream<unknown>): () => void {
  if (body.locked) return () => undefined;
  const reader = body.getReader();
  const stop = (): void => void reader.cancel().catch(() => undefined);
  const read = async (): Promise<void> => {
    for (let bytes = 0; bytes <= MAX_ERROR_BODY_BYTES;) {
      const { done, value } = await reader.read();
      if (done) return;
      bytes += byteLengthOf(value);
    }
    stop();
  };
  read().catch(() => undefined);
  return stop;
}

function drainReadable(body: Readable): () => void {
  const stop = (): void => void body.destroy();
  let bytes = 0;
  body.on('data', (chunk: unknown) => {
    bytes += byteLengthOf(chunk);
    if (bytes > MAX_ERROR_BODY_BYTES) stop();
  });
  // It has no other listener, and without one it would end the process.
  body.on('error', () => undefined);
  return stop;
}

/** The beginning of a body, and the whole body for the caller. */
export interface PeekedBody<Body> {
  readonly text: string;
  readonly body: Body;
}

/** Reads the text of an error response. Longer and slower ones are cut off. */
export async function peekBody<Body extends Readable | ReadableStream>(
  body: Body,
  runtime: Runtime,
): Promise<PeekedBody<Body>> {
  const kept = new KeptStream(body, 2 * MAX_ERROR_BODY_BYTES);
  const end = new AbortController();
  const chunks: Buffer[] = [];
  const read = async (): Promise<void> => {
    const reader = kept.read();
    for (let bytes = 0; bytes <= MAX_ERROR_BODY_BYTES && !end.signal.aborted;) {
      const step: IteratorResult<unknown, unknown> = await reader.next();
      if (step.done === true) return;
      const { value } = step;
      const chunk = typeof value === 'string' || value instanceof Uint8Array ? value : '';
      chunks.push(Buffer.from(chunk));
      bytes += byteLengthOf(chunk);
    }
  };
  // The caller gets the error when it reads the body.
  await withinErrorBodyTime(runtime, read()).catch(() => undefined);
  end.abort();
  const rest = streamLike(body, kept.read(), () => undefined);
  kept.finish();
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- it is of the same kind
  return { text: Buffer.concat(chunks).toString('utf8'), body: rest as Body };
}

/** The result of reading an error response, or undefined if that takes too long. */
export function withinErrorBodyTime<T>(runtime: Runtime, work: Promise<T>): Promise<T | undefined> {
  return new Promise((resolve, reject) => {
    const cancel = runtime.schedule(() => resolve(undefined), ERROR_BODY_MS);
    work.finally(cancel).then(resolve, reject);
  });
}

function byteLengthOf(chunk: unknown): number {
  if (typeof chunk === 'string') return Buffer.byteLength(chunk);
  return ArrayBuffer.isView(chunk) ? chunk.byteLength : MAX_ERROR_BODY_BYTES;
}
