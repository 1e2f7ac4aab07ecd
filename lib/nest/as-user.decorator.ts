import { applyDecorators, createParamDecorator, UseInterceptors } from '@nestjs/common';
import { isRecord } from '../core/credentials/field-checks.js';
import { BoxAuthError } from '../core/errors/box-auth.error.js';
import { ActingAsInterceptor } from './acting-as.interceptor.js';
import { ActingAs, type ActingUserResolver } from './acting-as.metadata.js';
import { type ActingVia, currentActingUser } from '../core/acting/acting-user.context.js';
import { checkedActingUserId, checkedVia, described } from '../box/acting-user.js';

/** How `@AsUser` acts. */
export interface AsUserOptions {
  /** `'header'` sends `as-user`; `'token'` uses a user access token of the user's own. Default `'header'`. */
  readonly via?: ActingVia;
  /** Serve a request of nobody as the service account, instead of refusing it. Default false. */
  readonly optional?: boolean;
}

const KNOWN = ['via', 'optional'];

/**
 * Makes every Box call of a handler, or of all handlers of a controller, act for `user`: a Box user id, or a function of
 * the `ExecutionContext` that finds one. If it finds none, the request fails with `acting_user_missing`; an id that is not
 * 1 to 20 digits fails it with `acting_user_invalid` (a literal one already when the class is defined).
 *
 * @throws BoxAuthError `option_invalid`, when the class is defined, for options other than those of `AsUserOptions`
 *
 * The acting user survives every await, timer and Observable of the handler. Guards run before it.
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
    ActingAs({ as: 'user', user, ...checkedOptions(options) }),
    UseInterceptors(ActingAsInterceptor),
  );
}

/** What is mistyped must not mean the default, and `optional: 'false'` not that the service account may act. */
function checkedOptions(options: unknown): Required<AsUserOptions> {
  if (!isRecord(options)) {
    throw invalid(`Invalid options of @AsUser: expected an object, found ${described(options)}.`);
  }
  const unknown = Object.keys(options).find((name) => !KNOWN.includes(name));
  if (unknown !== undefined) {
    throw invalid(`Unknown option \`${unknown}\` of @AsUser. There are: ${KNOWN.join(', ')}.`);
  }
  const { via = 'header', optional = false } = options;
  if (typeof optional !== 'boolean') {
    throw invalid(
      `Invalid option \`optional\` of @AsUser: expected true or false, found ${described(optional)}.`,
    );
  }
  return { via: checkedVia(via), optional };
}

function invalid(message: string): BoxAuthError {
  return new BoxAuthError({
    code: 'option_invalid',
    message,
    hint: "Write @AsUser(user, { via: 'header' or 'token', optional: true or false }), or leave the options out.",
    docs: 'https://developer.box.com/guides/authentication/jwt/as-user/',
  });
}

/** Undoes a controller's `@AsUser` on one handler: its calls are the service account's own. */
export function AsServiceAccount(): ClassDecorator & MethodDecorator {
  return applyDecorators(ActingAs({ as: 'service-account' }), UseInterceptors(ActingAsInterceptor));
}

/** Injects the id of the acting user into a handler's parameter; undefined for the service account. */
export const ActingUser = createParamDecorator((): string | undefined => currentActingUser()?.id);
