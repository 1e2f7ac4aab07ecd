import type { ActingVia } from '../core/acting/acting.context.js';
import { BoxAuthError } from '../core/errors/box-auth.error.js';
import { boxDocs } from './box-docs.js';
import { isBoxId } from './credentials/box-id.js';

/**
 * Checks the option `via`: a typo in JavaScript must not silently select the service account.
 *
 * @throws BoxAuthError `option_invalid`
 */
export function checkedVia(via: unknown): ActingVia {
  if (via === 'header' || via === 'token') return via;
  throw new BoxAuthError({
    code: 'option_invalid',
    message: `Invalid option \`via\`: expected 'header' or 'token', received ${describeValue(via)}.`,
    hint: "Use 'header' to send as-user, or 'token' to use a user access token of that user.",
    docs: boxDocs.asUser,
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
    message: `Invalid acting user: expected a Box user id, a string of 1 to 20 digits that does not begin with 0, received ${describeValue(id)}.`,
    hint: 'Look up the Box user id of the signed-in user on the server. A login, an email address or a number is not an id.',
    docs: boxDocs.asUser,
  });
}

/** Describes a value without showing it, as it may be a secret in the wrong place. */
export function describeValue(value: unknown): string {
  if (typeof value === 'string') return `a string of ${value.length} characters`;
  if (value === null) return 'null';
  return Array.isArray(value) ? 'a list' : `a value of type ${typeof value}`;
}
