import { BoxAuthError } from '../errors/box-auth.error.js';

/** The issuer's part of errors about credentials. */
export interface CredentialsHelp {
  /** The issuer's name. */
  readonly issuer: string;
  /** How to get correct credentials. */
  readonly hint: string;
  readonly docs: string;
  /** The command that creates a key pair that the issuer accepts. */
  readonly newKey: string;
  /** The environment variable of the passphrase. */
  readonly passphraseVariable: string;
}

/** The names that errors use for credentials and their fields: those of the options, the variables or the file. */
export class FieldNames {
  /**
   * `whole` names the credentials. `hint` replaces the issuer's hint. `nameOf` is for fields with names of their own, such as
   * environment variables.
   */
  constructor(
    readonly whole: string,
    readonly hint?: string,
    private readonly nameOf?: (field: string) => string,
  ) {}

  /** The full name of a field. */
  field(field: string): string {
    return this.nameOf === undefined ? `${this.whole}.${field}` : this.nameOf(field);
  }

  /** The name of a field in a list below the name of the whole. */
  listed(field: string): string {
    return this.nameOf === undefined ? field : this.nameOf(field);
  }
}

/** The names of credentials in the options of an app. */
export function optionFieldNames(whole: string): FieldNames {
  return new FieldNames(
    whole,
    'Correct the credentials where they are set: in the options, or in the result of a factory or a credentials function.',
  );
}

/** The names of an issuer's credentials in the environment. `variables` has the variable of each field. */
export function environmentFieldNames(
  issuer: string,
  variables: Readonly<Record<string, string>>,
): FieldNames {
  return new FieldNames(
    `${issuer} credentials in the environment`,
    'Correct the variables in the environment of the process, or in the .env file that is loaded into it.',
    (field) => variables[field] ?? field,
  );
}

export function configInvalid(
  message: string,
  { hint, docs }: CredentialsHelp,
  cause?: unknown,
): BoxAuthError {
  return new BoxAuthError({ code: 'config_invalid', message, hint, docs, cause });
}

/** The error of a credentials function that returned no credentials. `problem` completes the sentence. */
export function credentialsUnavailable(
  problem: string,
  docs: string,
  cause?: unknown,
): BoxAuthError {
  return new BoxAuthError({
    code: 'credentials_unavailable',
    message: `The credentials function in the options ${problem}.`,
    hint: 'Check the vault or file that the function reads. The next token request calls the function again.',
    docs,
    retryable: true,
    cause,
  });
}

/** Whether `text` may be shown as a path. JSON, base64, tokens and keys may not: they may be secrets in the wrong field. */
export function looksLikePath(text: string): boolean {
  return (
    text.length <= 255 &&
    /^[^\n{}"]+$/.test(text) &&
    (/^(?:~|\.{1,2}|[a-z]:)?[\\/]/i.test(text) || /\.[a-z]\w{0,7}$/i.test(text))
  );
}
