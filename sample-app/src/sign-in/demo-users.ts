/** The demo users and their Box user ids. In a real app, the id is a column of the user table. */
export class DemoUsers {
  readonly #boxIds: ReadonlyMap<string, string>;

  /** Box user ids by name. Names are in lower case; the page shows them unchanged. */
  constructor(boxIds: Readonly<Record<string, string>>) {
    this.#boxIds = new Map(Object.entries(boxIds));
  }

  get names(): readonly string[] {
    return [...this.#boxIds.keys()];
  }

  boxIdOf(name: string): string | undefined {
    return this.#boxIds.get(name);
  }
}
