/** A row of the user table. */
export interface DemoUser {
  readonly boxId: string;
  /** The id of the Box enterprise of the user's company. Default: the enterprise of the app's credentials. */
  readonly enterpriseId?: string | undefined;
}

/** A user with the portal's own id: here, the name. */
export interface SignedInUser extends DemoUser {
  readonly name: string;
}

/** The demo users. In a real app, the Box ids are columns of the user table and of the table of companies. */
export class DemoUsers {
  readonly #users: ReadonlyMap<string, DemoUser>;

  /** Users by name. Names are in lower case; the page shows them unchanged. */
  constructor(users: Readonly<Record<string, DemoUser>>) {
    this.#users = new Map(Object.entries(users));
  }

  get names(): readonly string[] {
    return [...this.#users.keys()];
  }

  get all(): readonly SignedInUser[] {
    return Array.from(this.#users, ([name, user]) => ({ ...user, name }));
  }

  /** The enterprises of the users: the tenants of the portal. */
  get enterpriseIds(): readonly string[] {
    const ids = Array.from(this.#users.values(), ({ enterpriseId }) => enterpriseId);
    return [...new Set(ids)].filter((id) => id !== undefined);
  }

  find(name: string): SignedInUser | undefined {
    const user = this.#users.get(name);
    return user && { ...user, name };
  }
}
