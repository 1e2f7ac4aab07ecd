// Checks the code blocks in the documents and in the docstrings of lib/. TypeScript and JavaScript are type-checked like files of
// a user's project; JSON and shell are parsed. Blocks in other languages than those below are mistakes.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import ts from 'typescript';
import { root } from './command.mjs';
import { codeBlocksIn } from './markdown.mjs';
import { filesIn, read } from './source-files.mjs';

// check-translation.mjs checks that README.ja.md has the same blocks as README.md.
const sources = [
  'README.md',
  'CONTRIBUTING.md',
  'SECURITY.md',
  'bench/README.md',
  ...filesIn('docs', '.md'),
  ...filesIn('lib', '.ts'),
];

/** @type {Map<string, string>} the code by file name */
const programs = new Map();
/** @type {string[]} */
const mistakes = [];
let count = 0;

for (const source of sources) {
  const text = read(source);
  const blocks = codeBlocksIn(source.endsWith('.ts') ? commentsOf(text) : text);
  for (const [index, { language, code }] of blocks.entries()) {
    const name = `example ${index + 1} of ${source.replaceAll('/', ' ')}`;
    const problem = check(name, language, code);
    if (problem !== undefined) mistakes.push(`${name}: ${problem}`);
    count += 1;
  }
}
mistakes.push(...typeMistakes());

console.log([...mistakes, `${count} examples, ${mistakes.length} mistakes`].join('\n'));
process.exitCode = mistakes.length === 0 && programs.size > 0 ? 0 : 1;

/**
 * @param {string} name
 * @param {string} language
 * @param {string} code
 * @returns {string | undefined} the mistake, if any
 */
function check(name, language, code) {
  switch (language) {
    case 'ts':
    case 'js':
      programs.set(join(root, `${name}.${language === 'ts' ? 'ts' : 'mjs'}`), code);
      return undefined;
    case 'json':
      return jsonMistake(code);
    case 'sh': {
      const { status, stderr } = spawnSync('bash', ['-n'], { input: code, encoding: 'utf8' });
      return status === 0 ? undefined : stderr;
    }
    case 'text':
    case 'mermaid':
      return undefined;
    default:
      return `the language "${language}" is not one of ts, js, json, sh, text and mermaid`;
  }
}

/** @param {string} code */
function jsonMistake(code) {
  try {
    JSON.parse(code);
    return undefined;
  } catch (error) {
    return String(error);
  }
}

function typeMistakes() {
  /** @type {ts.Diagnostic[]} */
  const found = [];
  const parsed = ts.getParsedCommandLineOfConfigFile(
    join(root, 'tsconfig.json'),
    {
      noEmit: true,
      noUnusedLocals: false,
      noUnusedParameters: false,
      allowJs: true,
      checkJs: true,
    },
    { ...ts.sys, onUnRecoverableConfigFileDiagnostic: (mistake) => found.push(mistake) },
  );
  const options = parsed?.options ?? {};
  const onDisk = ts.createCompilerHost(options);
  const host = {
    ...onDisk,
    /** @param {string} file */
    fileExists: (file) => programs.has(file) || onDisk.fileExists(file),
    /** @param {string} file */
    readFile: (file) => programs.get(file) ?? onDisk.readFile(file),
    /** @param {string} file @param {ts.ScriptTarget | ts.CreateSourceFileOptions} target */
    getSourceFile: (file, target) => {
      const example = programs.get(file);
      return example === undefined
        ? onDisk.getSourceFile(file, target)
        : ts.createSourceFile(file, example, target, true);
    },
  };
  const program = ts.createProgram([...programs.keys()], options, host);
  // Only in the examples: tsc checks the files of lib that they import.
  for (const file of programs.keys())
    found.push(...ts.getPreEmitDiagnostics(program, program.getSourceFile(file)));
  return ts
    .sortAndDeduplicateDiagnostics(found)
    .map((mistake) => ts.formatDiagnosticsWithColorAndContext([mistake], host));
}

/** @param {string} text */
function commentsOf(text) {
  return [...text.matchAll(/^ *\/\*\*[^]*?\*\/$/gm)]
    .map(([comment]) => comment.replace(/^ *\* ?/gm, ''))
    .join('\n');
}
