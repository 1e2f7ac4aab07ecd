import { applyDecorators, createParamDecorator, UseInterceptors } from '@nestjs/common';
import { checkedActingUserId, checkedVia, describeValue } from '../box/acting-user.js';
import { boxDocs } from '../box/box-docs.js';
import { type ActingVia, currentActingUser } from '../core/acting/acting-user.context.js';
import { isRecord } from '../core/credentials/field-checks.js';
import { BoxAuthError } from '../core/errors/box-auth.error.js';
import { type ActingUserResolver, SetActingRule } from './acting-rule.js';
import { ActingUserInterceptor } from './acting-user.interceptor.js';

/** Options of `@AsUser`. */
export interface AsUserOptions {
  /** `'header'` sends `as-user`; `'token'` uses a user access token of that user. Default `'header'`. */
  readonly via?: ActingVia;
  /** Whether to serve a request without a user as the service account instead of rejecting it. Default false. */
  readonly optional?: boolean;
}

const KNOWN_OPTIONS = ['via', 'optional'];

/**
 * Makes every Box call of a handler, or of all handlers of a controller, act for `user`: a Box user id, or a function that
 * returns the id for an `ExecutionContext`. The acting user is kept across every await, timer and Observable of the handler.
 * Guards run before the function is called.
 *
 * A request fails with `acting_user_missing` if the function returns no id, and with `acting_user_invalid` if the id is not
 * 1 to 20 digits.
 *
 * @throws BoxAuthError `option_invalid` for invalid options and `acting_user_invalid` for a literal id, when the class is
 * defined
 *
 * @example
 * ```ts
 * import { Controller, type ExecutionContext, Get } from '@nestjs/common';
 * import { AsUser, BoxFetch } from 'nestjs-box-auth';
 *
 * const signedIn = (context: ExecutionContext) =>
 *   context.switchToHttp().getRequest<{ user?: { boxId: string } }>().user?.boxId;
 *
 * @Controller('folders')
 * @AsUser(signedIn)
 * export class FoldersController {
 *   constructor(private readonly box: BoxFetch) {}
 *
 *   @Get()
 *   async root(): Promise<unknown> {
 *     return (await this.box('/2.0/folders/0/items')).json();
 *   }
 * }
 * ```
 */
export function AsUser(
  user: string | ActingUserResolver,
  options: AsUserOptions = {},
): ClassDecorator & MethodDecorator {
  if (typeof user !== 'function') checkedActingUserId(user);
  return applyDecorators(
    SetActingRule({ as: 'user', user, ...checkedOptions(options) }),
    UseInterceptors(ActingUserInterceptor),
  );
}

/** Checks strictly: a typo must not select the default, and `optional: 'false'` must not allow the service account. */
function checkedOptions(options: unknown): Required<AsUserOptions> {
  if (!isRecord(options)) {
    throw invalid(
      `Invalid options of @AsUser: expected an object, received ${describeValue(options)}.`,
    );
  }
  const unknown = Object.keys(options).find((name) => !KNOWN_OPTIONS.includes(name));
  if (unknown !== undefined) {
    throw invalid(
      `Unknown option \`${unknown}\` of @AsUser. Known options: ${KNOWN_OPTIONS.join(', ')}.`,
    );
  }
  const { via = 'header', optional = false } = options;
  if (typeof optional !== 'boolean') {
    throw invalid(
      `Invalid option \`optional\` of @AsUser: expected true or false, received ${describeValue(optional)}.`,
    );
  }
  return { via: checkedVia(via), optional };
}

function invalid(message: string): BoxAuthError {
  return new BoxAuthError({
    code: 'option_invalid',
    message,
    hint: "Write @AsUser(user, { via: 'header' | 'token', optional: true | false }), or omit the options.",
    docs: boxDocs.asUser,
  });
}

/** Makes the Box calls of a handler act for the service account. Overrides `@AsUser` of its controller. */
export function AsServiceAccount(): ClassDecorator & MethodDecorator {
  return applyDecorators(
    SetActingRule({ as: 'service-account' }),
    UseInterceptors(ActingUserInterceptor),
  );
}

/** Injects the id of the acting user into a parameter of a handler. Undefined for the service account. */
export const ActingUser = createParamDecorator((): string | undefined => currentActingUser()?.id);
