// Type-checks every ```ts block of the README, of docs/ and of the docstrings in lib/, as a user's file in a project of its own.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';

const root = fileURLToPath(new URL('..', import.meta.url));
const sources = ['README.md', ...filesIn('docs', '.md'), ...filesIn('lib', '.ts')];

/** @type {Map<string, string>} */
const examples = new Map();
for (const source of sources) {
  const text = readFileSync(join(root, source), 'utf8');
  for (const [index, block] of blocksOf(text, source.endsWith('.ts')).entries()) {
    examples.set(join(root, `example ${index + 1} of ${source.replaceAll('/', ' ')}.ts`), block);
  }
}

const { config } = ts.readConfigFile(join(root, 'tsconfig.json'), ts.sys.readFile);
const { options } = ts.parseJsonConfigFileContent(
  { ...config, include: [], files: [] },
  ts.sys,
  root,
);
const host = ts.createCompilerHost(options);
const { fileExists, readFile } = host;
host.fileExists = (file) => examples.has(file) || fileExists(file);
host.readFile = (file) => examples.get(file) ?? readFile(file);

const program = ts.createProgram(
  [...examples.keys()],
  {
    ...options,
    noEmit: true,
    noUnusedLocals: false,
    noUnusedParameters: false,
    lib: ['lib.es2023.d.ts'],
  },
  host,
);
const mistakes = ts.getPreEmitDiagnostics(program);
console.log(ts.formatDiagnosticsWithColorAndContext(mistakes, { ...host, getNewLine: () => '\n' }));
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
