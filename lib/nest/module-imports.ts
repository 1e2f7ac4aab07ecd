import type { ModulesContainer } from '@nestjs/core';
import { BoxAuthError } from '../core/errors/box-auth.error.js';

/** One import of a module of ours: what tells it from another. */
export interface ModuleImport {
  readonly name: string | undefined;
  readonly isGlobal: boolean;
}

/** A module of ours, as its imports are found and as errors speak of it. */
interface ImportedModule {
  readonly moduleName: string;
  /** What each import of it provides a `ModuleImport` as. */
  readonly token: symbol;
  /** Whether several are told apart by `name`. */
  readonly takesNames: boolean;
  /** How two of it are told apart. */
  readonly advice: string;
}

/**
 * Two imports that the same module may see: which of them it gets would be chance.
 *
 * @throws BoxAuthError `option_invalid`
 */
export function refuseClash(
  { name }: ModuleImport,
  { moduleName, token, takesNames, advice }: ImportedModule,
  modules: ModulesContainer,
): void {
  const imports = [...modules.values()].flatMap((module) => importOf(module, token) ?? []);
  const namesakes = imports.filter((other) => other.name === name);
  const clashes = name === undefined ? namesakes.filter(({ isGlobal }) => isGlobal) : namesakes;
  if (clashes.length < 2) return;
  throw new BoxAuthError({
    code: 'option_invalid',
    message:
      name === undefined
        ? `${moduleName} is imported ${clashes.length} times as a global module${takesNames ? ', without a name' : ''}.`
        : `${moduleName} is imported ${clashes.length} times with the name ${JSON.stringify(name)}.`,
    hint: `Import forRoot() once, as every module gets its providers then; ${advice}; or keep one dynamic module in a constant and import that.`,
    docs: 'https://docs.nestjs.com/modules#dynamic-modules',
  });
}

type NestModule = ModulesContainer extends Map<string, infer Module> ? Module : never;

function importOf(module: NestModule, token: symbol): ModuleImport | undefined {
  const found: unknown = module.providers.get(token)?.instance;
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- a token that only this package provides
  return found as ModuleImport | undefined;
}
