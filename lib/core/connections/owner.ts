import { createHash } from 'node:crypto';
import { BoxAuthError } from '../errors/box-auth.error.js';

const MAX_LENGTH = 255;
const DOCS = 'https://datatracker.ietf.org/doc/html/rfc6749#section-10.12';

/**
 * Checks the app's own id of a person.
 *
 * @throws BoxAuthError `owner_invalid`
 */
export function checkedOwner(owner: unknown): string {
  if (owner !== '' && isName(owner)) return owner;
  throw new BoxAuthError({
    code: 'owner_invalid',
    message: `Invalid owner: expected a string of 1 to ${MAX_LENGTH} characters, received ${described(owner)}.`,
    hint: 'Pass your own id of the signed-in person. Reject requests of people who are not signed in.',
    docs: DOCS,
  });
}

/**
 * Checks the label of one of several connections of an owner.
 *
 * @throws BoxAuthError `option_invalid`
 */
export function checkedLabel(label: unknown = ''): string {
  if (isName(label)) return label;
  throw new BoxAuthError({
    code: 'option_invalid',
    message: `Invalid \`label\`: expected a string of at most ${MAX_LENGTH} characters, received ${described(label)}.`,
    hint: 'Use a label only if one person connects several accounts, such as "work" and "private".',
    docs: DOCS,
  });
}

/**
 * Checks the value that only the browser of the person has, and returns its hash.
 *
 * @throws BoxAuthError `option_invalid`
 */
export function hashOfBinding(binding: unknown): string {
  if (typeof binding === 'string' && binding !== '') return hashOf(binding);
  throw new BoxAuthError({
    code: 'option_invalid',
    message: `Invalid \`binding\`: expected a string that is not empty, received ${described(binding)}.`,
    hint: 'Pass a value that only this browser has, such as the id of its session. Without a session, set a random cookie first.',
    docs: DOCS,
  });
}

/**
 * Checks the path to return to after the sign-in. Without the check, a link could lead through this app to any other site.
 *
 * @throws BoxAuthError `return_to_invalid`
 */
export function checkedReturnTo(returnTo: unknown): string | undefined {
  if (returnTo === undefined) return undefined;
  if (typeof returnTo === 'string' && isLocalPath(returnTo)) return returnTo;
  throw new BoxAuthError({
    code: 'return_to_invalid',
    message: `Invalid \`returnTo\`: expected a path of this app, such as "/files", received ${described(returnTo)}.`,
    hint: 'Pass a path that begins with one slash, without a host, a backslash or a control character.',
    docs: 'https://datatracker.ietf.org/doc/html/rfc9700#section-4.11',
  });
}

/** SHA-256 as base64url: 43 characters. */
export function hashOf(text: string): string {
  return createHash('sha256').update(text).digest('base64url');
}

/** Browsers read a backslash as a slash, and drop tabs and line breaks: "/\t/evil.example" is another host. */
function isLocalPath(text: string): boolean {
  return text.length <= 2_048 && /^\/(?!\/)/.test(text) && !/[\\\p{Cc}\p{Cs}]/u.test(text);
}

/** Databases cannot store a null character or half of a surrogate pair. */
function isName(value: unknown): value is string {
  return typeof value === 'string' && value.length <= MAX_LENGTH && !/[\0\p{Cs}]/u.test(value);
}

/** Describes a value without showing it. */
function described(value: unknown): string {
  if (typeof value === 'string') {
    return value === '' ? 'an empty string' : `another string of ${value.length} characters`;
  }
  return value === null ? 'null' : `a value of type ${typeof value}`;
}
