import { isBoxId } from '../../../box/credentials/box-id.js';
import type { TokenSubject } from '../../http/token-ledger.js';
import type { EmulatedUser, EmulatedUsers, StoredUser } from './emulated-users.js';

/** An enterprise at the emulated Box. */
export interface EmulatedEnterprise {
  /** A Box id: 1 to 20 digits. */
  readonly id: string;
  /** Default `Enterprise <id>`. */
  readonly name?: string;
  /** Its users, besides the service account. No two users of the emulator may have the same id. Default: none. */
  readonly users?: readonly EmulatedUser[];
  /** Whether its admin has authorized the app. Default true. */
  readonly authorized?: boolean;
}

/** An enterprise as the emulator stores it. */
export interface StoredEnterprise {
  readonly id: string;
  readonly name: string;
  readonly serviceAccountId: string;
  authorized: boolean;
}

/** The enterprises at the emulated Box. The app has a service account in each of them. */
export class EmulatedEnterprises {
  readonly #users: EmulatedUsers;
  readonly #newServiceAccountLogin: () => string;
  readonly #enterprises = new Map<string, StoredEnterprise>();

  constructor(users: EmulatedUsers, newServiceAccountLogin: () => string) {
    this.#users = users;
    this.#newServiceAccountLogin = newServiceAccountLogin;
  }

  /**
   * Adds an enterprise with its service account and its users.
   *
   * @throws TypeError if an id is taken or not a Box id; nothing is added then
   */
  add({ id, name, users = [], authorized = true }: EmulatedEnterprise): StoredEnterprise {
    if (!isBoxId(id)) {
      throw new TypeError(
        `Invalid enterprise id: expected 1 to 20 digits that do not start with 0, received ${JSON.stringify(id)}`,
      );
    }
    if (this.#enterprises.has(id)) {
      throw new TypeError(`An enterprise with the id ${id} exists already`);
    }
    this.#users.checkNew(users);
    const details = { enterpriseId: id };
    const serviceAccount = this.#users.add(
      {
        id: this.#users.unusedId(users),
        name: 'Emulated App',
        login: this.#newServiceAccountLogin(),
      },
      { ...details, isServiceAccount: true },
    );
    for (const user of users) this.#users.add(user, details);
    const enterprise = {
      id,
      name: name ?? `Enterprise ${id}`,
      serviceAccountId: serviceAccount.id,
      authorized,
    };
    this.#enterprises.set(id, enterprise);
    return enterprise;
  }

  /** @throws TypeError if there is no enterprise with that id */
  get(id: string): StoredEnterprise {
    const enterprise = this.#enterprises.get(id);
    if (enterprise) return enterprise;
    const known = [...this.#enterprises.keys()].join(', ');
    throw new TypeError(
      `Unknown enterprise: expected the id of an enterprise of this emulator (${known}), received ${JSON.stringify(id)}`,
    );
  }

  /** The user that a token acts as: the service account of its enterprise, or its user. */
  accountOf({ type, id }: TokenSubject): StoredUser | undefined {
    const userId = type === 'user' ? id : this.#enterprises.get(id)?.serviceAccountId;
    return userId === undefined ? undefined : this.#users.get(userId);
  }
}
