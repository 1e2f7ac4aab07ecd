import { randomInt } from 'node:crypto';
import { isBoxId } from '../../../box/credentials/box-id.js';
import type { EmulatorClock } from '../../http/emulator-clock.js';
import type { JsonObject } from '../../http/http-response.js';

/** A user of an emulated enterprise. */
export interface EmulatedUser {
  /** A Box id: 1 to 20 digits. */
  readonly id: string;
  readonly name: string;
  /** An e-mail address. */
  readonly login: string;
}

/** A user as the emulator stores it. */
export interface StoredUser extends EmulatedUser {
  readonly enterpriseId: string;
  /** The account that tokens of the enterprise act as. */
  readonly isServiceAccount: boolean;
  readonly createdAtMs: number;
  readonly modifiedAtMs: number;
  /** An app user: it cannot sign in. */
  readonly isPlatformAccessOnly: boolean;
  /** Fields that were set by the API, such as `job_title`, under their names there. */
  readonly profile: JsonObject;
}

/** The details of a new user that only the emulator decides. */
type NewUserDetails = Pick<StoredUser, 'enterpriseId'> &
  Partial<Pick<StoredUser, 'isPlatformAccessOnly' | 'isServiceAccount' | 'profile'>>;

/** The users of all enterprises, their service accounts included. Box has one set of user ids and of logins. */
export class EmulatedUsers {
  readonly #clock: EmulatorClock;
  readonly #users = new Map<string, StoredUser>();

  constructor(clock: EmulatorClock) {
    this.#clock = clock;
  }

  has(id: string): boolean {
    return this.#users.has(id);
  }

  get(id: string): StoredUser | undefined {
    return this.#users.get(id);
  }

  all(): StoredUser[] {
    return [...this.#users.values()];
  }

  of(enterpriseId: string): StoredUser[] {
    return this.all().filter((user) => user.enterpriseId === enterpriseId);
  }

  /** Ignores case, as Box does. */
  findByLogin(login: string): StoredUser | undefined {
    const lowerCaseLogin = login.toLowerCase();
    return this.all().find((user) => user.login.toLowerCase() === lowerCaseLogin);
  }

  /** @throws TypeError if an id is taken, repeated or not a Box id */
  checkNew(users: readonly EmulatedUser[]): void {
    const newIds = new Set<string>();
    for (const { id } of users) {
      if (!isBoxId(id)) {
        throw new TypeError(
          `Invalid user id: expected 1 to 20 digits that do not start with 0, received ${JSON.stringify(id)}`,
        );
      }
      if (this.#users.has(id) || newIds.has(id)) {
        throw new TypeError(`A user with the id ${id} exists already`);
      }
      newIds.add(id);
    }
  }

  /** @throws TypeError if the id is taken or not a Box id */
  add(user: EmulatedUser, details: NewUserDetails): StoredUser {
    this.checkNew([user]);
    const nowMs = this.#clock.nowMs();
    const stored = {
      isPlatformAccessOnly: false,
      isServiceAccount: false,
      profile: {},
      ...details,
      ...user,
      createdAtMs: nowMs,
      modifiedAtMs: nowMs,
    };
    this.#users.set(user.id, stored);
    return stored;
  }

  change(
    user: StoredUser,
    changes: Partial<Pick<StoredUser, 'name' | 'login' | 'profile'>>,
  ): StoredUser {
    const changed = { ...user, ...changes, modifiedAtMs: this.#clock.nowMs() };
    this.#users.set(user.id, changed);
    return changed;
  }

  delete(id: string): void {
    this.#users.delete(id);
  }

  /** An id that neither a stored user nor one of `newUsers` has. */
  unusedId(newUsers: readonly EmulatedUser[] = []): string {
    let id: string;
    do id = String(randomInt(10_000_000_000, 99_999_999_999));
    while (this.#users.has(id) || newUsers.some((user) => user.id === id));
    return id;
  }
}
