import type { ModulesContainer } from '@nestjs/core';
import { boxDocs } from '../box/box-docs.js';
import { BOX_APP_USERS, BOX_MODULE } from '../box/nest/box-auth.module-definition.js';
import { BoxUsers } from '../box/users/box-users.js';
import { BoxAuthError } from '../core/errors/box-auth.error.js';
import type { ModuleImport } from './auth-module.js';

/** The user directory that resolvers of `@AsUser` get: that of the Box app without a name. Without one, its calls fail. */
export function usersForResolvers(modules: ModulesContainer): BoxUsers {
  for (const { providers } of modules.values()) {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- only this package provides the token
    const moduleImport = providers.get(BOX_MODULE.importToken)?.instance as
      ModuleImport | undefined;
    if (moduleImport === undefined || moduleImport.name !== undefined) continue;
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- only this package provides the token
    const users = providers.get(BOX_APP_USERS)?.instance as BoxUsers | undefined;
    if (users !== undefined) return users;
  }
  return new BoxUsers(() => {
    throw new BoxAuthError({
      code: 'option_invalid',
      message:
        'A resolver of @AsUser uses its second argument, but no BoxAuthModule without a name is imported.',
      hint: 'With named Box apps, look up the user in a guard: inject the directory with @InjectBoxUsers(name), and let the resolver return the id that the guard found.',
      docs: boxDocs.asUser,
    });
  });
}
