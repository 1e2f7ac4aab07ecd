// What the checks of the documents read in them: Markdown, as far as we write it.

/**
 * @typedef {{ language: string, code: string }} CodeBlock
 * @typedef {{ head: string[], rows: string[][] }} Table
 * @typedef {{ level: number, title: string, text: string }} Section a heading and what stands below it, up to the next one
 */

const FENCE = /^ *(`{3,})(\w*) *$/;

/**
 * @param {string} text
 * @returns {CodeBlock[]}
 */
export function codeBlocksIn(text) {
  /** @type {CodeBlock[]} */
  const blocks = [];
  let fence = '';
  for (const line of text.split('\n')) {
    const [, marks = '', language = ''] = FENCE.exec(line) ?? [];
    if (fence === '') {
      if (marks !== '') blocks.push({ language, code: '' });
      fence = marks;
    } else if (marks === fence && language === '') fence = '';
    else blocks[blocks.length - 1] = added(blocks.at(-1), line);
  }
  if (fence !== '') throw new Error('A code block is not closed.');
  return blocks;
}

/** @param {CodeBlock | undefined} block @param {string} line */
function added({ language, code } = { language: '', code: '' }, line) {
  return { language, code: `${code}${line}\n` };
}

/**
 * The text without its code blocks: what looks like a heading or a link in them is none.
 *
 * @param {string} text
 */
export function proseIn(text) {
  return text.replace(/^ *(`{3,})\w* *\n[^]*?^ *\1 *$/gm, '');
}

/**
 * @param {string} text
 * @returns {Section[]} the first one is what stands above every heading
 */
export function sectionsIn(text) {
  const [above = '', ...parts] = proseIn(text).split(/^(#+) +(.+)$/m);
  const sections = [{ level: 0, title: '', text: above }];
  for (let at = 0; at < parts.length; at += 3) {
    const [marks = '', title = '', below = ''] = parts.slice(at, at + 3);
    sections.push({ level: marks.length, title: title.trim(), text: below });
  }
  return sections;
}

/**
 * @param {string} text
 * @returns {Table[]}
 */
export function tablesIn(text) {
  return [...proseIn(text).matchAll(/^\|.*\n\|[ :|-]+\|\n(?:\|.*\n?)*/gm)].map(([table]) => {
    const [head = [], , ...rows] = table.trim().split('\n').map(cellsOf);
    return { head, rows };
  });
}

/** @param {string} row */
function cellsOf(row) {
  return row
    .slice(1, -1)
    .split(/(?<!\\)\|/)
    .map((cell) => cell.trim());
}

/**
 * What stands in backticks.
 *
 * @param {string} text
 */
export function namesIn(text) {
  return [...proseIn(text).matchAll(/`([^`\n]+)`/g)].map(([, name = '']) => name);
}

/**
 * Where links and pictures lead: `docs/fleet.md#secrets`.
 *
 * @param {string} text
 */
export function targetsIn(text) {
  return [...proseIn(text).matchAll(/\]\(([^()\s]+)\)/g)].map(([, target = '']) => target);
}

/**
 * The anchors of the headings, as GitHub makes them.
 *
 * @param {string} text
 */
export function anchorsIn(text) {
  return sectionsIn(text).map(({ title }) =>
    title
      .toLowerCase()
      .replace(/[^\p{L}\p{M}\p{N}\p{Pc} -]/gu, '')
      .replaceAll(' ', '-'),
  );
}
