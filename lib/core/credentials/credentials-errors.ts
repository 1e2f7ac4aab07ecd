import { BoxAuthError } from '../errors/box-auth.error.js';

/** What whoever has wrong credentials of an issuer is told: they come from its pages, and are mended there. */
export interface CredentialsHelp {
  /** Who takes them. */
  readonly issuer: string;
  /** Where to get right ones. */
  readonly hint: string;
  readonly docs: string;
  /** How to make a key pair that the issuer takes. */
  readonly newKey: string;
  /** The environment variable of the passphrase. */
  readonly passphraseVariable: string;
}

/** What errors call credentials, and the fields of them, so that whoever set them knows what is meant. */
export class FieldNames {
  /**
   * `nameOf` is for fields that have names of their own, such as environment variables; `hint` says how what stands here
   * is mended, where that is not what the issuer's advice says.
   */
  constructor(
    readonly whole: string,
    readonly hint?: string,
    private readonly nameOf?: (field: string) => string,
  ) {}

  /** A field by itself. */
  field(field: string): string {
    return this.nameOf === undefined ? `${this.whole}.${field}` : this.nameOf(field);
  }

  /** A field in a list that stands under the name of the whole. */
  listed(field: string): string {
    return this.nameOf === undefined ? field : this.nameOf(field);
  }
}

/** Credentials in the options of an app. */
export function optionFieldNames(whole: string): FieldNames {
  return new FieldNames(
    whole,
    'Mend what is named above where the credentials are set: in forRoot, in what the factory of forRootAsync or a credentials function returns, or in boxAuth of Express.',
  );
}

/** Credentials in environment variables, by the fields that they stand for. */
export function environmentFieldNames(variables: Readonly<Record<string, string>>): FieldNames {
  return new FieldNames(
    'What the environment says',
    'Mend what is named above where the environment of the process is set, or in the .env file that is loaded into it.',
    (field) => variables[field] ?? field,
  );
}

export function configInvalid(
  message: string,
  { hint, docs }: CredentialsHelp,
  cause?: unknown,
): BoxAuthError {
  return new BoxAuthError({
    code: 'config_invalid',
    message,
    hint,
    docs,
    cause,
  });
}

/** The function that is asked for credentials did not give any. */
export function credentialsUnavailable(how: string, docs: string, cause?: unknown): BoxAuthError {
  return new BoxAuthError({
    code: 'credentials_unavailable',
    message: `The credentials function of the module options ${how}.`,
    hint: 'The vault or file that the function reads did not answer as it should. It is asked again at the next mint.',
    docs,
    retryable: true,
    cause,
  });
}

/** Whether `text` may be shown as a path: a secret in the wrong place is not. JSON, base64, tokens and keys are told apart. */
export function looksLikePath(text: string): boolean {
  return (
    text.length <= 255 &&
    /^[^\n{}"]+$/.test(text) &&
    (/^(?:~|\.{1,2}|[a-z]:)?[\\/]/i.test(text) || /\.[a-z]\w{0,7}$/i.test(text))
  );
}
