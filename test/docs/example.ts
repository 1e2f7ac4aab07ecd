import { readFileSync } from 'node:fs';
import { runInThisContext } from 'node:vm';
import ts from 'typescript';

type Program = (...args: readonly unknown[]) => Promise<void>;

/** The `ts` blocks of a document, as they stand there. */
export function examplesIn(document: string): readonly string[] {
  const text = readFileSync(new URL(`../../${document}`, import.meta.url), 'utf8');
  return [...text.matchAll(/^```ts\n(.*?)^```$/gms)].map(([, code = '']) => code);
}

/** The one block of a document that has all of these words in it. */
export function exampleIn(document: string, ...words: readonly string[]): string {
  const found = examplesIn(document).filter((code) => words.every((word) => code.includes(word)));
  const [example] = found;
  if (example === undefined || found.length > 1) {
    throw new Error(`${document} has ${found.length} examples with ${words.join(', ')}`);
  }
  return example;
}

/**
 * Runs an example to its end and hands back what it exports. It imports what this process has: the package from lib/. `given`
 * takes the place of what it only declares.
 */
export async function run(
  example: string,
  given: Readonly<Record<string, unknown>> = {},
): Promise<Record<string, unknown>> {
  const { outputText } = ts.transpileModule(example, {
    compilerOptions: {
      target: ts.ScriptTarget.ES2022,
      module: ts.ModuleKind.CommonJS,
      esModuleInterop: false, // the modules are namespaces already, with their own `default`
      experimentalDecorators: true,
      emitDecoratorMetadata: true,
      useDefineForClassFields: false,
    },
  });
  const modules = new Map<string, unknown>();
  for (const { fileName } of ts.preProcessFile(example).importedFiles) {
    modules.set(fileName, await import(fileName));
  }
  const exported: Record<string, unknown> = {};
  const names = ['require', 'exports', ...Object.keys(given)];
  // In an async function, as an example may await at its top.
  const program = runInThisContext(`(async (${names.join(', ')}) => {${outputText}})`) as Program;
  await program((name: string) => modules.get(name), exported, ...Object.values(given));
  return exported;
}
