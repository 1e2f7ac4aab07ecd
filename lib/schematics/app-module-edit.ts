import type ts from 'typescript';
import { AppFile, type TypeScript } from './app-file.js';
import { insertAll, type Insertion } from './text-insertions.js';

export const PACKAGE = 'nestjs-box-auth';
const MODULE = 'BoxAuthModule';

/** A file with the module added to the imports of the root module, or the reason why it cannot be edited. */
export type ModuleEdit = { readonly text: string } | { readonly problem: string };

/**
 * Adds `BoxAuthModule.forRoot()` to the imports of the module class `className`, or of the only module class in the file. Only
 * inserts text: everything else stays unchanged.
 */
export function addBoxAuthModule(
  compiler: TypeScript,
  text: string,
  className: string | undefined,
): ModuleEdit {
  const file = new AppFile(compiler, text);
  if (file.hasSyntaxErrors) return { problem: 'it has syntax errors' };
  const classes = moduleClassesIn(file);
  const root = classes.find(({ name }) => name === className) ?? classes[0];
  if (root === undefined) return { problem: 'it has no class with @Module()' };
  if (root.name !== className && classes.length > 1) {
    return { problem: `it has ${classes.length} classes with @Module()` };
  }
  const local = file.localNameOf(MODULE, PACKAGE);
  if (local === undefined && file.declares(MODULE)) {
    return { problem: `${MODULE} is the name of something else in it` };
  }
  const metadata = importingInto(root.metadata, `${local ?? MODULE}.forRoot()`, file);
  if ('problem' in metadata) return metadata;
  const importing = local === undefined ? file.importing(MODULE, PACKAGE) : [];
  return { text: insertAll(text, [...metadata.insertions, ...importing]) };
}

/** Whether a file calls `BoxAuthModule.forRoot()` or `forRootAsync()`. */
export function callsBoxAuthModule(compiler: TypeScript, text: string): boolean {
  if (!text.includes(PACKAGE)) return false;
  const file = new AppFile(compiler, text);
  const local = file.localNameOf(MODULE, PACKAGE);
  const isModule = (node: ts.Expression) =>
    compiler.isPropertyAccessExpression(node)
      ? node.name.text === MODULE
      : compiler.isIdentifier(node) && node.text === local;
  const isCall = (node: ts.Node): node is ts.PropertyAccessExpression =>
    compiler.isPropertyAccessExpression(node) &&
    isModule(node.expression) &&
    /^forRoot(Async)?$/.test(node.name.text);
  return file.find(isCall) !== undefined;
}

interface ModuleClass {
  readonly name: string | undefined;
  readonly metadata: ts.Expression | undefined;
}

function moduleClassesIn(file: AppFile): readonly ModuleClass[] {
  const { compiler } = file;
  const decorator = file.localNameOf('Module', '@nestjs/common') ?? 'Module';
  const isModule = ({ expression: called }: ts.CallExpression) =>
    compiler.isPropertyAccessExpression(called)
      ? called.name.text === 'Module'
      : compiler.isIdentifier(called) && called.text === decorator;
  return file.statements.filter(compiler.isClassDeclaration).flatMap((declaration) =>
    (compiler.getDecorators(declaration) ?? [])
      .map(({ expression }) => expression)
      .filter(compiler.isCallExpression)
      .filter(isModule)
      .map((call) => ({ name: declaration.name?.text, metadata: call.arguments[0] })),
  );
}

function importingInto(
  argument: ts.Expression | undefined,
  item: string,
  file: AppFile,
): { readonly insertions: readonly Insertion[] } | { readonly problem: string } {
  const { compiler } = file;
  const metadata = argument && withoutTypes(argument, compiler);
  if (metadata === undefined || !compiler.isObjectLiteralExpression(metadata)) {
    return { problem: 'the argument of its @Module() is not an object literal' };
  }
  const { properties } = metadata;
  const index = properties.findIndex(
    ({ name }) =>
      name !== undefined &&
      compiler.isPropertyName(name) &&
      'text' in name &&
      name.text === 'imports',
  );
  if (properties.some((property, at) => at > index && compiler.isSpreadAssignment(property))) {
    return { problem: 'a spread in its @Module() may contain `imports`' };
  }
  const property = properties[index];
  if (property === undefined)
    return { insertions: file.prepending(`imports: [${item}]`, metadata) };
  const list = compiler.isPropertyAssignment(property)
    ? withoutTypes(property.initializer, compiler)
    : property;
  return compiler.isArrayLiteralExpression(list)
    ? { insertions: file.appending(item, list.elements) }
    : { problem: '`imports` of its @Module() is not an array literal' };
}

/** Removes parentheses and type assertions. */
function withoutTypes(expression: ts.Expression, compiler: TypeScript): ts.Expression {
  return compiler.isParenthesizedExpression(expression) ||
    compiler.isAsExpression(expression) ||
    compiler.isSatisfiesExpression(expression)
    ? withoutTypes(expression.expression, compiler)
    : expression;
}
