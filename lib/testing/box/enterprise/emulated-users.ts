import { randomInt } from 'node:crypto';
import { isBoxId } from '../../../box/credentials/box-id.js';
import type { EmulatorClock } from '../../http/emulator-clock.js';
import type { JsonObject } from '../../http/http-response.js';

/** A user of the emulated enterprise. */
export interface EmulatedUser {
  /** A Box id: 1 to 20 digits. */
  readonly id: string;
  readonly name: string;
  /** An e-mail address. */
  readonly login: string;
}

/** A user as the emulator stores it. */
export interface StoredUser extends EmulatedUser {
  readonly createdAtMs: number;
  readonly modifiedAtMs: number;
  /** An app user: it cannot sign in. */
  readonly isPlatformAccessOnly: boolean;
  /** Fields that were set by the API, such as `job_title`, under their names there. */
  readonly profile: JsonObject;
}

/** The users of an enterprise, its service account included. */
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

  /** Ignores case, as Box does. */
  findByLogin(login: string): StoredUser | undefined {
    const lowerCaseLogin = login.toLowerCase();
    return this.all().find((user) => user.login.toLowerCase() === lowerCaseLogin);
  }

  /** @throws TypeError if the id is taken or not a Box id */
  add(
    user: EmulatedUser,
    details: Partial<Pick<StoredUser, 'isPlatformAccessOnly' | 'profile'>> = {},
  ): StoredUser {
    if (!isBoxId(user.id)) {
      throw new TypeError(
        `Invalid user id: expected 1 to 20 digits that do not start with 0, received ${JSON.stringify(user.id)}`,
      );
    }
    if (this.#users.has(user.id)) {
      throw new TypeError(`A user with the id ${user.id} exists already`);
    }
    const nowMs = this.#clock.nowMs();
    const stored = {
      isPlatformAccessOnly: false,
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

  unusedId(): string {
    let id: string;
    do id = String(randomInt(10_000_000_000, 99_999_999_999));
    while (this.#users.has(id));
    return id;
  }
}
