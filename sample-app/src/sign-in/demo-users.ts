/** Who may sign in, and which user of Box that is. In a real app this is a column in the table of users. */
export class DemoUsers {
  readonly #boxIds: ReadonlyMap<string, string>;

  /** By name, in lower case: the page shows them as they are. */
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
