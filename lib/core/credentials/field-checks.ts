import * as v from 'valibot';
import { redact } from '../errors/redact.js';
import { configInvalid, type CredentialsHelp, type FieldNames } from './credentials-errors.js';

/** The text that `keygen` writes into a field whose value it cannot know. */
export const PLACEHOLDER_PREFIX = 'TO BE FILLED IN: ';
const PLACEHOLDER = 'a placeholder that is still to be filled in';
const PLACEHOLDER_HINT =
  'Fill in the fields above. npx nestjs-box-auth doctor, with the path of the file, shows where to find each value.';

const MAX_TOKEN_LENGTH = 8192;

/** A string that is not blank. `expected` describes it in errors. */
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

/** A token that fits into a header. */
export const bearerToken = (expected: string) =>
  v.pipe(
    text(expected),
    v.check((value) => isTokenValue(value), expected),
  );

export const passphrase = v.optional(v.string('the passphrase of the private key, as a string'));

/** Whether a token consists of visible ASCII only, so that a header can carry it unchanged. */
export function isTokenValue(value: unknown): value is string {
  return (
    typeof value === 'string' && value.length <= MAX_TOKEN_LENGTH && /^[\x21-\x7e]+$/.test(value)
  );
}

/** A number of a range that includes both ends. */
export const numberBetween = (min: number, max: number) => {
  const expected = `a number from ${min} to ${max}`;
  return v.pipe(v.number(expected), v.minValue(min, expected), v.maxValue(max, expected));
};

/** A whole number of a range that includes both ends. */
export const wholeNumberBetween = (min: number, max: number) => {
  const expected = `a whole number from ${min} to ${max}`;
  return v.pipe(
    v.number(expected),
    v.safeInteger(expected),
    v.minValue(min, expected),
    v.maxValue(max, expected),
  );
};

/** An object with these options and no others. Its issue for an unknown name lists the known ones, separated by commas. */
export const optionGroup = <const E extends v.ObjectEntries>(entries: E) =>
  v.pipe(
    v.custom<v.InferInput<v.StrictObjectSchema<E, string>>>(isRecord, 'an object'),
    v.strictObject(entries, Object.keys(entries).join(', ')),
  );

/** Checks that one number of a group is not greater than another one. */
export function notAbove<T extends Readonly<Record<string, number>>>(
  smaller: keyof T & string,
  larger: keyof T & string,
) {
  return v.rawCheck<T>(({ dataset, addIssue }) => {
    if (!dataset.typed) return;
    const { [smaller]: value = 0, [larger]: limit = 0 } = dataset.value;
    if (value <= limit) return;
    addIssue({
      message: `at most \`${larger}\`, which is ${limit}`,
      path: [{ type: 'object', origin: 'value', input: dataset.value, key: smaller, value }],
    });
  });
}

/**
 * The message of an object schema: for a missing field the message of that field's own schema, otherwise `whole`. Valibot
 * takes the message for a missing field from the object.
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

/**
 * Checks `input` against `schema`, whose messages describe what each field should be.
 *
 * @throws BoxAuthError `config_invalid`, with a line for every wrong field: its name, what was expected, and the kind of
 * what was received (never the value).
 */
export function checkFields<const S extends v.GenericSchema>(
  schema: S,
  input: unknown,
  fieldNames: FieldNames,
  help: CredentialsHelp,
): v.InferOutput<S> {
  const result = v.safeParse(schema, input);
  if (result.success) {
    return result.output;
  }
  // Several checks of one field share a message.
  const problems = [
    ...new Set(result.issues.map((issue) => describeIssue(issue, input, fieldNames))),
  ];
  const hasPlaceholder = problems.some((line) => line.includes(PLACEHOLDER));
  throw configInvalid(
    `Invalid ${fieldNames.whole}:\n${problems.map((line) => `  - ${line}`).join('\n')}`,
    { ...help, hint: hasPlaceholder ? PLACEHOLDER_HINT : (fieldNames.hint ?? help.hint) },
  );
}

function describeIssue(
  issue: v.BaseIssue<unknown>,
  input: unknown,
  fieldNames: FieldNames,
): string {
  const path = v.getDotPath(issue) ?? '';
  const field = path === '' ? '' : `${fieldNames.listed(path)}: `;
  if (issue.expected === 'never') {
    return `${field}unknown field; ${issue.message}`;
  }
  const value = valueAt(path, input);
  const misspelling = value === undefined ? misspellingOf(path, input) : undefined;
  const suggestion =
    misspelling === undefined ? '' : ` (check the spelling of "${redact(misspelling, [], 40)}")`;
  return `${field}expected ${issue.message}, received ${describeValue(value)}${suggestion}`;
}

/** Describes the kind of a value. The value itself is not shown: it may be a secret in the wrong field. */
export function describeValue(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (value === null) return 'null';
  if (typeof value === 'string') {
    if (value.startsWith(PLACEHOLDER_PREFIX)) return PLACEHOLDER;
    if (value.trim() === '') return 'an empty string';
    if (/^\s*0+\s*$/.test(value)) return 'only zeros, as an account without an enterprise has';
    return `a string of ${value.length} character${value.length === 1 ? '' : 's'}${describeOddCharacter(value.trim())}`;
  }
  if (Array.isArray(value)) return 'a list';
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`;
}

/** The kind of the first character that no token, id or secret has. The character itself may be part of a secret. */
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

/** `clientId` instead of `clientID` is the most common mistake: https://github.com/box/box-node-sdk/issues/516. */
function misspellingOf(path: string, input: unknown): string | undefined {
  const parent = valueAt(path.split('.').slice(0, -1).join('.'), input);
  const name = path.slice(path.lastIndexOf('.') + 1);
  return isRecord(parent)
    ? Object.keys(parent).find(
        (key) => key !== name && normalizedName(key) === normalizedName(name),
      )
    : undefined;
}

function valueAt(path: string, input: unknown): unknown {
  let value = input;
  for (const part of path === '' ? [] : path.split('.')) {
    value = isRecord(value) ? value[part] : undefined;
  }
  return value;
}

/** A name without capitals and punctuation, to recognize a misspelled one. */
export function normalizedName(name: string): string {
  return name.toLowerCase().replace(/[^a-z0-9]/g, '');
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
