import type { Readable } from 'node:stream';

/** What a stream turned out to be. */
export type StreamContent = Uint8Array | AsyncIterable<Uint8Array>;

type ParsedCredentials =
  | { readonly whole: Uint8Array }
  | { readonly head: readonly Uint8Array[]; readonly rest: AsyncGenerator<Uint8Array> };

/**
 * A stream that is to be sent, a chunk at a time. One that comes whole in a single chunk (made of a Buffer or a string, or
 * a small file) is in memory anyway, and can be sent again.
 */
export class SentStream {
  #opened: Promise<ParsedCredentials> | undefined;
  #isSpent = false;

  constructor(private readonly source: Readable) {}

  /** Whether it has been sent, or has failed, and cannot be sent again. */
  get isSpent(): boolean {
    return this.#isSpent;
  }

  /** `signal` ends the wait for a stream that gives nothing. */
  async open(signal: AbortSignal | undefined): Promise<StreamContent> {
    signal?.throwIfAborted();
    const opened = await (this.#opened ??= this.#lookUntil(signal));
    return 'whole' in opened ? opened.whole : this.#send(opened.head, opened.rest);
  }

  /** Lets go of a file or a connection that nobody will read to its end. */
  close(): void {
    this.source.destroy();
  }

  async #lookUntil(signal: AbortSignal | undefined): Promise<ParsedCredentials> {
    const stop = () => this.close();
    signal?.addEventListener('abort', stop, { once: true });
    try {
      return await this.#look();
    } finally {
      signal?.removeEventListener('abort', stop);
    }
  }

  async #look(): Promise<ParsedCredentials> {
    this.#isSpent = true;
    const rest = bytesOf(this.source);
    const first = await rest.next();
    if (first.done === true) return this.#whole(new Uint8Array());
    const second = await rest.next();
    if (second.done === true) return this.#whole(first.value);
    this.#isSpent = false;
    return { head: [first.value, second.value], rest };
  }

  #whole(whole: Uint8Array): ParsedCredentials {
    this.#isSpent = false;
    return { whole };
  }

  async *#send(
    head: readonly Uint8Array[],
    rest: AsyncGenerator<Uint8Array>,
  ): AsyncGenerator<Uint8Array> {
    this.#isSpent = true;
    yield* head;
    yield* rest;
  }
}

async function* bytesOf(source: AsyncIterable<unknown>): AsyncGenerator<Uint8Array> {
  for await (const chunk of source) {
    const bytes = typeof chunk === 'string' ? Buffer.from(chunk) : chunk;
    if (!(bytes instanceof Uint8Array)) {
      throw new TypeError('A stream that is sent to Box gives Buffers or strings.');
    }
    if (bytes.byteLength > 0) yield bytes;
  }
}
