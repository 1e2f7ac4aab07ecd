import { IncomingMessage } from 'node:http';
import { Duplex, Readable, type Stream } from 'node:stream';

/** A body that can be read only once: a stream of Node or of the web, an iterator or a generator. */
export type AnyStream = Stream | ReadableStream | Iterable<unknown> | AsyncIterable<unknown>;

/** Reads the chunks of a stream on behalf of one attempt. */
export interface ChunkReader {
  readonly next: () => Promise<IteratorResult<unknown>>;
  /** Ends the attempt. The stream itself ends only if there will be no other attempt. */
  readonly stop: (reason?: unknown) => unknown;
  /** Whether `error`, which `next` failed with, stands for a stream that was destroyed without an error. */
  readonly isPrematureClose: (error: unknown) => boolean;
}

interface ChunkSource extends Pick<ChunkReader, 'next' | 'isPrematureClose'> {
  readonly cancel: (reason: unknown) => unknown;
}

/**
 * A stream whose bytes are kept while they are read, up to `maxBytes`, so that the next attempt can begin with them and read
 * on where the last one stopped. Once they exceed `maxBytes`, all of them are dropped.
 */
export class KeptStream {
  readonly #source: ChunkSource;
  #kept: KeptBytes | undefined;
  /** The next chunk. It is requested once, and belongs to the attempt that is current when it arrives. */
  #next: Promise<IteratorResult<unknown>> | undefined;
  #current: symbol | undefined;
  #isReading = false;
  #isFinished = false;

  constructor(stream: AnyStream, maxBytes: number) {
    this.#source = sourceOf(stream);
    this.#kept = new KeptBytes(maxBytes);
  }

  /** Whether another attempt can read the stream from its beginning. */
  get canRestart(): boolean {
    return this.#kept !== undefined;
  }

  /** Begins an attempt. The reader of the previous one fails from now on. */
  read(): ChunkReader {
    const attempt = Symbol('attempt');
    this.#current = attempt;
    this.#isReading = true;
    let kept = this.#kept;
    let position = 0;
    return {
      next: async () => {
        this.#expectCurrent(attempt);
        const again = kept?.from(position);
        if (again !== undefined && again.byteLength > 0) {
          position += again.byteLength;
          return { done: false, value: again };
        }
        this.#next ??= this.#source.next();
        const step = await this.#next;
        this.#expectCurrent(attempt);
        if (step.done === true) {
          this.#isReading = false;
          return { done: true, value: undefined };
        }
        this.#next = undefined;
        this.#keep(step.value);
        kept = this.#kept;
        position = kept?.byteLength ?? 0;
        return { done: false, value: step.value };
      },
      stop: (reason) => {
        if (this.#current !== attempt) return;
        this.#isReading = false;
        if (this.#isFinished) this.#source.cancel(reason);
      },
      isPrematureClose: this.#source.isPrematureClose,
    };
  }

  /** There will be no other attempt. The current one may read on. */
  finish(): void {
    this.#isFinished = true;
    this.#kept = undefined;
    if (!this.#isReading) this.#source.cancel(undefined);
  }

  /** Ends the stream, because its call failed. */
  cancel(reason: unknown): void {
    this.#isFinished = true;
    this.#kept = undefined;
    this.#current = undefined;
    this.#source.cancel(reason);
  }

  /** Without this check, a request that is still being sent would take chunks of the one that replaces it. */
  #expectCurrent(attempt: symbol): void {
    if (this.#current !== attempt) throw new Error('This attempt to send the body has ended.');
  }

  #keep(chunk: unknown): void {
    const bytes = typeof chunk === 'string' ? Buffer.from(chunk) : chunk;
    // The client reports chunks of another type.
    if (!(bytes instanceof Uint8Array) || this.#kept?.add(bytes) !== true) this.#kept = undefined;
  }
}

/** Copies of chunks: a chunk may be a small part of a large buffer, or its owner may reuse it. */
class KeptBytes {
  #buffer = Buffer.alloc(0);
  byteLength = 0;

  constructor(private readonly maxBytes: number) {}

  /** Returns false if there is no space for `bytes`. */
  add(bytes: Uint8Array): boolean {
    const end = this.byteLength + bytes.byteLength;
    if (end > this.maxBytes) return false;
    if (end > this.#buffer.byteLength) {
      const capacity = Math.min(Math.max(end, 2 * this.#buffer.byteLength), this.maxBytes);
      const larger = Buffer.allocUnsafeSlow(capacity);
      larger.set(this.from(0));
      this.#buffer = larger;
    }
    this.#buffer.set(bytes, this.byteLength);
    this.byteLength = end;
    return true;
  }

  from(position: number): Buffer {
    return this.#buffer.subarray(position, this.byteLength);
  }
}

const nothing = (): void => undefined;

/** The code of the error that an iterator throws if its stream was destroyed without an error. */
const PREMATURE_CLOSE = 'ERR_STREAM_PREMATURE_CLOSE';

/** Nothing is read before the first `next`. */
function sourceOf(stream: AnyStream): ChunkSource {
  if (isWebStream(stream)) return webSource(stream);
  if (isNodeStream(stream)) return nodeSource(stream);
  return iteratorSource(stream);
}

function webSource(stream: ReadableStream): ChunkSource {
  let reader: ReadableStreamDefaultReader<unknown> | undefined;
  // `redirect()` of undici reads a stream that has ended again, which fails if it is locked.
  const release = () => reader?.releaseLock();
  return {
    next: async () => {
      reader ??= stream.getReader();
      const step = await reader.read();
      if (step.done) release();
      return step;
    },
    cancel: async (reason) => {
      await (reader ?? stream).cancel(reason).catch(nothing);
      release();
    },
    isPrematureClose: () => false,
  };
}

function nodeSource(stream: Stream): ChunkSource {
  let hasFailed = false;
  // Without a listener, a stream that fails before it is read would end the process. Its reader gets the error.
  stream.on('error', () => {
    hasFailed = true;
  });
  let iterator: AsyncIterator<unknown> | undefined;
  return {
    next: async () => (iterator ??= iteratorOf(stream)).next(),
    cancel: async (reason) => {
      if (!isInboundRequest(stream)) return destroy(stream, reason);
      await iterator?.return?.().catch(nothing);
      stream.resume();
    },
    isPrematureClose: (error) =>
      !hasFailed && error instanceof Error && 'code' in error && error.code === PREMATURE_CLOSE,
  };
}

/** To destroy the request that a server received would close its connection. The server still has to respond. */
function isInboundRequest(stream: Stream): stream is IncomingMessage {
  return stream instanceof IncomingMessage && typeof stream.method === 'string';
}

/** A Duplex that was read stays open: its other direction may be the response of an inbound HTTP/2 stream. */
function destroy(stream: Stream, reason?: unknown): void {
  if (stream instanceof Duplex && stream.readableEnded) return;
  if (isDestroyable(stream)) stream.destroy(reason);
}

function isDestroyable(stream: object): stream is { destroy(reason: unknown): unknown } {
  return 'destroy' in stream && typeof stream.destroy === 'function';
}

function isResumable(stream: object): stream is { resume(): unknown } {
  return 'resume' in stream && typeof stream.resume === 'function';
}

function iteratorOf(stream: Stream): AsyncIterator<unknown> {
  if (stream instanceof Readable) return stream.iterator({ destroyOnReturn: false });
  return (isAsyncIterable(stream) ? stream : wrapEmitter(stream))[Symbol.asyncIterator]();
}

/** Streams of Node's first kind only emit events. That of the `form-data` package begins when it is resumed. */
function wrapEmitter(stream: Stream): Readable {
  const first: object = stream;
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- it accepts streams of the first kind, but its type does not
  const readable = new Readable().wrap(first as NodeJS.ReadableStream);
  if (isResumable(stream)) stream.resume();
  return readable;
}

function iteratorSource(stream: Iterable<unknown> | AsyncIterable<unknown>): ChunkSource {
  const iterator: Iterator<unknown> | AsyncIterator<unknown> = isAsyncIterable(stream)
    ? stream[Symbol.asyncIterator]()
    : stream[Symbol.iterator]();
  return {
    next: async () => iterator.next(),
    cancel: async () => {
      try {
        await iterator.return?.();
      } catch {
        // The call has ended, and its result is known.
      }
    },
    isPrematureClose: () => false,
  };
}

/**
 * Returns all of a stream of Node that has ended, but was not read. undici sends such a stream with its length, so this makes
 * it read ahead, as undici does.
 */
export function wholeOf(stream: AnyStream, maxBytes: number): string | Buffer | undefined {
  if (!(stream instanceof Readable) || stream.readableObjectMode || stream.destroyed) {
    return undefined;
  }
  stream.read(0);
  if (!hasEnded(stream) || stream.readableEnded || stream.readableLength > maxBytes) {
    return undefined;
  }
  stream.once('end', () => destroy(stream));
  const whole: unknown = stream.read();
  return typeof whole === 'string' || whole instanceof Buffer ? whole : '';
}

/** Whether nothing follows what is in the buffer of a stream: a property that Node's types leave out, and undici reads. */
function hasEnded(stream: Readable): boolean {
  const state: unknown = Reflect.get(stream, '_readableState');
  return typeof state === 'object' && state !== null && 'ended' in state && state.ended === true;
}

/** Returns all of a stream if its end is known at the first read. */
type Whole = () => string | Buffer | undefined;

/** Presents `reader` as the same kind of stream as `like`: a client may accept only that. */
export function streamLike(like: AnyStream, reader: ChunkReader, whole: Whole): AnyStream {
  if (isWebStream(like)) return webStream(reader);
  if (isNodeStream(like)) return nodeStream(like, reader, whole);
  const chunks: AsyncIterableIterator<unknown> = {
    next: reader.next,
    return: () => {
      reader.stop();
      return Promise.resolve({ done: true, value: undefined });
    },
    [Symbol.asyncIterator]: () => chunks,
  };
  return chunks;
}

/** Clients distinguish a stream that was destroyed without an error from one that failed. */
function nodeStream(like: Stream, reader: ChunkReader, whole: Whole): Readable {
  return new Readable({
    highWaterMark: 1,
    read() {
      const content = whole();
      if (content !== undefined) {
        like.on('error', (error: Error) => this.destroy(error));
        // A client that rejects the request before it sends the body does not listen.
        this.on('error', nothing);
        this.push(content);
        this.push(null);
        return;
      }
      reader
        .next()
        .then(({ done, value }) => this.push(done === true ? null : value))
        .catch((error: Error) => this.destroy(reader.isPrematureClose(error) ? undefined : error));
    },
    destroy(error, callback) {
      reader.stop();
      callback(error);
    },
  });
}

/**
 * Presents `reader` as a web stream, which reads no chunk ahead. For a redirect, `fetch` copies the body of every request
 * with `tee`, and a copy of a stream would hold all of it in memory. The copy of this stream is empty: it is never sent,
 * because a stream follows no redirect (https://fetch.spec.whatwg.org/#http-redirect-fetch, step 11).
 */
export function webStream(reader: Pick<ChunkReader, 'next' | 'stop'>): ReadableStream {
  const stream = new ReadableStream(
    {
      pull: async (controller) => {
        const step = await reader.next();
        if (step.done === true) controller.close();
        else controller.enqueue(step.value);
      },
      cancel: (reason) => void reader.stop(reason),
    },
    { highWaterMark: 0 },
  );
  return Object.defineProperty(stream, 'tee', { value: () => [new ReadableStream(), stream] });
}

/** Presents a stream of any kind as such a web stream. */
export function toWebStream(stream: AnyStream): ReadableStream {
  const { next, cancel } = sourceOf(stream);
  return webStream({ next, stop: cancel });
}

export function isStream(value: unknown): value is AnyStream {
  if (typeof value !== 'object' || value === null) return false;
  return isWebStream(value) || isNodeStream(value) || isAsyncIterable(value) || isIterable(value);
}

export function isNodeStream(value: object): value is Stream {
  return 'pipe' in value && 'on' in value;
}

function isWebStream(value: object): value is ReadableStream {
  return 'getReader' in value;
}

function isAsyncIterable(value: object): value is AsyncIterable<unknown> {
  return Symbol.asyncIterator in value;
}

function isIterable(value: object): value is Iterable<unknown> {
  return Symbol.iterator in value;
}
