import { applyDecorators, createParamDecorator, UseInterceptors } from '@nestjs/common';
import { checkedActingUserId, checkedVia } from '../box/acting-user.js';
import { type ActingVia, currentActingUser } from '../core/acting/acting.context.js';
import { type ActingUserResolver, SetActingRule } from './acting-rule.js';
import { ActingInterceptor } from './acting.interceptor.js';
import { checkedDecoratorOptions } from './decorator-options.js';

/** Options of `@AsUser`. */
export interface AsUserOptions {
  /** `'header'` sends `as-user`; `'token'` uses a user access token of that user. Default `'header'`. */
  readonly via?: ActingVia;
  /** Whether to serve a request without a user as the service account instead of rejecting it. Default false. */
  readonly optional?: boolean;
}

const USAGE = {
  decorator: '@AsUser',
  optionNames: ['via', 'optional'],
  usage: "@AsUser(user, { via: 'header' | 'token', optional: true | false })",
};

/**
 * Makes every Box call of a handler, or of all handlers of a controller, act for `user`: a Box user id, or a function that
 * returns the id for an `ExecutionContext`. The acting user is kept across every await, timer and Observable of the handler.
 * Guards run before the function is called.
 *
 * The second argument of the function finds the Box ids of your users: see `BoxUsers`. It belongs to the Box app without a name.
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
  const { via = 'header', optional } = checkedDecoratorOptions(options, USAGE);
  return applyDecorators(
    SetActingRule({ as: 'user', user, via: checkedVia(via), optional }),
    UseInterceptors(ActingInterceptor),
  );
}

/** Makes the Box calls of a handler act for the service account. Overrides `@AsUser` of its controller. */
export function AsServiceAccount(): ClassDecorator & MethodDecorator {
  return applyDecorators(
    SetActingRule({ as: 'service-account' }),
    UseInterceptors(ActingInterceptor),
  );
}

/** Injects the id of the acting user into a parameter of a handler. Undefined for the service account. */
export const ActingUser = createParamDecorator((): string | undefined => currentActingUser()?.id);
