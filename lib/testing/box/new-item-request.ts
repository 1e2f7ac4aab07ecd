import { boxError } from './box-responses.js';
import {
  type HttpAnswer,
  isJsonObject,
  type JsonObject,
  parseJsonObject,
} from '../http/http-response.js';

export type NewItemRequest =
  | {
      readonly name: string;
      readonly parentId: string;
      readonly content?: Buffer;
      readonly contentType?: string;
    }
  | { readonly refusal: HttpAnswer };

/** Reads `{ name, parent: { id } }`: the body of a new folder, or the attributes of a new file. */
export function readNewItem(attributes: JsonObject | undefined): NewItemRequest {
  const parent = attributes?.parent;
  const name = attributes?.name;
  const parentId = isJsonObject(parent) ? parent.id : undefined;
  if (typeof name !== 'string' || typeof parentId !== 'string') {
    return refuse('bad_request', 'Bad Request: name and parent.id are required.');
  }
  // Box rejects names that its clients cannot store on a disk.
  const isValid =
    name !== '' &&
    name.length <= 255 &&
    name === name.trim() &&
    !/[/\\]/.test(name) &&
    name !== '.' &&
    name !== '..';
  return isValid ? { name, parentId } : refuse('item_name_invalid', 'Item name invalid');
}

/** Reads a multipart form: first the attributes as JSON, then the file. */
export async function readUpload({
  contentType,
  body,
}: {
  readonly contentType: string;
  readonly body: Buffer;
}): Promise<NewItemRequest> {
  const form = await parseMultipart(contentType, body);
  if (!form) return refuse('bad_request', 'Bad Request: the body is not multipart/form-data.');
  const [[firstName, attributes] = [], ...others] = form;
  if (firstName !== 'attributes' || attributes === undefined) {
    return refuse('metadata_after_file_contents', 'The attributes must come before the file.');
  }
  const file = others.map(([, value]) => value).find((value) => typeof value !== 'string');
  if (!file || typeof file === 'string') {
    return refuse('bad_request', 'Bad Request: the form has no file.');
  }
  const text = typeof attributes === 'string' ? attributes : await attributes.text();
  const item = readNewItem(parseJsonObject(text));
  return 'refusal' in item
    ? item
    : { ...item, content: Buffer.from(await file.arrayBuffer()), contentType: file.type };
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

function refuse(code: string, message: string): NewItemRequest {
  return { refusal: boxError(400, code, message) };
}
