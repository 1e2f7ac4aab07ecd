import type { DynamicModule, ModuleMetadata } from '@nestjs/common';
import {
  booleanOption,
  checkOptions,
  invalidOption,
  parseOption,
} from '../core/app/option-checks.js';
import { BoxAuthError } from '../core/errors/box-auth.error.js';

const DOCS = 'https://docs.nestjs.com/modules#dynamic-modules';

/** Describes the Nest module of an issuer to the shared code. */
export interface AuthModule {
  /** Not read from the class, because minifiers rename classes. */
  readonly name: string;
  /** Options that belong next to the factory of `forRootAsync`, such as `isGlobal`. The factory cannot return them. */
  readonly extraOptionNames: readonly string[];
  /** Injection token of the `ModuleImport` that each import provides. */
  readonly importToken: symbol;
  /** How to import the module twice without a clash. */
  readonly clashHint: string;
}

/** One import of a module in the Nest app. */
export interface ModuleImport {
  readonly name: string | undefined;
  readonly isGlobal: boolean;
}

interface AuthModuleExtras {
  readonly name?: string | undefined;
  readonly isGlobal?: boolean | undefined;
}

/**
 * Applies the extra options to the dynamic module.
 *
 * @throws BoxAuthError `option_invalid`
 */
export function withExtras(
  { importToken }: AuthModule,
  definition: DynamicModule,
  { name, isGlobal = true }: AuthModuleExtras,
): DynamicModule {
  if (name !== undefined && (typeof name !== 'string' || name === '')) {
    throw invalidOption('name', 'a string that is not empty', name);
  }
  parseOption(booleanOption, 'isGlobal', isGlobal);
  const moduleImport: ModuleImport = { name, isGlobal };
  const marker = { provide: importToken, useValue: moduleImport };
  return { ...withParts(definition, { providers: [marker] }), global: isGlobal };
}

/** Returns the module with additional imports, providers and exports. */
export function withParts<T extends ModuleMetadata>(
  definition: T,
  { imports = [], providers = [], exports = [] }: ModuleMetadata,
): T {
  return {
    ...definition,
    imports: [...(definition.imports ?? []), ...imports],
    providers: [...(definition.providers ?? []), ...providers],
    exports: [...(definition.exports ?? []), ...exports],
  };
}

/** Ways to give options to `forRootAsync`. */
const OPTION_SOURCES = ['useFactory', 'useClass', 'useExisting'];
const SOURCE_SETTINGS = ['imports', 'inject', 'provideInjectionTokensFrom'];

/**
 * Checks the argument of `forRootAsync`.
 *
 * @throws BoxAuthError `option_invalid`
 */
export function checkAsyncOptions(
  { name: moduleName, extraOptionNames }: AuthModule,
  options: object,
): void {
  checkOptions(`${moduleName}.forRootAsync`, options);
  const known = [...OPTION_SOURCES, ...SOURCE_SETTINGS, ...extraOptionNames];
  const unknown = Object.keys(options).find((name) => !known.includes(name));
  if (unknown !== undefined) {
    throw misplaced(
      `Unknown option \`${unknown}\` of ${moduleName}.forRootAsync. Known options: ${known.join(', ')}.`,
      `If ${unknown} is an option of forRoot, return it from the factory.`,
    );
  }
  const source = OPTION_SOURCES.find((name) => Reflect.get(options, name) !== undefined);
  if (source === undefined) {
    throw misplaced(
      `${moduleName}.forRootAsync needs one of ${OPTION_SOURCES.join(', ')}.`,
      'Add a useFactory that returns the options.',
    );
  }
  if (typeof Reflect.get(options, source) !== 'function') {
    throw invalidOption(
      source,
      source === 'useFactory' ? 'a function' : 'a class',
      Reflect.get(options, source),
    );
  }
}

/**
 * Checks the options that a factory of `forRootAsync` returned.
 *
 * @throws BoxAuthError `option_invalid`
 */
export function checkReturnedOptions(
  { name: moduleName, extraOptionNames }: AuthModule,
  options: object,
): void {
  checkOptions(moduleName, options);
  const extra = extraOptionNames.find((name) => name in options);
  if (extra === undefined) return;
  throw misplaced(
    `The factory of ${moduleName}.forRootAsync returned \`${extra}\`, which belongs next to the factory.`,
    `Write ${extra} next to useFactory.`,
  );
}

function misplaced(message: string, hint: string): BoxAuthError {
  return new BoxAuthError({ code: 'option_invalid', message, hint, docs: DOCS });
}
