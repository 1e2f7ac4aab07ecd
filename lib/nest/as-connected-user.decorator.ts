import { applyDecorators, UseInterceptors } from '@nestjs/common';
import { invalidOption } from '../core/app/option-checks.js';
import { checkedLabel } from '../core/connections/owner.js';
import { type ConnectedUserResolver, SetConnectedRule } from './acting-rule.js';
import { ActingInterceptor } from './acting.interceptor.js';
import { checkedDecoratorOptions } from './decorator-options.js';

/** Options of `@AsConnectedUser`. */
export interface AsConnectedUserOptions {
  /** Which of several accounts of the person. Default `''`. */
  readonly label?: string;
  /** Whether to serve a request without a person with the token of the app itself instead of rejecting it. Default false. */
  readonly optional?: boolean;
  /** The `name` of the `BoxConnectionsModule`. Default the one without a name. */
  readonly connections?: string;
}

const USAGE = {
  decorator: '@AsConnectedUser',
  optionNames: ['label', 'optional', 'connections'],
  usage: "@AsConnectedUser(owner, { label: '', optional: true | false })",
};

/**
 * Makes every Box call of a handler, or of all handlers of a controller, with a person's own Box account, which they have connected
 * to the app. `owner` returns the app's own id of the person for an `ExecutionContext`. The calls of all clients carry the token of
 * the connection, across every await, timer and Observable of the handler. Guards run before `owner` is called.
 *
 * A request fails before the handler runs with `acting_user_missing` if `owner` returns no id, and with `owner_invalid` if the id
 * is invalid. Calls to Box fail with `connection_missing` if the person has not connected an account, and with
 * `reauthorization_required` if they must connect it again: `BoxAuthExceptionFilter` responds to both with 401.
 *
 * On a handler it replaces `@AsUser` and `@ForEnterprise` of the controller. On the same handler or class as one of them, or
 * without `BoxConnectionsModule`, the bootstrap fails with `option_invalid`.
 *
 * @throws BoxAuthError `option_invalid` for invalid options, when the class is defined
 *
 * @example
 * ```ts
 * import { Controller, type ExecutionContext, Get } from '@nestjs/common';
 * import { BoxFetch } from 'nestjs-box-auth';
 * import { AsConnectedUser } from 'nestjs-box-auth/connections';
 *
 * const signedIn = (context: ExecutionContext) =>
 *   context.switchToHttp().getRequest<{ user?: { id: string } }>().user?.id;
 *
 * @Controller('files')
 * @AsConnectedUser(signedIn)
 * export class FilesController {
 *   constructor(private readonly box: BoxFetch) {}
 *
 *   @Get()
 *   async list(): Promise<unknown> {
 *     return (await this.box('/2.0/folders/0/items')).json();
 *   }
 * }
 * ```
 */
export function AsConnectedUser(
  owner: ConnectedUserResolver,
  options: AsConnectedUserOptions = {},
): ClassDecorator & MethodDecorator {
  // A literal owner would give every visitor the account of one person.
  if (typeof owner !== 'function') {
    throw invalidOption('owner', 'a function of the ExecutionContext', owner);
  }
  const { label, connections, optional } = checkedDecoratorOptions(options, USAGE);
  if (connections !== undefined && (typeof connections !== 'string' || connections === '')) {
    throw invalidOption('connections', 'the name of a BoxConnectionsModule', connections);
  }
  return applyDecorators(
    SetConnectedRule({ owner, label: checkedLabel(label), optional, connections }),
    UseInterceptors(ActingInterceptor),
  );
}
