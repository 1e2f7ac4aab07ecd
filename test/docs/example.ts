import { readFileSync } from 'node:fs';
import { runInThisContext } from 'node:vm';
import ts from 'typescript';

type Program = (...args: readonly unknown[]) => Promise<void>;

/** The `ts` blocks of a document. */
export function examplesIn(document: string): readonly string[] {
  return [...textOf(document).matchAll(/^```ts\n(.*?)^```$/gms)].map(([, code = '']) => code);
}

/** The names in backticks in the first column of the table with this heading. */
export function namesUnder(document: string, heading: string): readonly string[] {
  const [, after = ''] = textOf(document).split(new RegExp(`^\\| ${heading} +\\|.*\\n`, 'm'));
  const [rows = ''] = after.split(/\n\n/);
  return [...rows.matchAll(/^\| ([^|]*)/gm)].flatMap(([, cell = '']) =>
    Array.from(cell.matchAll(/`([^`]+)`/g), ([, name = '']) => name),
  );
}

function textOf(document: string): string {
  return readFileSync(new URL(`../../${document}`, import.meta.url), 'utf8');
}

/** The only block of a document that contains all of these words. */
export function exampleIn(document: string, ...words: readonly string[]): string {
  const found = examplesIn(document).filter((code) => words.every((word) => code.includes(word)));
  const [example] = found;
  if (example === undefined || found.length > 1) {
    throw new Error(`${document} has ${found.length} examples with ${words.join(', ')}`);
  }
  return example;
}

/**
 * Runs an example and returns its exports. Its imports resolve in this process, so the package comes from lib/. `given` replaces
 * the variables that the example only declares.
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
  // An example may use top-level await.
  const program = runInThisContext(`(async (${names.join(', ')}) => {${outputText}})`) as Program;
  await program((name: string) => modules.get(name), exported, ...Object.values(given));
  return exported;
}
