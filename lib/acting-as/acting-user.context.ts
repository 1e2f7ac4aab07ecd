import { AsyncLocalStorage } from 'node:async_hooks';
import { isBoxId } from '../credentials/box-id.js';
import { BoxAuthError } from '../errors/box-auth.error.js';

/** How a call says whom it acts for: the `as-user` header, or a user access token of the user's own. */
export type ActingVia = 'header' | 'token';

/** The user that Box calls act for. */
export interface ActingUser {
  readonly id: string;
  readonly via: ActingVia;
}

/** Whom calls made here act for; an empty one stands for the service account. */
export interface ActingContext {
  readonly user?: ActingUser;
  /** The handler's invocation that set it, so that a decorator on class and method is applied once. */
  readonly invocation?: object;
}

// One process may load the ES module and the CommonJS build: both must see the same acting user.
const SLOT = Symbol.for('nestjs-box-auth.acting-context');
// oxlint-disable-next-line typescript/no-unsafe-type-assertion -- a slot that only this file writes
const slots = globalThis as { [SLOT]?: AsyncLocalStorage<ActingContext> };
const storage = (slots[SLOT] ??= new AsyncLocalStorage<ActingContext>());

/** The acting user of whatever runs now; undefined for the service account. */
export function currentActingUser(): ActingUser | undefined {
  return storage.getStore()?.user;
}

export function currentActingContext(): ActingContext | undefined {
  return storage.getStore();
}

/** Runs `fn`; everything that it awaits, and every timer and stream that it starts, sees `context`. */
export function runInActingContext<T>(context: ActingContext, fn: () => T): T {
  return storage.run(context, fn);
}

/**
 * How to act, as somebody without types may have written it: another word must not mean the service account.
 *
 * @throws BoxAuthError `option_invalid`
 */
export function checkedVia(via: unknown): ActingVia {
  if (via === 'header' || via === 'token') return via;
  throw new BoxAuthError({
    code: 'option_invalid',
    message: "The option `via` is neither 'header' nor 'token'.",
    hint: "'header' sends as-user; 'token' uses a user access token of the user's own.",
    docs: 'https://developer.box.com/guides/authentication/jwt/as-user/',
  });
}

/**
 * An id that may stand in the `as-user` header.
 *
 * @throws BoxAuthError `acting_user_invalid`
 */
export function checkedActingUserId(id: unknown): string {
  if (isBoxId(id)) return id;
  throw new BoxAuthError({
    code: 'acting_user_invalid',
    message: `The acting user is not a Box user id: expected a string of 1 to 20 digits that does not begin with 0, found ${
      typeof id === 'string'
        ? `a string of ${id.length} characters`
        : `a value of type ${typeof id}`
    }.`,
    hint: 'Map the person who signed in to a Box user id on the server; a login, an e-mail address or a number is none.',
    docs: 'https://developer.box.com/guides/authentication/jwt/as-user/',
  });
}
