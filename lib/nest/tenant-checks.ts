import { MetadataScanner, type ModulesContainer } from '@nestjs/core';
import { type BoxApp, boxAuthOf, type BoxTokenProvider } from '../box/box-token.provider.js';
import { boxDocs } from '../box/box-docs.js';
import { BOX_APP_PROVIDER } from '../box/nest/box-auth.module-definition.js';
import type { Acting } from '../core/acting/acting.context.js';
import { BoxAuthError } from '../core/errors/box-auth.error.js';
import { SetEnterpriseRule } from './acting-rule.js';

/** The Box apps of a Nest app that have the option `tenants`. */
export function appsWithTenants(modules: ModulesContainer): readonly BoxApp[] {
  return [...modules.values()].flatMap(({ providers }) => {
    const provider: unknown = providers.get(BOX_APP_PROVIDER)?.instance;
    if (typeof provider !== 'object' || provider === null) return [];
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- only this package provides the token
    const app = boxAuthOf(provider as BoxTokenProvider);
    return app?.tenants.areConfigured === true ? [app] : [];
  });
}

/**
 * Checks before a handler runs that one of `apps` serves the enterprise of `acting`. Each app checks again when it is called.
 *
 * @throws BoxAuthError `enterprise_not_allowed`
 */
export function admitToSome(apps: readonly BoxApp[], acting: Acting): Promise<void> | void {
  const [first, ...others] = apps;
  if (first === undefined) return undefined;
  const admit = ({ tenants, tokens }: BoxApp) => tenants.admit(acting, tokens.ownSubject);
  if (others.length === 0) return admit(first);
  return Promise.any(apps.map(async (app) => admit(app))).catch((error: AggregateError) => {
    throw error.errors[0];
  });
}

/**
 * Checks at bootstrap that an app with `@ForEnterprise` on a handler or class has the option `tenants`.
 *
 * @throws BoxAuthError `option_invalid`
 */
export function checkForTenants(modules: ModulesContainer): void {
  if (appsWithTenants(modules).length > 0) return;
  const decorated = [...modules.values()]
    .flatMap(({ controllers, providers }) => [controllers, providers])
    .flatMap((wrappers) => Array.from(wrappers.values(), ({ metatype }): unknown => metatype))
    .find(isDecorated);
  if (decorated === undefined) return;
  throw new BoxAuthError({
    code: 'option_invalid',
    message: `${decorated.name} has @ForEnterprise, but no BoxAuthModule has the option \`tenants\`.`,
    hint: 'Pass the enterprise ids of your tenants, or a function that looks them up, to BoxAuthModule.forRoot({ tenants }).',
    docs: boxDocs.authorization,
  });
}

const scanner = new MetadataScanner();

/** Whether a class, or one of its methods, inherited ones included, has `@ForEnterprise`. */
function isDecorated(type: unknown): type is { readonly name: string } {
  if (typeof type !== 'function') return false;
  const prototype: unknown = type.prototype;
  const methods =
    typeof prototype === 'object' && prototype !== null
      ? scanner.getAllMethodNames(prototype).map((name): unknown => Reflect.get(prototype, name))
      : [];
  return [type, ...methods].some(
    (target) => typeof target === 'function' && Reflect.hasMetadata(SetEnterpriseRule.KEY, target),
  );
}
