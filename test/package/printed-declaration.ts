import ts from 'typescript';

const printer = ts.createPrinter({ removeComments: true });

/** A declaration as others see it: its private members are left out, and its members are in the order of their names. */
export function printDeclaration(declaration: ts.Declaration): string {
  const [statement] = ts.transform(statementOf(declaration), [publicPart]).transformed;
  if (statement === undefined) return '';
  return printer.printNode(ts.EmitHint.Unspecified, statement, declaration.getSourceFile());
}

/** The identifiers of a declaration that others see. */
export function identifiersIn(node: ts.Node): readonly ts.Identifier[] {
  if (isPrivate(node)) return [];
  const found = ts.isIdentifier(node) ? [node] : [];
  ts.forEachChild(node, (child) => void found.push(...identifiersIn(child)));
  return found;
}

/** Of several variables that are declared together, each is a declaration of its own. */
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

/** That a constructor is private matters to others. */
function isPrivate(node: ts.Node): boolean {
  if (ts.isConstructorDeclaration(node) || !ts.isClassElement(node)) return false;
  const isNamedSo = node.name !== undefined && ts.isPrivateIdentifier(node.name);
  return isNamedSo || (ts.getCombinedModifierFlags(node) & ts.ModifierFlags.Private) !== 0;
}

/** Overloads have one name, and stay in their order: it matters. */
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
