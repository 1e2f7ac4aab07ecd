import { createHash } from 'node:crypto';
import { boxError } from '../box-responses.js';
import { ApiRefusal, headerOf, type RouteCall } from './api-route.js';

export interface UploadForm {
  /** JSON. */
  readonly attributes: string;
  readonly content: Buffer;
  readonly contentType: string;
}

/** Reads the multipart form of an upload: first the attributes as JSON, then the file. */
export async function readUploadForm(call: RouteCall): Promise<UploadForm> {
  const form = await parseMultipart(headerOf(call, 'content-type') ?? '', call.body);
  if (!form) refuse('bad_request', 'Bad Request: the body is not multipart/form-data.');
  const [[firstName, attributes] = [], ...others] = form;
  if (firstName !== 'attributes' || attributes === undefined) {
    refuse(
      'metadata_after_file_contents',
      'Metadata is included after file contents in a file upload request.',
    );
  }
  const file = others.map(([, value]) => value).find((value) => typeof value !== 'string');
  if (!file || typeof file === 'string') {
    refuse('bad_request', 'Bad Request: the form has no file.');
  }
  const content = Buffer.from(await file.arrayBuffer());
  checkDigest(call, content);
  const text = typeof attributes === 'string' ? attributes : await attributes.text();
  return { attributes: text, content, contentType: file.type };
}

/** Despite its name, the header `content-md5` of an upload has the SHA-1 hash, in hexadecimal. */
function checkDigest(call: RouteCall, content: Buffer): void {
  const expected = headerOf(call, 'content-md5');
  if (expected === undefined) return;
  const sha1 = createHash('sha1').update(content).digest('hex');
  if (expected.toLowerCase() !== sha1) {
    refuse('bad_digest', 'The specified content-md5 did not match what we received');
  }
}

async function parseMultipart(contentType: string, body: Buffer) {
  if (!contentType.toLowerCase().startsWith('multipart/form-data')) return undefined;
  try {
    return await new Response(new Uint8Array(body), {
      headers: { 'content-type': contentType },
    }).formData();
  } catch {
    return undefined;
  }
}

function refuse(code: string, message: string): never {
  throw new ApiRefusal(boxError(400, code, message));
}
