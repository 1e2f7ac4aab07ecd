import { BoxAuthError } from '../errors/box-auth.error.js';

export type Variables = Readonly<Record<string, string | undefined>>;

/** Makes the error of a variable that is not what was expected. What was found is not shown: it may be a secret. */
export function invalidVariable(name: string, _found: unknown, expected: string): BoxAuthError {
  return new BoxAuthError({
    code: 'option_invalid',
    message: `The environment variable ${name} is not valid, expected ${expected}.`,
    hint: `Mend ${name} where the environment of the process is set, or in the .env file that is loaded into it.`,
    docs: 'https://docs.nestjs.com/techniques/configuration',
  });
}

/**
 * What a variable says; undefined if it is not set, or blank. Quotes around it were meant for a shell or a .env file, and
 * whoever read that (Docker's `--env-file` does) has left them there.
 */
export function readVariable(variables: Variables, name: string): string | undefined {
  const text = variables[name]?.replace(/^\s*(["'])([^]*)\1\s*$/, '$2');
  return text?.trim() === '' ? undefined : text;
}
