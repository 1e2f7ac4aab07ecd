import * as v from 'valibot';
import { describeValue, isRecord, normalizedName } from '../credentials/field-checks.js';
import { BoxAuthError } from '../errors/box-auth.error.js';
import { isLoopback } from '../http/url-rules.js';

const DOCS = 'https://docs.nestjs.com/modules#dynamic-modules';

const ABSOLUTE_URL = 'an absolute URL, with https:// before the host';

/** A URL that may receive tokens: https, or plain http on loopback. */
export const secureUrl = v.pipe(
  v.string(ABSOLUTE_URL),
  v.check((value) => !/^["']/.test(value), 'a URL without quotes around it'),
  // The URL parser drops line breaks and tabs: the checks below would not see the text that was configured.
  v.check((value) => !/[\s\p{Cc}]/u.test(value.trim()) && URL.canParse(value), ABSOLUTE_URL),
  v.transform((value) => new URL(value)),
  v.check(({ protocol }) => /^https?:$/.test(protocol), ABSOLUTE_URL),
  v.check(
    ({ username, password, search, hash }) => `${username}${password}${search}${hash}` === '',
    'an absolute URL without user, query or fragment',
  ),
  v.check(
    ({ protocol, hostname }) => protocol === 'https:' || isLoopback(hostname),
    'an https URL, as plain http would expose tokens (it is accepted on loopback only)',
  ),
);

export const booleanOption = v.boolean('true or false');

export const functionOption = <T>() =>
  v.custom<T>((value) => typeof value === 'function', 'a function');

/** A choice of these strings. */
export const choiceOption = <const T extends readonly string[]>(choices: T) =>
  v.picklist(choices, choices.map((choice) => `'${choice}'`).join(' or '));

/** An object with these methods. The parsed value is the same object. */
export const objectWithMethods = <T extends object>(...methods: readonly (keyof T & string)[]) =>
  v.custom<T>(
    (value) =>
      ((typeof value === 'object' && value !== null) || typeof value === 'function') &&
      methods.every((name) => typeof Reflect.get(value, name) === 'function'),
    `an object with the methods ${methods.join(', ')}`,
  );

/**
 * Checks one option.
 *
 * @throws BoxAuthError `option_invalid`
 */
export function parseOption<const S extends v.GenericSchema>(
  schema: S,
  name: string,
  value: unknown,
): v.InferOutput<S> {
  const result = v.safeParse(schema, value);
  if (result.success) return result.output;
  throw invalidOption(name, result.issues[0].message, value);
}

/**
 * Checks options against an `optionGroup` and fills in its defaults. `extraOptionNames` are options that are set in the same
 * object and checked elsewhere.
 *
 * @throws BoxAuthError `option_invalid`, naming the option
 */
export function parseOptions<const S extends v.GenericSchema>(
  schema: S,
  options: unknown,
  extraOptionNames: readonly string[] = [],
): v.InferOutput<S> {
  const result = v.safeParse(schema, options);
  if (result.success) return result.output;
  const unknown = result.issues.find(({ expected }) => expected === 'never');
  const issue = unknown ?? result.issues[0];
  const path = issue.path ?? [];
  const name = nameOf(path.map(({ key }) => key));
  if (issue === unknown) {
    const known = issue.message.split(', ');
    throw unknownOption(name, path.length === 1 ? [...known, ...extraOptionNames] : known);
  }
  throw invalidOption(name, issue.message, path.at(-1)?.value);
}

/** The name of an option, such as `renewal.windowRatio` or `origins[0]`. */
function nameOf(keys: readonly unknown[]): string {
  return keys
    .map((key, index) =>
      typeof key === 'number' ? `[${key}]` : `${index === 0 ? '' : '.'}${String(key)}`,
    )
    .join('');
}

/**
 * Checks that the options are an object. `owner` is the function that received or returned them.
 *
 * @throws BoxAuthError `option_invalid`
 */
export function checkOptions(owner: string, options: unknown): void {
  if (isRecord(options)) return;
  throw optionError(
    `Invalid options of ${owner}: expected an object, received ${describeValue(options)}.`,
    `Pass an object to ${owner}, or nothing if the environment has all settings.`,
  );
}

function unknownOption(name: string, known: readonly string[]): BoxAuthError {
  const lastName = name.slice(name.lastIndexOf('.') + 1);
  const meant = known.find((other) => normalizedName(other) === normalizedName(lastName));
  return optionError(
    `Unknown option \`${name}\`. Known options: ${known.join(', ')}.`,
    meant === undefined
      ? `Remove \`${name}\`, or replace it with the option that you meant.`
      : `Did you mean \`${meant}\`? Write it instead of \`${lastName}\`.`,
  );
}

/** Shows a received number, but only the kind of any other value: a string may be a secret in the wrong option. */
export function invalidOption(name: string, expected: string, received: unknown): BoxAuthError {
  const shown = typeof received === 'number' ? String(received) : describeValue(received);
  return optionError(
    `Invalid \`${name}\`: expected ${expected}, received ${shown}.`,
    `Correct \`${name}\` where the options are passed, or returned by a factory.`,
  );
}

export function optionError(message: string, hint: string): BoxAuthError {
  return new BoxAuthError({ code: 'option_invalid', message, hint, docs: DOCS });
}
