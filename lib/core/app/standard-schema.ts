/**
 * A schema for any library that accepts a Standard Schema: https://standardschema.dev. The types are those of the standard, with a
 * synchronous `validate`.
 */
export interface StandardSchema<Value> {
  readonly '~standard': {
    readonly version: 1;
    readonly vendor: string;
    /** Present in types only. */
    readonly types?: { readonly input: Value; readonly output: Value } | undefined;
    readonly validate: (value: unknown) => StandardResult<Value>;
  };
}

export type StandardResult<Value> =
  | { readonly value: Value; readonly issues?: undefined }
  | { readonly issues: readonly StandardIssue[] };

export interface StandardIssue {
  /** The mistake, and its fix. */
  readonly message: string;
  /** The name of the value inside the whole. Missing if the issue is about several values. */
  readonly path?: readonly string[] | undefined;
}
