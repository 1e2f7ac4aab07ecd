import { optionError } from '../../core/app/option-checks.js';
import { isRecord } from '../../core/credentials/field-checks.js';
import type { BoxAuthError } from '../../core/errors/box-auth.error.js';
import { describeValue } from '../acting-user.js';
import { checkedEnterpriseId } from '../tenants.js';

/** Whose directory is searched, and for how long a caller waits. */
export interface BoxUserScope {
  /**
   * The id of the enterprise, one of the option `tenants`. Default: the one that `@ForEnterprise` or `runFor` selects, else the
   * one of the credentials.
   */
  readonly enterprise?: string;
  /** Ends the wait of this caller only. */
  readonly signal?: AbortSignal | undefined;
}

/** Names a Box user by login, or by the id that your app has for the user. */
export type BoxUserQuery = BoxUserScope &
  (
    | {
        /** The email address of the login. Capital letters do not matter. */
        readonly login: string;
        readonly externalAppUserId?: never;
      }
    | {
        /** The `external_app_user_id` of an app user. */
        readonly externalAppUserId: string;
        readonly login?: never;
      }
  );

/** An app user that is created if it does not exist. */
export interface NewBoxUser extends BoxUserScope {
  /** The id that your app has for the user. */
  readonly externalAppUserId: string;
  /** The name of a new user, which Box shows to other users. Box accepts up to 50 characters. */
  readonly name: string;
}

/** The field that identifies a user, and its value. */
export interface UserCriterion {
  readonly field: 'login' | 'external_app_user_id';
  readonly value: string;
}

/** A query that was checked. */
export interface CheckedQuery {
  readonly criterion: UserCriterion;
  readonly enterprise: string | undefined;
}

/**
 * Checks a query strictly: a typo or a missing value must neither find another user, nor search another enterprise.
 *
 * @throws BoxAuthError `option_invalid`, `enterprise_missing`, `enterprise_not_allowed`
 */
export function checkedQuery(query: BoxUserQuery, method: string): CheckedQuery {
  checkNames(query, method, ['enterprise', 'signal', 'login', 'externalAppUserId']);
  const { login, externalAppUserId } = query;
  if ('login' in query === 'externalAppUserId' in query) {
    throw optionError(
      `Invalid query of ${method}: expected either \`login\` or \`externalAppUserId\`.`,
      `Write ${method}({ login }), or ${method}({ externalAppUserId }).`,
    );
  }
  const enterprise = namedEnterprise(query, method);
  return 'login' in query
    ? { criterion: { field: 'login', value: checkedLogin(login, method) }, enterprise }
    : { criterion: externalId(externalAppUserId, method), enterprise };
}

/**
 * Checks the description of a new user.
 *
 * @throws BoxAuthError `option_invalid`, `enterprise_missing`, `enterprise_not_allowed`
 */
export function checkedNewUser(
  user: NewBoxUser,
  method: string,
): CheckedQuery & { readonly name: string } {
  checkNames(user, method, ['enterprise', 'signal', 'externalAppUserId', 'name']);
  return {
    criterion: externalId(user.externalAppUserId, method),
    enterprise: namedEnterprise(user, method),
    name: checkedText('name', user.name, method),
  };
}

/** Without capital letters, which Box ignores. Only ASCII: no other letter must become one of these. */
export function normalizedLogin(login: string): string {
  return login.replaceAll(/[A-Z]/g, (letter) => letter.toLowerCase());
}

function checkNames(given: unknown, method: string, known: readonly string[]): void {
  if (!isRecord(given)) {
    throw optionError(
      `Invalid argument of ${method}: expected an object, received ${describeValue(given)}.`,
      `Pass an object with ${known.join(', ')}.`,
    );
  }
  const unknown = Object.keys(given).find((name) => !known.includes(name));
  if (unknown === undefined) return;
  throw optionError(
    `Unknown option \`${unknown}\` of ${method}. Known options: ${known.join(', ')}.`,
    `Remove \`${unknown}\`, or replace it with the option that you meant.`,
  );
}

/** An enterprise that is undefined was not found: it must not become the enterprise of the credentials. */
function namedEnterprise(scope: BoxUserScope, method: string): string | undefined {
  return 'enterprise' in scope ? checkedEnterpriseId(scope.enterprise, method) : undefined;
}

function checkedLogin(login: unknown, method: string): string {
  if (typeof login === 'string' && /^[^\s@]+@[^\s@]+$/.test(login)) return normalizedLogin(login);
  throw invalid('login', method, 'the email address of a Box user', login);
}

function externalId(id: unknown, method: string): UserCriterion {
  return { field: 'external_app_user_id', value: checkedText('externalAppUserId', id, method) };
}

function checkedText(name: string, value: unknown, method: string): string {
  if (typeof value === 'string' && value.trim() !== '') return value;
  throw invalid(name, method, 'a string that is not blank', value);
}

function invalid(name: string, method: string, expected: string, value: unknown): BoxAuthError {
  return optionError(
    `Invalid \`${name}\` of ${method}: expected ${expected}, received ${describeValue(value)}.`,
    'Pass it from your own record of the user. Without one, do not search.',
  );
}
