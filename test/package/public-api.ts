import { join } from 'node:path';
import ts from 'typescript';
import { declareTypes } from './declared-types.js';
import { identifiersIn, printDeclaration } from './printed-declaration.js';

/** The name of the part with types that exported signatures use but no entry point exports. */
export const UNEXPORTED = 'unexported';

/**
 * Prints the exports of each entry point with full signatures, as TypeScript. Each declaration is printed only where it is
 * exported first, so that one change is one difference.
 *
 * @param entryPoints their declarations, from the folder of all on, by the names that they are imported by
 */
export function describeApi(
  root: string,
  entryPoints: ReadonlyMap<string, string>,
): ReadonlyMap<string, string> {
  const folder = join(root, 'declared-lib/');
  const program = declareTypes(root, folder);
  const checker = program.getTypeChecker();
  const exported = new Map<string, readonly Export[]>();
  const homes = new Map<ts.Symbol, string>();
  for (const [name, file] of entryPoints) {
    const exports = exportsOf(join(folder, file), program, checker);
    exported.set(name, exports);
    for (const { target } of exports) if (!homes.has(target)) homes.set(target, name);
  }

  const described = new Map<string, string>();
  const printed = new Set<ts.Declaration>();
  const print = (symbols: readonly ts.Symbol[]) => {
    const declarations = new Set(symbols.toSorted(byName).flatMap(declarationsOf));
    const others = [...declarations].filter((declaration) => !printed.has(declaration));
    for (const declaration of others) printed.add(declaration);
    return others.map(printDeclaration);
  };
  for (const [name, exports] of exported) {
    const own = exports.filter(({ target }) => homes.get(target) === name);
    const declarations = print(own.map(({ target }) => target));
    described.set(name, [...exportLists(name, exports, homes), ...declarations].join('\n\n'));
  }
  const others = [...reachedFrom(homes.keys(), folder, checker)].filter(
    (symbol) => !homes.has(symbol),
  );
  return described.set(UNEXPORTED, print(others).join('\n\n'));
}

interface Export {
  readonly name: string;
  readonly target: ts.Symbol;
  /** Whether it is exported as a type, even if it is a class. */
  readonly isType: boolean;
}

function exportsOf(file: string, program: ts.Program, checker: ts.TypeChecker): readonly Export[] {
  const source = program.getSourceFile(file);
  const module = source && checker.getSymbolAtLocation(source);
  if (module === undefined) throw new Error(`${file} exports nothing.`);
  return checker
    .getExportsOfModule(module)
    .map((symbol) => {
      const target = targetOf(symbol, checker);
      const isType =
        (target.flags & ts.SymbolFlags.Value) === 0 ||
        (symbol.declarations ?? []).some(ts.isTypeOnlyImportOrExportDeclaration);
      return { name: symbol.name, target, isType };
    })
    .toSorted(byName);
}

/** Prints `export { … };` for the declarations below, and one with `from` for each entry point that exports the same. */
function exportLists(
  entryPoint: string,
  exports: readonly Export[],
  homes: ReadonlyMap<ts.Symbol, string>,
): readonly string[] {
  const lists = new Map<string | undefined, string[]>([[entryPoint, []]]);
  for (const { name, target, isType } of exports) {
    const home = homes.get(target);
    const list = lists.get(home) ?? [];
    const renamed = target.name === name ? name : `${target.name} as ${name}`;
    lists.set(home, [...list, isType ? `type ${renamed}` : renamed]);
  }
  return [...lists]
    .filter(([, list]) => list.length > 0)
    .map(
      ([home, list]) =>
        `export { ${list.join(', ')} }${home === entryPoint ? '' : ` from '${home}'`};`,
    );
}

/** Returns these symbols and all symbols of lib that their declarations use. */
function reachedFrom(
  symbols: Iterable<ts.Symbol>,
  folder: string,
  checker: ts.TypeChecker,
): ReadonlySet<ts.Symbol> {
  const reached = new Set(symbols);
  // The loop also visits the symbols that it adds.
  for (const symbol of reached) {
    for (const identifier of declarationsOf(symbol).flatMap(identifiersIn)) {
      const used = checker.getSymbolAtLocation(identifier);
      const target = used && targetOf(used, checker);
      if (target?.declarations?.some((declaration) => isTopLevelIn(folder, declaration))) {
        reached.add(target);
      }
    }
  }
  return reached;
}

function targetOf(symbol: ts.Symbol, checker: ts.TypeChecker): ts.Symbol {
  if ((symbol.flags & ts.SymbolFlags.Alias) === 0) return symbol;
  const target = checker.getAliasedSymbol(symbol);
  if (target.declarations === undefined) throw new Error(`${symbol.name} cannot be found.`);
  return target;
}

function isTopLevelIn(folder: string, declaration: ts.Declaration): boolean {
  if (ts.isSourceFile(declaration)) return false;
  const { parent } = ts.isVariableDeclaration(declaration)
    ? declaration.parent.parent
    : declaration;
  return ts.isSourceFile(parent) && parent.fileName.startsWith(folder);
}

/** Includes augmentations of other modules, such as Express's `Request`. */
function declarationsOf(symbol: ts.Symbol): readonly ts.Declaration[] {
  const declarations = symbol.declarations ?? [];
  const modules = new Set(declarations.map((declaration) => declaration.getSourceFile()));
  const augmentations = [...modules].flatMap(({ statements }) =>
    statements.filter(ts.isModuleDeclaration),
  );
  return [...declarations, ...augmentations];
}

function byName(one: { readonly name: string }, other: { readonly name: string }): number {
  return one.name < other.name ? -1 : Number(one.name > other.name);
}
