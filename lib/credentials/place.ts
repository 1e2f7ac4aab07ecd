/** What errors call credentials, and the fields of them, so that whoever set them knows what is meant. */
export class Place {
  /** `nameOf` is for fields that have names of their own, such as environment variables. */
  constructor(
    readonly whole: string,
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
