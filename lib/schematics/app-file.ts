import type ts from 'typescript';
import { indentationAt, type Insertion, isFirstInLine, newlineOf } from './text-insertions.js';

/** The compiler of the app. */
export type TypeScript = typeof ts;

/** A name that a file imports. */
export interface ImportedName {
  /** The name in the other module; undefined for a default import. */
  readonly exported: string | undefined;
  readonly from: string;
}

/** A parsed TypeScript file of the app, and the insertions that change it. */
export class AppFile {
  readonly #source: ts.SourceFile;

  constructor(
    readonly compiler: TypeScript,
    readonly text: string,
  ) {
    this.#source = compiler.createSourceFile('app.ts', text, compiler.ScriptTarget.Latest, true);
  }

  get statements(): readonly ts.Statement[] {
    return this.#source.statements;
  }

  get hasSyntaxErrors(): boolean {
    const { diagnostics = [] } = this.compiler.transpileModule(this.text, {
      reportDiagnostics: true,
      compilerOptions: { experimentalDecorators: true },
    });
    return diagnostics.length > 0;
  }

  startOf(node: ts.Node): number {
    return node.getStart(this.#source);
  }

  /** The first node, in the order of the text, that `matches`. */
  find<Found extends ts.Node>(
    matches: (node: ts.Node) => node is Found,
    within: ts.Node = this.#source,
  ): Found | undefined {
    return this.compiler.forEachChild(within, (node) =>
      matches(node) ? node : this.find(matches, node),
    );
  }

  /** The imported names, by their local names. Those of `import type` and `import *` are missing. */
  get imports(): ReadonlyMap<string, ImportedName> {
    const imports = new Map<string, ImportedName>();
    for (const { importClause: clause, from } of this.#importDeclarations) {
      if (clause === undefined || clause.isTypeOnly) continue;
      const { name, namedBindings: bindings } = clause;
      if (name !== undefined) imports.set(name.text, { exported: undefined, from });
      for (const each of bindings && 'elements' in bindings ? bindings.elements : []) {
        const exported = (each.propertyName ?? each.name).text;
        if (!each.isTypeOnly) imports.set(each.name.text, { exported, from });
      }
    }
    return imports;
  }

  /** The local name of an import. */
  localNameOf(exported: string, from: string): string | undefined {
    return [...this.imports].find(
      ([, imported]) => imported.exported === exported && imported.from === from,
    )?.[0];
  }

  /** Whether something in the file, or a type that it imports, has that name. */
  declares(name: string): boolean {
    const isDeclaration = (node: ts.Node): node is ts.Identifier =>
      this.compiler.isIdentifier(node) &&
      node.text === name &&
      'name' in node.parent &&
      node.parent.name === node;
    return this.find(isDeclaration) !== undefined;
  }

  /** Imports one more name: in an import of the same package, else in a line after the last import. */
  importing(name: string, from: string): readonly Insertion[] {
    for (const { importClause, from: other } of this.#importDeclarations) {
      const bindings = importClause?.namedBindings;
      if (
        other === from &&
        importClause?.isTypeOnly === false &&
        bindings &&
        'elements' in bindings
      ) {
        return this.appending(name, bindings.elements);
      }
    }
    const newline = newlineOf(this.text);
    const last = this.#importDeclarations.at(-1);
    if (last === undefined) {
      const at = this.statements[0]?.getStart(this.#source, true) ?? this.text.length;
      return [{ at, text: `import { ${name} } from '${from}';${newline}${newline}` }];
    }
    const quote = last.declaration.moduleSpecifier.getText(this.#source).charAt(0);
    const end = this.text.charAt(last.declaration.end - 1) === ';' ? ';' : '';
    const at = this.#endOfComments(last.declaration.end);
    return [{ at, text: `${newline}import { ${name} } from ${quote}${from}${quote}${end}` }];
  }

  /** Adds one item to the end of a list in brackets, on a line of its own if the last item is. */
  appending(item: string, list: ts.NodeArray<ts.Node>): readonly Insertion[] {
    const last = list.at(-1);
    if (last === undefined) return [{ at: list.pos, text: item }];
    const at = this.#endOfComments(list.end);
    const start = this.startOf(last);
    const needsLine =
      isFirstInLine(this.text, start) || this.text.slice(list.end, at).includes('//');
    const space = needsLine ? `${newlineOf(this.text)}${indentationAt(this.text, start)}` : ' ';
    return list.hasTrailingComma
      ? [{ at, text: `${space}${item},` }]
      : [
          { at: list.end, text: ',' },
          { at, text: `${space}${item}` },
        ];
  }

  /** Adds a property to the beginning of an object literal. */
  prepending(property: string, object: ts.ObjectLiteralExpression): readonly Insertion[] {
    const newline = newlineOf(this.text);
    const [first] = object.properties;
    const open = object.properties.pos;
    if (first === undefined) {
      const inside = this.text.slice(open, object.end - 1);
      if (!inside.includes('\n'))
        return [{ at: open, text: ` ${property}${inside === '' ? ' ' : ''}` }];
      return [{ at: open, text: `${newline}${indentationAt(this.text, open)}  ${property},` }];
    }
    const comments = this.compiler.getLeadingCommentRanges(this.text, open) ?? [];
    const start = comments[0]?.pos ?? this.startOf(first);
    const space = isFirstInLine(this.text, start)
      ? `${newline}${indentationAt(this.text, start)}`
      : ' ';
    return [{ at: start, text: `${property},${space}` }];
  }

  get #importDeclarations() {
    return this.statements.flatMap((declaration) => {
      if (!this.compiler.isImportDeclaration(declaration)) return [];
      const { importClause, moduleSpecifier } = declaration;
      const from = this.compiler.isStringLiteral(moduleSpecifier) ? moduleSpecifier.text : '';
      return [{ declaration, importClause, from }];
    });
  }

  #endOfComments(position: number): number {
    return this.compiler.getTrailingCommentRanges(this.text, position)?.at(-1)?.end ?? position;
  }
}
