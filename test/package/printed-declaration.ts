import ts from 'typescript';

const printer = ts.createPrinter({ removeComments: true });

/** Prints a declaration without private members, with members sorted by name. */
export function printDeclaration(declaration: ts.Declaration): string {
  const [statement] = ts.transform(statementOf(declaration), [publicPart]).transformed;
  if (statement === undefined) return '';
  return printer.printNode(ts.EmitHint.Unspecified, statement, declaration.getSourceFile());
}

/** The identifiers in the public part of a declaration. */
export function identifiersIn(node: ts.Node): readonly ts.Identifier[] {
  if (isPrivate(node)) return [];
  const found = ts.isIdentifier(node) ? [node] : [];
  ts.forEachChild(node, (child) => void found.push(...identifiersIn(child)));
  return found;
}

/** Splits variables that are declared together. */
function statementOf(declaration: ts.Declaration): ts.Node {
  if (!ts.isVariableDeclaration(declaration)) return declaration;
  const list = ts.factory.createVariableDeclarationList([declaration], ts.NodeFlags.Const);
  const declare = ts.factory.createModifier(ts.SyntaxKind.DeclareKeyword);
  return ts.factory.createVariableStatement([declare], list);
}

const publicPart: ts.TransformerFactory<ts.Node> = (context) => {
  const visit = (node: ts.Node): ts.Node | undefined => {
    if (isPrivate(node) || node.kind === ts.SyntaxKind.ExportKeyword) return undefined;
    const visited = ts.visitEachChild(node, visit, context);
    if (ts.isClassDeclaration(visited)) {
      const { modifiers, name, typeParameters, heritageClauses, members } = visited;
      return ts.factory.updateClassDeclaration(
        visited,
        modifiers,
        name,
        typeParameters,
        heritageClauses,
        byName(members),
      );
    }
    if (ts.isInterfaceDeclaration(visited)) {
      const { modifiers, name, typeParameters, heritageClauses, members } = visited;
      return ts.factory.updateInterfaceDeclaration(
        visited,
        modifiers,
        name,
        typeParameters,
        heritageClauses,
        byName(members),
      );
    }
    return visited;
  };
  return (node) => visit(node) ?? node;
};

/** Keeps a private constructor, which is part of the API. */
function isPrivate(node: ts.Node): boolean {
  if (ts.isConstructorDeclaration(node) || !ts.isClassElement(node)) return false;
  const isNamedSo = node.name !== undefined && ts.isPrivateIdentifier(node.name);
  return isNamedSo || (ts.getCombinedModifierFlags(node) & ts.ModifierFlags.Private) !== 0;
}

/** Overloads have the same name and keep their order, which matters. */
function byName<T extends ts.ClassElement | ts.TypeElement>(members: readonly T[]): readonly T[] {
  return members.toSorted((one, other) => compare(nameOf(one), nameOf(other)));
}

function nameOf({ name }: ts.ClassElement | ts.TypeElement): string {
  if (name === undefined) return '';
  return ts.isComputedPropertyName(name) ? name.expression.getText() : name.getText();
}

function compare(one: string, other: string): number {
  return one < other ? -1 : Number(one > other);
}
