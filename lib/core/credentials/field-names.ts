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
