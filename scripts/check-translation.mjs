// Checks that README.ja.md matches README.md: the same headings, code and tables, and in each section the same names and links.
import { codeBlocksIn, namesIn, sectionsIn, tablesIn, targetsIn } from './markdown.mjs';
import { read } from './source-files.mjs';

const ORIGINAL = 'README.md';
const TRANSLATION = 'README.ja.md';

const original = read(ORIGINAL);
const translation = read(TRANSLATION);
/** @type {string[]} */
const mistakes = [];

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
if (!targetsIn(original).includes(TRANSLATION))
  mistakes.push(`${ORIGINAL} does not link ${TRANSLATION}.`);
if (!targetsIn(translation).includes(ORIGINAL))
  mistakes.push(`${TRANSLATION} does not link ${ORIGINAL}.`);

console.log([...mistakes, `${sections.length} sections, ${mistakes.length} mistakes`].join('\n'));
process.exitCode = mistakes.length === 0 ? 0 : 1;

/**
 * @param {string} what
 * @param {readonly unknown[]} expected
 * @param {readonly unknown[]} received
 */
function expectSame(what, expected, received) {
  const at = [...expected, ...received].findIndex(
    (_, index) => asText(expected[index]) !== asText(received[index]),
  );
  if (at >= 0) {
    mistakes.push(
      `${TRANSLATION} differs in ${what}: expected\n  ${asText(expected[at])}\nreceived\n  ${asText(received[at])}`,
    );
  }
}

/**
 * Each cell contains the same names as its original.
 *
 * @param {string} where
 * @param {import('./markdown.mjs').Table} table
 * @param {import('./markdown.mjs').Table | undefined} other
 */
function expectSameRows(where, { rows }, other) {
  for (const [number, row] of rows.entries()) {
    expectSame(
      `row ${number + 1} of a table ${where}`,
      row.map((cell) => sorted(namesIn(cell))),
      (other?.rows[number] ?? []).map((cell) => sorted(namesIn(cell))),
    );
  }
}

/** @param {import('./markdown.mjs').Table} table */
function sizeOf({ head, rows }) {
  return `${head.length} columns, ${rows.length} rows`;
}

/**
 * Without anchors, since headings are translated, and without the links between the two READMEs.
 *
 * @param {string} text
 */
function documentsIn(text) {
  const documents = targetsIn(text).map((target) => target.split('#')[0] ?? '');
  return sorted(documents.filter((document) => ![ORIGINAL, TRANSLATION].includes(document)));
}

/** @param {readonly string[]} names */
function sorted(names) {
  return [...new Set(names)].toSorted();
}

/** @param {unknown} value */
function asText(value) {
  return typeof value === 'string' ? value : JSON.stringify(value);
}
