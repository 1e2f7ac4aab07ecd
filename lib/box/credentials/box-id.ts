import * as v from 'valibot';

/**
 * Whether `value` is the id of a Box user or enterprise: a positive decimal of up to 20 digits. Box writes "0" into the
 * `config.json` of a free account, and rejects it: https://github.com/box/box-windows-sdk-v2/issues/497.
 * An id with leading zeros would be a second name for the same subject.
 */
export function isBoxId(value: unknown): value is string {
  return typeof value === 'string' && /^[1-9][0-9]{0,19}$/.test(value);
}

/** A field with the id of a Box user or enterprise. `expected` describes it in errors. */
export const boxId = (expected: string) =>
  v.pipe(
    v.string(expected),
    v.trim(),
    v.check((value) => isBoxId(value), expected),
  );
