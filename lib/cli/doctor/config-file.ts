import { closeSync, constants, createReadStream, fstatSync, openSync, type Stats } from 'node:fs';
import { Socket } from 'node:net';
import { resolve } from 'node:path';
import type { Readable } from 'node:stream';
import { configUnreadable, type PathOrigin } from '../../box/credentials/config-json.js';
import { decodedText } from '../../core/credentials/encoded-text.js';
import type { Runtime } from '../../core/runtime/runtime.js';

const MAX_BYTES = 1_048_576;
const TIMEOUT_MS = 10_000;

/** The content of a `config.json`. */
export interface ConfigFile {
  /** The absolute path. */
  readonly file: string;
  readonly text: string;
  /** Undefined for a pipe or a device. */
  readonly readableByOthers: boolean | undefined;
}

/** The reason why a file cannot be read, if the system has no error code for it. */
class UnreadableFile extends Error {}

/**
 * Reads a file, a pipe or a device: at most 1 MiB, within ten seconds. Call it once, as a pipe cannot be read again.
 *
 * @throws BoxAuthError `config_unreadable`
 */
export async function readConfigFileOnce(
  path: string,
  runtime: Runtime,
  origin: PathOrigin & { readonly cwd: string },
): Promise<ConfigFile> {
  const file = resolve(origin.cwd, path);
  try {
    const { stream, stats } = openForReading(file);
    const text = await readInTime(stream, runtime);
    return { file, text, readableByOthers: stats.isFile() ? isReadableByOthers(stats) : undefined };
  } catch (error) {
    throw configUnreadable(path, reasonOf(error), origin);
  }
}

/** Opens a file; the stream closes it. */
function openForReading(path: string): { readonly stream: Readable; readonly stats: Stats } {
  // Without O_NONBLOCK, opening a FIFO that has no writer would block and could not be cancelled.
  const fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  const stats = fstatSync(fd);
  // A Socket waits for a writer; a ReadStream would treat a pipe without a writer as ended.
  if (stats.isFIFO()) return { stream: new Socket({ fd, readable: true, writable: false }), stats };
  if (stats.isFile() || stats.isCharacterDevice()) {
    return { stream: createReadStream(path, { fd }), stats };
  }
  closeSync(fd);
  throw new UnreadableFile(stats.isDirectory() ? 'EISDIR' : 'it is neither a file nor a pipe');
}

async function readInTime(stream: Readable, runtime: Runtime): Promise<string> {
  const timeout = new UnreadableFile(`it does not end within ${TIMEOUT_MS} ms`);
  const cancel = runtime.schedule(() => stream.destroy(timeout), TIMEOUT_MS, { holdProcess: true });
  try {
    const chunks: Uint8Array[] = [];
    let bytes = 0;
    const content: AsyncIterable<Uint8Array> = stream;
    for await (const chunk of content) {
      bytes += chunk.byteLength;
      // Leaving the loop closes the stream.
      if (bytes > MAX_BYTES) {
        throw new UnreadableFile(`it is larger than ${MAX_BYTES} bytes`);
      }
      chunks.push(chunk);
    }
    return decodedText(Buffer.concat(chunks));
  } finally {
    cancel();
  }
}

/** Windows has no such modes: there every file seems readable by all users. */
function isReadableByOthers({ mode }: Stats): boolean {
  return process.platform !== 'win32' && (mode & 0o044) !== 0;
}

function reasonOf(error: unknown): string {
  if (error instanceof UnreadableFile) return error.message;
  return error instanceof Error && 'code' in error ? String(error.code) : 'unknown error';
}
