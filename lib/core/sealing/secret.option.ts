import * as v from 'valibot';

const MIN_SECRET_LENGTH = 32;

const longSecret = v.pipe(v.string(), v.minLength(MIN_SECRET_LENGTH));

const secrets = v.tupleWithRest([longSecret], longSecret);

/** The expected value of the option `secret`, for its error. */
export const SECRET_EXPECTED = `at least ${MIN_SECRET_LENGTH} characters, for example from \`openssl rand -base64 32\`, or a list of such strings`;

/** The secrets of an option: one, or a list of them. Undefined if it is invalid. */
export function secretsIn(option: unknown): readonly [string, ...string[]] | undefined {
  const read = v.safeParse(secrets, Array.isArray(option) ? option : [option]);
  return read.success ? read.output : undefined;
}
