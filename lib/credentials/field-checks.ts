import * as v from 'valibot';
import { BoxAuthError } from '../errors/box-auth.error.js';

const DOCS = 'https://developer.box.com/guides/authentication/jwt/jwt-setup/';

/** A string with something in it; `expected` says what, for the error's text. */
export const text = (expected: string) =>
  v.pipe(v.string(expected), v.trim(), v.nonEmpty(expected));

/** An id of Box: a string of digits. */
export const id = (expected: string) =>
  v.pipe(v.string(expected), v.trim(), v.regex(/^[0-9]{1,20}$/, expected));

export const passphrase = v.optional(v.string('the passphrase of the private key, as a string'));

/**
 * Checks `input` against `schema`, whose messages say what each field is expected to be.
 *
 * @throws BoxAuthError `config_invalid`, with a line for every field that is wrong: its name, what was found (its kind,
 * never its value) and what is expected.
 */
export function checked<const S extends v.GenericSchema>(
  schema: S,
  input: unknown,
  where: string,
): v.InferOutput<S> {
  const result = v.safeParse(schema, input);
  if (result.success) {
    return result.output;
  }
  const mistakes = result.issues.map((issue) => describeMistake(issue, input));
  throw configInvalid(
    `${where} is not as Box makes it:\n${mistakes.map((line) => `  - ${line}`).join('\n')}`,
  );
}

export function configInvalid(message: string, cause?: unknown): BoxAuthError {
  return new BoxAuthError({
    code: 'config_invalid',
    message,
    hint: 'Download config.json again from the Configuration tab of the Box developer console, or mend the fields named above.',
    docs: DOCS,
    cause,
  });
}

function describeMistake(issue: v.BaseIssue<unknown>, input: unknown): string {
  const path = v.getDotPath(issue) ?? '';
  const field = path === '' ? 'the whole' : path;
  if (issue.type === 'strict_object' && issue.expected === 'never') {
    return `${field}: not a field that is known here; ${issue.message}`;
  }
  const found = describeFound(issue.input);
  const lookalike = issue.input === undefined ? lookalikeOf(path, input) : undefined;
  const instead = lookalike === undefined ? '' : ` (there is "${lookalike}": mind the spelling)`;
  return `${field}: expected ${issue.message}, found ${found}${instead}`;
}

/** The kind of a value, not the value: it may be a secret in the wrong place. */
function describeFound(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (value === null) return 'null';
  if (typeof value === 'string')
    return value.trim() === '' ? 'an empty string' : `a string of ${value.length} characters`;
  if (Array.isArray(value)) return 'a list';
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`;
}

/** `clientId` where `clientID` belongs is the commonest mistake of all (box-node-sdk #516). */
function lookalikeOf(path: string, input: unknown): string | undefined {
  const parts = path.split('.');
  const wanted = plain(parts.pop() ?? '');
  let parent: unknown = input;
  for (const part of parts) {
    parent = isRecord(parent) ? parent[part] : undefined;
  }
  return isRecord(parent) ? Object.keys(parent).find((key) => plain(key) === wanted) : undefined;
}

function plain(name: string): string {
  return name.toLowerCase().replace(/[^a-z0-9]/g, '');
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
