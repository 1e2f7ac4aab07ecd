// Type-checks every ```ts block of the README, of docs/ and of the docstrings in lib/, as a user's file in a project of its own.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';

const root = fileURLToPath(new URL('..', import.meta.url));
const sources = ['README.md', ...filesIn('docs', '.md'), ...filesIn('lib', '.ts')];

/** @type {ts.Diagnostic[]} */
const mistakes = [];

/** @type {Map<string, string>} */
const examples = new Map();
for (const source of sources) {
  const text = readFileSync(join(root, source), 'utf8');
  for (const [index, block] of blocksOf(text, source.endsWith('.ts')).entries()) {
    examples.set(join(root, `example ${index + 1} of ${source.replaceAll('/', ' ')}.ts`), block);
  }
}

const parsed = ts.getParsedCommandLineOfConfigFile(
  join(root, 'tsconfig.json'),
  { noEmit: true, noUnusedLocals: false, noUnusedParameters: false },
  { ...ts.sys, onUnRecoverableConfigFileDiagnostic: (mistake) => mistakes.push(mistake) },
);
const options = parsed?.options ?? {};
const onDisk = ts.createCompilerHost(options);
const host = {
  ...onDisk,
  /** @param {string} file */
  fileExists: (file) => examples.has(file) || onDisk.fileExists(file),
  /** @param {string} file */
  readFile: (file) => examples.get(file) ?? onDisk.readFile(file),
  /** @param {string} file @param {ts.ScriptTarget | ts.CreateSourceFileOptions} target */
  getSourceFile: (file, target) => {
    const example = examples.get(file);
    return example === undefined
      ? onDisk.getSourceFile(file, target)
      : ts.createSourceFile(file, example, target, true);
  },
};

mistakes.push(...ts.getPreEmitDiagnostics(ts.createProgram([...examples.keys()], options, host)));
if (mistakes.length > 0) console.log(ts.formatDiagnosticsWithColorAndContext(mistakes, host));
console.log(`${examples.size} examples, ${mistakes.length} mistakes`);
process.exitCode = mistakes.length === 0 && examples.size > 0 ? 0 : 1;

/** @param {string} text @param {boolean} inComments */
function blocksOf(text, inComments) {
  const plain = inComments ? text.replace(/^ *\* ?/gm, '') : text;
  return [...plain.matchAll(/^```ts\n(.*?)^```$/gms)].map(([, block]) => block ?? '');
}

/** @param {string} folder @param {string} ending */
function filesIn(folder, ending) {
  return ts.sys.readDirectory(join(root, folder), [ending]).map((file) => file.slice(root.length));
}
