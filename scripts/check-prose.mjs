// Checks the English of comments, strings, documents and test titles against a list of phrases that a reader stumbles over.
// Each phrase comes with the words to write instead. CONTRIBUTING.md has the rules of style.
import ts from 'typescript';
import { filesIn, read } from './source-files.mjs';

/** @type {readonly (readonly [phrase: RegExp, instead: string])[]} */
const PHRASES = [
  [/\bmend(?:s|ed|ing)?\b/i, 'fix'],
  [/\bin the place of\b/i, 'instead of'],
  [/\band (?:its|their|the) likes?\b/i, 'etc., or the names'],
  [/\bwho(?:m|so)?ever\b/i, 'the user, the caller'],
  [/\bwhom\b/i, 'the user, the caller'],
  [/\b(?:nobody|no one)(?:'s)?\b/i, 'an unauthenticated request, no caller'],
  [/\bsome(?:body|one)(?:'s)?\b/i, 'a user, a caller, a person'],
  [/\bcom(?:es|e|ing) again\b|\bcame again\b/i, 'recovers, succeeds again'],
  [/\b(?:goes|go|went|gone|tak(?:es|e|en)|took) along\b/i, 'is forwarded, forwards'],
  [/\b(?:stands?|stood) (?:in|beside|by|next)\b/i, 'is in, is next to'],
  [/\bpass(?:es|ing|ed)? by (?:itself|themselves)\b/i, 'is transient'],
  [/(?<!\bthere )\bis none\b/i, 'is not an X'],
  [/\banew\b/i, 're-created, re-signed, again'],
  [/\btold\b/i, 'reported, emitted, logged'],
  [/\bask(?:s|ed|ing)? (?:\w+ )?for (?:\w+ ){0,2}tokens?\b/i, 'request'],
  [/\b(?:an?|the|its|this|that|every|each|no|of) (?:\w+ )?answer\b(?! to\b)/i, 'response'],
  [/\b(?:its|their|all|these|such) (?:\w+ )?answers\b/i, 'responses'],
  [/\bas (?:it is|it was|they are|they were)(?=$|[.,;:)]| and\b)/i, 'unchanged, or nothing'],
  [/\bas (?:it|they) should(?: be)?\b/i, 'valid'],
  [/\bfor ever\b/i, 'forever'],
  [/\bof no use\b/i, 'unusable'],
  [
    /\bthat which\b|\bone of it\b|\bthose (?:that|who)\b|\b(?:one|he|anyone) who\b/i,
    'the noun itself',
  ],
  [/(?:^\/\*\*\s+(?:\* )?|^\/\/ |\. )(?:What|Who)\b(?![^.]*\?)/, 'a noun as the subject'],
  [/\bnothing but\b/i, 'only'],
  [/\bto be had\b/i, 'available'],
  [/\b(?:LONGEST|MOST|LARGEST)_\w+/, 'MAX_'],
  [/\b(?:SHORTEST|LEAST|SMALLEST)_\w+/, 'MIN_'],
];

/** @typedef {{ file: string, line: number, text: string }} Passage */

const documents = [
  'README.md',
  'CHANGELOG.md',
  'CONTRIBUTING.md',
  'SECURITY.md',
  ...filesIn('docs', '.md'),
];
const passages = [
  ...[...filesIn('lib', '.ts'), ...filesIn('sample-app', '.ts')].flatMap(wordsOfCode),
  ...filesIn('test', '.ts').flatMap(titlesOf),
  ...[...documents, ...filesIn('sample-app', '.html'), ...filesIn('sample-app', '.js')].flatMap(
    linesOf,
  ),
];
const hits = passages.flatMap(({ file, line, text }) =>
  PHRASES.flatMap(([phrase, instead]) => {
    const found = phrase.exec(text);
    if (found === null) return [];
    const at = line + text.slice(0, found.index).split('\n').length;
    const quoted = found[0].replaceAll(/[\s*/.]+/g, ' ').trim();
    return [`${file}:${at}: "${quoted}": write ${instead}`];
  }),
);
console.log([...hits, `${passages.length} passages, ${hits.length} phrases to rewrite`].join('\n'));
process.exitCode = hits.length === 0 ? 0 : 1;

/**
 * @param {string} file
 * @returns {Passage[]}
 */
function linesOf(file) {
  return read(file)
    .split('\n')
    .map((text, line) => ({ file, line, text }));
}

/**
 * Comments, strings and the names of constants.
 *
 * @param {string} file
 * @returns {Passage[]}
 */
function wordsOfCode(file) {
  const source = parse(file);
  /** @type {Map<number, string>} */
  const words = new Map();
  visit(source, (node) => {
    for (const { pos, end } of ts.getLeadingCommentRanges(source.text, node.pos) ?? []) {
      words.set(pos, source.text.slice(pos, end));
    }
    if (
      ts.isStringLiteralLike(node) ||
      ts.isTemplateHead(node) ||
      ts.isTemplateMiddleOrTemplateTail(node)
    ) {
      words.set(node.getStart(source), node.text);
    }
    if (ts.isVariableDeclaration(node)) words.set(node.pos, node.name.getText(source));
  });
  return [...words].map(([pos, text]) => ({ file, line: lineAt(source, pos), text }));
}

/**
 * What `describe` and `it` say, with or without `each`.
 *
 * @param {string} file
 * @returns {Passage[]}
 */
function titlesOf(file) {
  const source = parse(file);
  /** @type {Passage[]} */
  const titles = [];
  visit(source, (node) => {
    if (
      !ts.isCallExpression(node) ||
      !/^(?:describe|it|test)\b/.test(node.expression.getText(source))
    )
      return;
    const [title] = node.arguments;
    if (title !== undefined && (ts.isStringLiteralLike(title) || ts.isTemplateExpression(title))) {
      titles.push({
        file,
        line: lineAt(source, title.getStart(source)),
        text: title.getText(source),
      });
    }
  });
  return titles;
}

/** @param {string} file */
function parse(file) {
  return ts.createSourceFile(file, read(file), ts.ScriptTarget.Latest);
}

/** @param {ts.SourceFile} source @param {number} position */
function lineAt(source, position) {
  return source.getLineAndCharacterOfPosition(position).line;
}

/**
 * @param {ts.Node} node
 * @param {(node: ts.Node) => void} callback
 */
function visit(node, callback) {
  callback(node);
  ts.forEachChild(node, (child) => visit(child, callback));
}
