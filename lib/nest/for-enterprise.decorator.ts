import { applyDecorators, createParamDecorator, UseInterceptors } from '@nestjs/common';
import { checkedEnterpriseId } from '../box/tenants.js';
import { currentActing } from '../core/acting/acting.context.js';
import { type EnterpriseResolver, SetEnterpriseRule } from './acting-rule.js';
import { ActingInterceptor } from './acting.interceptor.js';
import { checkedDecoratorOptions } from './decorator-options.js';

/** Options of `@ForEnterprise`. */
export interface ForEnterpriseOptions {
  /** Whether to serve a request without a tenant with the enterprise of the credentials instead of rejecting it. Default false. */
  readonly optional?: boolean;
}

const USAGE = {
  decorator: '@ForEnterprise',
  optionNames: ['optional'],
  usage: '@ForEnterprise(enterprise, { optional: true | false })',
};

/**
 * Makes every Box call of a handler, or of all handlers of a controller, be for `enterprise`: the enterprise id of a tenant, or a
 * function that returns the id for an `ExecutionContext`. The calls carry a token of that enterprise, and with `@AsUser` they act
 * for one of its users. Guards run before the function is called; the function of `@AsUser` runs after it.
 *
 * Box checks whether the enterprise has authorized the app, and never whether your user belongs to it. So take the id from your
 * own record of the signed-in user: an id from the path, the query, the body or a header lets one tenant read the files of
 * another.
 *
 * A request fails before the handler runs with `enterprise_missing` if the function returns no id, and with
 * `enterprise_not_allowed` if the option `tenants` of `BoxAuthModule` does not contain the id.
 *
 * @throws BoxAuthError `option_invalid` for invalid options and `enterprise_not_allowed` for an invalid literal id, when the
 * class is defined. Without the option `tenants`, the bootstrap fails with `option_invalid`.
 *
 * @example
 * ```ts
 * import { Controller, type ExecutionContext, Get } from '@nestjs/common';
 * import { BoxFetch, ForEnterprise } from 'nestjs-box-auth';
 *
 * const tenantOf = (context: ExecutionContext) =>
 *   context.switchToHttp().getRequest<{ user?: { enterpriseId: string } }>().user?.enterpriseId;
 *
 * @Controller('folders')
 * @ForEnterprise(tenantOf)
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
export function ForEnterprise(
  enterprise: string | EnterpriseResolver,
  options: ForEnterpriseOptions = {},
): ClassDecorator & MethodDecorator {
  if (typeof enterprise !== 'function') checkedEnterpriseId(enterprise, '@ForEnterprise');
  const { optional } = checkedDecoratorOptions(options, USAGE);
  return applyDecorators(
    SetEnterpriseRule({ enterprise, optional }),
    UseInterceptors(ActingInterceptor),
  );
}

/** Injects the id of the enterprise that `@ForEnterprise` selects into a parameter of a handler. Undefined without one. */
export const ActingEnterprise = createParamDecorator(
  (): string | undefined => currentActing()?.enterprise,
);
