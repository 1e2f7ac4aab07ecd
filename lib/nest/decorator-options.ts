import { describeValue } from '../box/acting-user.js';
import { boxDocs } from '../box/box-docs.js';
import { isRecord } from '../core/credentials/field-checks.js';
import { BoxAuthError } from '../core/errors/box-auth.error.js';

/** A decorator with options, as its error messages show it. */
export interface DecoratorUsage {
  /** With the `@`. */
  readonly decorator: string;
  readonly optionNames: readonly string[];
  /** How to write it. */
  readonly usage: string;
}

/**
 * Checks the options of a decorator strictly: a typo must not select the default, and `optional: 'false'` must not count as
 * true. Returns the options, with `optional` as a boolean.
 *
 * @throws BoxAuthError `option_invalid`
 */
export function checkedDecoratorOptions(
  options: unknown,
  decorator: DecoratorUsage,
): Readonly<Record<string, unknown>> & { readonly optional: boolean } {
  const { decorator: name, optionNames } = decorator;
  if (!isRecord(options)) {
    const received = describeValue(options);
    throw invalid(
      `Invalid options of ${name}: expected an object, received ${received}.`,
      decorator,
    );
  }
  const unknown = Object.keys(options).find((option) => !optionNames.includes(option));
  if (unknown !== undefined) {
    const known = optionNames.join(', ');
    throw invalid(`Unknown option \`${unknown}\` of ${name}. Known options: ${known}.`, decorator);
  }
  const { optional = false } = options;
  if (typeof optional === 'boolean') return { ...options, optional };
  const received = describeValue(optional);
  throw invalid(
    `Invalid option \`optional\` of ${name}: expected true or false, received ${received}.`,
    decorator,
  );
}

function invalid(message: string, { usage }: DecoratorUsage): BoxAuthError {
  return new BoxAuthError({
    code: 'option_invalid',
    message,
    hint: `Write ${usage}, or omit the options.`,
    docs: boxDocs.asUser,
  });
}
