import type { Readable } from 'node:stream';
import type { FetchOptions } from 'box-node-sdk/networking';
import { type ReplayableBody, replayableBody } from '../core/http/replayable-body.js';
import { isUnreadFile } from '../core/http/reopenable-file.js';
import { untilAborted } from '../core/runtime/abort.js';

/** The content of a stream: all of it if it is a single chunk, else its chunks. */
export type StreamContent = Uint8Array | AsyncIterable<Uint8Array>;

/** The streams of one call, which may take several attempts. */
export class CallStreams {
  readonly #streams = new Map<Readable, CallStream>();

  /** Of each stream, up to `maxBytes` are kept for another attempt. */
  constructor(
    private readonly originals: ReadonlySet<Readable>,
    private readonly maxBytes: number,
  ) {}

  /** Opens `source` for the next attempt. `signal` ends the wait for its first chunks. */
  open(source: Readable, signal: AbortSignal | undefined): Promise<StreamContent> {
    const stream = this.#streams.get(source) ?? new CallStream(source, this.maxBytes);
    this.#streams.set(source, stream);
    return stream.open(signal);
  }

  /** Whether all streams can be opened again. An interceptor may have read one to create its own, which it would do again. */
  get canReplay(): boolean {
    return [...this.#streams].every(
      ([source, stream]) => this.originals.has(source) && stream.canReplay,
    );
  }

  /** The call has its response: no stream will be opened again. */
  finish(): void {
    for (const stream of this.#streams.values()) stream.finish();
  }

  /** The call failed: closes all streams, even unopened ones. */
  cancel(reason: unknown): void {
    for (const stream of this.#streams.values()) stream.cancel(reason);
    for (const source of this.originals) source.destroy();
  }
}

/** Returns the streams in the body of a call. */
export function streamsIn({
  fileStream,
  multipartData = [],
}: Pick<FetchOptions, 'fileStream' | 'multipartData'>): ReadonlySet<Readable> {
  const streams = [fileStream, ...multipartData.map((item) => item.fileStream)];
  return new Set(streams.filter((stream) => stream !== undefined));
}

/** A file is opened again. A stream of a single chunk is in memory anyway. Of another stream, up to `maxBytes` are kept. */
class CallStream {
  #body: Promise<ReplayableBody<StreamContent>> | undefined;
  #opened: ReplayableBody<StreamContent> | undefined;
  #hasFailed = false;
  #attempts = 0;

  constructor(
    private readonly source: Readable,
    private readonly maxBytes: number,
  ) {}

  get canReplay(): boolean {
    return !this.#hasFailed && this.#opened?.canReplay !== false;
  }

  async open(signal: AbortSignal | undefined): Promise<StreamContent> {
    signal?.throwIfAborted();
    this.#attempts += 1;
    this.#body ??= this.#bodyOf(this.source);
    const body = await untilAborted(signal, this.#body);
    this.#opened = body;
    const content = await body.open();
    return content instanceof Uint8Array
      ? content
      : untilAborted(signal, wholeIfShort(this.#watch(content)));
  }

  finish(): void {
    this.#opened?.finish();
  }

  cancel(reason: unknown): void {
    this.#opened?.cancel(reason);
    this.source.destroy();
  }

  async #bodyOf(source: Readable): Promise<ReplayableBody<StreamContent>> {
    const content = isUnreadFile(source) ? source : await wholeIfShort(this.#watch(source));
    return replayableBody<StreamContent>(content, this.maxBytes);
  }

  /** Remembers a failure of the stream, after which no attempt can succeed. */
  async *#watch(content: AsyncIterable<unknown>): AsyncGenerator<Uint8Array> {
    const attempt = this.#attempts;
    try {
      yield* bytesOf(content);
    } catch (error) {
      // The stream of an attempt fails when the next attempt begins.
      if (attempt === this.#attempts) this.#hasFailed = true;
      throw error;
    }
  }
}

/** Reads the first two chunks, to find out whether there are more than one. */
async function wholeIfShort(chunks: AsyncGenerator<Uint8Array>): Promise<StreamContent> {
  const first = await chunks.next();
  if (first.done === true) return new Uint8Array();
  const second = await chunks.next();
  return second.done === true ? first.value : resumed([first.value, second.value], chunks);
}

async function* resumed(
  head: readonly Uint8Array[],
  rest: AsyncGenerator<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  yield* head;
  yield* rest;
}

async function* bytesOf(source: AsyncIterable<unknown>): AsyncGenerator<Uint8Array> {
  for await (const chunk of source) {
    const bytes = typeof chunk === 'string' ? Buffer.from(chunk) : chunk;
    if (!(bytes instanceof Uint8Array)) {
      throw new TypeError('Invalid chunk in the uploaded stream: expected a Buffer or a string.');
    }
    if (bytes.byteLength > 0) yield bytes;
  }
}
