import * as v from 'valibot';
import { redact } from '../errors/redact.js';
import { configInvalid, type CredentialsHelp, type FieldNames } from './credentials-errors.js';

/** What `keygen` writes into a field that it cannot know. */
export const PLACEHOLDER_PREFIX = 'TO BE FILLED IN: ';
const NOT_FILLED_IN = 'that it is still to be filled in';
const HOW_TO_FILL_IN =
  'Fill in what is named above: npx nestjs-box-auth doctor, with the path of the file, says where each is found.';

/** A string with something in it; `expected` says what, for the error's text. */
export const text = (expected: string) =>
  v.pipe(
    v.string(expected),
    v.trim(),
    v.nonEmpty(expected),
    v.check((value) => !value.startsWith(PLACEHOLDER_PREFIX), expected),
  );

/** A client id or secret: visible ASCII and spaces (RFC 6749 appendices A.1 and A.2). */
export const asciiText = (expected: string) =>
  v.pipe(text(expected), v.regex(/^[\x20-\x7e]+$/, expected));

const MAX_TOKEN_LENGTH = 8192;

/** Whether a token consists of visible ASCII only, so that a header can carry it unchanged. */
export function isTokenValue(value: unknown): value is string {
  return (
    typeof value === 'string' && value.length <= MAX_TOKEN_LENGTH && /^[\x21-\x7e]+$/.test(value)
  );
}

/** A token that a header can carry. */
export const bearerToken = (expected: string) =>
  v.pipe(
    text(expected),
    v.check((value) => isTokenValue(value), expected),
  );

/**
 * What an object schema says: of a field that is missing, that field's own words; otherwise what the `whole` should be.
 * Needed because valibot asks the object, not the field, about what is not there.
 */
export function missingFieldMessage(
  entries: Readonly<Record<string, v.GenericSchema>>,
  whole: string,
) {
  return (issue: v.BaseIssue<unknown>): string => {
    const field = entries[String(issue.path?.at(-1)?.key)];
    if (field === undefined) return whole;
    return v.safeParse(field, undefined).issues?.[0].message ?? whole;
  };
}

export const passphrase = v.optional(v.string('the passphrase of the private key, as a string'));

/**
 * Checks `input` against `schema`, whose messages say what each field is expected to be.
 *
 * @throws BoxAuthError `config_invalid`, with a line for every field that is wrong: its name, what was found (its kind,
 * never its value) and what is expected.
 */
export function checkFields<const S extends v.GenericSchema>(
  schema: S,
  input: unknown,
  fieldNames: FieldNames,
  advice: CredentialsHelp,
): v.InferOutput<S> {
  const result = v.safeParse(schema, input);
  if (result.success) {
    return result.output;
  }
  // Several checks of one field have the same words.
  const mistakes = [
    ...new Set(result.issues.map((issue) => describeMistake(issue, input, fieldNames))),
  ];
  const isSkeleton = mistakes.some((line) => line.includes(NOT_FILLED_IN));
  throw configInvalid(
    `${fieldNames.whole} is not as it should be:\n${mistakes.map((line) => `  - ${line}`).join('\n')}`,
    { ...advice, hint: isSkeleton ? HOW_TO_FILL_IN : (fieldNames.hint ?? advice.hint) },
  );
}

function describeMistake(
  issue: v.BaseIssue<unknown>,
  input: unknown,
  fieldNames: FieldNames,
): string {
  const path = v.getDotPath(issue) ?? '';
  const field = path === '' ? 'the whole' : fieldNames.listed(path);
  if (issue.expected === 'never') {
    return `${field}: not a field that is known here; ${issue.message}`;
  }
  const value = valueAt(path, input);
  const found = describeFound(value);
  const lookalike = value === undefined ? lookalikeOf(path, input) : undefined;
  const instead =
    lookalike === undefined ? '' : ` (there is "${redact(lookalike, [], 40)}": mind the spelling)`;
  return `${field}: expected ${issue.message}, found ${found}${instead}`;
}

/** The kind of a value, not the value: it may be a secret in the wrong place. */
function describeFound(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (value === null) return 'null';
  if (typeof value === 'string') {
    if (value.startsWith(PLACEHOLDER_PREFIX)) return NOT_FILLED_IN;
    if (value.trim() === '') return 'an empty string';
    if (/^\s*0+\s*$/.test(value))
      return 'only zeros, as in the config.json of an account without an enterprise';
    return `a string of ${value.length} characters${describeOddCharacter(value.trim())}`;
  }
  if (Array.isArray(value)) return 'a list';
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`;
}

/** The first character that cannot be in a token, an id or a secret: its kind, as the character may be part of a secret. */
function describeOddCharacter(value: string): string {
  const index = value.search(/[^\x21-\x7e]/);
  if (index === -1) return '';
  const character = value.charAt(index);
  const kind = /[\r\n]/.test(character)
    ? 'a line break'
    : /\p{Cc}/u.test(character)
      ? 'a control character'
      : /\s/.test(character)
        ? 'a space'
        : 'a character outside ASCII';
  return ` with ${kind} at position ${index + 1}`;
}

/** `clientId` where `clientID` belongs is the commonest mistake of all (box-node-sdk #516). */
function lookalikeOf(path: string, input: unknown): string | undefined {
  const parent = valueAt(path.split('.').slice(0, -1).join('.'), input);
  const name = path.slice(path.lastIndexOf('.') + 1);
  return isRecord(parent)
    ? Object.keys(parent).find((key) => key !== name && plain(key) === plain(name))
    : undefined;
}

function valueAt(path: string, input: unknown): unknown {
  let value = input;
  for (const part of path === '' ? [] : path.split('.')) {
    value = isRecord(value) ? value[part] : undefined;
  }
  return value;
}

/** A name as one might have mistyped it. */
export function plain(name: string): string {
  return name.toLowerCase().replace(/[^a-z0-9]/g, '');
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
