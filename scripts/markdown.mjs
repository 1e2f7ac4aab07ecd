// Parses the subset of Markdown that the documents use.

/**
 * @typedef {{ language: string, code: string }} CodeBlock
 * @typedef {{ head: string[], rows: string[][] }} Table
 * @typedef {{ group: string, title: string, target: string }} Page a link in the first column of a table, below a heading
 * @typedef {{ level: number, title: string, text: string }} Section a heading and the text below it, up to the next heading
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
    else blocks[blocks.length - 1] = withLine(blocks.at(-1), line);
  }
  if (fence !== '') throw new Error('A code block is not closed.');
  return blocks;
}

/** @param {CodeBlock | undefined} block @param {string} line */
function withLine({ language, code } = { language: '', code: '' }, line) {
  return { language, code: `${code}${line}\n` };
}

/**
 * The text without its code blocks, which may contain lines that look like headings or links.
 *
 * @param {string} text
 */
export function proseIn(text) {
  return text.replace(/^ *(`{3,})\w* *\n[^]*?^ *\1 *$/gm, '');
}

/**
 * @param {string} text
 * @returns {Section[]} the first one has the text above all headings
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
 * The texts in backticks.
 *
 * @param {string} text
 */
export function namesIn(text) {
  return [...proseIn(text).matchAll(/`([^`\n]+)`/g)].map(([, name = '']) => name);
}

/**
 * The targets of links and images: `docs/fleet.md#secrets`.
 *
 * @param {string} text
 */
export function targetsIn(text) {
  return [...proseIn(text).matchAll(/\]\(([^()\s]+)\)/g)].map(([, target = '']) => target);
}

/**
 * The anchors that GitHub creates for the headings.
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

/**
 * The pages that a table of contents lists.
 *
 * @param {string} text
 * @returns {Page[]}
 */
export function pagesIn(text) {
  return sectionsIn(text).flatMap(({ title: group, text: below }) => {
    const cells = tablesIn(below).flatMap(({ rows }) => rows.map(([first = '']) => first));
    const links = [...cells.join('\n').matchAll(/\[([^\]]+)\]\(([^()\s]+)\)/g)];
    return links.map(([, title = '', target = '']) => ({ group, title, target }));
  });
}
