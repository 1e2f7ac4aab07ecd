import type { ActingVia } from '../core/acting/acting-user.context.js';
import { BoxAuthError } from '../core/errors/box-auth.error.js';
import { isBoxId } from './credentials/box-id.js';

/**
 * Checks the option `via` at run time: a typo in JavaScript must not mean the service account.
 *
 * @throws BoxAuthError `option_invalid`
 */
export function checkedVia(via: unknown): ActingVia {
  if (via === 'header' || via === 'token') return via;
  throw new BoxAuthError({
    code: 'option_invalid',
    message: `Invalid option \`via\`: expected 'header' or 'token', found ${described(via)}.`,
    hint: "'header' sends as-user; 'token' uses a user access token of the user's own.",
    docs: 'https://developer.box.com/guides/authentication/jwt/as-user/',
  });
}

/**
 * Checks an id for the `as-user` header.
 *
 * @throws BoxAuthError `acting_user_invalid`
 */
export function checkedActingUserId(id: unknown): string {
  if (isBoxId(id)) return id;
  throw new BoxAuthError({
    code: 'acting_user_invalid',
    message: `The acting user is not a Box user id: expected a string of 1 to 20 digits that does not begin with 0, found ${described(id)}.`,
    hint: 'Map the person who signed in to a Box user id on the server; a login, an e-mail address or a number is none.',
    docs: 'https://developer.box.com/guides/authentication/jwt/as-user/',
  });
}

/** What a value is, without showing it: it may be a secret in the wrong place. */
export function described(value: unknown): string {
  if (typeof value === 'string') return `a string of ${value.length} characters`;
  if (value === null) return 'null';
  return Array.isArray(value) ? 'a list' : `a value of type ${typeof value}`;
}
