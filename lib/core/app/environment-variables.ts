import * as v from 'valibot';
import { BoxAuthError } from '../errors/box-auth.error.js';

export type Variables = Readonly<Record<string, string | undefined>>;

/**
 * The value of a variable; undefined if it is unset or blank. Quotes around the value are dropped: they were meant for a
 * shell or a .env parser, but some readers keep them (Docker's `--env-file`).
 */
export function readVariable(variables: Variables, name: string): string | undefined {
  const text = variables[name]?.replace(/^\s*(["'])([^]*)\1\s*$/, '$2');
  return text?.trim() === '' ? undefined : text;
}

/**
 * Checks the value of a variable. The error does not show the value: it may be a secret.
 *
 * @throws BoxAuthError `option_invalid`
 */
export function parseVariable<const S extends v.GenericSchema>(
  schema: S,
  name: string,
  value: string,
): v.InferOutput<S> {
  const result = v.safeParse(schema, value);
  if (result.success) return result.output;
  throw new BoxAuthError({
    code: 'option_invalid',
    message: `Invalid environment variable ${name}: expected ${result.issues[0].message}.`,
    hint: `Correct ${name} in the environment of the process, or in the .env file that is loaded into it.`,
    docs: 'https://docs.nestjs.com/techniques/configuration',
  });
}
