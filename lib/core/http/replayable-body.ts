import type { ReadStream } from 'node:fs';
import { Readable } from 'node:stream';
import { BoxAuthError } from '../errors/box-auth.error.js';
import type { MaybePromise } from '../runtime/maybe-promise.js';
import {
  type AnyStream,
  isNodeStream,
  isStream,
  KeptStream,
  streamLike,
  wholeOf,
} from './kept-stream.js';
import { isUnreadFile, ReopenableFile } from './reopenable-file.js';

/** A body, or a function that returns one for each attempt. */
export type BodyOrFactory<T> = T | (() => MaybePromise<T>);

/**
 * The body of a call, which may take several attempts. Each attempt gets its body from `open`. `finish` or `cancel` free
 * the bytes that are kept for another attempt.
 */
export interface ReplayableBody<T> {
  /** Whether attempts send a stream: it is not in memory, and must not be copied there. */
  readonly isStream: boolean;
  /** Whether it may take long to send: a stream, or more than 1 MiB. */
  readonly isLong: boolean;
  /** Whether `open` may be called again. It finds out itself whether a file has changed. */
  readonly canReplay: boolean;
  /**
   * Returns the body for the next attempt, of the same kind as the original one. Ends the previous attempt.
   *
   * @throws BoxAuthError `body_not_replayable` if another attempt is not possible
   */
  open(): MaybePromise<T>;
  /**
   * Ends the previous attempt now, although the next one begins later. Returns false if another attempt is not possible, and
   * then does nothing.
   */
  prepareReplay(): MaybePromise<boolean>;
  /** The call has its response: there will be no other attempt, but this one may read on. */
  finish(): void;
  /** The call failed: ends the stream. */
  cancel(reason?: unknown): void;
}

/**
 * Wraps a body so that it can be sent again. Strings, buffers, Blobs and forms always can. Of a stream, up to `maxBytes` are
 * kept while it is sent. An unread stream of a file is opened again. A function is called for each attempt.
 */
export function replayableBody<T>(body: BodyOrFactory<T>, maxBytes: number): ReplayableBody<T> {
  if (isFactory(body)) return new FactoryBody(body);
  if (!isConsumedBySending(body)) return new ValueBody(body);
  return isUnreadFile(body) ? new FileBody(body, maxBytes) : new StreamBody(body, maxBytes);
}

/** A longer body may take long to send. */
export const LONG_BODY_BYTES = 1024 * 1024;

/** Values that are iterable, and can be sent again. Compared by tag: the classes may be those of undici or of the platform. */
const VALUE_TAG =
  /^\[object (?:URLSearchParams|FormData|Blob|File|ArrayBuffer|SharedArrayBuffer)\]$/;

function isFactory<T>(body: BodyOrFactory<T>): body is () => MaybePromise<T> {
  return typeof body === 'function';
}

/** Whether a body can be read only once. */
export function isConsumedBySending<T>(body: T): body is T & AnyStream {
  if (!isStream(body) || ArrayBuffer.isView(body) || isUsed(body)) return false;
  // The `form-data` package's stream has the tag FormData.
  return isNodeStream(body) || !VALUE_TAG.test(Object.prototype.toString.call(body));
}

/** Clients reject a web stream that was read already. */
function isUsed(body: AnyStream): boolean {
  if (!(body instanceof ReadableStream)) return false;
  const stream: unknown = body;
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- it accepts web streams, too, but its type does not
  return body.locked || Readable.isDisturbed(stream as Readable);
}

class ValueBody<T> implements ReplayableBody<T> {
  readonly isStream = false;
  readonly canReplay = true;

  constructor(private readonly value: T) {}

  get isLong(): boolean {
    return byteLengthOf(this.value) > LONG_BODY_BYTES;
  }

  open(): T {
    return this.value;
  }

  prepareReplay(): boolean {
    return true;
  }

  finish(): void {
    // Nothing is kept.
  }

  cancel(): void {
    // Nothing is kept.
  }
}

class FactoryBody<T> implements ReplayableBody<T> {
  readonly isStream = true;
  readonly isLong = true;
  readonly canReplay = true;

  constructor(private readonly create: () => MaybePromise<T>) {}

  async open(): Promise<T> {
    return this.create();
  }

  prepareReplay(): boolean {
    return true;
  }

  finish(): void {
    // The client owns each body.
  }

  cancel(): void {
    // The client owns each body.
  }
}

class StreamBody<T> implements ReplayableBody<T> {
  readonly isStream = true;
  readonly isLong = true;
  readonly #kept: KeptStream;
  #sent: AnyStream | undefined;
  /** The body of the next attempt, if that was prepared. */
  #prepared: T | undefined;
  #wasRead = false;
  /** All of the stream, if its end was known at the first read. */
  #whole: string | Buffer | undefined;

  constructor(
    private readonly stream: T & AnyStream,
    private readonly maxBytes: number,
  ) {
    this.#kept = new KeptStream(stream, maxBytes);
  }

  get canReplay(): boolean {
    return this.#sent === undefined || this.#whole !== undefined || this.#kept.canRestart;
  }

  open(): T {
    const prepared = this.#prepared;
    this.#prepared = undefined;
    if (prepared !== undefined) return prepared;
    if (!this.canReplay) throw bodyNotReplayable(`a stream of more than ${this.maxBytes} bytes`);
    const previous = this.#sent;
    const next = streamLike(this.stream, this.#kept.read(), () => this.#readWhole());
    this.#sent = next;
    if (previous instanceof Readable) previous.destroy();
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- it is of the same kind
    return next as T;
  }

  prepareReplay(): boolean {
    if (!this.canReplay) return false;
    this.#prepared = this.open();
    return true;
  }

  #readWhole(): string | Buffer | undefined {
    if (!this.#wasRead) {
      this.#wasRead = true;
      this.#whole = wholeOf(this.stream, this.maxBytes);
    }
    return this.#whole;
  }

  finish(): void {
    this.#whole = undefined;
    this.#kept.finish();
  }

  cancel(reason?: unknown): void {
    this.#kept.cancel(reason);
  }
}

/** A file. If it is not a regular file, such as a pipe, it is a stream like any other. */
class FileBody<T> implements ReplayableBody<T> {
  readonly isStream = true;
  readonly isLong = true;
  readonly #file: ReopenableFile;
  #sent: ReadStream | undefined;
  /** The stream of the next attempt, if that was prepared. */
  #prepared: T | undefined;
  #stream: StreamBody<T> | undefined;

  constructor(
    private readonly source: T & ReadStream,
    private readonly maxBytes: number,
  ) {
    this.#file = new ReopenableFile(source);
  }

  get canReplay(): boolean {
    return this.#stream?.canReplay ?? true;
  }

  async open(): Promise<T> {
    const prepared = this.#prepared;
    this.#prepared = undefined;
    if (prepared !== undefined) return prepared;
    if (this.#sent !== undefined) {
      const next = await this.#reopen(this.#sent);
      if (next === undefined) throw bodyNotReplayable('a file that has changed');
      return next;
    }
    if (!(await this.#file.isRegular())) {
      this.#stream ??= new StreamBody(this.source, this.maxBytes);
      return this.#stream.open();
    }
    this.#sent = this.source;
    return this.source;
  }

  async prepareReplay(): Promise<boolean> {
    if (this.#sent === undefined) return this.#stream?.prepareReplay() ?? true;
    this.#prepared = await this.#reopen(this.#sent);
    return this.#prepared !== undefined;
  }

  /** Undefined if the file has changed. */
  async #reopen(previous: ReadStream): Promise<(T & ReadStream) | undefined> {
    const next = await this.#file.reopen();
    if (next === undefined) return undefined;
    previous.destroy();
    this.#sent = next;
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- it is of the same class
    return next as T & ReadStream;
  }

  finish(): void {
    this.#stream?.finish();
  }

  cancel(reason?: unknown): void {
    this.#stream?.cancel(reason);
    (this.#sent ?? this.source).destroy();
  }
}

/** Returns the size of a value; of a form that of its parts, which is less. 0 if it is unknown. */
export function byteLengthOf(value: unknown): number {
  if (typeof value === 'string') return Buffer.byteLength(value);
  if (typeof value !== 'object' || value === null) return 0;
  if (value instanceof URLSearchParams) return Buffer.byteLength(String(value));
  if ('byteLength' in value && typeof value.byteLength === 'number') return value.byteLength;
  if (value instanceof FormData) {
    return [...value].reduce((sum, [, part]) => sum + byteLengthOf(part), 0);
  }
  return 'size' in value && typeof value.size === 'number' ? value.size : 0;
}

/** The error of a call whose token was refused, and whose body cannot be sent again. The next call gets a new token. */
export function bodyNotReplayable(body: string): BoxAuthError {
  return new BoxAuthError({
    code: 'body_not_replayable',
    message: `The token of this call was refused and has been refreshed, but the call cannot be repeated: its body was ${body}.`,
    hint: 'Make the call again with a new stream. Calls are repeated automatically if the body is a function that returns a new stream, a string, a Buffer, a Blob, FormData, or a stream of up to `replayBufferBytes`.',
    docs: 'https://fetch.spec.whatwg.org/#http-network-or-cache-fetch',
    retryable: true,
    status: 401,
  });
}
