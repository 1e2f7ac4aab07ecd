import { posix } from 'node:path';
import type ts from 'typescript';
import { AppFile, type TypeScript } from './app-file.js';

/** The class that the app passes to `NestFactory`. */
export interface RootModule {
  /** The path of its file, without the extension. */
  readonly path: string;
  /** Undefined for a default export. */
  readonly className: string | undefined;
}

/** Finds the root module in the text of `main.ts`. Undefined if it is not imported from a file of the app. */
export function rootModuleIn(
  compiler: TypeScript,
  text: string,
  folder: string,
): RootModule | undefined {
  const file = new AppFile(compiler, text);
  const isFactoryCall = (node: ts.Node): node is ts.CallExpression =>
    compiler.isCallExpression(node) &&
    compiler.isPropertyAccessExpression(node.expression) &&
    node.expression.expression.getText() ===
      (file.localNameOf('NestFactory', '@nestjs/core') ?? 'NestFactory');
  const argument = file.find(isFactoryCall)?.arguments[0];
  const imported = argument && file.imports.get(argument.getText());
  return imported?.from.startsWith('.') === true
    ? {
        path: posix.join(folder, imported.from.replace(/\.[jt]s$/, '')),
        className: imported.exported,
      }
    : undefined;
}
