import type { Readable } from 'node:stream';
import { BoxSdkError } from 'box-node-sdk/box/errors';
import type { MultipartItem } from 'box-node-sdk/networking';
import { sdToJson } from 'box-node-sdk/serialization/json';
import type { StreamContent } from './call-streams.js';

/** Encodes a form (RFC 7578), in the order of its parts. Returns bytes if all parts are in memory, else chunks. */
export async function multipartForm(
  items: readonly MultipartItem[],
  boundary: string,
  open: (source: Readable) => Promise<StreamContent>,
): Promise<StreamContent> {
  const pieces: StreamContent[] = [];
  for (const item of items) {
    pieces.push(Buffer.from(`--${boundary}\r\n${partHead(item)}\r\n\r\n`));
    pieces.push(await partBody(item, open), Buffer.from('\r\n'));
  }
  pieces.push(Buffer.from(`--${boundary}--\r\n`));
  const inMemory = pieces.filter((piece) => piece instanceof Uint8Array);
  return inMemory.length === pieces.length ? Buffer.concat(inMemory) : concatenated(pieces);
}

async function partBody(
  { data, fileStream }: MultipartItem,
  open: (source: Readable) => Promise<StreamContent>,
): Promise<StreamContent> {
  if (fileStream !== undefined) return open(fileStream);
  if (data != null) return Buffer.from(sdToJson(data));
  throw new BoxSdkError({ message: 'Multipart item must have either body or fileStream' });
}

function partHead({ partName, fileStream, fileName = 'file', contentType }: MultipartItem): string {
  const disposition = `Content-Disposition: form-data; name="${escapeName(partName)}"`;
  return fileStream === undefined
    ? disposition
    : `${disposition}; filename="${escapeName(fileName)}"\r\nContent-Type: ${mediaType(contentType)}`;
}

/** Escapes a name, so that it cannot end its header or begin another: https://html.spec.whatwg.org/#multipart-form-data. */
function escapeName(name: string): string {
  return name.replace(/\n/g, '%0A').replace(/\r/g, '%0D').replace(/"/g, '%22');
}

function mediaType(contentType: string | undefined): string {
  return contentType !== undefined && /^[\x20-\x7e]+$/.test(contentType)
    ? contentType
    : 'application/octet-stream';
}

async function* concatenated(pieces: readonly StreamContent[]): AsyncGenerator<Uint8Array> {
  for (const piece of pieces) {
    if (piece instanceof Uint8Array) yield piece;
    else yield* piece;
  }
}
