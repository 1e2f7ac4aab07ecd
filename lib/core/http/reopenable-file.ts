import { type BigIntStats, fstatSync, ReadStream } from 'node:fs';
import { open } from 'node:fs/promises';

/** A file that a stream reads, and that can be opened again. */
export class ReopenableFile {
  readonly #opened: Promise<BigIntStats | undefined>;

  /** `stream` is unread and opened by its path. */
  constructor(private readonly stream: ReadStream) {
    this.#opened = statsOf(stream);
  }

  /** Whether the stream reads a regular file. A pipe or a terminal cannot be read twice. */
  async isRegular(): Promise<boolean> {
    return (await this.#opened)?.isFile() === true;
  }

  /** Opens the part of the file that the stream reads. Returns undefined if it is another file by now, or has changed. */
  async reopen(): Promise<ReadStream | undefined> {
    const { stream } = this;
    const file = await open(stream.path).catch(() => undefined);
    if (file === undefined) return undefined;
    const before = await this.#opened;
    const now = await file.stat({ bigint: true });
    if (before === undefined || !isSameFile(before, now)) {
      await file.close();
      return undefined;
    }
    const { readableEncoding: encoding, readableHighWaterMark: highWaterMark } = stream;
    const { start, end } = rangeOf(stream);
    return file.createReadStream({
      encoding: encoding ?? undefined,
      highWaterMark,
      ...(start === undefined ? {} : { start }),
      end,
    });
  }
}

/** Whether a stream reads a file by its path, and has not been read yet. */
export function isUnreadFile(stream: object): stream is ReadStream {
  return (
    stream instanceof ReadStream &&
    (typeof stream.path === 'string' || Buffer.isBuffer(stream.path)) &&
    !stream.readableDidRead &&
    !stream.destroyed
  );
}

/** Undefined if the file cannot be opened, or is not a file of `node:fs`. Synchronous, because the stream may close the file. */
function statsOf(stream: ReadStream): Promise<BigIntStats | undefined> {
  return new Promise((resolve) => {
    const read = (fd: number) => {
      try {
        resolve(fstatSync(fd, { bigint: true }));
      } catch {
        resolve(undefined);
      }
    };
    const { fd } = rangeOf(stream);
    if (typeof fd === 'number') read(fd);
    else {
      stream.once('open', read);
      stream.once('close', () => resolve(undefined));
    }
    // Without a listener, a missing file would end the process. The reader of the stream gets the error.
    stream.on('error', () => resolve(undefined));
  });
}

function isSameFile(one: BigIntStats, other: BigIntStats): boolean {
  return (
    one.dev === other.dev &&
    one.ino === other.ino &&
    one.size === other.size &&
    one.mtimeNs === other.mtimeNs
  );
}

/** Properties of Node's stream that its types leave out. */
interface FileRange {
  readonly fd: unknown;
  readonly start: number | undefined;
  readonly end: number;
}

function rangeOf(stream: ReadStream): FileRange {
  const fd: unknown = Reflect.get(stream, 'fd');
  const start: unknown = Reflect.get(stream, 'start');
  const end: unknown = Reflect.get(stream, 'end');
  return {
    fd,
    start: typeof start === 'number' ? start : undefined,
    end: typeof end === 'number' ? end : Infinity,
  };
}
