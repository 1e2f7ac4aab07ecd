import type { Readable } from 'node:stream';

/** The content of a stream: all of it if it is in memory, else its chunks. */
export type StreamContent = Uint8Array | AsyncIterable<Uint8Array>;

type OpenedStream =
  | { readonly whole: Uint8Array }
  | { readonly head: readonly Uint8Array[]; readonly rest: AsyncGenerator<Uint8Array> };

/** The streams of one call, which may take several attempts. */
export class UploadStreams {
  readonly #streams = new Map<Readable, UploadStream>();

  /** Reads the first chunks of `source`. `signal` ends the wait for them. */
  open(source: Readable, signal: AbortSignal | undefined): Promise<StreamContent> {
    const known = this.#streams.get(source) ?? new UploadStream(source);
    this.#streams.set(source, known);
    return known.open(signal);
  }

  /** Whether one of the streams was sent or has failed, so that the call cannot be repeated. */
  get areConsumed(): boolean {
    return [...this.#streams.values()].some((stream) => stream.isConsumed);
  }

  /** Releases the files and connections of streams that will not be read to their end. */
  close(): void {
    for (const stream of this.#streams.values()) stream.close();
  }
}

/**
 * Sends a stream chunk by chunk. A stream that consists of a single chunk (from a Buffer, a string or a small file) is in
 * memory anyway, and can be sent again.
 */
class UploadStream {
  #opened: Promise<OpenedStream> | undefined;
  #isConsumed = false;

  constructor(private readonly source: Readable) {}

  get isConsumed(): boolean {
    return this.#isConsumed;
  }

  async open(signal: AbortSignal | undefined): Promise<StreamContent> {
    signal?.throwIfAborted();
    const opened = await (this.#opened ??= this.#openUntil(signal));
    return 'whole' in opened ? opened.whole : this.#send(opened.head, opened.rest);
  }

  close(): void {
    this.source.destroy();
  }

  async #openUntil(signal: AbortSignal | undefined): Promise<OpenedStream> {
    const close = () => this.close();
    signal?.addEventListener('abort', close, { once: true });
    try {
      return await this.#readHead();
    } finally {
      signal?.removeEventListener('abort', close);
    }
  }

  async #readHead(): Promise<OpenedStream> {
    this.#isConsumed = true; // if the stream fails
    const rest = bytesOf(this.source);
    const first = await rest.next();
    const second = first.done === true ? first : await rest.next();
    this.#isConsumed = false;
    if (first.done === true) return { whole: new Uint8Array() };
    return second.done === true
      ? { whole: first.value }
      : { head: [first.value, second.value], rest };
  }

  async *#send(
    head: readonly Uint8Array[],
    rest: AsyncGenerator<Uint8Array>,
  ): AsyncGenerator<Uint8Array> {
    this.#isConsumed = true;
    yield* head;
    yield* rest;
  }
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
