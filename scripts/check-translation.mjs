// Checks that README.ja.md says what README.md says, as far as that can be checked: the same headings, code and tables, in every
// section the same names, and the same documents that it leads to.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './command.mjs';
import { codeBlocksIn, namesIn, sectionsIn, tablesIn, targetsIn } from './markdown.mjs';

/** Defaults and units that are words. */
const WORDS = new Map([
  ['the environment', '環境変数'],
  ['the global one', 'グローバルのもの'],
  ["the system's", 'システムのもの'],
  ['none', 'なし'],
  ['0 to 1', '0〜1'],
]);

const [original, translation] = ['README.md', 'README.ja.md'].map((file) =>
  readFileSync(join(root, file), 'utf8'),
);
/** @type {string[]} */
const mistakes = [];

if (original === undefined || translation === undefined)
  throw new TypeError('there are two of them');
expectSame('code blocks', codeBlocksIn(original), codeBlocksIn(translation));
const sections = sectionsIn(original);
const translated = sectionsIn(translation);
expectSame(
  'the levels of its headings',
  sections.map(({ level }) => level),
  translated.map(({ level }) => level),
);
for (const [at, { title, text }] of sections.entries()) {
  const { text: other = '' } = translated[at] ?? {};
  const where = title === '' ? 'above the headings' : `in "${title}"`;
  expectSame(`the names ${where}`, sorted(namesIn(text)), sorted(namesIn(other)));
  expectSame(`the links ${where}`, documentsIn(text), documentsIn(other));
  const tables = tablesIn(text);
  const others = tablesIn(other);
  expectSame(`the sizes of the tables ${where}`, tables.map(sizeOf), others.map(sizeOf));
  for (const [number, table] of tables.entries()) expectSameRows(where, table, others[number]);
}
if (!targetsIn(original).includes('README.ja.md'))
  mistakes.push('README.md does not link README.ja.md');
if (!targetsIn(translation).includes('README.md'))
  mistakes.push('README.ja.md does not link README.md');

console.log([...mistakes, `${sections.length} sections, ${mistakes.length} mistakes`].join('\n'));
process.exitCode = mistakes.length === 0 ? 0 : 1;

/**
 * @param {string} what
 * @param {readonly unknown[]} expected
 * @param {readonly unknown[]} found
 */
function expectSame(what, expected, found) {
  const at = [...expected, ...found].findIndex(
    (_, index) => asText(expected[index]) !== asText(found[index]),
  );
  if (at >= 0) {
    mistakes.push(
      `README.ja.md differs in ${what}: it has\n  ${asText(found[at])}\nwhere README.md has\n  ${asText(expected[at])}`,
    );
  }
}

/**
 * Each row names the same, cell for cell; of options the default and the unit are the same, too.
 *
 * @param {string} where
 * @param {import('./markdown.mjs').Table} table
 * @param {import('./markdown.mjs').Table | undefined} other
 */
function expectSameRows(where, { head, rows }, other) {
  for (const [number, row] of rows.entries()) {
    const cells = other?.rows[number] ?? [];
    const told = `row ${number + 1} of a table ${where}`;
    expectSame(
      told,
      row.map((cell) => sorted(namesIn(cell))),
      cells.map((cell) => sorted(namesIn(cell))),
    );
    if (head[0] === 'option') {
      expectSame(
        told,
        row.slice(0, 3).map((cell) => WORDS.get(cell) ?? cell),
        cells.slice(0, 3),
      );
    }
  }
}

/** @param {import('./markdown.mjs').Table} table */
function sizeOf({ head, rows }) {
  return `${head.length} columns, ${rows.length} rows`;
}

/**
 * Without anchors, as headings have other names there; and without the link from one README to the other.
 *
 * @param {string} text
 */
function documentsIn(text) {
  const documents = targetsIn(text).map((target) => target.split('#')[0] ?? '');
  return sorted(documents.filter((document) => !/^README(?:\.ja)?\.md$/.test(document)));
}

/** @param {readonly string[]} names */
function sorted(names) {
  return [...new Set(names)].toSorted();
}

/** @param {unknown} value */
function asText(value) {
  return typeof value === 'string' ? value : JSON.stringify(value);
}
