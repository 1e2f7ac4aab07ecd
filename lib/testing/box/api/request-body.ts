import * as v from 'valibot';
import { parseJsonObject } from '../../http/http-response.js';
import { boxError } from '../box-responses.js';
import { ApiRefusal } from './api-route.js';

/** Box documents ids as strings, and also accepts numbers. */
export const boxId = v.pipe(
  v.union([v.string(), v.pipe(v.number(), v.safeInteger())]),
  v.transform(String),
  v.regex(/^\d{1,20}$/),
);

export const parentReference = v.object({ id: boxId });

export const timestamp = v.pipe(v.string(), v.isoTimestamp(), v.transform(Date.parse));

/** Parses a JSON body. */
export function readBody<Schema extends v.GenericSchema>(
  schema: Schema,
  body: Buffer | string,
): v.InferOutput<Schema> {
  const value = parseJsonObject(body.toString());
  if (!value) throw badRequest('The body is not a JSON object', []);
  const result = v.safeParse(schema, value);
  if (result.success) return result.output;
  const errors = result.issues.map((issue) => ({
    reason: issue.received === 'undefined' ? 'missing_parameter' : 'invalid_parameter',
    name: v.getDotPath(issue) ?? '',
    message: issue.message,
  }));
  throw badRequest(`Invalid ${errors.map(({ name }) => name).join(', ')}`, errors);
}

function badRequest(message: string, errors: readonly object[]): ApiRefusal {
  return new ApiRefusal(
    boxError(400, 'bad_request', `Bad Request: ${message}`, {
      ...(errors.length > 0 && { contextInfo: { errors } }),
    }),
  );
}

// Box rejects names that its clients cannot store on a disk.
const INVALID_NAME = /^\.{1,2}$|^\s|\s$|[/\\\p{Cc}]|^$/u;

/** Returns the name of an item if it follows Box's rules. */
export function validName(name: string): string {
  if (name.length > 255) {
    throw new ApiRefusal(boxError(400, 'item_name_too_long', 'Item name too long'));
  }
  if (INVALID_NAME.test(name)) {
    throw new ApiRefusal(boxError(400, 'item_name_invalid', 'Item name invalid'));
  }
  return name;
}
